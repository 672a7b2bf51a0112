-- Imports of a source that have not ended well. $1: the schema of MLflow's tables, $2: the source's identity.
SELECT i.id, i.worker,
       extract(epoch FROM clock_timestamp()
               - greatest(i.seen_at, (SELECT max(b.committed_at) FROM mltrack.batch b WHERE b.import_id = i.id)))
  FROM mltrack.import i
 WHERE i.tables_in = $1 AND i.identity = $2
   AND (i.state = 'running' OR i.state = 'failed' AND coalesce(i.error, '') NOT LIKE 'superseded by %')
 ORDER BY i.id DESC
