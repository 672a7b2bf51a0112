-- One that ended well and wrote nothing is not kept.
DELETE FROM mltrack_import
 WHERE id = ?1 AND ?2 = 'done' AND NOT EXISTS (SELECT 1 FROM mltrack_batch WHERE import_id = ?1)
