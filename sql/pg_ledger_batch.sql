-- A batch in its own transaction. $1: the import; $2, $3, $4: tables, rows inserted, rows updated; $5, $6, $7: runs, which of
-- them were created, their digests. Of a run that an earlier batch of the import created the digest is not told any more.
WITH b AS (
  INSERT INTO mltrack.batch (import_id, xid) VALUES ($1, pg_current_xact_id()) RETURNING seq),
w AS (
  INSERT INTO mltrack.written (seq, table_name, inserted, updated)
  SELECT b.seq, t.* FROM b, unnest($2::text[], $3::bigint[], $4::bigint[]) AS t)
INSERT INTO mltrack.run (import_id, run_uuid, seq, created, digest)
SELECT $1, r.id, b.seq, r.created, r.digest
  FROM b, unnest($5::text[], $6::boolean[], $7::bigint[]) AS r (id, created, digest)
    ON CONFLICT (import_id, run_uuid) DO UPDATE SET digest = NULL WHERE run.created
