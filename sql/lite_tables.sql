-- Tables and views with the first trigger of each. Views and virtual tables have no root page: neither can take our rows.
SELECT name,
       CASE WHEN rootpage > 0 THEN 'r' ELSE 'v' END,
       (SELECT min(t.name) FROM sqlite_master t WHERE t.type = 'trigger' AND t.tbl_name = m.name COLLATE NOCASE)
  FROM sqlite_master m
 WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
 ORDER BY name
