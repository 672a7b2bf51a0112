/* See create.h. The DDL itself comes from schema/, running it is lite/'s and pg/'s part. */
#include "sink/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/mem.h"
#include "lite/store.h"
#include "pg/store.h"

enum { MAX_NAMES = 400, MAX_PATH_BYTES = 4096 };

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

static enum mlt_rc open_and_fill(const char *path, enum mlt_lite_mode mode,
                                 const struct mlt_head *head, struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = mlt_lite_open(&db, path, mode, err);
  if (rc == MLT_OK)
    rc = fill_sqlite(db, path, head, err);
  mlt_lite_close(db);
  return rc;
}

/* Gives the finished file its name. Another process's file that came into being meanwhile is left
   and will do. Not every file system knows RENAME_NOREPLACE; a hard link cannot replace either. */
static int put_in_place(const char *from, const char *to) {
  int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
  if (rc != 0 && (errno == EINVAL || errno == ENOSYS))
    rc = link(from, to);
  return rc != 0 && errno == EEXIST && access(to, F_OK) == 0 ? 0 : rc;
}

/* The new name is durable only when its folder is. */
static int sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int rc = fsync(fd);
  int saved = errno;
  (void)close(fd);
  errno = saved;
  return rc == 0 || saved == EINVAL ? 0 : -1;
}

static enum mlt_rc cannot_create(const char *path, int errnum, struct mlt_err *err) {
  (void)mlt_err_errno(err, errnum, "cannot create %s", path);
  if (err)
    err->rc = MLT_CANTCREAT; /* whatever class the reason has: it is the target that failed */
  return MLT_CANTCREAT;
}

/* "a/b.db" -> folder "a", name "b.db". */
static bool split_path(const char *path, char *folder, size_t cap, const char **name) {
  const char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  int n = slash ? snprintf(folder, cap, "%.*s", (int)(slash == path ? 1 : slash - path), path)
                : snprintf(folder, cap, ".");
  return n > 0 && (size_t)n < cap && **name;
}

static enum mlt_rc make_new(const char *path, const char *folder, const char *temporary,
                            const struct mlt_head *head, struct mlt_err *err) {
  enum mlt_rc rc = open_and_fill(temporary, MLT_LITE_CREATE, head, err);
  if (rc == MLT_OK && put_in_place(temporary, path) != 0)
    rc = cannot_create(path, errno, err);
  if (rc == MLT_OK && sync_folder(folder) != 0)
    rc = mlt_err_errno(err, errno, "cannot make %s durable", path);
  (void)unlink(temporary); /* gone already after a rename */
  return rc;
}

enum mlt_rc mlt_create_sqlite(const char *path, const struct mlt_head *head, struct mlt_err *err) {
  if (access(path, F_OK) == 0)
    return open_and_fill(path, MLT_LITE_WRITE, head, err);
  char folder[MAX_PATH_BYTES], temporary[MAX_PATH_BYTES];
  const char *name;
  if (!split_path(path, folder, sizeof folder, &name))
    return mlt_err_set(err, MLT_CANTCREAT, "cannot create %.200s: not a file name", path);
  if (access(folder, W_OK | X_OK) != 0)
    return cannot_create(path, errno, err);
  int n = snprintf(temporary, sizeof temporary, "%s/.%s.mltrack-%ld", folder, name, (long)getpid());
  if (n < 0 || (size_t)n >= sizeof temporary)
    return mlt_err_set(err, MLT_CANTCREAT, "cannot create %.200s...: the name is too long", path);
  (void)unlink(temporary); /* of a process that crashed and had our id */
  return make_new(path, folder, temporary, head, err);
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
