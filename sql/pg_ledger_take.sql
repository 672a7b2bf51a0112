UPDATE mltrack.import
   SET state = 'running', worker = $2, seen_at = clock_timestamp(), ended_at = NULL, error = NULL
 WHERE id = $1
