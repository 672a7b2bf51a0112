-- The tables $2 of schema $1 and, for each, what forbids to load it without its indexes: NULL, or what is there and
-- how to mend it. What this list cannot know, the rehearsal finds out.
SELECT c.relname,
       c.oid,
       COALESCE(
         CASE WHEN c.relkind <> 'r' THEN 'it is not a plain table' END,
         CASE WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
              THEN pg_catalog.format('it belongs to role %s: connect as that role, or grant it', c.relowner::pg_catalog.regrole::pg_catalog.text) END,
         (SELECT 'it is part of an inheritance or partition tree'
            FROM pg_catalog.pg_inherits h
           WHERE c.oid IN (h.inhrelid, h.inhparent)
           LIMIT 1),
         CASE WHEN c.relrowsecurity THEN 'it has row security: disable it' END,
         (SELECT pg_catalog.format('it has the rule %I: drop it', pg_catalog.min(r.rulename::pg_catalog.text))
            FROM pg_catalog.pg_rewrite r
           WHERE r.ev_class = c.oid
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('it has the trigger %I: drop or disable it', pg_catalog.min(t.tgname::pg_catalog.text))
            FROM pg_catalog.pg_trigger t
           WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('it is published by %I: take it out of the publication', pg_catalog.min(p.pubname::pg_catalog.text))
            FROM pg_catalog.pg_publication_tables p
           WHERE p.schemaname = n.nspname AND p.tablename = c.relname
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('it has a security label of %I', pg_catalog.min(l.provider))
            FROM pg_catalog.pg_seclabel l
           WHERE l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND l.objoid = c.oid
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('its index %I is not valid: REINDEX or drop it', pg_catalog.min(ic.relname::pg_catalog.text))
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
           WHERE i.indrelid = c.oid AND NOT (i.indisvalid AND i.indisready AND i.indislive)
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('it has the exclusion constraint %I: drop it', pg_catalog.min(k.conname::pg_catalog.text))
            FROM pg_catalog.pg_constraint k
           WHERE k.conrelid = c.oid AND k.contype = 'x'
          HAVING pg_catalog.count(*) > 0),
         (SELECT pg_catalog.format('the event trigger %I would fire: disable it', pg_catalog.min(e.evtname::pg_catalog.text))
            FROM pg_catalog.pg_event_trigger e
           WHERE e.evtenabled <> 'D'
             AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
             AND (e.evttags IS NULL
                  OR e.evttags && '{ALTER TABLE,ALTER INDEX,COMMENT,CREATE INDEX,DROP INDEX}'::pg_catalog.text[])
          HAVING pg_catalog.count(*) > 0))
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1::pg_catalog.name
   AND c.relname = ANY ($2::pg_catalog.name[])
