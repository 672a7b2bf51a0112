/* What a transaction changes, as SQLite's session extension records it: every row but those of runs
   that are created, which go in unrecorded (lite/insert.c), as there are many and their digests say
   enough.

   The extension (of 3.40) fails over tables with generated columns, which `spans` is one of. What
   goes into those is recorded here, in the same format, without the generated ones; it stands
   behind what SQLite has recorded. */
#include "lite/session.h"

#include <limits.h>
#include <string.h>

#include "lite/changeset.h"
#include "lite/db.h"

enum {
  RECORDED_MAX = INT_MAX / 2,
  WHOLE_MAX = INT_MAX - MLT_CHANGESET_MARK,
  INTEGER = 1,
  FLOAT = 2,
  TEXT = 3,
  NONE = 5
};

void mlt_lite_session_end(struct mlt_lite *db) {
  if (db->session)
    sqlite3session_delete(db->session);
  db->session = NULL;
  mlt_buf_free(&db->recorded.buf);
  mlt_buf_init(&db->recorded.buf, RECORDED_MAX);
  db->recorded.table = MLT_T_ALL;
}

static enum mlt_rc find_generated(struct mlt_lite *db, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db,
                                    "SELECT DISTINCT m.name FROM main.sqlite_master m"
                                    " JOIN pragma_table_xinfo(m.name) x"
                                    " WHERE m.type = 'table' AND x.hidden > 0",
                                    &stmt, err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, "cannot read the schema", err)) == MLT_OK) {
    enum mlt_table t = mlt_table_by_name((const char *)sqlite3_column_text(stmt, 0));
    if (t != MLT_T_ALL)
      db->recorded.generated[t] = true;
  }
  (void)sqlite3_finalize(stmt);
  db->recorded.looked = rc == MLT_END;
  return rc == MLT_END ? MLT_OK : rc;
}

enum mlt_rc mlt_lite_session_begin(struct mlt_lite *db, struct mlt_err *err) {
  mlt_lite_session_end(db);
  if (!db->keep_for)
    return MLT_OK;
  enum mlt_rc rc = db->recorded.looked ? MLT_OK : find_generated(db, err);
  if (rc != MLT_OK)
    return rc;
  int code = sqlite3session_create(db->handle, "main", &db->session);
  for (size_t t = 0; code == SQLITE_OK && t < MLT_T_ALL; t++)
    if (!db->recorded.generated[t])
      code = sqlite3session_attach(db->session, mlt_table_name((enum mlt_table)t));
  return code == SQLITE_OK ? MLT_OK : mlt_err_nomem(err);
}

void mlt_lite_session_pause(struct mlt_lite *db, bool paused) {
  if (db->session)
    (void)sqlite3session_enable(db->session, !paused);
}

/* ---- tables with generated columns ---- */

/* Seven bits a byte, the highest first; enough for lengths. */
static enum mlt_rc add_varint(struct mlt_buf *b, uint64_t n) {
  unsigned char bytes[10];
  size_t at = sizeof bytes;
  do
    bytes[--at] = (unsigned char)((n & 0x7f) | 0x80);
  while (n >>= 7);
  bytes[sizeof bytes - 1] &= 0x7f;
  return mlt_buf_add(b, bytes + at, sizeof bytes - at);
}

static enum mlt_rc add_number(struct mlt_buf *b, unsigned char kind, uint64_t bits) {
  unsigned char bytes[1 + sizeof bits] = {kind};
  for (size_t i = 0; i < sizeof bits; i++)
    bytes[1 + i] = (unsigned char)(bits >> (8 * (sizeof bits - 1 - i)));
  return mlt_buf_add(b, bytes, sizeof bytes);
}

static enum mlt_rc add_value(struct mlt_buf *b, const struct mlt_value *v) {
  static const unsigned char text = TEXT, none = NONE;
  uint64_t bits;
  enum mlt_rc rc;
  switch (v->kind) {
  case MLT_V_INT:
    return add_number(b, INTEGER, (uint64_t)v->i);
  case MLT_V_BOOL:
    return add_number(b, INTEGER, v->b);
  case MLT_V_DOUBLE:
    memcpy(&bits, &v->d, sizeof bits);
    return add_number(b, FLOAT, bits);
  case MLT_V_TEXT:
    rc = mlt_buf_add(b, &text, 1);
    if (rc == MLT_OK)
      rc = add_varint(b, v->s.len);
    return rc == MLT_OK && v->s.len ? mlt_buf_add(b, v->s.p, v->s.len) : rc;
  case MLT_V_NULL:
    break;
  }
  return mlt_buf_add(b, &none, 1);
}

static unsigned find_column(const struct mlt_shape *shape, const char *name) {
  unsigned i = 0;
  while (i < shape->n && strcmp(shape->c[i].name, name) != 0)
    i++;
  return i;
}

/* The head of a table, and where in a row of the shape the values of its columns are. */
static enum mlt_rc begin_table(struct mlt_lite *db, const struct mlt_shape *shape,
                               struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  const char *name = mlt_table_name(shape->table);
  char key[MLT_MAX_COLUMNS];
  unsigned n = 0;
  enum mlt_rc rc = mlt_lite_prepare(
      db, "SELECT name, pk > 0 FROM pragma_table_info(?1) ORDER BY cid", &stmt, err);
  if (rc == MLT_OK && sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) != SQLITE_OK)
    rc = mlt_lite_fail(db, err, "cannot read the schema");
  while (rc == MLT_OK && n < MLT_MAX_COLUMNS &&
         (rc = mlt_lite_step(db, stmt, "cannot read the schema", err)) == MLT_OK) {
    db->recorded.at[n] = find_column(shape, (const char *)sqlite3_column_text(stmt, 0));
    key[n++] = (char)sqlite3_column_int(stmt, 1);
  }
  (void)sqlite3_finalize(stmt);
  if (rc != MLT_END && rc != MLT_OK)
    return rc;
  db->recorded.table = shape->table;
  db->recorded.n = n;
  struct mlt_buf *b = &db->recorded.buf;
  rc = mlt_buf_adds(b, "T");
  if (rc == MLT_OK)
    rc = add_varint(b, n);
  if (rc == MLT_OK)
    rc = mlt_buf_add(b, key, n);
  return rc == MLT_OK ? mlt_buf_add(b, name, strlen(name) + 1) : rc;
}

enum mlt_rc mlt_lite_session_add(struct mlt_lite *db, const struct mlt_shape *shape,
                                 const struct mlt_value *row, struct mlt_err *err) {
  static const unsigned char inserted[] = {SQLITE_INSERT, 0};
  static const struct mlt_value none = {.kind = MLT_V_NULL};
  if (!db->session || !db->recorded.generated[shape->table])
    return MLT_OK;
  enum mlt_rc rc = db->recorded.table == shape->table ? MLT_OK : begin_table(db, shape, err);
  if (rc == MLT_OK)
    rc = mlt_buf_add(&db->recorded.buf, inserted, sizeof inserted);
  for (unsigned i = 0; rc == MLT_OK && i < db->recorded.n; i++) {
    unsigned at = db->recorded.at[i];
    rc = add_value(&db->recorded.buf, at < shape->n ? &row[at] : &none);
  }
  if (rc == MLT_TOOBIG)
    return mlt_err_set(err, rc, "%s: the batch is too large to be recorded", db->path);
  return rc == MLT_NOMEM ? mlt_err_nomem(err) : rc;
}

enum mlt_rc mlt_lite_session_changes(struct mlt_lite *db, void **out, int *n, struct mlt_err *err) {
  *out = NULL;
  *n = 0;
  int code = db->session ? sqlite3session_changeset(db->session, n, out) : SQLITE_OK;
  if (code == SQLITE_NOMEM)
    return mlt_err_nomem(err);
  if (code != SQLITE_OK)
    return mlt_err_set(err, MLT_SCHEMA, "%s: SQLite cannot record what is written: %s", db->path,
                       sqlite3_errstr(code));
  size_t more = db->session ? db->recorded.buf.len : 0, size = (size_t)*n + more;
  if (size == 0)
    return MLT_OK;
  unsigned char *all =
      size <= WHOLE_MAX ? sqlite3_realloc64(*out, size + MLT_CHANGESET_MARK) : NULL;
  if (!all) {
    sqlite3_free(*out);
    *out = NULL;
    return mlt_err_nomem(err);
  }
  if (more)
    memcpy(all + *n, db->recorded.buf.p, more);
  mlt_lite_changeset_mark(all + size, size);
  *out = all;
  *n = (int)size + MLT_CHANGESET_MARK;
  return MLT_OK;
}
