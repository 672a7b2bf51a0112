-- Gives every key whose row of latest_metrics is missing, has no time, or is not the greatest of the key's points
-- by (step, timestamp, value), that point. The same statement for both databases.
INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
SELECT t.key, t.value, t.timestamp, t.step, t.is_nan, t.run_uuid
  FROM (SELECT m.*,
               row_number() OVER (PARTITION BY m.run_uuid, m.key
                                  ORDER BY m.step DESC, m.timestamp DESC, m.value DESC, m.is_nan) AS place
          FROM metrics m
          JOIN (SELECT p.run_uuid, p.key
                  FROM metrics p
                  LEFT JOIN latest_metrics l ON l.run_uuid = p.run_uuid AND l.key = p.key
                 WHERE l.key IS NULL
                    OR l.timestamp IS NULL
                    OR (p.step, p.timestamp, p.value) > (l.step, l.timestamp, l.value)
                UNION
                SELECT l.run_uuid, l.key
                  FROM latest_metrics l
                 WHERE NOT EXISTS (SELECT 1
                                     FROM metrics p
                                    WHERE p.run_uuid = l.run_uuid
                                      AND p.key = l.key
                                      AND p.timestamp = l.timestamp
                                      AND p.step = l.step
                                      AND p.value = l.value
                                      AND p.is_nan = l.is_nan)) w
            ON w.run_uuid = m.run_uuid AND w.key = m.key
          JOIN runs r ON r.run_uuid = m.run_uuid) t
 WHERE t.place = 1
 ORDER BY t.run_uuid, t.key
    ON CONFLICT (key, run_uuid)
    DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
