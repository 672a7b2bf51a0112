-- Undoes sql/lite_build_aside.sql: the same rows of sqlite_master again. The indexes are still empty.
DELETE FROM main.sqlite_master WHERE rowid IN (SELECT id FROM temp.aside);

INSERT INTO main.sqlite_master (rowid, type, name, tbl_name, rootpage, sql)
SELECT id, type, name, tbl_name, rootpage, sql FROM temp.aside;

DROP TABLE temp.aside;
