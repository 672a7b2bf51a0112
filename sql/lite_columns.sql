-- hidden: 1 = of a virtual table, 2 and 3 = generated. A primary key column without an index of its own is an alias of
-- the rowid: SQLite fills it in by itself and never leaves it NULL.
SELECT name,
       type,
       "notnull" OR rowid_alias,
       dflt_value IS NOT NULL OR hidden IN (2, 3) OR rowid_alias,
       rowid_alias,
       hidden IN (2, 3)
  FROM (SELECT cid, name, type, "notnull", dflt_value, hidden,
               pk > 0 AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk') AS rowid_alias
          FROM pragma_table_xinfo(?1))
 WHERE hidden <> 1
 ORDER BY cid
