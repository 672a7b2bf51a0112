-- Imports of a source that have not ended well. ?1: the source's identity.
SELECT i.id, i.worker,
       strftime('%s', 'now') - strftime('%s', max(i.seen_at, coalesce((SELECT max(b.committed_at) FROM mltrack_batch b
                                                                         WHERE b.import_id = i.id), '')))
  FROM mltrack_import i
 WHERE i.identity = ?1
   AND (i.state = 'running' OR i.state = 'failed' AND coalesce(i.error, '') NOT LIKE 'superseded by %')
 ORDER BY i.id DESC
