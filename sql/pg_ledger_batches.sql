SELECT b.seq, to_char(b.committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (SELECT count(*) FROM mltrack.run r WHERE r.import_id = b.import_id AND r.seq = b.seq),
       (SELECT coalesce(sum(w.inserted + w.updated), 0) FROM mltrack.written w WHERE w.seq = b.seq)
  FROM mltrack.batch b
 WHERE b.import_id = $1
 ORDER BY b.seq
