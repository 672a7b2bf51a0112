UPDATE mltrack_import
   SET state = 'running', worker = ?2, seen_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ended_at = NULL, error = NULL
 WHERE id = ?1
