-- Imports, newest first, one row an import and table. ?1: an import's id, or 0.
SELECT i.id, i.source, i.format, i.state, i.started_at, i.ended_at, i.error, i.options, i.version, i.head, i.worker,
       strftime('%s', 'now') - strftime('%s', max(i.seen_at, coalesce((SELECT max(b.committed_at) FROM mltrack_batch b
                                                                         WHERE b.import_id = i.id), ''))),
       (SELECT count(*) FROM mltrack_run r WHERE r.import_id = i.id),
       (SELECT count(*) FROM mltrack_run r WHERE r.import_id = i.id AND r.created),
       (SELECT count(*) FROM mltrack_batch b WHERE b.import_id = i.id),
       strftime('%s', 'now') - strftime('%s', i.seen_at),
       (SELECT coalesce(sum(w.inserted + w.updated), 0)
          FROM mltrack_written w JOIN mltrack_batch b USING (seq)
         WHERE b.import_id = i.id AND i.state = 'running'
           AND b.committed_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-60 seconds')),
       w.table_name, w.inserted, w.updated
  FROM mltrack_import i
  LEFT JOIN (SELECT b.import_id, w.table_name, sum(w.inserted) AS inserted, sum(w.updated) AS updated
               FROM mltrack_written w JOIN mltrack_batch b USING (seq)
              GROUP BY b.import_id, w.table_name) w ON w.import_id = i.id
 WHERE ?1 IN (0, i.id)
 ORDER BY i.id DESC
