-- The latest metrics of what remains, by MLflow's rule, where the import had changed them.
INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
SELECT m.key, m.value, m.timestamp, m.step, m.is_nan, m.run_uuid
  FROM (SELECT p.*, row_number() OVER (PARTITION BY p.run_uuid, p.key
                                           ORDER BY p.step DESC, p.timestamp DESC, p.value DESC) AS place
          FROM metrics p
         WHERE p.run_uuid IN (SELECT run_uuid FROM temp.mltrack_latest)) m
  JOIN temp.mltrack_latest l ON l.run_uuid = m.run_uuid AND l.key = m.key
 WHERE m.place = 1
    ON CONFLICT (key, run_uuid)
    DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan
        WHERE (latest_metrics.value, latest_metrics.timestamp, latest_metrics.step, latest_metrics.is_nan)
              IS NOT (excluded.value, excluded.timestamp, excluded.step, excluded.is_nan)
