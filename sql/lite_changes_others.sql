-- What others have recorded since it began.
SELECT seq, import_id, changes
  FROM mltrack_batch
 WHERE import_id <> ?1 AND changes IS NOT NULL
   AND seq > (SELECT min(seq) FROM mltrack_batch WHERE import_id = ?1)
