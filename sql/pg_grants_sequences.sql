-- The sequences behind columns of tables, quoted: those that a default calls, and those that a column owns. $1: schema,
-- $2: tables.
SELECT DISTINCT pg_catalog.format('%I.%I', n.nspname, s.relname)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace home ON home.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = c.oid
  JOIN pg_catalog.pg_depend d
    ON (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    OR (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid = c.oid AND d.deptype IN ('a', 'i'))
  JOIN pg_catalog.pg_class s ON s.relkind = 'S' AND s.oid IN (d.objid, d.refobjid)
  JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
 WHERE home.nspname = $1::pg_catalog.name AND c.relname = ANY ($2::pg_catalog.text[])
 ORDER BY 1
