INSERT INTO mltrack.import (tables_in, source, format, identity, options, version, head, state, worker)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'running', $8)
RETURNING id
