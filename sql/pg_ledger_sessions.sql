-- Sessions of imports into this database, and what they are at, as far as the role may see that.
SELECT a.pid,
       CASE WHEN c.pid IS NOT NULL THEN c.command WHEN x.pid IS NOT NULL THEN x.phase END,
       coalesce(c.relid, x.relid)::pg_catalog.regclass,
       coalesce(c.tuples_processed, 0),
       coalesce(c.bytes_processed, 0),
       CASE WHEN x.tuples_total > 0 THEN x.tuples_done ELSE coalesce(x.blocks_done, 0) END,
       CASE WHEN x.tuples_total > 0 THEN x.tuples_total ELSE coalesce(x.blocks_total, 0) END
  FROM pg_catalog.pg_stat_activity a
  LEFT JOIN pg_catalog.pg_stat_progress_copy c USING (pid)
  LEFT JOIN pg_catalog.pg_stat_progress_create_index x USING (pid)
 WHERE a.datname = pg_catalog.current_database() AND a.application_name LIKE 'mltrack/%'
 ORDER BY a.pid
