-- Foreign keys of tables that mltrack does not write to tables that it writes. $1: the schema, $2: the names of those tables.
SELECT p.relname, format('%I.%I', n.nspname, c.relname),
       (SELECT string_agg(format('c.%I = p.%I', a.attname, f.attname), ' AND ')
          FROM unnest(k.conkey, k.confkey) AS u (mine, theirs)
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.mine
          JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = u.theirs)
  FROM pg_constraint k
  JOIN pg_class p ON p.oid = k.confrelid AND p.relnamespace = $1::regnamespace AND p.relname = ANY ($2::text[])
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND NOT (c.relnamespace = p.relnamespace AND c.relname = ANY ($2::text[]))
