-- $1: the import, $2: its state, $3: what was wrong. One that ended well and wrote nothing is not kept.
WITH forgotten AS (
  DELETE FROM mltrack.import
   WHERE id = $1::bigint AND $2 = 'done' AND NOT EXISTS (SELECT FROM mltrack.batch WHERE import_id = $1::bigint)
  RETURNING id),
ended AS (
  UPDATE mltrack.import SET state = $2, error = $3, ended_at = clock_timestamp()
   WHERE id = $1::bigint AND NOT ($2 = 'done' AND NOT EXISTS (SELECT FROM mltrack.batch WHERE import_id = $1::bigint)))
SELECT count(*) FROM forgotten
