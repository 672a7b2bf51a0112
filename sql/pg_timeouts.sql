-- What the server, the database, the role or the connection string limit our session to, in milliseconds.
SELECT name, setting
  FROM pg_catalog.pg_settings
 WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout',
                'lock_timeout')
