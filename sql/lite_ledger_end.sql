UPDATE mltrack_import SET state = ?2, error = ?3, ended_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?1
