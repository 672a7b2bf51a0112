-- The tables that take most rows lose their keys, indexes and checks for the time of the load: sqlite_master describes
-- them without, while the (empty) trees of the indexes keep their pages. Columns keep their types, so that rows are
-- stored as the real table stores them. sql/lite_build_restore.sql puts back what temp.aside holds.
CREATE TEMP TABLE aside AS
SELECT rowid AS id, type, name, tbl_name, rootpage, sql
  FROM main.sqlite_master
 WHERE type IN ('table', 'index') AND tbl_name IN ('metrics', 'latest_metrics', 'params', 'tags');

DELETE FROM main.sqlite_master
 WHERE rowid IN (SELECT id FROM temp.aside WHERE type = 'index');

UPDATE main.sqlite_master
   SET sql = (SELECT 'CREATE TABLE "' || main.sqlite_master.name || '" (' || group_concat(definition, ', ') || ')'
                FROM (SELECT '"' || name || '" ' || type || CASE WHEN "notnull" THEN ' NOT NULL' ELSE '' END AS definition
                        FROM pragma_table_xinfo(main.sqlite_master.name)
                       ORDER BY cid))
 WHERE rowid IN (SELECT id FROM temp.aside WHERE type = 'table');
