-- The number that sequence $1 (an oid) gave last; one step before its start if it has given none. NULL if we may
-- not look at it.
SELECT CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
            THEN COALESCE(pg_catalog.pg_sequence_last_value(s.seqrelid), s.seqstart - s.seqincrement)
       END
  FROM pg_catalog.pg_sequence s
 WHERE s.seqrelid = $1::pg_catalog.oid
