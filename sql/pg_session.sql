-- What a new connection talks to. NULL schema: no schema of search_path exists, or one exists that
-- the role may not use, which comes last with the role.
SELECT pg_catalog.current_schema(),
       pg_catalog.current_setting('server_encoding'),
       pg_catalog.current_setting('server_version'),
       (SELECT pg_catalog.min(pg_catalog.quote_ident(n.nspname))
          FROM pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.current_setting('search_path'), ',')) AS p (name)
          JOIN pg_catalog.pg_namespace n ON n.nspname = pg_catalog.btrim(p.name, ' "')
         WHERE NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')),
       pg_catalog.quote_ident(CURRENT_USER)
