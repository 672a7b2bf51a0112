-- Columns of the tables $2 of schema $1. A domain is taken for its base type where values are encoded.
SELECT c.relname,
       a.attname,
       pg_catalog.format_type(a.atttypid, NULL),
       CASE WHEN t.oid IN ('pg_catalog.varchar'::pg_catalog.regtype, 'pg_catalog.bpchar'::pg_catalog.regtype)
             AND a.atttypmod > 4
            THEN a.atttypmod - 4 ELSE 0 END,
       a.attnotnull,
       a.atthasdef OR a.attidentity <> '',
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
       a.attgenerated <> ''
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE n.nspname = $1::pg_catalog.name
   AND c.relname = ANY ($2::pg_catalog.name[])
   AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND a.attnum > 0
   AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
