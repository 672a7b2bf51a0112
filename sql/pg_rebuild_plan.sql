-- How to take the indexes and foreign keys of the table $1 (an oid) away and to make them again: pairs of statements
-- (either may be NULL) in the order of making. A key's index is made first and the key from it, because that way both
-- get their own definition from the catalog. Left in place are foreign keys that are not validated, as making them
-- again would not check our rows, and those to tables other than $2 (runs), which we have no lock on. Unqualified
-- names in definitions are right under the search_path of our transactions.
WITH t AS (
  SELECT c.oid, n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = $1::pg_catalog.oid
), i AS (
  SELECT t.name AS "table",
         x.oid,
         pg_catalog.format('%I', x.relname) AS bare,
         pg_catalog.format('%I.%I', t.nspname, x.relname) AS name,
         x.reltablespace,
         i.indisclustered,
         i.indisreplident
    FROM t
    JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
), k AS (
  SELECT i."table",
         i.bare AS index,
         k.oid,
         pg_catalog.format('%I', k.conname) AS name,
         CASE k.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END AS kind,
         CASE WHEN k.condeferred THEN ' DEFERRABLE INITIALLY DEFERRED'
              WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END AS timing
    FROM i
    JOIN pg_catalog.pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u')
), f AS (
  SELECT t.name AS "table", k.oid, pg_catalog.format('%I', k.conname) AS name
    FROM t
    JOIN pg_catalog.pg_constraint k
      ON k.conrelid = t.oid AND k.contype = 'f' AND k.convalidated AND k.confrelid = $2::pg_catalog.oid
)
SELECT s.drop_it, s.make_it
  FROM (
    SELECT 1, i.name, NULL,
           pg_catalog.format('SET LOCAL default_tablespace = %L', COALESCE(s.spcname, ''))
             || '; ' || pg_catalog.pg_get_indexdef(i.oid)
      FROM i
      LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = i.reltablespace
    UNION ALL
    SELECT 2, i.name, 'DROP INDEX ' || i.name, NULL
      FROM i
     WHERE NOT EXISTS (SELECT FROM k WHERE k.index = i.bare)
    UNION ALL
    SELECT 3, k.name, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %s', k."table", k.name),
           pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s', k."table", k.name, k.kind, k.index, k.timing)
      FROM k
    UNION ALL
    SELECT 4, i.name || a.attnum, NULL,
           pg_catalog.format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', i.name, a.attnum, a.attstattarget)
      FROM i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.oid AND a.attstattarget >= 0
    UNION ALL
    SELECT 5, i.name, NULL, pg_catalog.format('ALTER TABLE %s CLUSTER ON %s', i."table", i.bare)
      FROM i
     WHERE i.indisclustered
    UNION ALL
    SELECT 6, i.name, NULL, pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %s', i."table", i.bare)
      FROM i
     WHERE i.indisreplident
    UNION ALL
    SELECT 7, f.name, pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %s', f."table", f.name),
           pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %s %s', f."table", f.name, pg_catalog.pg_get_constraintdef(f.oid))
      FROM f
    UNION ALL
    SELECT 8, i.name, NULL, pg_catalog.format('COMMENT ON INDEX %s IS %L', i.name, d.description)
      FROM i
      JOIN pg_catalog.pg_description d
        ON d.objoid = i.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    UNION ALL
    SELECT 9, c.name, NULL, pg_catalog.format('COMMENT ON CONSTRAINT %s ON %s IS %L', c.name, c."table", d.description)
      FROM (SELECT k.oid, k.name, k."table" FROM k UNION ALL SELECT f.oid, f.name, f."table" FROM f) c
      JOIN pg_catalog.pg_description d
        ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
  ) s (phase, name, drop_it, make_it)
 ORDER BY s.phase, s.name
