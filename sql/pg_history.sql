-- The server, in words to compare with later ones. First: which one. It changes with a failover, or a restore; commits may
-- have been lost with the old one. Second: since when its transaction ids go on without a gap. A crash may take back ids
-- that no WAL was written for, and give them to others; one without a restart shows in the statistics, which it resets.
-- Third: may a crash lose commits? Of a standby: NULL.
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN pg_catalog.concat_ws(' ',
         (SELECT system_identifier FROM pg_catalog.pg_control_system()),
         pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)) END,
       pg_catalog.concat_ws(' ', pg_catalog.pg_postmaster_start_time(),
         (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter)),
       pg_catalog.current_setting('synchronous_commit') = 'off'
