/* Every source format. To add one: fill a struct mlt_source_ops in a file of its own, and add a row
   here. */
#include "source/source.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern const struct mlt_source_ops mlt_source_filestore;
extern const struct mlt_source_ops mlt_source_sqlite;
extern const struct mlt_source_ops mlt_source_postgresql;
extern const struct mlt_source_ops mlt_source_csv;
extern const struct mlt_source_ops mlt_source_tensorboard;
extern const struct mlt_source_ops mlt_source_exim;
extern const struct mlt_source_ops mlt_source_wandb;

const struct mlt_source_ops *const mlt_sources[] = {
    &mlt_source_filestore,   &mlt_source_sqlite, &mlt_source_postgresql, &mlt_source_csv,
    &mlt_source_tensorboard, &mlt_source_exim,   &mlt_source_wandb,      NULL,
};

const struct mlt_source_ops *mlt_source_by_name(const char *name) {
  for (size_t i = 0; mlt_sources[i]; i++)
    if (strcmp(mlt_sources[i]->name, name) == 0)
      return mlt_sources[i];
  return NULL;
}

/* A folder can only be a file store, so that one says what it misses; a file may be anything. */
static void explain(const char *path, struct mlt_err *err) {
  struct mlt_source *s = NULL;
  struct stat st;
  if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
    if (mlt_source_filestore.open(&s, &(struct mlt_source_opts){.path = path}, err) == MLT_OK)
      (void)mlt_err_set(err, MLT_NOINPUT, "'%s' changed while it was looked at", path);
    mlt_source_filestore.close(s);
    return;
  }
  char names[256] = "";
  for (size_t i = 0, at = 0; mlt_sources[i] && at < sizeof names; i++)
    at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                           mlt_sources[i]->name);
  (void)mlt_err_set(err, MLT_NOINPUT, "'%s' is of no format known here (tried: %s)", path, names);
}

const struct mlt_source_ops *mlt_source_detect(const char *path, struct mlt_err *err) {
  const struct mlt_source_ops *best = NULL;
  int best_score = 0;
  for (size_t i = 0; mlt_sources[i]; i++) {
    int score = mlt_sources[i]->probe(path);
    if (score > best_score) {
      best = mlt_sources[i];
      best_score = score;
    }
  }
  if (!best)
    explain(path, err);
  return best;
}
