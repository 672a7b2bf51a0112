-- Ends the runs that are RUNNING, but began before $1 (milliseconds since 1970) and have no point since: KILLED, at
-- the time of their newest point. The same statement for both databases.
UPDATE runs
   SET status = 'KILLED',
       end_time = COALESCE((SELECT max(l.timestamp)
                              FROM latest_metrics l
                             WHERE l.run_uuid = runs.run_uuid
                               AND l.timestamp > runs.start_time),
                           runs.start_time)
 WHERE status = 'RUNNING'
   AND lifecycle_stage = 'active'
   AND start_time < CAST($1 AS BIGINT)
   AND NOT EXISTS (SELECT 1
                     FROM latest_metrics l
                    WHERE l.run_uuid = runs.run_uuid
                      AND l.timestamp >= CAST($1 AS BIGINT))
