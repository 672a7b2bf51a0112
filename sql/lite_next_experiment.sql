-- The wanted id if it is free, else the one after the highest: what SQLite itself would give the next row.
SELECT CASE WHEN ?1 >= 0 AND NOT EXISTS (SELECT 1 FROM experiments WHERE experiment_id = ?1)
            THEN ?1
            ELSE (SELECT coalesce(max(experiment_id), 0) + 1 FROM experiments)
       END
