/* See changes.h. */
#include "lite/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lite/changeset.h"
#include "sql.h"

void mlt_lite_names_free(struct mlt_lite_names *names) {
  for (size_t t = 0; t < MLT_T_ALL; t++)
    for (unsigned i = 0; i < names->of[t].n; i++)
      mlt_free(names->of[t].name[i]);
  *names = (struct mlt_lite_names){0};
}

/* Columns that are computed are not recorded, and not listed either. */
static enum mlt_rc look_up(struct mlt_lite *db, struct mlt_lite_names *names, enum mlt_table t,
                           struct mlt_err *err) {
  char sql[200];
  sqlite3_stmt *stmt = NULL;
  (void)snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s') ORDER BY cid",
                 mlt_table_name(t));
  enum mlt_rc rc = mlt_lite_prepare(db, sql, &stmt, err);
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, "cannot read the columns", err)) == MLT_OK &&
         names->of[t].n < MLT_MAX_COLUMNS) {
    char *name = mlt_strdup((const char *)sqlite3_column_text(stmt, 0));
    if (!name)
      rc = mlt_err_nomem(err);
    else
      names->of[t].name[names->of[t].n++] = name;
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc damaged(struct mlt_lite *db, const char *where, const char *how,
                           struct mlt_err *err) {
  enum mlt_rc rc = mlt_err_set(err, MLT_DATA, "%s: the ledger's record of %s is damaged: %s",
                               db->path, where, how);
  mlt_err_hint(err,
               "Nothing was changed. What this import wrote cannot be told any more; restore a "
               "backup of the database if it must be undone.");
  return rc;
}

/* A row has a key, and something that is not of it if it was changed; both of what it was and is.
 */
static bool has_values(const struct mlt_lite_change *c) {
  bool key = false, rest = c->inserted;
  for (unsigned i = 0; i < c->n; i++) {
    bool ok = c->inserted ? c->now[i] != NULL
              : c->key[i] ? c->was[i] != NULL
                          : !c->now[i] == !c->was[i];
    if (!ok)
      return false;
    key |= c->key[i];
    rest |= !c->key[i];
  }
  return key && rest;
}

/* The change that the iterator is at. NULL, or what is wrong with it. */
static const char *read_change(struct mlt_lite_names *names, sqlite3_changeset_iter *it,
                               struct mlt_lite_change *c) {
  for (unsigned i = 0; i < c->n; i++) {
    c->name[i] = names->of[c->table].name[i];
    if (sqlite3changeset_new(it, (int)i, &c->now[i]) != SQLITE_OK ||
        (!c->inserted && sqlite3changeset_old(it, (int)i, &c->was[i]) != SQLITE_OK))
      return "values are missing";
  }
  return has_values(c) ? NULL : "values are missing";
}

/* Which table it is of. NULL, or what is wrong with it. */
static const char *read_head(sqlite3_changeset_iter *it, struct mlt_lite_change *c) {
  const char *table;
  unsigned char *key;
  int n, op, indirect;
  *c = (struct mlt_lite_change){0};
  if (sqlite3changeset_op(it, &table, &n, &op, &indirect) != SQLITE_OK ||
      sqlite3changeset_pk(it, &key, NULL) != SQLITE_OK)
    return "it cannot be read";
  c->table = mlt_table_by_name(table);
  if (c->table == MLT_T_ALL || (op != SQLITE_INSERT && op != SQLITE_UPDATE))
    return "it is of something else than rows that were inserted or updated";
  if (n < 1 || n > MLT_MAX_COLUMNS)
    return "its table has too many columns";
  c->inserted = op == SQLITE_INSERT;
  c->n = (unsigned)n;
  for (int i = 0; i < n; i++)
    c->key[i] = key[i] != 0;
  return NULL;
}

static enum mlt_rc take(struct mlt_lite *db, struct mlt_lite_names *names, const char *where,
                        sqlite3_changeset_iter *it, mlt_lite_change_fn fn, void *ctx,
                        struct mlt_err *err) {
  struct mlt_lite_change c;
  const char *why = read_head(it, &c);
  enum mlt_rc rc = MLT_OK;
  if (!why && !names->of[c.table].n)
    rc = look_up(db, names, c.table, err);
  if (rc != MLT_OK)
    return rc;
  if (!why && c.n > names->of[c.table].n)
    why = "its table has fewer columns by now";
  if (!why)
    why = read_change(names, it, &c);
  return why ? damaged(db, where, why, err) : fn(ctx, &c, err);
}

enum mlt_rc mlt_lite_changeset(struct mlt_lite *db, struct mlt_lite_names *names, const char *where,
                               const void *blob, int size, mlt_lite_change_fn fn, void *ctx,
                               struct mlt_err *err) {
  sqlite3_changeset_iter *it = NULL;
  enum mlt_rc rc = MLT_OK;
  if (!mlt_lite_changeset_whole(blob, (size_t)size))
    return damaged(db, where, "it cannot be read", err);
  void *copy = mlt_alloc((size_t)size);
  if (!copy)
    return mlt_err_nomem(err);
  memcpy(copy, blob, (size_t)size); /* SQLite's parameter is not const, nor may it be short-lived */
  int code = sqlite3changeset_start(&it, size - MLT_CHANGESET_MARK, copy);
  while (rc == MLT_OK && code == SQLITE_OK && (code = sqlite3changeset_next(it)) == SQLITE_ROW) {
    rc = take(db, names, where, it, fn, ctx, err);
    code = SQLITE_OK;
  }
  if (rc == MLT_OK && code == SQLITE_NOMEM)
    rc = mlt_err_nomem(err);
  else if (rc == MLT_OK && code != SQLITE_DONE)
    rc = damaged(db, where, "it cannot be read", err);
  (void)sqlite3changeset_finalize(it);
  mlt_free(copy);
  return rc;
}

enum mlt_rc mlt_lite_each_change(struct mlt_lite *db, struct mlt_lite_names *names, int64_t import,
                                 bool others, mlt_lite_change_fn fn, void *ctx,
                                 struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc =
      mlt_lite_prepare(db, others ? mlt_sql_lite_changes_others : mlt_sql_lite_changes, &stmt, err);
  if (rc == MLT_OK && sqlite3_bind_int64(stmt, 1, import) != SQLITE_OK)
    rc = mlt_lite_fail(db, err, "cannot read the ledger");
  while (rc == MLT_OK && (rc = mlt_lite_step(db, stmt, "cannot read the ledger", err)) == MLT_OK) {
    char where[80];
    (void)snprintf(where, sizeof where, "import %lld, batch %lld",
                   (long long)sqlite3_column_int64(stmt, 1),
                   (long long)sqlite3_column_int64(stmt, 0));
    const void *blob = sqlite3_column_blob(stmt, 2);
    rc = mlt_lite_changeset(db, names, where, blob, sqlite3_column_bytes(stmt, 2), fn, ctx, err);
  }
  (void)sqlite3_finalize(stmt);
  return rc == MLT_END ? MLT_OK : rc;
}

int mlt_lite_change_column(const struct mlt_lite_change *c, const char *name) {
  for (unsigned i = 0; i < c->n; i++)
    if (strcmp(c->name[i], name) == 0)
      return (int)i;
  return -1;
}

sqlite3_value *mlt_lite_change_key(const struct mlt_lite_change *c, int column) {
  return column < 0 ? NULL : c->inserted ? c->now[column] : c->was[column];
}
