-- Rights that a role lacks on tables it will write. $1: schema, $2: tables, $3: rights. A right on some columns counts:
-- whether they are the ones shows when they are needed.
SELECT c.relname, pg_catalog.string_agg(verb, ', ' ORDER BY verb DESC)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN pg_catalog.unnest($3::pg_catalog.text[]) AS verb
 WHERE n.nspname = $1 AND c.relname = ANY ($2::pg_catalog.text[]) AND c.relkind IN ('r', 'p')
   AND NOT pg_catalog.has_any_column_privilege(c.oid, verb)
 GROUP BY c.relname
 ORDER BY c.relname
 LIMIT 1
