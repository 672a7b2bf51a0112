"""What the catalogs of a PostgreSQL database say about MLflow's tables."""

import re

FLAGS = """
SELECT c.relname, 'index', x.relname, x.relowner::regrole, coalesce(s.spcname, ''), i.indisunique, i.indisprimary, i.indimmediate,
       i.indisclustered, i.indisreplident, i.indisvalid, i.indisready, i.indislive, i.indkey::text, i.indclass::text,
       i.indcollation::text, i.indoption::text, obj_description(x.oid, 'pg_class'),
       (SELECT array_agg(a.attstattarget ORDER BY attnum) FROM pg_attribute a WHERE a.attrelid = x.oid)
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
  LEFT JOIN pg_tablespace s ON s.oid = x.reltablespace
 WHERE c.relname IN ('metrics', 'latest_metrics', 'params', 'tags')
UNION ALL
SELECT c.relname, 'constraint', k.conname, NULL, '', k.condeferrable, k.condeferred, k.convalidated, NULL, NULL, NULL, NULL, NULL,
       k.conkey::text, k.confkey::text, pg_get_constraintdef(k.oid), k.contype::text, obj_description(k.oid, 'pg_constraint'), NULL
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
 WHERE c.relname IN ('metrics', 'latest_metrics', 'params', 'tags')
ORDER BY 1, 2, 3
"""



def major_version(db):
    return int(db.query("SHOW server_version_num")[0][0]) // 10000


def shape(db):
    """The schema as pg_dump tells it, and what it leaves out."""
    dump = db.server.run("pg_dump", "--schema-only", "--exclude-schema=mltrack", "-d", db.owner_uri)
    return re.sub(r"(?m)^\\(un)?restrict .*$", "", dump), db.query(FLAGS)


def orphans(db):
    """Rows that break a foreign key of any table, by constraint; {} is as it must be."""
    found = {}
    keys = db.query(
        "SELECT conname, conrelid::regclass::text, confrelid::regclass::text,"
        " ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY u(n, i) JOIN pg_attribute"
        "       ON attrelid = conrelid AND attnum = n ORDER BY i),"
        " ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY u(n, i) JOIN pg_attribute"
        "       ON attrelid = confrelid AND attnum = n ORDER BY i)"
        " FROM pg_constraint WHERE contype = 'f'"
    )
    assert len(keys) >= 9  # as many as the oldest head has
    for name, table, parent, columns, theirs in keys:
        same = " AND ".join(f'p."{t}" = c."{o}"' for o, t in zip(columns, theirs))
        filled = " AND ".join(f'c."{o}" IS NOT NULL' for o in columns)
        lost = db.query(f"SELECT count(*) FROM {table} c WHERE {filled} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})")
        if lost != [(0,)]:
            found[f"{table}.{name}"] = lost[0][0]
    return found
