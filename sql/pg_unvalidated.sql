-- Constraints of the tables in schema $1 that PostgreSQL was told not to check: table, name.
SELECT c.relname, k.conname
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1::pg_catalog.name
   AND NOT k.convalidated
 ORDER BY c.relname, k.conname
