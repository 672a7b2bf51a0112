-- Moves the sequence $1 (an oid) to $2, never backwards.
SELECT pg_catalog.setval($1::pg_catalog.regclass,
                         GREATEST($2::pg_catalog.int8, pg_catalog.pg_sequence_last_value($1::pg_catalog.regclass)))
