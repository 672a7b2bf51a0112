-- How an import stands. $1: the schema of MLflow's tables, $2: the import.
SELECT i.state, i.worker,
       extract(epoch FROM clock_timestamp()
               - greatest(i.seen_at, (SELECT max(b.committed_at) FROM mltrack.batch b WHERE b.import_id = i.id)))
  FROM mltrack.import i
 WHERE i.tables_in = $1 AND i.id = $2
   FOR UPDATE
