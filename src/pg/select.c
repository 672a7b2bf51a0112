/* Streamed select: binary results, one row at a time, so that memory does not grow with them. Keys
   go as one array parameter, KEYS_PER_QUERY of them a query. */
#include "pg/array.h"
#include "pg/internal.h"
#include "pg/wire.h"

enum {
  KEYS_PER_QUERY = 10000,
  STATEMENT_MAX = 4 * 1024,
  KEYS_MAX = 256 * 1024 * 1024 /* bytes of one query's keys */
};

struct select {
  struct mlt_pg *pg;
  enum mlt_table table;
  const struct mlt_shape *shape; /* of a copied table; else NULL. Of these hold n, sql, fn, ctx */
  const struct mlt_where *where;
  enum mlt_column columns[MLT_MAX_COLUMNS]; /* what is asked for */
  unsigned n;
  uint32_t features;
  struct mlt_buf sql;
  mlt_row_fn fn;
  void *ctx;
};

/* Keys come as text; integers are compared as such, or their index would not be used. */
static enum mlt_rc add_condition(struct mlt_buf *b, enum mlt_column c, const char *before,
                                 const char *dimension, const char *after) {
  bool text = mlt_column_info(c)->type == MLT_TYPE_TEXT;
  return mlt_buf_printf(b, "\"%s\" OPERATOR(pg_catalog.=) %s::pg_catalog.text%s%s%s%s",
                        mlt_column_info(c)->name, before, dimension,
                        text ? "" : "::pg_catalog.int8", text ? "" : dimension, after);
}

static enum mlt_rc write_statement(struct select *s) {
  struct mlt_buf *b = &s->sql;
  enum mlt_rc rc = mlt_buf_adds(b, "SELECT ");
  if (rc == MLT_OK)
    rc = mlt_pg_add_columns(b, s->columns, s->n);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, " FROM ");
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(s->pg, b, s->table);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, " WHERE ");
  if (rc == MLT_OK)
    rc = add_condition(b, s->where->by, "ANY ($1", "[]", ")");
  if (rc == MLT_OK && s->where->has_eq)
    rc = mlt_buf_adds(b, " AND ");
  if (rc == MLT_OK && s->where->has_eq)
    rc = add_condition(b, s->where->eq, "$2", "", "");
  if (rc == MLT_OK && mlt_table_in_workspace(s->table, s->features))
    rc = mlt_buf_adds(b, " AND workspace OPERATOR(pg_catalog.=) 'default'::pg_catalog.text");
  return rc;
}

/* Bytes of a value of a type; 0 for text, -1 for a type we do not read. */
static int width(Oid type) {
  switch (type) {
  case MLT_OID_BOOL:
    return 1;
  case MLT_OID_I2:
    return 2;
  case MLT_OID_I4:
    return 4;
  case MLT_OID_I8:
  case MLT_OID_F8:
    return 8;
  case MLT_OID_TEXT:
  case MLT_OID_JSON:
  case MLT_OID_VARCHAR:
  case MLT_OID_BPCHAR:
    return 0;
  default:
    return -1;
  }
}

bool mlt_pg_value(const PGresult *res, int row, int field, struct mlt_value *out) {
  Oid type = PQftype(res, field);
  const char *p = PQgetvalue(res, row, field);
  int len = PQgetlength(res, row, field), want = width(type);
  if (want != 0 && len != want)
    return false;
  switch (type) {
  case MLT_OID_BOOL:
    *out = (struct mlt_value){.kind = MLT_V_BOOL, .b = *p != 0};
    break;
  case MLT_OID_I2:
    *out = (struct mlt_value){.kind = MLT_V_INT, .i = (int16_t)mlt_get16(p)};
    break;
  case MLT_OID_I4:
    *out = (struct mlt_value){.kind = MLT_V_INT, .i = (int32_t)mlt_get32(p)};
    break;
  case MLT_OID_I8:
    *out = (struct mlt_value){.kind = MLT_V_INT, .i = (int64_t)mlt_get64(p)};
    break;
  case MLT_OID_F8:
    *out = (struct mlt_value){.kind = MLT_V_DOUBLE, .d = mlt_bits_double(mlt_get64(p))};
    break;
  default:
    *out = (struct mlt_value){.kind = MLT_V_TEXT, .s = {p, (size_t)len}};
  }
  return true;
}

static enum mlt_rc hand_over_copied(struct select *s, const PGresult *res, struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS];
  for (unsigned i = 0; i < s->n; i++) {
    row[i] = (struct mlt_value){.kind = MLT_V_NULL, .s = MLT_STR_NULL};
    if (!PQgetisnull(res, 0, (int)i) && !mlt_pg_value(res, 0, (int)i, &row[i]))
      return mlt_err_set(err, MLT_SCHEMA, "column %s is of a type mltrack cannot read (%u)",
                         s->shape->c[i].name, PQftype(res, (int)i));
  }
  return s->fn(s->ctx, row, err);
}

/* Gives the row in res to the caller, as values in the order of model/columns.def. */
static enum mlt_rc hand_over(struct select *s, const PGresult *res, struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS] = {{.kind = MLT_V_NULL}};
  unsigned count;
  enum mlt_column first = mlt_table_columns(s->table, &count);
  for (unsigned i = 0; i < s->n; i++) {
    struct mlt_value *v = &row[s->columns[i] - first];
    if (!PQgetisnull(res, 0, (int)i) && !mlt_pg_value(res, 0, (int)i, v))
      return mlt_err_set(err, MLT_SCHEMA, "column %s is of a type mltrack cannot read (%u)",
                         mlt_column_info(s->columns[i])->name, PQftype(res, (int)i));
  }
  return s->fn(s->ctx, row, err);
}

/* Reads all results, also after a failure: the connection is not usable before. */
static enum mlt_rc receive(struct select *s, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  PGresult *res;
  while ((res = mlt_pg_result(s->pg))) {
    ExecStatusType status = PQresultStatus(res);
    if (rc == MLT_OK && status == PGRES_SINGLE_TUPLE) {
      rc = s->shape ? hand_over_copied(s, res, err) : hand_over(s, res, err);
      if (rc != MLT_OK)
        mlt_pg_cancel(s->pg);
    } else if (rc == MLT_OK && status != PGRES_TUPLES_OK) {
      rc = mlt_pg_fail(s->pg, res, err);
    }
    PQclear(res);
  }
  return rc;
}

static enum mlt_rc query(struct select *s, const struct mlt_str *keys, size_t n,
                         struct mlt_err *err) {
  struct mlt_buf array;
  mlt_buf_init(&array, KEYS_MAX);
  enum mlt_rc rc = mlt_pg_text_array(&array, keys, n);
  if (rc != MLT_OK) {
    rc = mlt_pg_buf_failed(rc, err);
    goto out;
  }
  const Oid types[] = {MLT_OID_TEXT_ARRAY, MLT_OID_TEXT};
  struct mlt_str eq = s->where ? s->where->eq_value : MLT_STR_NULL;
  const char *values[] = {array.p, eq.p};
  const int lengths[] = {(int)array.len, (int)eq.len};
  const int formats[] = {1, 1};
  bool has_eq = s->where && s->where->has_eq;
  if (!PQsendQueryParams(s->pg->conn, s->sql.p, has_eq ? 2 : 1, types, values, lengths, formats,
                         1)) {
    rc = mlt_pg_fail(s->pg, NULL, err);
    goto out;
  }
  (void)PQsetSingleRowMode(s->pg->conn); /* fails only when no query is under way */
  rc = receive(s, err);
out:
  mlt_buf_free(&array);
  return rc;
}

/* Asks for what was written, rc being how that went, and frees it. */
static enum mlt_rc run(struct select *s, enum mlt_rc rc, const struct mlt_str *keys, size_t n_keys,
                       struct mlt_err *err) {
  if (rc != MLT_OK || !mlt_buf_cstr(&s->sql))
    rc = mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  for (size_t i = 0; i < n_keys && rc == MLT_OK; i += KEYS_PER_QUERY)
    rc = query(s, keys + i, n_keys - i < KEYS_PER_QUERY ? n_keys - i : KEYS_PER_QUERY, err);
  mlt_buf_free(&s->sql);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(s->pg, err, "SELECT ON ALL TABLES IN");
    if (err && err->sqlstate[0])
      mlt_err_prefix(err, "table %s", mlt_table_name(s->table));
  }
  return rc;
}

enum mlt_rc mlt_pg_select(struct mlt_pg *pg, enum mlt_table table, const struct mlt_where *where,
                          uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  struct select s = {
      .pg = pg, .table = table, .where = where, .features = features, .fn = fn, .ctx = ctx};
  s.n = mlt_pg_columns(table, features, s.columns);
  mlt_buf_init(&s.sql, STATEMENT_MAX);
  return run(&s, write_statement(&s), where->keys, where->n_keys, err);
}

static enum mlt_rc write_copied(struct select *s, unsigned by) {
  enum mlt_rc rc = mlt_buf_adds(&s->sql, "SELECT ");
  for (unsigned i = 0; i < s->n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(&s->sql, "%s\"%s\"", i ? ", " : "", s->shape->c[i].name);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&s->sql, " FROM ");
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(s->pg, &s->sql, s->table);
  return rc == MLT_OK ? mlt_buf_printf(&s->sql,
                                       " WHERE \"%s\" OPERATOR(pg_catalog.=) ANY "
                                       "($1::pg_catalog.text[])",
                                       s->shape->c[by].name)
                      : rc;
}

enum mlt_rc mlt_pg_select_copied(struct mlt_pg *pg, const struct mlt_shape *shape, unsigned by,
                                 const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                 struct mlt_err *err) {
  struct select s = {
      .pg = pg, .table = shape->table, .shape = shape, .n = shape->n, .fn = fn, .ctx = ctx};
  mlt_buf_init(&s.sql, STATEMENT_MAX);
  return run(&s, write_copied(&s, by), keys, n, err);
}
