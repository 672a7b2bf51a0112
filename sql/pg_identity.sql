-- Which database this is, the same on every server that holds a copy of it by replication.
SELECT s.system_identifier::pg_catalog.text || '/' || d.oid::pg_catalog.text || '/' || pg_catalog.current_schema()
  FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
