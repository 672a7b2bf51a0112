/* Inserts: one prepared statement a table, kept on the connection; values are bound without a copy.
   What may be stored is model/'s business: only SQLite's own constraints speak here. */
#include <limits.h>
#include <string.h>

#include "lite/db.h"
#include "lite/session.h"
#include "model/rules.h"
#include "sql.h"

enum { MAX_SQL = 4096 };

static enum mlt_rc add_columns(struct mlt_buf *sql, enum mlt_table table, uint32_t features,
                               bool placeholders) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  const char *comma = "";
  for (unsigned i = 0; i < n; i++) {
    enum mlt_column c = (enum mlt_column)(first + i);
    if (!mlt_lite_has(c, features))
      continue;
    enum mlt_rc rc = placeholders
                         ? mlt_buf_printf(sql, "%s?", comma)
                         : mlt_buf_printf(sql, "%s\"%s\"", comma, mlt_column_info(c)->name);
    if (rc != MLT_OK)
      return rc;
    comma = ",";
  }
  return MLT_OK;
}

static enum mlt_rc insert_sql(struct mlt_buf *sql, enum mlt_table table, uint32_t features) {
  enum mlt_rc rc = mlt_buf_printf(sql, "INSERT INTO \"%s\" (", mlt_table_name(table));
  if (rc == MLT_OK)
    rc = add_columns(sql, table, features, false);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, ") VALUES (");
  if (rc == MLT_OK)
    rc = add_columns(sql, table, features, true);
  return rc == MLT_OK ? mlt_buf_adds(sql, ")") : rc;
}

static enum mlt_rc insert_statement(struct mlt_lite *db, enum mlt_table table, uint32_t features,
                                    sqlite3_stmt **out, struct mlt_err *err) {
  if (db->insert[table].stmt && db->insert[table].features == features) {
    *out = db->insert[table].stmt;
    return MLT_OK;
  }
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  const char *text = insert_sql(&sql, table, features) == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = text ? mlt_lite_prepare(db, text, &stmt, err) : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  if (rc != MLT_OK)
    return rc;
  (void)sqlite3_finalize(db->insert[table].stmt);
  db->insert[table].stmt = stmt;
  db->insert[table].features = features;
  *out = stmt;
  return MLT_OK;
}

int mlt_lite_bind(sqlite3_stmt *stmt, int i, const struct mlt_value *v) {
  switch (v->kind) {
  case MLT_V_INT:
    return sqlite3_bind_int64(stmt, i, v->i);
  case MLT_V_DOUBLE:
    return sqlite3_bind_double(stmt, i, v->d);
  case MLT_V_BOOL:
    return sqlite3_bind_int(stmt, i, v->b);
  case MLT_V_TEXT:
    return sqlite3_bind_text64(stmt, i, v->s.p, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
  case MLT_V_NULL:
    break;
  }
  return sqlite3_bind_null(stmt, i);
}

/* Which of a row's values the statement takes, in order, and the texts it has now. */
struct plan {
  unsigned n;
  unsigned char value[MLT_MAX_COLUMNS];
  struct mlt_str text[MLT_MAX_COLUMNS]; /* absent: no text is bound */
};

static void plan_columns(struct plan *plan, enum mlt_table table, uint32_t features) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  *plan = (struct plan){.n = 0};
  for (unsigned i = 0; i < n; i++)
    if (mlt_lite_has((enum mlt_column)(first + i), features))
      plan->value[plan->n++] = (unsigned char)i;
}

/* A text that is bound already is not bound again: SQLite keeps the pointer, and most rows have run
   and key of the row before. */
static int bind_row(sqlite3_stmt *stmt, struct plan *plan, const struct mlt_value *row) {
  for (unsigned i = 0; i < plan->n; i++) {
    const struct mlt_value *v = &row[plan->value[i]];
    struct mlt_str text = v->kind == MLT_V_TEXT ? v->s : MLT_STR_NULL;
    if (text.p && text.p == plan->text[i].p && text.len == plan->text[i].len)
      continue;
    int code = mlt_lite_bind(stmt, (int)i + 1, v);
    if (code != SQLITE_OK)
      return code;
    plan->text[i] = text;
  }
  return SQLITE_OK;
}

static enum mlt_rc insert_row(struct mlt_lite *db, sqlite3_stmt *stmt, struct plan *plan,
                              const struct mlt_value *row, const char *table, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  if (bind_row(stmt, plan, row) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)
    rc = mlt_lite_fail(db, err, "cannot insert into table %s", table);
  else if (sqlite3_changes(db->handle) != 1) /* a trigger that ignores rows */
    rc = mlt_err_set(err, MLT_SCHEMA, "%s: table %s did not take a row", db->path, table);
  (void)sqlite3_reset(stmt);
  return rc;
}

enum mlt_rc mlt_lite_insert(struct mlt_lite *db, const struct mlt_rows *rows, uint32_t features,
                            struct mlt_err *err) {
  const char *table = mlt_table_name(rows->table);
  sqlite3_stmt *stmt;
  if (rows->n == 0)
    return MLT_OK;
  enum mlt_rc rc = insert_statement(db, rows->table, features, &stmt, err);
  if (rc != MLT_OK)
    return rc;
  struct plan plan;
  struct mlt_value row[MLT_MAX_COLUMNS];
  plan_columns(&plan, rows->table, features);
  /* What is inserted there belongs to runs that are created with it. */
  mlt_lite_session_pause(db, mlt_table_is_of_run(rows->table));
  for (size_t i = 0; i < rows->n && rc == MLT_OK; i++) {
    rc = rows->get(rows->ctx, i, row, err);
    if (rc == MLT_OK)
      rc = insert_row(db, stmt, &plan, row, table, err);
  }
  mlt_lite_session_pause(db, false);
  (void)sqlite3_clear_bindings(stmt); /* the row's strings are not ours to keep */
  return rc;
}

static enum mlt_rc choose_id(struct mlt_lite *db, int64_t wanted, int64_t *id,
                             struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, mlt_sql_lite_next_experiment, &stmt, err);
  if (rc != MLT_OK)
    return rc;
  (void)sqlite3_bind_int64(stmt, 1, wanted);
  rc = mlt_lite_step(db, stmt, "cannot choose an experiment id", err);
  /* SQLite adds 1 to the largest integer by going over to floating point. */
  if (rc == MLT_OK && sqlite3_column_type(stmt, 0) != SQLITE_INTEGER)
    rc = mlt_err_set(err, MLT_DATA, "%s: no experiment id is left above the highest one", db->path);
  if (rc == MLT_OK)
    *id = sqlite3_column_int64(stmt, 0);
  (void)sqlite3_finalize(stmt);
  return rc;
}

struct experiment {
  const struct mlt_value *row;
  int64_t id;
  struct mlt_str location; /* absent: the row's */
};

static enum mlt_rc get_experiment(const void *ctx, size_t i, struct mlt_value *out,
                                  struct mlt_err *err) {
  (void)err;
  (void)i;
  const struct experiment *e = ctx;
  unsigned n;
  enum mlt_column first = mlt_table_columns(MLT_T_EXPERIMENTS, &n);
  memcpy(out, e->row, n * sizeof *out);
  out[MLT_C_EXPERIMENTS_experiment_id - first] = (struct mlt_value){.kind = MLT_V_INT, .i = e->id};
  if (e->location.p)
    out[MLT_C_EXPERIMENTS_artifact_location - first] =
        (struct mlt_value){.kind = MLT_V_TEXT, .s = e->location};
  return MLT_OK;
}

enum mlt_rc mlt_lite_insert_experiment(struct mlt_lite *db, const struct mlt_value *row,
                                       int64_t wanted, const char *root, int64_t *id,
                                       struct mlt_err *err) {
  struct experiment e = {.row = row};
  enum mlt_rc rc = choose_id(db, wanted, &e.id, err);
  if (rc != MLT_OK)
    return rc;
  char location[PATH_MAX + 32];
  if (root) {
    (void)mlt_rule_artifact_location(location, sizeof location, root, e.id);
    e.location = mlt_str_c(location);
  }
  struct mlt_rows rows = {.table = MLT_T_EXPERIMENTS, .n = 1, .get = get_experiment, .ctx = &e};
  rc = mlt_lite_insert(db, &rows, 0, err);
  if (rc == MLT_OK)
    *id = e.id;
  return rc;
}
