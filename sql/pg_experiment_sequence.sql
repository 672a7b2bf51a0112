-- The sequence that numbers experiments in schema $1, as an oid. What the column's default calls comes before
-- what the column owns: a restored or hand-mended database may have them apart, and MLflow uses the default.
SELECT s.oid
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'experiment_id'
  LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
  JOIN pg_catalog.pg_depend d
    ON (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    OR (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i'))
  JOIN pg_catalog.pg_class s
    ON s.relkind = 'S'
   AND s.oid = CASE WHEN d.objid = f.oid AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                    THEN d.refobjid ELSE d.objid END
 WHERE n.nspname = $1::pg_catalog.name
   AND c.relname = 'experiments'
 ORDER BY d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass DESC
 LIMIT 1
