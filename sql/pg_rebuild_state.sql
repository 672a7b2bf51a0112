-- All the catalogs say about the table $1 (an oid), its indexes and its constraints, one row each, but for what differs
-- between an object and its equal copy: oids, files, statistics, hints. Whole catalog rows, so that what a newer
-- PostgreSQL adds is compared too.
WITH i AS (
  SELECT i.*, x.relname
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
   WHERE i.indrelid = $1::pg_catalog.oid
), k AS (
  SELECT * FROM pg_catalog.pg_constraint c WHERE c.conrelid = $1::pg_catalog.oid
)
SELECT ('table ' || c.relname) COLLATE "C" AS object,
       pg_catalog.to_jsonb(c)
         - '{relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relhastriggers}'::pg_catalog.text[]
         || pg_catalog.jsonb_build_object('columns', (
              SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(a) ORDER BY a.attnum)
                FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = c.oid)) AS state
  FROM pg_catalog.pg_class c
 WHERE c.oid = $1::pg_catalog.oid
UNION ALL
SELECT 'index ' || x.relname,
       pg_catalog.to_jsonb(x)
         - '{oid,relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid}'::pg_catalog.text[]
         || pg_catalog.to_jsonb(i) - '{indexrelid,indexprs,indpred,indcheckxmin}'::pg_catalog.text[]
         || pg_catalog.jsonb_build_object(
              'definition', pg_catalog.pg_get_indexdef(x.oid),
              'comment', pg_catalog.obj_description(x.oid, 'pg_class'),
              'columns', (
                SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(a) - 'attrelid' ORDER BY a.attnum)
                  FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = x.oid),
              'extensions', (
                SELECT pg_catalog.jsonb_agg(d.refobjid ORDER BY d.refobjid)
                  FROM pg_catalog.pg_depend d
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = x.oid
                   AND d.deptype IN ('e', 'x')))
  FROM i
  JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
UNION ALL
SELECT 'constraint ' || k.conname,
       pg_catalog.to_jsonb(k) - '{oid,conbin}'::pg_catalog.text[]
         - CASE WHEN k.contype = 'f' THEN '' ELSE 'conindid' END
         || pg_catalog.jsonb_build_object(
              'definition', pg_catalog.pg_get_constraintdef(k.oid),
              'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'),
              'triggers', (
                SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(g.tgrelid, g.tgfoid, g.tgtype, g.tgenabled)
                                            ORDER BY g.tgrelid, g.tgfoid)
                  FROM pg_catalog.pg_trigger g
                 WHERE g.tgconstraint = k.oid))
  FROM k
 ORDER BY object
