-- Triggers that would not fire, or only fire, while session_replication_role is replica, other than the one we mean to
-- skip: the check that a row's run_uuid is one of runs. $1: schema, $2: tables. Internal triggers are those of
-- constraints; they matter where they check rows that are inserted.
SELECT c.relname,
       CASE WHEN t.tgisinternal THEN 'constraint ' || k.conname ELSE 'trigger ' || t.tgname END
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_constraint k ON k.oid = t.tgconstraint
  LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
 WHERE n.nspname = $1 AND c.relname = ANY ($2::pg_catalog.text[]) AND t.tgenabled <> 'D'
   AND CASE WHEN t.tgisinternal
            THEN t.tgtype::pg_catalog.int4 & 4 <> 0 -- INSERT
                 AND NOT (k.contype = 'f' AND k.conrelid = c.oid AND r.relname = 'runs'
                          AND r.relnamespace = c.relnamespace
                          AND k.conkey = ARRAY(SELECT attnum FROM pg_catalog.pg_attribute
                                                WHERE attrelid = c.oid AND attname = 'run_uuid')
                          AND k.confkey = ARRAY(SELECT attnum FROM pg_catalog.pg_attribute
                                                 WHERE attrelid = r.oid AND attname = 'run_uuid'))
            ELSE true END
 ORDER BY t.tgisinternal, c.relname, t.tgname
 LIMIT 1
