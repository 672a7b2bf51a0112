/* MLflow's PostgreSQL database as a source: finding and opening it. What is read of it:
   mlflow_db.h. */
#include <string.h>
#include <unistd.h>

#include "base/uri.h"
#include "pg/read.h"
#include "source/mlflow_db.h"

enum { SURE = 100, PERHAPS = 30, NO = 0 };

/* ---- the back end ---- */

static enum mlt_rc catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                           struct mlt_err *err) {
  return mlt_pg_catalog(db, arena, out, err);
}

static enum mlt_rc snapshot(void *db, const char *head, uint32_t features, struct mlt_err *err) {
  return mlt_pg_snapshot(db, head, features, err);
}

static enum mlt_rc read_new(void **out, void *db, enum mlt_read what, uint32_t features,
                            struct mlt_err *err) {
  struct mlt_pg_read *r;
  enum mlt_rc rc = mlt_pg_read_new(&r, db, what, features, err);
  *out = r;
  return rc;
}

static enum mlt_rc read_copied(void **out, void *db, const struct mlt_shape *shape, const char *sql,
                               struct mlt_err *err) {
  struct mlt_pg_read *r;
  enum mlt_rc rc = mlt_pg_read_copied(&r, db, shape, sql, err);
  *out = r;
  return rc;
}

static enum mlt_rc start(void *read, const struct mlt_str *keys, size_t n, struct mlt_err *err) {
  return mlt_pg_read_start(read, keys, n, err);
}

static enum mlt_rc next(void *read, const struct mlt_read_row **row, struct mlt_err *err) {
  return mlt_pg_read_next(read, row, err);
}

static void read_free(void *read) {
  mlt_pg_read_free(read);
}

static enum mlt_rc count(void *db, const char *table, uint64_t *n, struct mlt_err *err) {
  return mlt_pg_count(db, table, n, err);
}

static void close_db(void *db) {
  mlt_pg_close(db);
}

static const struct mlt_db_ops ops = {.kind = MLT_TARGET_PG,
                                      .catalog = catalog,
                                      .snapshot = snapshot,
                                      .read_new = read_new,
                                      .read_copied = read_copied,
                                      .start = start,
                                      .next = next,
                                      .read_free = read_free,
                                      .count = count,
                                      .close = close_db};

/* ---- the source ---- */

/* A URI, or libpq's keywords where no file has that name. */
static int probe(const char *path) {
  struct mlt_target t;
  if (strncmp(path, "postgres", 8) == 0 && strstr(path, "://"))
    return SURE;
  if (!strchr(path, '=') || access(path, F_OK) == 0 || mlt_target_parse(&t, path, NULL) != MLT_OK)
    return NO;
  int score = t.kind == MLT_TARGET_PG ? PERHAPS : NO;
  mlt_target_free(&t);
  return score;
}

/* A target that cannot be reached is the sink's to report. */
static enum mlt_rc refuse_itself(struct mlt_pg *pg, const struct mlt_target *target,
                                 const char *name, struct mlt_err *err) {
  struct mlt_pg *other = NULL;
  bool same = false;
  if (!target || target->kind != MLT_TARGET_PG ||
      mlt_pg_open(&other, target->conninfo, "mltrack", NULL) != MLT_OK)
    return MLT_OK;
  enum mlt_rc rc = mlt_pg_same(pg, other, &same, NULL);
  mlt_pg_close(other);
  return rc == MLT_OK && same ? mlt_err_set(err, MLT_USAGE, "%s is the source and the target", name)
                              : MLT_OK;
}

static enum mlt_rc open_target(struct mlt_source **out, const struct mlt_target *t,
                               const struct mlt_source_opts *opts, struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  enum mlt_rc rc = mlt_pg_open(&pg, t->conninfo, "mltrack/" MLT_VERSION, err);
  if (rc == MLT_OK)
    rc = refuse_itself(pg, opts->target, t->display, err);
  if (rc == MLT_OK)
    return mlt_db_open(out, &ops, pg, t->display, err);
  mlt_err_prefix(err, "source %s", t->display);
  mlt_pg_close(pg);
  return rc;
}

static enum mlt_rc open_source(struct mlt_source **out, const struct mlt_source_opts *opts,
                               struct mlt_err *err) {
  struct mlt_target t;
  *out = NULL;
  enum mlt_rc rc = mlt_target_parse(&t, opts->path, err);
  if (rc != MLT_OK)
    return rc;
  if (t.kind == MLT_TARGET_PG)
    rc = open_target(out, &t, opts, err);
  else
    rc = mlt_err_set(err, MLT_USAGE, "'%s' names no PostgreSQL database", t.display);
  mlt_target_free(&t);
  return rc;
}

const struct mlt_source_ops mlt_source_postgresql = {
    .name = "postgresql",
    .description = "MLflow's PostgreSQL database (postgresql://..., or libpq keywords)",
    .tells_all = true,
    .probe = probe,
    .open = open_source,
    .next = mlt_db_next,
    .progress = mlt_db_progress,
    .copies = mlt_db_copies,
    .skip = mlt_db_skip,
    .close = mlt_db_close,
};
