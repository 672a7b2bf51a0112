/* The threads: each takes a file that is to be read, else the next folder. A thread that finds more
   files than others can take reads them itself, so nothing waits for room while it holds a folder.
 */
#include "verify/scan_intern.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

/* ---- the end of all ---- */

void mlt_scan_fail(struct mlt_scan *s, const struct mlt_err *err) {
  (void)pthread_mutex_lock(&s->lock);
  if (s->err.rc == MLT_OK)
    s->err = *err;
  atomic_store(&s->stopped, true);
  (void)pthread_cond_broadcast(&s->room);
  (void)pthread_cond_broadcast(&s->idle);
  (void)pthread_mutex_unlock(&s->lock);
}

bool mlt_scan_over(struct mlt_scan *s) {
  if (atomic_load_explicit(&s->stopped, memory_order_relaxed))
    return true;
  if (!s->o.cancelled || !*s->o.cancelled)
    return false;
  struct mlt_err err = MLT_ERR_INIT;
  (void)mlt_err_set(&err, MLT_CANCELLED, "interrupted while looking at artifacts");
  mlt_scan_fail(s, &err);
  return true;
}

/* With the lock. */
static enum mlt_rc result(struct mlt_scan *s, struct mlt_err *err) {
  if (s->err.rc != MLT_OK && err && err->rc == MLT_OK)
    *err = s->err;
  return s->err.rc;
}

/* ---- jobs ---- */

void mlt_scan_full_path(char out[PATH_MAX], const struct mlt_scan_folder *f) {
  (void)snprintf(out, PATH_MAX, "%s%s%s", strcmp(f->root, "/") == 0 ? "" : f->root,
                 *f->path ? "/" : "", f->path);
}

static struct mlt_str copy(char **to, struct mlt_str s) {
  struct mlt_str at = {*to, s.len};
  if (!s.p)
    return s;
  memcpy(*to, s.p, s.len);
  (*to)[s.len] = '\0';
  *to += s.len + 1;
  return at;
}

static struct mlt_scan_job *new_job(const struct mlt_scan_folder *f) {
  struct mlt_str root = mlt_str_c(f->root), path = mlt_str_c(f->path);
  size_t n = f->id.len + f->experiment.len + root.len + path.len + 4;
  struct mlt_scan_job *job = mlt_calloc(1, sizeof *job + n);
  if (!job)
    return NULL;
  char *to = job->text;
  atomic_init(&job->users, 1);
  job->top = -1;
  job->table = f->table;
  job->id = copy(&to, f->id);
  job->experiment = copy(&to, f->experiment);
  job->root = copy(&to, root).p;
  job->path = copy(&to, path).p;
  mlt_scan_full_path(job->full, f);
  return job;
}

/* ---- the end of a folder ---- */

static struct mlt_scanned as_they_are(const struct mlt_scan_sums *sum) {
  return (struct mlt_scanned){.folders = sum->folders,
                              .manifests = sum->manifests,
                              .files = sum->files,
                              .bytes = sum->bytes,
                              .hashed = sum->hashed,
                              .hashed_bytes = sum->hashed_bytes};
}

static void tell_ended(struct mlt_scan *s, struct mlt_scan_job *job) {
  struct mlt_err err = MLT_ERR_INIT;
  const struct mlt_scan_ended e = {.table = job->table,
                                   .id = job->id,
                                   .path = job->full,
                                   .sum = as_they_are(&job->sum),
                                   .findings = job->found.v,
                                   .n = job->found.n};
  if (job->found.n <= MLT_SCAN_ENDED_FINDINGS && s->o.ended(s->o.ended_ctx, &e, &err) != MLT_OK)
    mlt_scan_fail(s, &err);
}

void mlt_scan_done(struct mlt_scan_worker *w, struct mlt_scan_job *job) {
  if (atomic_fetch_sub(&job->users, 1) > 1)
    return;
  if (w && !mlt_scan_over(w->s))
    mlt_scan_tell_kept(w, job);
  if (w && w->s->o.ended && !mlt_scan_over(w->s))
    tell_ended(w->s, job);
  mlt_scan_forget_kept(job);
  mlt_arena_free(job->arena);
  mlt_free(job->found.v);
  if (job->top >= 0)
    (void)close(job->top);
  mlt_free(job);
}

bool mlt_scan_give(struct mlt_scan *s, const struct mlt_scan_task *t) {
  (void)pthread_mutex_lock(&s->lock);
  bool room = s->n_files < MLT_SCAN_QUEUE && s->n_workers > 1;
  if (room) {
    atomic_fetch_add(&t->job->users, 1);
    s->files[(s->file_head + s->n_files++) % MLT_SCAN_QUEUE] = *t;
    (void)pthread_cond_signal(&s->work);
  }
  (void)pthread_mutex_unlock(&s->lock);
  return room;
}

/* With the lock. */
static bool take(struct mlt_scan *s, struct mlt_scan_task *t) {
  if (s->n_files) {
    *t = s->files[s->file_head];
    s->file_head = (s->file_head + 1) % MLT_SCAN_QUEUE;
    s->n_files--;
    return true;
  }
  if (!s->n_folders)
    return false;
  *t = s->folders[s->folder_head];
  s->folder_head = (s->folder_head + 1) % MLT_SCAN_QUEUE;
  s->n_folders--;
  (void)pthread_cond_signal(&s->room);
  return true;
}

static void run_task(struct mlt_scan_worker *w, struct mlt_scan_task *t) {
  if (!mlt_scan_over(w->s)) {
    if (t->path)
      mlt_scan_run_file(w, t->job, t->path, &t->was);
    else
      mlt_scan_run_folder(w, t->job);
  }
  mlt_free(t->path);
  mlt_scan_done(w, t->job);
}

static void *run_worker(void *arg) {
  struct mlt_scan_worker *w = arg;
  struct mlt_scan *s = w->s;
  struct mlt_scan_task t;
  (void)pthread_mutex_lock(&s->lock);
  for (;;) {
    if (take(s, &t)) {
      s->busy++;
      (void)pthread_mutex_unlock(&s->lock);
      run_task(w, &t);
      (void)pthread_mutex_lock(&s->lock);
      s->busy--;
    } else if (s->quit) {
      break;
    } else {
      if (!s->busy)
        (void)pthread_cond_broadcast(&s->idle);
      (void)pthread_cond_wait(&s->work, &s->lock);
    }
  }
  (void)pthread_mutex_unlock(&s->lock);
  return NULL;
}

/* ---- from outside ---- */

static unsigned processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 2;
  return n < 1 ? 1 : (unsigned)n;
}

static enum mlt_rc start(struct mlt_scan *s, struct mlt_err *err) {
  unsigned n = s->o.threads ? s->o.threads : processors();
  while (s->n_workers < n && s->n_workers < MLT_SCAN_THREADS) {
    struct mlt_scan_worker *w = &s->worker[s->n_workers++];
    w->s = s;
    w->hasher = mlt_hasher_new();
    w->buffer = mlt_alloc_pages(MLT_SCAN_BUFFER);
    if (!w->hasher || !w->buffer)
      return mlt_err_nomem(err);
    int failed = mlt_thread_start(&w->thread, run_worker, w);
    if (failed)
      return mlt_err_errno(err, failed, "cannot start a thread");
    w->started = true;
  }
  return MLT_OK;
}

enum mlt_rc mlt_scan_open(struct mlt_scan **out, const struct mlt_scan_options *o,
                          struct mlt_err *err) {
  struct mlt_scan *s = mlt_calloc(1, sizeof *s);
  *out = NULL;
  if (!s)
    return mlt_err_nomem(err);
  s->o = *o;
  (void)pthread_mutex_init(&s->lock, NULL);
  (void)pthread_mutex_init(&s->found_lock, NULL);
  (void)pthread_cond_init(&s->work, NULL);
  (void)pthread_cond_init(&s->room, NULL);
  mlt_thread_cond_init(&s->idle);
  enum mlt_rc rc = o->as ? MLT_OK : mlt_access_self(&s->self, err);
  if (rc == MLT_OK)
    rc = start(s, err);
  if (rc != MLT_OK) {
    mlt_scan_close(s);
    return rc;
  }
  *out = s;
  return MLT_OK;
}

enum mlt_rc mlt_scan_add(struct mlt_scan *s, const struct mlt_scan_folder *f, struct mlt_err *err) {
  struct mlt_scan_job *job = new_job(f);
  if (!job)
    return mlt_err_nomem(err);
  (void)pthread_mutex_lock(&s->lock);
  while (s->n_folders == MLT_SCAN_QUEUE && !atomic_load(&s->stopped))
    (void)pthread_cond_wait(&s->room, &s->lock);
  enum mlt_rc rc = result(s, err);
  if (rc == MLT_OK) {
    s->folders[(s->folder_head + s->n_folders++) % MLT_SCAN_QUEUE] =
        (struct mlt_scan_task){.job = job};
    (void)pthread_cond_signal(&s->work);
  }
  (void)pthread_mutex_unlock(&s->lock);
  if (rc != MLT_OK)
    mlt_scan_done(NULL, job);
  return rc;
}

static bool is_idle(const struct mlt_scan *s) {
  return !s->busy && !s->n_files && !s->n_folders;
}

enum mlt_rc mlt_scan_wait(struct mlt_scan *s, unsigned ms, bool *done, struct mlt_err *err) {
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  (void)pthread_mutex_lock(&s->lock);
  int timed_out = 0;
  while (!is_idle(s) && !timed_out)
    timed_out = pthread_cond_timedwait(&s->idle, &s->lock, &until);
  *done = is_idle(s);
  enum mlt_rc rc = result(s, err);
  (void)pthread_mutex_unlock(&s->lock);
  return rc;
}

void mlt_scan_progress(struct mlt_scan *s, struct mlt_scanned *out) {
  *out = as_they_are(&s->sum);
}

/* What still waits is taken, and dropped. */
void mlt_scan_close(struct mlt_scan *s) {
  if (!s)
    return;
  (void)pthread_mutex_lock(&s->lock);
  s->quit = true;
  atomic_store(&s->stopped, true);
  (void)pthread_cond_broadcast(&s->work);
  (void)pthread_mutex_unlock(&s->lock);
  for (unsigned i = 0; i < s->n_workers; i++) {
    if (s->worker[i].started)
      (void)pthread_join(s->worker[i].thread, NULL);
    mlt_hasher_free(s->worker[i].hasher);
    mlt_free(s->worker[i].buffer);
  }
  mlt_access_close(s->self);
  (void)pthread_cond_destroy(&s->work);
  (void)pthread_cond_destroy(&s->room);
  (void)pthread_cond_destroy(&s->idle);
  (void)pthread_mutex_destroy(&s->lock);
  mlt_free(s);
}
