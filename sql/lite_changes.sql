-- What an import's batches have recorded, the last one first. ?1: the import.
SELECT seq, import_id, changes FROM mltrack_batch WHERE import_id = ?1 AND changes IS NOT NULL ORDER BY seq DESC
