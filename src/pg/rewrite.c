/* Text of one column that begins with a prefix, in whole components: counted, or changed. */
#include <stdlib.h>
#include <string.h>

#include "pg/internal.h"

enum { STATEMENT_MAX = 4 * 1024 };

/* The rows concerned. $1: the prefix. */
static enum mlt_rc add_where(struct mlt_buf *b, const char *column) {
  return mlt_buf_printf(b,
                        " WHERE %s::pg_catalog.text OPERATOR(pg_catalog.=) $1::pg_catalog.text"
                        " OR pg_catalog.starts_with(%s::pg_catalog.text,"
                        " $1::pg_catalog.text OPERATOR(pg_catalog.||) '/')",
                        column, column);
}

static enum mlt_rc write_count(struct mlt_pg *pg, struct mlt_buf *b,
                               const struct mlt_column_info *c) {
  enum mlt_rc rc = mlt_buf_printf(
      b,
      "SELECT pg_catalog.count(*), coalesce(pg_catalog.max(pg_catalog.char_length(%s)"
      " OPERATOR(pg_catalog.-) pg_catalog.char_length($1::pg_catalog.text)"
      " OPERATOR(pg_catalog.+) pg_catalog.char_length($2::pg_catalog.text)), 0) FROM ",
      c->name);
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(pg, b, c->table);
  return rc == MLT_OK ? add_where(b, c->name) : rc;
}

static enum mlt_rc write_update(struct mlt_pg *pg, struct mlt_buf *b,
                                const struct mlt_column_info *c) {
  enum mlt_rc rc = mlt_buf_adds(b, "UPDATE ");
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(pg, b, c->table);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(b,
                        " SET %s = $2::pg_catalog.text OPERATOR(pg_catalog.||)"
                        " pg_catalog.substr(%s::pg_catalog.text,"
                        " pg_catalog.char_length($1::pg_catalog.text) OPERATOR(pg_catalog.+) 1)",
                        c->name, c->name);
  return rc == MLT_OK ? add_where(b, c->name) : rc;
}

enum mlt_rc mlt_pg_rewrite(struct mlt_pg *pg, const struct mlt_rewrite *r, bool apply,
                           struct mlt_rewritten *out, struct mlt_err *err) {
  const struct mlt_column_info *c = mlt_column_info(r->column);
  const char *params[] = {r->from, r->to};
  struct mlt_buf sql;
  PGresult *res = NULL;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = apply ? write_update(pg, &sql, c) : write_count(pg, &sql, c);
  if (rc != MLT_OK || !mlt_buf_cstr(&sql))
    rc = mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  else
    rc = mlt_pg_query(pg, sql.p, 2, params, &res, err);
  mlt_buf_free(&sql);
  if (rc != MLT_OK) {
    mlt_err_prefix(err, "table %s", mlt_table_name(c->table));
    return rc;
  }
  *out = (struct mlt_rewritten){
      .rows = strtoull(apply ? PQcmdTuples(res) : PQgetvalue(res, 0, 0), NULL, 10),
      .longest = apply ? 0 : strtoull(PQgetvalue(res, 0, 1), NULL, 10)};
  PQclear(res);
  return MLT_OK;
}
