/* The runs of a FileStore, handed out one by one to the readers of the store (the source and its
   twins), experiment after experiment, in the order of their names. One listing, of the experiment
   being handed out, is held for all of them. */
#include "source/filestore.h"

#include <pthread.h>

#include "base/mem.h"

struct mlt_fs_handout {
  pthread_mutex_t lock; /* also of the strays counted in the experiments' entries */
  bool in_trash;        /* where the experiment is, and which it is: */
  size_t experiment;
  bool listed;
  struct mlt_names runs;
  size_t at;
};

struct mlt_fs_handout *mlt_fs_handout_new(void) {
  struct mlt_fs_handout *h = mlt_calloc(1, sizeof *h);
  if (h)
    (void)pthread_mutex_init(&h->lock, NULL);
  return h;
}

void mlt_fs_handout_free(struct mlt_fs_handout *h) {
  if (!h)
    return;
  mlt_names_free(&h->runs);
  (void)pthread_mutex_destroy(&h->lock);
  mlt_free(h);
}

void mlt_fs_stray(struct mlt_fs *s) {
  const struct mlt_fs_dir *over = s->experiments.over;
  (void)pthread_mutex_lock(&s->handout->lock);
  over->names.v[over->at].strays++;
  (void)pthread_mutex_unlock(&s->handout->lock);
}

/* Makes the experiment being handed out the one at hand. */
static enum mlt_rc enter_experiment(struct mlt_fs *s, struct mlt_err *err) {
  const struct mlt_fs_handout *h = s->handout;
  struct mlt_fs_dir *over = h->in_trash ? &s->trash : &s->active, *d = &s->experiments.dir;
  if (d->fd >= 0 && s->experiments.over == over && over->at == h->experiment)
    return MLT_OK;
  mlt_fs_leave(d);
  mlt_map_clear(s->dataset_index);
  s->experiments.over = over;
  over->at = h->experiment;
  enum mlt_rc rc = mlt_fs_set_id(s, mlt_names_str(&over->names, over->at), err);
  return rc == MLT_OK ? mlt_fs_enter(s, d, over, mlt_names_at(&over->names, over->at), err) : rc;
}

/* Lists the experiment to be handed out. The listing is shared, so it changes places. */
static enum mlt_rc list_experiment(struct mlt_fs *s, struct mlt_err *err) {
  struct mlt_fs_handout *h = s->handout;
  h->listed = true;
  h->at = h->runs.n = 0;
  enum mlt_rc rc = enter_experiment(s, err);
  if (rc == MLT_OK)
    rc = mlt_fs_list(s, &s->experiments.dir, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_names mine = s->experiments.dir.names;
  s->experiments.dir.names = h->runs;
  h->runs = mine;
  return MLT_OK;
}

/* Goes on to an experiment that has runs left. MLT_END: there is none. */
static enum mlt_rc find_runs(struct mlt_fs *s, struct mlt_err *err) {
  struct mlt_fs_handout *h = s->handout;
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && h->at == h->runs.n) {
    const struct mlt_names *experiments = h->in_trash ? &s->trash.names : &s->active.names;
    h->experiment += h->listed;
    h->listed = false;
    if (h->experiment < experiments->n) {
      if (experiments->v[h->experiment].marked)
        h->listed = true; /* rejected before: passed over */
      else
        rc = list_experiment(s, err);
    } else if (h->in_trash) {
      return MLT_END;
    } else {
      h->in_trash = true;
      h->experiment = 0;
    }
  }
  return rc;
}

/* Takes the next run: the listing of the experiment at hand has that one entry then. */
static enum mlt_rc take_run(struct mlt_fs *s, struct mlt_err *err) {
  struct mlt_fs_handout *h = s->handout;
  struct mlt_fs_dir *d = &s->experiments.dir;
  size_t at = h->at++;
  enum mlt_rc rc = enter_experiment(s, err);
  if (rc != MLT_OK)
    return rc;
  d->at = 0;
  int bad = mlt_names_one(&d->names, mlt_names_str(&h->runs, at), h->runs.v[at].type);
  return bad ? mlt_fs_fault(s, -bad, err) : MLT_OK;
}

static enum mlt_rc next_run(struct mlt_fs *s, struct mlt_err *err) {
  (void)pthread_mutex_lock(&s->handout->lock);
  enum mlt_rc rc = find_runs(s, err);
  if (rc == MLT_OK)
    rc = take_run(s, err);
  (void)pthread_mutex_unlock(&s->handout->lock);
  return rc;
}

/* A fault here: the experiment is gone since its runs were announced. */
enum mlt_rc mlt_fs_runs(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = mlt_fs_each(s, &s->runs, rec, err);
    if (rc != MLT_END)
      return rc;
    rc = next_run(s, err);
    if (mlt_fs_is_fault(rc))
      return mlt_fs_reject(s, rec, MLT_T_RUNS, 1);
    if (rc != MLT_OK) {
      mlt_fs_leave(&s->experiments.dir);
      s->active.at = s->trash.at = 0;
      return rc;
    }
  }
}
