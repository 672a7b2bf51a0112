-- What a new connection talks to. NULL schema: no schema of search_path exists.
SELECT pg_catalog.current_schema(),
       pg_catalog.current_setting('server_encoding'),
       pg_catalog.current_setting('server_version')
