-- Imports, newest first, one row an import and table. $1: the schema of MLflow's tables, $2: an import's id, or 0.
SELECT i.id, i.source, i.format, i.state,
       to_char(i.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       to_char(i.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       i.error, i.options, i.version, i.head, i.worker,
       extract(epoch FROM clock_timestamp()
               - greatest(i.seen_at, (SELECT max(b.committed_at) FROM mltrack.batch b WHERE b.import_id = i.id))),
       (SELECT count(*) FROM mltrack.run r WHERE r.import_id = i.id),
       (SELECT count(*) FROM mltrack.run r WHERE r.import_id = i.id AND r.created),
       (SELECT count(*) FROM mltrack.batch b WHERE b.import_id = i.id),
       extract(epoch FROM clock_timestamp() - i.seen_at),
       (SELECT coalesce(sum(w.inserted + w.updated), 0)
          FROM mltrack.written w JOIN mltrack.batch b USING (seq)
         WHERE b.import_id = i.id AND i.state = 'running' AND b.committed_at > clock_timestamp() - interval '1 minute'),
       w.table_name, w.inserted, w.updated
  FROM mltrack.import i
  LEFT JOIN (SELECT b.import_id, w.table_name, sum(w.inserted) AS inserted, sum(w.updated) AS updated
               FROM mltrack.written w JOIN mltrack.batch b USING (seq)
              GROUP BY b.import_id, w.table_name) w ON w.import_id = i.id
 WHERE i.tables_in = $1 AND $2::bigint IN (0, i.id)
 ORDER BY i.id DESC
