/* Every source format. To add one: fill a struct mlt_source_ops in a file of its own, and add a row
   here. */
#include "source/source.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct mlt_source_ops mlt_source_filestore;
extern const struct mlt_source_ops mlt_source_sqlite;
extern const struct mlt_source_ops mlt_source_postgresql;
extern const struct mlt_source_ops mlt_source_csv;
extern const struct mlt_source_ops mlt_source_tensorboard;
extern const struct mlt_source_ops mlt_source_exim;
extern const struct mlt_source_ops mlt_source_wandb;
extern const struct mlt_source_ops mlt_source_jsonl;

const struct mlt_source_ops *const mlt_sources[] = {
    &mlt_source_filestore, &mlt_source_sqlite,      &mlt_source_postgresql,
    &mlt_source_csv,       &mlt_source_tensorboard, &mlt_source_exim,
    &mlt_source_wandb,     &mlt_source_jsonl,       NULL,
};

const struct mlt_source_ops *mlt_source_by_name(const char *name) {
  for (size_t i = 0; mlt_sources[i]; i++)
    if (strcmp(mlt_sources[i]->name, name) == 0)
      return mlt_sources[i];
  return NULL;
}

static void name_all(char *out, size_t size) {
  for (size_t i = 0, at = 0; mlt_sources[i] && at < size; i++)
    at += (size_t)snprintf(out + at, size - at, "%s%s", i ? ", " : "", mlt_sources[i]->name);
}

static bool holds_database(const char *folder, char db[PATH_MAX]) {
  return (size_t)snprintf(db, PATH_MAX, "%s/mlflow.db", folder) < PATH_MAX &&
         mlt_source_sqlite.probe(db);
}

/* The file store says where in a folder it has looked, and where else there is one. */
static void explain_folder(const char *path, const char *names, struct mlt_err *err) {
  struct mlt_source *s = NULL;
  char db[PATH_MAX];
  if (holds_database(path, db)) {
    (void)mlt_err_set(err, MLT_NOINPUT, "'%s' is a folder that holds a database", path);
    mlt_err_hint(err, "import '%s'", db);
    return;
  }
  if (mlt_source_filestore.open(&s, &(struct mlt_source_opts){.path = path}, err) == MLT_OK)
    (void)mlt_err_set(err, MLT_NOINPUT, "'%s' changed while it was looked at", path);
  else if (err->rc == MLT_NOINPUT && access(path, F_OK) == 0)
    mlt_err_prefix(err, "nothing of a known format (tried: %s)", names);
  mlt_source_filestore.close(s);
}

static void explain(const char *path, struct mlt_err *err) {
  char names[256] = "";
  struct stat st;
  name_all(names, sizeof names);
  if (stat(path, &st) < 0 || S_ISDIR(st.st_mode)) /* or a file: URI */
    explain_folder(path, names, err);
  else if (!S_ISREG(st.st_mode))
    (void)mlt_err_set(err, MLT_NOINPUT, "'%s' is a device, FIFO or socket, not a file", path);
  else
    (void)mlt_err_set(err, MLT_NOINPUT, "'%s' is of no format known here (tried: %s)", path, names);
}

/* What can be read only once: looking at it would take what there is. */
static bool is_stream(const char *path) {
  struct stat st;
  return strcmp(path, "-") == 0 || (stat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

/* Whichever were taken, the other one would be missed in silence. */
static const struct mlt_source_ops *two_stores(const char *path, const char *db,
                                               struct mlt_err *err) {
  (void)mlt_err_set(err, MLT_USAGE, "'%s' holds both a database and a file store", path);
  mlt_err_hint(err, "import '%s', or, for the file store, say --format filestore", db);
  return NULL;
}

enum { LIKELY = 50 };

const struct mlt_source_ops *mlt_source_detect(const char *path, struct mlt_err *err) {
  const struct mlt_source_ops *best = NULL;
  if (is_stream(path))
    return &mlt_source_jsonl; /* the only format that is */
  int best_score = 0;
  for (size_t i = 0; mlt_sources[i]; i++) {
    int score = mlt_sources[i]->probe(path);
    if (score > best_score) {
      best = mlt_sources[i];
      best_score = score;
    }
  }
  char db[PATH_MAX];
  if (best == &mlt_source_filestore && holds_database(path, db)) {
    /* beside a database mlruns is where its artifacts are, unless it has a store's own files */
    if (best_score >= LIKELY)
      return two_stores(path, db, err);
    best = NULL;
  }
  if (!best)
    explain(path, err);
  return best;
}

enum mlt_rc mlt_source_open(struct mlt_source **out, const struct mlt_source_ops **ops,
                            const char *format, const struct mlt_source_opts *opts,
                            struct mlt_err *err) {
  bool detect = !format || strcmp(format, "auto") == 0;
  *out = NULL;
  *ops = detect ? mlt_source_detect(opts->path, err) : mlt_source_by_name(format);
  if (*ops)
    return (*ops)->open(out, opts, err);
  return detect ? err->rc : mlt_err_set(err, MLT_USAGE, "unknown format '%s'", format);
}
