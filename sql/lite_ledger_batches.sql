SELECT b.seq, b.committed_at,
       (SELECT count(*) FROM mltrack_run r WHERE r.import_id = b.import_id AND r.seq = b.seq),
       (SELECT coalesce(sum(w.inserted + w.updated), 0) FROM mltrack_written w WHERE w.seq = b.seq)
  FROM mltrack_batch b
 WHERE b.import_id = ?1
 ORDER BY b.seq
