-- Foreign keys of tables that mltrack does not write to tables that it writes.
SELECT t.tab, replace(m.name, '"', '""'), group_concat('c."' || f."from" || '" = p."' || f."to" || '"', ' AND ')
  FROM main.sqlite_master m
  JOIN pragma_foreign_key_list(m.name) f
  JOIN temp.mltrack_tables t ON t.name = f."table"
 WHERE m.type = 'table' AND m.name NOT IN (SELECT name FROM temp.mltrack_tables)
 GROUP BY m.name, f.id
