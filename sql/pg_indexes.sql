-- Key columns of the indexes on the tables $2 of schema $1, one row a column; NULL for an expression.
SELECT c.relname,
       ic.relname,
       i.indisunique,
       i.indisprimary,
       i.indpred IS NOT NULL,
       i.indisvalid AND i.indisready,
       a.attname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
 CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts::pg_catalog.int4 - 1) k (n)
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[k.n] AND a.attnum <> 0
 WHERE n.nspname = $1::pg_catalog.name
   AND c.relname = ANY ($2::pg_catalog.name[])
 ORDER BY c.relname, ic.relname, k.n
