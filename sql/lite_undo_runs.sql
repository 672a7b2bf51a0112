-- Its runs, but for those that another import has created anew since. ?1: the import.
INSERT INTO temp.mltrack_r
SELECT run_uuid, created, NULL
  FROM mltrack_run
 WHERE import_id = ?1
   AND NOT (created AND run_uuid IN (SELECT run_uuid FROM mltrack_run
                                      WHERE import_id <> ?1 AND created
                                        AND seq > (SELECT min(seq) FROM mltrack_batch WHERE import_id = ?1)))
