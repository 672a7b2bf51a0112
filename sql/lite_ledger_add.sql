INSERT INTO mltrack_import (source, format, identity, options, version, head, state, worker)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7)
