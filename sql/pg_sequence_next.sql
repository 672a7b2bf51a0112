-- The next value of the sequence $1 (an oid).
SELECT pg_catalog.nextval($1::pg_catalog.regclass)
