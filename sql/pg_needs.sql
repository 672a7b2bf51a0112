-- What an import takes of its role, in the order of the grants: what for, what GRANT calls the object, the rights, and
-- those that the role at hand lacks. $1: the schema of MLflow's tables, $2: those that take rows, $3: those whose rows
-- change where runs are merged. A right on some columns counts: whether they are the ones shows when they are needed.
WITH relation AS (
  SELECT c.oid, n.nspname, c.relname::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, c.relname) AS shown
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ($1::pg_catalog.name, 'mltrack') AND c.relkind IN ('r', 'p')),
home AS (SELECT * FROM relation WHERE nspname = $1::pg_catalog.name),
ledger AS (SELECT * FROM relation WHERE nspname = 'mltrack'),
numbering AS (
  SELECT DISTINCT s.oid, pg_catalog.format('%I.%I', n.nspname, s.relname) AS shown
    FROM home
    LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = home.oid
    JOIN pg_catalog.pg_depend d
      ON (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
      OR (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND d.refobjid = home.oid AND d.deptype IN ('a', 'i'))
    JOIN pg_catalog.pg_class s ON s.relkind = 'S' AND s.oid IN (d.objid, d.refobjid)
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
   WHERE home.relname = ANY ($2::pg_catalog.text[])),
need (part, at, purpose, kind, shown, oid, rights) AS (
  SELECT 1, 0, 'load', 'DATABASE', pg_catalog.quote_ident(datname), oid, '{CONNECT}'::pg_catalog.text[]
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 2, 0, 'load', 'SCHEMA', pg_catalog.quote_ident(nspname), oid, '{USAGE}'
    FROM pg_catalog.pg_namespace WHERE nspname = $1::pg_catalog.name
  UNION ALL
  SELECT 3, 0, 'load', 'TABLE', shown, oid, '{SELECT}' FROM home WHERE relname = 'alembic_version'
  UNION ALL
  SELECT 4, t.at, 'load', 'TABLE', shown, oid, '{SELECT,INSERT}'
    FROM home JOIN pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS t (relname, at) USING (relname)
  UNION ALL
  SELECT 5, 0, 'load', 'SEQUENCE', shown, oid, '{USAGE}' FROM numbering
  UNION ALL
  SELECT 6, 0, 'numbering', 'SEQUENCE', shown, oid, '{UPDATE}' FROM numbering -- which lags behind ids that are there
  UNION ALL
  SELECT 7, 0, 'merging', 'DATABASE', pg_catalog.quote_ident(datname), oid, '{TEMPORARY}'
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
  UNION ALL
  SELECT 8, t.at, 'merging', 'TABLE', shown, oid, '{UPDATE}'
    FROM home JOIN pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY AS t (relname, at) USING (relname)
  UNION ALL
  SELECT 9, 0, 'trusting', 'TABLE', shown, oid, '{UPDATE}' FROM home WHERE relname = 'runs' -- to hold those that are there
  UNION ALL
  SELECT 10, 0, 'ledger', 'SCHEMA', 'mltrack', oid, '{USAGE}' FROM pg_catalog.pg_namespace WHERE nspname = 'mltrack'
  UNION ALL
  SELECT 11, pg_catalog.length(shown), 'ledger', 'TABLE', shown, oid, '{SELECT,INSERT,UPDATE,DELETE}' FROM ledger)
SELECT purpose, kind, shown, pg_catalog.array_to_string(rights, ', '),
       pg_catalog.array_to_string(ARRAY(
         SELECT verb FROM pg_catalog.unnest(rights) WITH ORDINALITY AS r (verb, at)
          WHERE NOT CASE kind WHEN 'DATABASE' THEN pg_catalog.has_database_privilege(oid, verb)
                              WHEN 'SCHEMA' THEN pg_catalog.has_schema_privilege(oid, verb)
                              WHEN 'SEQUENCE' THEN pg_catalog.has_sequence_privilege(oid, verb)
                              WHEN 'TABLE' THEN CASE verb WHEN 'DELETE' THEN pg_catalog.has_table_privilege(oid, verb)
                                                          ELSE pg_catalog.has_any_column_privilege(oid, verb) END
                    END
          ORDER BY r.at), ', ')
  FROM need
 ORDER BY part, at, shown
