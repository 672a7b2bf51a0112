/* The pool: threads and their jobs, the error that ends all, faults and counts; see artifact.h. */
#include "artifact/private.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

/* Errors: the first ends all work. */

enum mlt_rc mlt_placer_stop(struct mlt_placer *p, const struct mlt_err *err) {
  (void)pthread_mutex_lock(&p->lock);
  if (p->err.rc == MLT_OK)
    p->err = *err;
  enum mlt_rc rc = p->err.rc;
  atomic_store(&p->stopped, true);
  (void)pthread_cond_broadcast(&p->room);
  (void)pthread_mutex_unlock(&p->lock);
  return rc;
}

enum mlt_rc mlt_placer_nomem(struct mlt_placer *p) {
  struct mlt_err err = MLT_ERR_INIT;
  (void)mlt_err_nomem(&err);
  return mlt_placer_stop(p, &err);
}

enum mlt_rc mlt_placer_failed(struct mlt_placer_root *root, int errnum, const char *what,
                              const char *folder, const char *path) {
  struct mlt_err why = MLT_ERR_INIT, err = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_err_errno(&why, errnum, "%s %s%s%s%s%s", what, root->path, folder ? "/" : "",
                                 folder ? folder : "", path && *path ? "/" : "", path ? path : "");
  (void)mlt_err_set(&err, rc == MLT_NOINPUT ? MLT_CANTCREAT : rc, "%s", why.msg);
  if (errnum == ENOSPC || errnum == EDQUOT)
    mlt_err_hint(&err, "Make room there and run again: what has its place keeps it.");
  else if (errnum == EMFILE || errnum == ENFILE)
    mlt_err_hint(&err, "Allow more open files (ulimit -n) and run again.");
  else if (errnum == EXDEV)
    mlt_err_hint(&err, "Another file system is mounted below %s. Give that one as the root.",
                 root->path);
  else if (rc == MLT_NOPERM)
    mlt_err_hint(&err, "Run as a user who may write below %s.", root->path);
  return mlt_placer_stop(root->p, &err);
}

bool mlt_placer_over(struct mlt_placer *p) {
  if (atomic_load_explicit(&p->stopped, memory_order_relaxed))
    return true;
  if (!p->o.cancelled || !*p->o.cancelled)
    return false;
  struct mlt_err err = MLT_ERR_INIT;
  (void)mlt_err_set(&err, MLT_CANCELLED, "interrupted while placing artifacts");
  (void)mlt_placer_stop(p, &err);
  return true;
}

enum mlt_rc mlt_placer_result(struct mlt_placer *p, struct mlt_err *err) {
  (void)mlt_placer_over(p);
  (void)pthread_mutex_lock(&p->lock);
  enum mlt_rc rc = p->err.rc;
  if (rc != MLT_OK && err && err->rc == MLT_OK)
    *err = p->err;
  (void)pthread_mutex_unlock(&p->lock);
  return rc;
}

/* Faults and counts. */

void mlt_placer_count(struct mlt_placer_group *g, const struct mlt_placed *more) {
  struct mlt_placed *const sums[] = {&g->placed, &g->p->sum};
  (void)pthread_mutex_lock(&g->p->lock);
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
    sums[i]->files += more->files;
    sums[i]->bytes += more->bytes;
    sums[i]->linked += more->linked;
    sums[i]->copied += more->copied;
    sums[i]->present += more->present;
    sums[i]->present_bytes += more->present_bytes;
    sums[i]->removed += more->removed;
    sums[i]->faults += more->faults;
  }
  (void)pthread_mutex_unlock(&g->p->lock);
}

const char *mlt_place_source_path(const struct mlt_place_put *put, const char *path) {
  size_t n = strlen(put->below);
  if (!put->tree || !path)
    return "";
  return n && path[n] == '/' ? path + n + 1 : n ? "" : path;
}

void mlt_place_fault(const struct mlt_place_put *put, enum mlt_place_where where, const char *path,
                     const char *code, int errnum, const char *reason) {
  struct mlt_placer_group *g = put->folder->group;
  struct mlt_placer *p = g->p;
  char full[2 * PATH_MAX];
  if (where == MLT_AT_SOURCE) {
    const char *below = mlt_place_source_path(put, path);
    (void)snprintf(full, sizeof full, "%s%s%s", put->source, *below ? "/" : "", below);
  } else {
    (void)snprintf(full, sizeof full, "%s/%s%s%s", put->folder->root->path, put->folder->path,
                   path && *path ? "/" : "", path ? path : "");
  }
  const struct mlt_place_fault fault = {
      .id = put->folder->id,
      .path = full,
      .code = code,
      .reason = reason ? reason : strerrordesc_np(errnum),
      .errnum = errnum,
  };
  mlt_placer_count(g, &(struct mlt_placed){.faults = 1});
  (void)pthread_mutex_lock(&p->fault_lock);
  p->o.on_fault(p->o.ctx, &fault);
  (void)pthread_mutex_unlock(&p->fault_lock);
}

void mlt_place_source_fault(const struct mlt_place_put *put, const char *path, int errnum) {
  static const struct {
    int errnum;
    const char *code, *reason;
  } known[] = {
      {ENOENT, "missing", "it is not there"},
      {ESTALE, "missing", "it is not there any more"},
      {ELOOP, "link-skipped", "it is a symbolic link, which is not followed"},
      {ENXIO, "special-file", "it is a device, FIFO or socket"},
      {ENODEV, "special-file", "it is a device, FIFO or socket"},
      {ENOTDIR, "unreadable", "it is not a folder"},
      {EISDIR, "unreadable", "it is a folder, not a file"},
      {ENAMETOOLONG, "too-long", "its path is too long"},
      {EACCES, "unreadable", "permission denied"},
  };
  if (errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM) {
    (void)mlt_placer_failed(put->folder->root, errnum, "cannot read the artifacts for",
                            put->folder->path, NULL);
    return;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].errnum == errnum) {
      mlt_place_fault(put, MLT_AT_SOURCE, path, known[i].code, errnum, known[i].reason);
      return;
    }
  mlt_place_fault(put, MLT_AT_SOURCE, path, "unreadable", errnum, NULL);
}

/* Jobs. */

bool mlt_placer_push(struct mlt_placer_group *g, const struct mlt_placer_job *job, bool wait) {
  struct mlt_placer *p = g->p;
  (void)pthread_mutex_lock(&p->lock);
  while (wait && p->queued == MLT_PLACER_QUEUE)
    (void)pthread_cond_wait(&p->room, &p->lock);
  bool room = p->queued < MLT_PLACER_QUEUE;
  if (room) {
    p->queue[(p->head + p->queued++) % MLT_PLACER_QUEUE] = *job;
    g->jobs++;
    (void)pthread_cond_signal(&p->work);
  }
  (void)pthread_mutex_unlock(&p->lock);
  return room;
}

/* Does the job, also when all is over: then it only lets go of what it holds. */
static struct mlt_placer_group *run_job(struct mlt_placer_worker *w,
                                        const struct mlt_placer_job *job) {
  const struct mlt_place_put *put = job->put ? job->put : job->dir->put;
  struct mlt_placer_group *g = put->folder->group;
  char path[PATH_MAX];
  if (job->put) {
    if (!mlt_placer_over(w->p))
      mlt_place_begin(w, job->put);
    return g;
  }
  if (!mlt_placer_over(w->p) && mlt_place_path(path, job->dir, job->name))
    mlt_place_file(w, job->dir, job->name, path);
  mlt_place_dir_done(job->dir);
  mlt_free(job->name);
  return g;
}

static void *run_worker(void *arg) {
  struct mlt_placer_worker *w = arg;
  struct mlt_placer *p = w->p;
  (void)pthread_mutex_lock(&p->lock);
  while (!p->quit || p->queued) {
    if (!p->queued) {
      (void)pthread_cond_wait(&p->work, &p->lock);
      continue;
    }
    struct mlt_placer_job job = p->queue[p->head];
    p->head = (p->head + 1) % MLT_PLACER_QUEUE;
    p->queued--;
    (void)pthread_cond_signal(&p->room);
    (void)pthread_mutex_unlock(&p->lock);
    struct mlt_placer_group *g = run_job(w, &job);
    (void)pthread_mutex_lock(&p->lock);
    if (--g->jobs == 0)
      (void)pthread_cond_broadcast(&p->idle);
  }
  (void)pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* Opening and closing. */

bool mlt_worker_init(struct mlt_placer_worker *w, struct mlt_placer *p) {
  w->p = p;
  w->hasher = mlt_hasher_new();
  w->buffer = mlt_alloc_pages(MLT_PLACER_BUFFER);
  w->other = mlt_alloc_pages(MLT_PLACER_BUFFER);
  return w->hasher && w->buffer && w->other;
}

void mlt_worker_free(struct mlt_placer_worker *w) {
  mlt_hasher_free(w->hasher);
  mlt_free(w->buffer);
  mlt_free(w->other);
}

static unsigned processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;
  return n < 1 ? 1 : (unsigned)n;
}

static enum mlt_rc start_workers(struct mlt_placer *p, struct mlt_err *err) {
  unsigned n = p->o.threads ? p->o.threads : processors();
  while (p->n_workers < n && p->n_workers < MLT_PLACER_THREADS) {
    struct mlt_placer_worker *w = &p->worker[p->n_workers++];
    if (!mlt_worker_init(w, p))
      return mlt_err_nomem(err);
    int failed = mlt_thread_start(&w->thread, run_worker, w);
    if (failed)
      return mlt_err_errno(err, failed, "cannot start a thread");
    w->started = true;
  }
  return MLT_OK;
}

enum mlt_rc mlt_placer_open(struct mlt_placer **out, const struct mlt_placer_options *o,
                            struct mlt_err *err) {
  *out = NULL;
  struct mlt_placer *p = mlt_calloc(1, sizeof *p);
  if (!p)
    return mlt_err_nomem(err);
  p->o = *o;
  (void)pthread_mutex_init(&p->lock, NULL);
  (void)pthread_mutex_init(&p->fault_lock, NULL);
  (void)pthread_mutex_init(&p->caller_lock, NULL);
  (void)pthread_cond_init(&p->work, NULL);
  (void)pthread_cond_init(&p->room, NULL);
  (void)pthread_cond_init(&p->idle, NULL);
  enum mlt_rc rc = mlt_worker_init(&p->caller, p) ? MLT_OK : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = start_workers(p, err);
  if (rc != MLT_OK)
    mlt_placer_close(p);
  else
    *out = p;
  return rc;
}

static void end_workers(struct mlt_placer *p) {
  (void)pthread_mutex_lock(&p->lock);
  p->quit = true;
  atomic_store(&p->stopped, true);
  (void)pthread_cond_broadcast(&p->work);
  (void)pthread_mutex_unlock(&p->lock);
  for (unsigned i = 0; i < p->n_workers; i++) {
    if (p->worker[i].started)
      (void)pthread_join(p->worker[i].thread, NULL);
    mlt_worker_free(&p->worker[i]);
  }
}

void mlt_placer_close(struct mlt_placer *p) {
  if (!p)
    return;
  end_workers(p);
  mlt_worker_free(&p->caller);
  for (struct mlt_placer_root *root = p->roots, *next; root; root = next) {
    next = root->next;
    mlt_placer_root_close(root);
  }
  (void)pthread_cond_destroy(&p->work);
  (void)pthread_cond_destroy(&p->room);
  (void)pthread_cond_destroy(&p->idle);
  (void)pthread_mutex_destroy(&p->lock);
  (void)pthread_mutex_destroy(&p->fault_lock);
  (void)pthread_mutex_destroy(&p->caller_lock);
  mlt_free(p);
}

void mlt_placer_progress(struct mlt_placer *p, struct mlt_placed *out) {
  (void)pthread_mutex_lock(&p->lock);
  *out = p->sum;
  (void)pthread_mutex_unlock(&p->lock);
}
