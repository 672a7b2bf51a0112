-- Is the ledger there, may the role write to it, may it make it? Who is it, where; may it read the ledger?
SELECT pg_catalog.count(c.oid) > 0,
       coalesce(pg_catalog.bool_and(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                                    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
                                    AND (c.relname = 'version' OR pg_catalog.has_table_privilege(c.oid, 'INSERT'))
                                    AND (c.relname NOT IN ('import', 'run')
                                         OR pg_catalog.has_table_privilege(c.oid, 'UPDATE'))), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
       pg_catalog.quote_ident(CURRENT_USER),
       pg_catalog.quote_ident(pg_catalog.current_database()),
       coalesce(pg_catalog.bool_and(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                                    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')), false)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'mltrack' AND c.relkind = 'r'
   AND c.relname IN ('version', 'import', 'batch', 'written', 'run', 'replaced')
