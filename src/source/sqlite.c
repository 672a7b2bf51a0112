/* MLflow's SQLite file (mlflow.db) as a source: finding and opening it. Also while a server has it
   open. What is read of it: mlflow_db.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uri.h"
#include "lite/read.h"
#include "source/mlflow_db.h"

enum { SURE = 100, LIKELY = 90, PERHAPS = 10, NO = 0 };

/* ---- the back end ---- */

static enum mlt_rc catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                           struct mlt_err *err) {
  return mlt_lite_catalog(db, arena, out, err);
}

/* It was taken before the catalog was read. */
static enum mlt_rc stands_still(void *db, const char *head, uint32_t features,
                                struct mlt_err *err) {
  (void)db, (void)head, (void)features, (void)err;
  return MLT_OK;
}

static enum mlt_rc read_new(void **out, void *db, enum mlt_read what, uint32_t features,
                            struct mlt_err *err) {
  struct mlt_lite_read *r;
  enum mlt_rc rc = mlt_lite_read_new(&r, db, what, features, err);
  *out = r;
  return rc;
}

static enum mlt_rc read_copied(void **out, void *db, const struct mlt_shape *shape, const char *sql,
                               struct mlt_err *err) {
  struct mlt_lite_read *r;
  enum mlt_rc rc = mlt_lite_read_copied(&r, db, shape, sql, err);
  *out = r;
  return rc;
}

static enum mlt_rc start(void *read, const struct mlt_str *keys, size_t n, struct mlt_err *err) {
  return mlt_lite_read_start(read, keys, n, err);
}

static enum mlt_rc next(void *read, const struct mlt_read_row **row, struct mlt_err *err) {
  return mlt_lite_read_next(read, row, err);
}

static void read_free(void *read) {
  mlt_lite_read_free(read);
}

static enum mlt_rc count(void *db, const char *table, uint64_t *n, struct mlt_err *err) {
  return mlt_lite_count(db, table, n, err);
}

static void close_db(void *db) {
  mlt_lite_close(db);
}

static const struct mlt_db_ops ops = {.kind = MLT_TARGET_SQLITE,
                                      .catalog = catalog,
                                      .snapshot = stands_still,
                                      .read_new = read_new,
                                      .read_copied = read_copied,
                                      .start = start,
                                      .next = next,
                                      .read_free = read_free,
                                      .count = count,
                                      .close = close_db};

/* ---- the source ---- */

static bool is_uri(const char *s) {
  return strncmp(s, "sqlite:", 7) == 0 || strncmp(s, "sqlite+", 7) == 0;
}

static int look(const char *path) {
  static const char magic[] = "SQLite format 3";
  char head[sizeof magic] = "";
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return NO;
  bool file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  ssize_t n = file ? pread(fd, head, sizeof head, 0) : -1;
  (void)close(fd);
  if (n == 0 && strlen(path) > 3 && strcmp(path + strlen(path) - 3, ".db") == 0)
    return PERHAPS; /* SQLite's file before the first table */
  return n == (ssize_t)sizeof head && memcmp(head, magic, sizeof magic) == 0 ? LIKELY : NO;
}

static int probe(const char *path) {
  return is_uri(path) ? SURE : look(path);
}

static enum mlt_rc refuse_itself(const char *path, const struct mlt_target *target,
                                 struct mlt_err *err) {
  struct stat a, b;
  if (!target || target->kind != MLT_TARGET_SQLITE || stat(path, &a) != 0 ||
      stat(target->path, &b) != 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
    return MLT_OK;
  return mlt_err_set(err, MLT_USAGE, "%s is the source and the target", path);
}

static enum mlt_rc open_path(struct mlt_source **out, const char *path,
                             const struct mlt_source_opts *opts, struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = refuse_itself(path, opts->target, err);
  if (rc == MLT_OK)
    rc = mlt_lite_open(&db, path, MLT_LITE_READ, err);
  if (rc == MLT_OK)
    rc = mlt_lite_snapshot(&db, err);
  if (rc == MLT_OK)
    return mlt_db_open(out, &ops, db, path, err);
  mlt_lite_close(db);
  return rc;
}

static enum mlt_rc open_source(struct mlt_source **out, const struct mlt_source_opts *opts,
                               struct mlt_err *err) {
  *out = NULL;
  if (!is_uri(opts->path))
    return open_path(out, opts->path, opts, err);
  struct mlt_target t;
  enum mlt_rc rc = mlt_target_parse(&t, opts->path, err);
  if (rc != MLT_OK)
    return rc;
  rc = open_path(out, t.path, opts, err);
  mlt_target_free(&t);
  return rc;
}

const struct mlt_source_ops mlt_source_sqlite = {
    .name = "sqlite",
    .description = "MLflow's SQLite database (mlflow.db, or sqlite:///FILE)",
    .holds = MLT_HOLDS_ROWS,
    .tells_all = true,
    .probe = probe,
    .open = open_source,
    .next = mlt_db_next,
    .progress = mlt_db_progress,
    .copies = mlt_db_copies,
    .skip = mlt_db_skip,
    .close = mlt_db_close,
};
