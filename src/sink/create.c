/* See create.h. The DDL itself comes from schema/, running it is lite/'s and pg/'s part. */
#include "sink/create.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "lite/build.h"
#include "pg/store.h"

enum { MAX_NAMES = 400, WAIT_MS = 20000 /* as for SQLite's lock */ };

/* Does the script make a table of this name? Names stand bare or in double quotes, followed by
   " (". */
static bool makes_table(const char *script, const char *name) {
  const size_t n = strlen(name);
  for (const char *p = script; (p = strstr(p, "CREATE TABLE ")); p++) {
    const char *at = p + sizeof "CREATE TABLE " - 1;
    if (strncmp(at, "IF NOT EXISTS ", 14) == 0)
      at += 14;
    const bool quoted = *at == '"';
    at += quoted;
    if (strncmp(at, name, n) == 0 && at[n] == (quoted ? '"' : ' '))
      return true;
  }
  return false;
}

/* MLT_CANTCREAT when `where` holds a table that the script would make. */
static enum mlt_rc refuse_existing(const struct mlt_catalog *cat, const char *where,
                                   const char *script, struct mlt_err *err) {
  char names[MAX_NAMES] = "", more[32] = "";
  size_t at = 0, left_out = 0;
  for (size_t i = 0; i < cat->n_tables; i++) {
    const char *name = cat->tables[i].name;
    if (!makes_table(script, name))
      continue;
    if (at + strlen(name) + 3 < sizeof names)
      at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", name);
    else
      left_out++;
  }
  if (at == 0)
    return MLT_OK;
  if (left_out)
    (void)snprintf(more, sizeof more, " and %zu more", left_out);
  mlt_err_set(err, MLT_CANTCREAT, "%s holds tables of MLflow already: %s%s", where, names, more);
  mlt_err_hint(err, cat->head ? "`mltrack-bulk schema check` says whether it can be used as it is."
                              : "Choose another database or schema, or drop those tables.");
  return MLT_CANTCREAT;
}

/* Fills an open SQLite database that has none of the tables yet. */
static enum mlt_rc fill_sqlite(struct mlt_lite *db, const char *path, const struct mlt_head *head,
                               struct mlt_err *err) {
  char *script = NULL;
  struct mlt_catalog cat;
  struct mlt_arena *arena = mlt_arena_new();
  enum mlt_rc rc = arena ? MLT_OK : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_schema_ddl(head, MLT_TARGET_SQLITE, &script, err);
  if (rc == MLT_OK)
    rc = mlt_lite_catalog(db, arena, &cat, err);
  if (rc == MLT_OK)
    rc = refuse_existing(&cat, path, script, err);
  if (rc == MLT_OK)
    rc = mlt_lite_run_ddl(db, script, err);
  mlt_free(script);
  mlt_arena_free(arena);
  return rc;
}

/* A file that is there already. */
static enum mlt_rc fill_existing(const char *path, const struct mlt_head *head,
                                 struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = mlt_lite_open(&db, path, MLT_LITE_WRITE, err);
  if (rc == MLT_OK)
    rc = fill_sqlite(db, path, head, err);
  mlt_lite_close(db);
  return rc;
}

static enum mlt_rc begin_build(struct mlt_lite **db, const struct mlt_newfile *file,
                               const struct mlt_head *head, uint64_t memory, struct mlt_err *err) {
  char *script = NULL;
  enum mlt_rc rc = mlt_schema_ddl(head, MLT_TARGET_SQLITE, &script, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_lite_build_opts opts = {.file = mlt_newfile_hidden(file),
                                     .path = mlt_newfile_path(file),
                                     .ddl = script,
                                     .memory = memory};
  rc = mlt_lite_build_begin(db, &opts, err);
  mlt_free(script);
  return rc;
}

enum mlt_rc mlt_begin_sqlite(struct mlt_lite **db, struct mlt_newfile **file, const char *path,
                             const struct mlt_head *head, uint64_t memory, struct mlt_err *err) {
  enum mlt_rc rc = mlt_newfile_open(file, path, WAIT_MS, err);
  if (rc != MLT_OK || !*file)
    return rc;
  rc = begin_build(db, *file, head, memory, err);
  if (rc != MLT_OK) {
    mlt_newfile_close(*file);
    *file = NULL;
  }
  return rc;
}

enum mlt_rc mlt_finish_sqlite(struct mlt_lite *db, struct mlt_newfile *file, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_build_finish(db, err);
  return rc == MLT_OK ? mlt_newfile_publish(file, err) : rc;
}

enum mlt_rc mlt_create_sqlite(const char *path, const struct mlt_head *head, struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  struct mlt_newfile *file = NULL;
  if (access(path, F_OK) == 0)
    return fill_existing(path, head, err);
  enum mlt_rc rc = mlt_begin_sqlite(&db, &file, path, head, 0, err);
  if (rc == MLT_OK && !file)
    return fill_existing(path, head, err);
  if (rc == MLT_OK)
    rc = mlt_finish_sqlite(db, file, err);
  mlt_lite_close(db);
  mlt_newfile_close(file);
  return rc;
}

static enum mlt_rc fill_pg(struct mlt_pg *pg, const struct mlt_catalog *cat,
                           const struct mlt_head *head, struct mlt_err *err) {
  char where[80], *script = NULL;
  (void)snprintf(where, sizeof where, "schema %s", cat->schema);
  enum mlt_rc rc = mlt_schema_ddl(head, MLT_TARGET_PG, &script, err);
  if (rc == MLT_OK)
    rc = refuse_existing(cat, where, script, err);
  if (rc == MLT_OK)
    rc = mlt_pg_run_ddl(pg, script, err);
  mlt_free(script);
  return rc;
}

enum mlt_rc mlt_create_pg(const char *conninfo, const struct mlt_head *head, struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  struct mlt_catalog cat;
  struct mlt_arena *arena = mlt_arena_new();
  enum mlt_rc rc = arena ? MLT_OK : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_pg_open(&pg, conninfo, "mltrack-bulk", err);
  if (rc == MLT_OK)
    rc = mlt_pg_catalog(pg, arena, &cat, err);
  if (rc == MLT_OK)
    rc = fill_pg(pg, &cat, head, err);
  mlt_pg_close(pg);
  mlt_arena_free(arena);
  return rc;
}
