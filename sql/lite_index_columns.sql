SELECT coalesce(name, '(expression)') FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno
