-- How an import stands. ?1: the import.
SELECT i.state, i.worker,
       strftime('%s', 'now') - strftime('%s', max(i.seen_at, coalesce((SELECT max(b.committed_at) FROM mltrack_batch b
                                                                         WHERE b.import_id = i.id), '')))
  FROM mltrack_import i
 WHERE i.id = ?1
