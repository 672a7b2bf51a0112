-- What became of a transaction of ours whose connection is gone: its state, or NULL if that is too long ago. A session
-- that still has it open, because nobody has told the server that we are gone, is ended. $1: its pg_current_xact_id().
SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8),
       (SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
         WHERE backend_xid = $1::pg_catalog.xid8::pg_catalog.xid AND usename = SESSION_USER)
