/* Reads: a cursor a read, fetched in chunks of known size, so that several tables can be gone
   through side by side on one connection and memory does not grow with them. */
#include "pg/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pg/array.h"
#include "pg/internal.h"
#include "sql.h"

enum { STATEMENT_MAX = 16 * 1024, KEYS_MAX = 16 * 1024 * 1024, LOCK_MS = 20000 };
enum { COPIED_AT_ONCE = 64 /* content of spans may be large */ };

static const struct mlt_read_dialect dialect = {
    .keys = "= ANY ($1)",
    .ints = "= ANY ($1::pg_catalog.int8[])",
    .bytes = "COLLATE \"C\"",
    .ledger = "mltrack.",
    .here = " AND i.tables_in = (SELECT n.nspname FROM pg_namespace n JOIN pg_class c "
            "ON c.relnamespace = n.oid WHERE c.oid = 'runs'::regclass)"};

struct mlt_pg_read {
  struct mlt_pg *pg;
  enum mlt_read what;
  const struct mlt_shape *shape; /* of a copied table, which counts on from MLT_READ_COUNT */
  struct mlt_buf declare;        /* empty: the table is not there */
  bool keyed;
  bool open;     /* the cursor */
  bool finished; /* nothing is left behind res */
  PGresult *res;
  int at;
  struct mlt_read_row row;
};

/* ---- the transaction ---- */

static enum mlt_rc add_share_locks(struct mlt_pg *pg, struct mlt_buf *b, uint32_t features) {
  enum mlt_rc rc = mlt_buf_printf(b, "SET LOCAL lock_timeout = '%dms'; LOCK TABLE ", LOCK_MS);
  for (unsigned t = 0; t < MLT_T_COUNT && rc == MLT_OK; t++) {
    if (mlt_table_feature((enum mlt_table)t) & ~features)
      continue;
    rc = mlt_pg_add_table(pg, b, (enum mlt_table)t);
    if (rc == MLT_OK)
      rc = mlt_buf_adds(b, ", ");
  }
  if (rc == MLT_OK)
    rc = mlt_buf_printf(b,
                        "%s.alembic_version IN ACCESS SHARE MODE; "
                        "SET LOCAL lock_timeout TO DEFAULT; ",
                        pg->quoted);
  return rc;
}

/* All rows will be fetched: the planner need not hurry to the first. */
static const char settings[] = "SET LOCAL cursor_tuple_fraction = 1; ";

enum mlt_rc mlt_pg_snapshot(struct mlt_pg *pg, const char *head, uint32_t features,
                            struct mlt_err *err) {
  PGresult *res = NULL;
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = mlt_pg_add_begin(pg, &sql, true);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&sql, settings);
  if (rc == MLT_OK)
    rc = add_share_locks(pg, &sql, features);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(&sql, "SELECT version_num FROM %s.alembic_version", pg->quoted);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? mlt_pg_command(pg, text, &res, err)
            : mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  if (rc != MLT_OK)
    mlt_pg_hint_grant(pg, err, "SELECT ON ALL TABLES IN");
  if (rc == MLT_OK)
    rc = mlt_pg_check_head(res, head, err);
  if (rc != MLT_OK)
    mlt_pg_rollback(pg);
  PQclear(res);
  mlt_buf_free(&sql);
  return rc;
}

enum mlt_rc mlt_pg_same(struct mlt_pg *a, struct mlt_pg *b, bool *same, struct mlt_err *err) {
  PGresult *one = NULL, *other = NULL;
  enum mlt_rc rc = mlt_pg_query(a, mlt_sql_pg_identity, 0, NULL, &one, err);
  if (rc == MLT_OK)
    rc = mlt_pg_query(b, mlt_sql_pg_identity, 0, NULL, &other, err);
  if (rc == MLT_OK)
    *same = strcmp(PQgetvalue(one, 0, 0), PQgetvalue(other, 0, 0)) == 0;
  PQclear(one);
  PQclear(other);
  return rc;
}

/* ---- cursors ---- */

static enum mlt_table table_of(const struct mlt_pg_read *r) {
  return r->shape ? r->shape->table : mlt_read_info(r->what)->table;
}

enum mlt_rc mlt_pg_read_copied(struct mlt_pg_read **out, struct mlt_pg *pg,
                               const struct mlt_shape *shape, const char *sql,
                               struct mlt_err *err) {
  *out = NULL;
  struct mlt_pg_read *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return mlt_err_nomem(err);
  r->pg = pg;
  r->what = (enum mlt_read)(MLT_READ_COUNT + (shape->table - MLT_T_COUNT));
  r->shape = shape;
  mlt_buf_init(&r->declare, STATEMENT_MAX);
  enum mlt_rc rc =
      mlt_buf_printf(&r->declare, "DECLARE mlt_%d NO SCROLL CURSOR FOR %s", (int)r->what, sql);
  if (rc != MLT_OK || !mlt_buf_cstr(&r->declare)) {
    mlt_pg_read_free(r);
    return mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  }
  *out = r;
  return MLT_OK;
}

enum mlt_rc mlt_pg_read_new(struct mlt_pg_read **out, struct mlt_pg *pg, enum mlt_read what,
                            uint32_t features, struct mlt_err *err) {
  *out = NULL;
  struct mlt_pg_read *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return mlt_err_nomem(err);
  r->pg = pg;
  r->what = what;
  mlt_buf_init(&r->declare, STATEMENT_MAX);
  enum mlt_rc rc = MLT_OK;
  if (mlt_read_exists(what, features))
    rc = mlt_buf_printf(&r->declare, "DECLARE mlt_%d NO SCROLL CURSOR FOR ", (int)what);
  if (rc == MLT_OK && r->declare.len)
    rc = mlt_read_sql(&r->declare, &dialect, what, features);
  if (rc != MLT_OK || !mlt_buf_cstr(&r->declare)) {
    mlt_pg_read_free(r);
    return mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  }
  r->keyed = r->declare.len && strstr(r->declare.p, "$1");
  *out = r;
  return MLT_OK;
}

static enum mlt_rc close_cursor(struct mlt_pg_read *r, struct mlt_err *err) {
  char sql[64];
  PQclear(r->res);
  r->res = NULL;
  r->at = 0;
  if (!r->open)
    return MLT_OK;
  r->open = false;
  (void)snprintf(sql, sizeof sql, "CLOSE mlt_%d", (int)r->what);
  return mlt_pg_command(r->pg, sql, NULL, err);
}

void mlt_pg_read_free(struct mlt_pg_read *r) {
  if (!r)
    return;
  (void)close_cursor(r, NULL); /* one that fails ends with the transaction */
  mlt_buf_free(&r->declare);
  mlt_free(r);
}

static enum mlt_rc fail(struct mlt_pg_read *r, enum mlt_rc rc, struct mlt_err *err) {
  mlt_pg_hint_grant(r->pg, err, "SELECT ON ALL TABLES IN");
  if (err && err->sqlstate[0])
    mlt_err_prefix(err, "table %s", mlt_table_name(table_of(r)));
  return rc;
}

static enum mlt_rc declare(struct mlt_pg_read *r, const struct mlt_str *keys, size_t n,
                           struct mlt_err *err) {
  struct mlt_buf array;
  mlt_buf_init(&array, KEYS_MAX);
  enum mlt_rc rc = r->keyed ? mlt_pg_text_array(&array, keys, n) : MLT_OK;
  if (rc != MLT_OK) {
    mlt_buf_free(&array);
    return mlt_pg_buf_failed(rc, err);
  }
  const Oid types[] = {MLT_OID_TEXT_ARRAY};
  const char *values[] = {array.p};
  const int lengths[] = {(int)array.len}, formats[] = {1};
  PGresult *res =
      PQexecParams(r->pg->conn, r->declare.p, r->keyed ? 1 : 0, types, values, lengths, formats, 1);
  mlt_buf_free(&array);
  rc = PQresultStatus(res) == PGRES_COMMAND_OK ? MLT_OK : mlt_pg_fail(r->pg, res, err);
  PQclear(res);
  r->open = rc == MLT_OK;
  return rc;
}

enum mlt_rc mlt_pg_read_start(struct mlt_pg_read *r, const struct mlt_str *keys, size_t n,
                              struct mlt_err *err) {
  enum mlt_rc rc = close_cursor(r, err);
  r->finished = !r->declare.len || (r->keyed && n == 0);
  if (rc == MLT_OK && !r->finished)
    rc = declare(r, keys, n, err);
  return rc == MLT_OK ? MLT_OK : fail(r, rc, err);
}

static unsigned at_once(const struct mlt_pg_read *r) {
  unsigned n = r->shape ? COPIED_AT_ONCE : mlt_read_info(r->what)->at_once;
  return n ? n : MLT_READ_KEYS;
}

static enum mlt_rc fetch(struct mlt_pg_read *r, struct mlt_err *err) {
  char sql[64];
  PQclear(r->res);
  r->at = 0;
  (void)snprintf(sql, sizeof sql, "FETCH %u FROM mlt_%d", at_once(r), (int)r->what);
  r->res = PQexecParams(r->pg->conn, sql, 0, NULL, NULL, NULL, NULL, 1);
  if (PQresultStatus(r->res) != PGRES_TUPLES_OK) {
    enum mlt_rc rc = mlt_pg_fail(r->pg, r->res, err);
    PQclear(r->res);
    r->res = NULL;
    return fail(r, rc, err);
  }
  r->finished = (unsigned)PQntuples(r->res) < at_once(r);
  return MLT_OK;
}

static enum mlt_rc take_field(const struct mlt_pg_read *r, int field, struct mlt_value *v,
                              struct mlt_err *err) {
  if (PQgetisnull(r->res, r->at, field)) {
    *v = (struct mlt_value){.kind = MLT_V_NULL, .s = MLT_STR_NULL};
    return MLT_OK;
  }
  if (mlt_pg_value(r->res, r->at, field, v))
    return MLT_OK;
  return mlt_err_set(err, MLT_SCHEMA, "column %s of table %s is of a type mltrack cannot read (%u)",
                     PQfname(r->res, field), mlt_table_name(table_of(r)), PQftype(r->res, field));
}

static enum mlt_rc take_row(struct mlt_pg_read *r, struct mlt_err *err) {
  const struct mlt_read_info *info = r->shape ? NULL : mlt_read_info(r->what);
  unsigned n = r->shape ? r->shape->n : 0, n_extra = info ? info->n_extra : MLT_COPIED_EXTRAS;
  enum mlt_rc rc = MLT_OK;
  if (info && info->at_once)
    (void)mlt_table_columns(info->table, &n);
  for (unsigned i = 0; i < n && rc == MLT_OK; i++)
    rc = take_field(r, (int)i, &r->row.v[i], err);
  for (unsigned i = 0; i < n_extra && rc == MLT_OK; i++) {
    struct mlt_value v = {.kind = MLT_V_NULL};
    rc = take_field(r, (int)(n + i), &v, err);
    r->row.extra[i] = v.s;
  }
  r->row.bad = MLT_C_COUNT;
  r->at++;
  return rc;
}

enum mlt_rc mlt_pg_read_next(struct mlt_pg_read *r, const struct mlt_read_row **row,
                             struct mlt_err *err) {
  if (!r->res || r->at == PQntuples(r->res)) {
    enum mlt_rc rc = r->finished ? MLT_END : fetch(r, err);
    if (rc != MLT_OK)
      return rc;
    if (PQntuples(r->res) == 0)
      return MLT_END;
  }
  *row = &r->row;
  return take_row(r, err);
}

enum mlt_rc mlt_pg_count(struct mlt_pg *pg, const char *table, uint64_t *n, struct mlt_err *err) {
  PGresult *res = NULL;
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  char *quoted = PQescapeIdentifier(pg->conn, table, strlen(table));
  enum mlt_rc rc =
      quoted ? mlt_buf_printf(&sql, "SELECT pg_catalog.count(*) FROM %s.%s", pg->quoted, quoted)
             : MLT_NOMEM;
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? mlt_pg_command(pg, text, &res, err)
            : mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  if (rc == MLT_OK)
    *n = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
  else
    mlt_pg_hint_grant(pg, err, "SELECT ON ALL TABLES IN");
  PQclear(res);
  PQfreemem(quoted);
  mlt_buf_free(&sql);
  return rc;
}
