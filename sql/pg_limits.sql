-- What bounds the sessions of our role: is the server a standby, may nothing be written, how many more sessions have room
-- (NULL: there is no bound), until when its password is good (NULL: for ever) and whether that is within a day.
WITH me AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = SESSION_USER),
others AS (SELECT datname, usename FROM pg_catalog.pg_stat_activity WHERE datname IS NOT NULL AND usename IS NOT NULL),
bound (most, used) AS (
  SELECT pg_catalog.current_setting('max_connections')::pg_catalog.int4
         - CASE WHEN rolsuper THEN 0
                ELSE pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4
                     + coalesce(pg_catalog.current_setting('reserved_connections', true)::pg_catalog.int4, 0) END,
         (SELECT pg_catalog.count(*) FROM others)
    FROM me
  UNION ALL
  SELECT rolconnlimit, (SELECT pg_catalog.count(*) FROM others WHERE usename = SESSION_USER)
    FROM me WHERE rolconnlimit >= 0 AND NOT rolsuper
  UNION ALL
  SELECT datconnlimit, (SELECT pg_catalog.count(*) FROM others WHERE others.datname = d.datname)
    FROM pg_catalog.pg_database d, me
   WHERE d.datname = pg_catalog.current_database() AND datconnlimit >= 0 AND NOT rolsuper)
SELECT pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only') = 'on',
       (SELECT pg_catalog.min(greatest(most - used, 0)) FROM bound),
       pg_catalog.to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       coalesce(rolvaliduntil < pg_catalog.now() + '1 day', false),
       pg_catalog.quote_ident(CURRENT_USER)
  FROM me
