-- Tables and views of schema $1, with what could change or hide rows behind our back.
SELECT c.relname,
       c.relkind,
       c.relrowsecurity,
       (SELECT pg_catalog.min(t.tgname::pg_catalog.text)
          FROM pg_catalog.pg_trigger t
         WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'),
       (SELECT pg_catalog.min(r.rulename::pg_catalog.text)
          FROM pg_catalog.pg_rewrite r
         WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1::pg_catalog.name
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
 ORDER BY c.relname
