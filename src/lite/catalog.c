/* What the file says about its tables, in schema/catalog.h's form, read from one snapshot. Judges
   nothing. Everything lives in the caller's arena. */
#include <string.h>

#include "lite/db.h"
#include "sql.h"

/* One run of a fixed statement, with an optional text parameter. */
struct reader {
  struct mlt_lite *db;
  struct mlt_arena *arena;
  struct mlt_err *err;
};

static enum mlt_rc start(const struct reader *r, const char *sql, const char *parameter,
                         sqlite3_stmt **out) {
  enum mlt_rc rc = mlt_lite_prepare(r->db, sql, out, r->err);
  if (rc == MLT_OK && parameter &&
      sqlite3_bind_text(*out, 1, parameter, -1, SQLITE_STATIC) != SQLITE_OK)
    rc = mlt_err_nomem(r->err);
  return rc;
}

static enum mlt_rc next(const struct reader *r, sqlite3_stmt *stmt) {
  return mlt_lite_step(r->db, stmt, "cannot read the catalog", r->err);
}

/* *out stays NULL for an SQL NULL. */
static enum mlt_rc text(const struct reader *r, sqlite3_stmt *stmt, int column, const char **out) {
  const char *s = (const char *)sqlite3_column_text(stmt, column);
  *out = NULL;
  if (!s)
    return MLT_OK;
  *out = mlt_arena_cstr(r->arena, s);
  return *out ? MLT_OK : mlt_err_nomem(r->err);
}

/* Room for one more element of an array whose capacity is the power of two at or above n. */
static enum mlt_rc grow(const struct reader *r, void **v, size_t n, size_t size) {
  if (n != 0 && (n & (n - 1)) != 0)
    return MLT_OK;
  char *bigger = mlt_arena_zalloc(r->arena, (n ? 2 * n : 1) * size);
  if (!bigger)
    return mlt_err_nomem(r->err);
  if (n)
    memcpy(bigger, *v, n * size);
  *v = bigger;
  return MLT_OK;
}

/* "VARCHAR(250)" -> "VARCHAR" and 250. */
static void split_type(char *type, uint32_t *chars) {
  *chars = 0;
  char *p = strchr(type, '(');
  if (!p)
    return;
  *p = '\0';
  for (p++; *p >= '0' && *p <= '9' && *chars < 100000000; p++)
    *chars = *chars * 10 + (uint32_t)(*p - '0');
}

static enum mlt_rc read_column(const struct reader *r, sqlite3_stmt *stmt,
                               struct mlt_cat_column *c) {
  const char *declared = (const char *)sqlite3_column_text(stmt, 1);
  char *type = mlt_arena_cstr(r->arena, declared ? declared : "");
  if (!type)
    return mlt_err_nomem(r->err);
  split_type(type, &c->chars);
  c->type = type;
  c->not_null = sqlite3_column_int(stmt, 2) != 0;
  c->has_default = sqlite3_column_int(stmt, 3) != 0;
  c->generated = sqlite3_column_int(stmt, 5) != 0;
  return text(r, stmt, 0, &c->name);
}

/* The primary key of a table whose only key column is the rowid: SQLite keeps no index for it. */
static enum mlt_rc add_rowid_index(const struct reader *r, struct mlt_cat_table *t,
                                   const char *column) {
  enum mlt_rc rc = grow(r, (void **)&t->indexes, t->n_indexes, sizeof *t->indexes);
  if (rc != MLT_OK)
    return rc;
  struct mlt_cat_index *index = &t->indexes[t->n_indexes++];
  *index = (struct mlt_cat_index){
      .name = "rowid", .unique = true, .primary = true, .valid = true, .n = 1};
  index->columns = mlt_arena_alloc(r->arena, sizeof *index->columns);
  if (!index->columns)
    return mlt_err_nomem(r->err);
  index->columns[0] = column;
  return MLT_OK;
}

static enum mlt_rc read_columns(const struct reader *r, struct mlt_cat_table *t) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = start(r, mlt_sql_lite_columns, t->name, &stmt);
  while (rc == MLT_OK && (rc = next(r, stmt)) == MLT_OK) {
    rc = grow(r, (void **)&t->columns, t->n_columns, sizeof *t->columns);
    if (rc == MLT_OK)
      rc = read_column(r, stmt, &t->columns[t->n_columns++]);
    if (rc == MLT_OK && sqlite3_column_int(stmt, 4))
      rc = add_rowid_index(r, t, t->columns[t->n_columns - 1].name);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc read_index_columns(const struct reader *r, struct mlt_cat_index *index) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = start(r, mlt_sql_lite_index_columns, index->name, &stmt);
  while (rc == MLT_OK && (rc = next(r, stmt)) == MLT_OK) {
    rc = grow(r, (void **)&index->columns, index->n, sizeof *index->columns);
    if (rc == MLT_OK)
      rc = text(r, stmt, 0, &index->columns[index->n++]);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc read_index(const struct reader *r, sqlite3_stmt *stmt,
                              struct mlt_cat_index *index) {
  index->unique = sqlite3_column_int(stmt, 1) != 0;
  index->primary = sqlite3_column_int(stmt, 2) != 0;
  index->partial = sqlite3_column_int(stmt, 3) != 0;
  index->valid = true; /* SQLite has no half-built indexes */
  enum mlt_rc rc = text(r, stmt, 0, &index->name);
  return rc == MLT_OK ? read_index_columns(r, index) : rc;
}

static enum mlt_rc read_indexes(const struct reader *r, struct mlt_cat_table *t) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = start(r, mlt_sql_lite_indexes, t->name, &stmt);
  while (rc == MLT_OK && (rc = next(r, stmt)) == MLT_OK) {
    rc = grow(r, (void **)&t->indexes, t->n_indexes, sizeof *t->indexes);
    if (rc == MLT_OK)
      rc = read_index(r, stmt, &t->indexes[t->n_indexes++]);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc read_table(const struct reader *r, sqlite3_stmt *stmt, struct mlt_cat_table *t) {
  const char *kind = (const char *)sqlite3_column_text(stmt, 1);
  t->relkind = kind ? kind[0] : 'v';
  enum mlt_rc rc = text(r, stmt, 0, &t->name);
  if (rc == MLT_OK)
    rc = text(r, stmt, 2, &t->trigger);
  if (rc != MLT_OK || mlt_table_by_name(t->name) == MLT_T_ALL)
    return rc;
  rc = read_columns(r, t);
  return rc == MLT_OK ? read_indexes(r, t) : rc;
}

static enum mlt_rc read_tables(const struct reader *r, struct mlt_catalog *out) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = start(r, mlt_sql_lite_tables, NULL, &stmt);
  while (rc == MLT_OK && (rc = next(r, stmt)) == MLT_OK) {
    rc = grow(r, (void **)&out->tables, out->n_tables, sizeof *out->tables);
    if (rc == MLT_OK)
      rc = read_table(r, stmt, &out->tables[out->n_tables++]);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static bool has_table(const struct mlt_catalog *c, const char *name) {
  for (size_t i = 0; i < c->n_tables; i++)
    if (strcmp(c->tables[i].name, name) == 0)
      return true;
  return false;
}

static enum mlt_rc read_head(const struct reader *r, struct mlt_catalog *out) {
  sqlite3_stmt *stmt = NULL;
  if (!has_table(out, "alembic_version"))
    return MLT_OK;
  enum mlt_rc rc = start(r, mlt_sql_lite_head, NULL, &stmt);
  while (rc == MLT_OK && (rc = next(r, stmt)) == MLT_OK)
    if (out->head_rows++ == 0)
      rc = text(r, stmt, 0, &out->head);
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc read_catalog(const struct reader *r, struct mlt_catalog *out) {
  static const char name[] = "SQLite ";
  size_t n = sizeof name + strlen(sqlite3_libversion());
  char *database = mlt_arena_alloc(r->arena, n);
  if (!database)
    return mlt_err_nomem(r->err);
  memcpy(database, name, sizeof name - 1);
  memcpy(database + sizeof name - 1, sqlite3_libversion(), n - sizeof name + 1);
  /* libsqlite3 gives and takes UTF-8 whatever the file's own encoding is. */
  *out = (struct mlt_catalog){.database = database, .schema = "", .encoding = "UTF8"};
  enum mlt_rc rc = read_tables(r, out);
  return rc == MLT_OK ? read_head(r, out) : rc;
}

enum mlt_rc mlt_lite_catalog(struct mlt_lite *db, struct mlt_arena *arena, struct mlt_catalog *out,
                             struct mlt_err *err) {
  const struct reader r = {.db = db, .arena = arena, .err = err};
  bool alone = sqlite3_get_autocommit(db->handle) != 0;
  enum mlt_rc rc = alone ? mlt_lite_begin(db, true, NULL, 0, err) : MLT_OK;
  if (rc != MLT_OK)
    return rc;
  rc = read_catalog(&r, out);
  if (alone)
    mlt_lite_rollback(db);
  return rc;
}
