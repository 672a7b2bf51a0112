#include "pipeline/readers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "base/thread.h"

enum { RECORDS_PER_LOOK = 256 /* how often progress is told */ };

enum reader_state { READER_IDLE, READER_READING, READER_FULL, READER_ENDED };

/* What a stretch holds. */
enum phase { PHASE_BEFORE, PHASE_RUNS, PHASE_AFTER };

struct reader {
  struct mlt_readers *all;
  pthread_t thread;
  bool started;
  enum reader_state state; /* under all->lock */
  struct mlt_source *source;
  struct mlt_batch *batch;
  struct mlt_record rec; /* the record at hand; */
  bool pending;          /* it belongs to the next stretch */
  size_t notes_seen;
  uint64_t records;
  struct mlt_source_progress progress; /* under all->lock */
  enum mlt_rc rc;
  struct mlt_err err;
};

struct mlt_readers {
  const struct mlt_source_ops *ops;
  struct mlt_fill fill;
  const struct mlt_batch *like;
  bool adds; /* the source does: it is one stretch of windows */
  enum phase phase;
  bool keep;
  atomic_bool stop;
  pthread_mutex_t lock;
  pthread_cond_t changed; /* some reader's state */
  struct reader *taken;   /* whose batch the pump has */
  unsigned max, n;        /* there may be; there are */
  struct reader *reader;  /* max of them */
};

/* ---- in a reader's thread ---- */

static void tell_progress(struct reader *rd) {
  struct mlt_source_progress now;
  rd->all->ops->progress(rd->source, &now);
  (void)pthread_mutex_lock(&rd->all->lock);
  rd->progress = now;
  (void)pthread_mutex_unlock(&rd->all->lock);
}

/* Waits until the pump has taken the batch. MLT_CANCELLED: it never will. */
static enum mlt_rc hand_over(struct reader *rd) {
  struct mlt_readers *r = rd->all;
  tell_progress(rd);
  (void)pthread_mutex_lock(&r->lock);
  rd->state = READER_FULL;
  (void)pthread_cond_broadcast(&r->changed);
  while (rd->state == READER_FULL && !r->stop)
    (void)pthread_cond_wait(&r->changed, &r->lock);
  (void)pthread_mutex_unlock(&r->lock);
  rd->notes_seen = 0;
  return r->stop ? MLT_CANCELLED : MLT_OK;
}

static enum mlt_rc seal_and_hand_over(struct reader *rd) {
  enum mlt_rc rc = mlt_batch_seal(rd->batch, &rd->err);
  return rc == MLT_OK ? hand_over(rd) : rc;
}

static bool has_new_reject(struct reader *rd) {
  const struct mlt_batch *b = rd->batch;
  while (rd->notes_seen < b->notes.n)
    if (b->notes.v[rd->notes_seen++].kind == MLT_NOTE_REJECT)
      return true;
  return false;
}

static bool holds_anything(const struct mlt_batch *b) {
  return mlt_batch_rows(b) > 0 || b->adds || b->notes.n > 0;
}

static bool is_full(const struct reader *rd) {
  const struct mlt_fill *f = &rd->all->fill;
  const struct mlt_batch *b = rd->batch;
  return mlt_batch_whole(b) &&
         (b->runs.n >= f->runs || mlt_batch_rows(b) >= f->rows || mlt_batch_bytes(b) >= f->bytes);
}

static enum phase phase_of(const struct mlt_readers *r, enum mlt_rec_kind kind) {
  if (r->adds || kind <= MLT_REC_DATASET)
    return PHASE_BEFORE;
  return kind <= MLT_REC_RUN_END ? PHASE_RUNS : PHASE_AFTER;
}

/* MLT_AGAIN: the stretch is over, but not the source. */
static enum mlt_rc next_record(struct reader *rd) {
  struct mlt_readers *r = rd->all;
  if (rd->pending) {
    rd->pending = false;
    return MLT_OK;
  }
  enum mlt_rc rc = r->ops->next(rd->source, &rd->rec, &rd->err);
  if (rc != MLT_OK || rd->rec.kind == MLT_REC_NOTE || phase_of(r, rd->rec.kind) == r->phase)
    return rc;
  rd->pending = true;
  return MLT_AGAIN;
}

/* What belongs to experiments is at hand: are they to be written first? */
static bool leaves_experiments(const struct reader *rd) {
  enum mlt_rec_kind kind = rd->rec.kind;
  return rd->all->fill.apart && rd->batch->experiments.n && kind > MLT_REC_DATASET &&
         kind != MLT_REC_NOTE && kind != MLT_REC_WINDOW_END;
}

/* Reads one record into the batch. */
static enum mlt_rc read_record(struct reader *rd) {
  struct mlt_readers *r = rd->all;
  if (r->stop)
    return MLT_CANCELLED;
  enum mlt_rc rc = next_record(rd);
  if (rc == MLT_OK && leaves_experiments(rd))
    rc = seal_and_hand_over(rd);
  if (rc == MLT_OK)
    rc = mlt_batch_add(rd->batch, &rd->rec, &rd->err);
  if (rc != MLT_OK)
    return rc;
  if (++rd->records % RECORDS_PER_LOOK == 0)
    tell_progress(rd);
  if (rd->rec.kind == MLT_REC_WINDOW_END)
    return holds_anything(rd->batch) ? seal_and_hand_over(rd) : MLT_OK;
  if ((r->fill.stop_on_reject && has_new_reject(rd)) || mlt_batch_notes_due(rd->batch))
    return hand_over(rd);
  return is_full(rd) ? seal_and_hand_over(rd) : MLT_OK;
}

static enum mlt_rc read_stretch(struct reader *rd) {
  enum mlt_rc rc, sealed = MLT_OK;
  do
    rc = read_record(rd);
  while (rc == MLT_OK);
  if (holds_anything(rd->batch) && (rc == MLT_END || (rc == MLT_AGAIN && !rd->all->keep)))
    sealed = seal_and_hand_over(rd);
  tell_progress(rd);
  return sealed == MLT_OK ? rc : sealed;
}

static void *run_reader(void *arg) {
  struct reader *rd = arg;
  enum mlt_rc rc = read_stretch(rd);
  (void)pthread_mutex_lock(&rd->all->lock);
  rd->rc = rc;
  rd->state = READER_ENDED;
  (void)pthread_cond_broadcast(&rd->all->changed);
  (void)pthread_mutex_unlock(&rd->all->lock);
  return NULL;
}

/* ---- in the pump's ---- */

static enum mlt_rc add_reader(struct mlt_readers *r, struct mlt_source *source,
                              struct mlt_err *err) {
  struct reader *rd = &r->reader[r->n++];
  rd->all = r;
  rd->source = source;
  rd->batch = mlt_batch_like(r->like);
  return rd->batch ? MLT_OK : mlt_err_nomem(err);
}

static bool init_sync(struct mlt_readers *r) {
  if (pthread_mutex_init(&r->lock, NULL) != 0)
    return false;
  mlt_thread_cond_init(&r->changed);
  return true;
}

enum mlt_rc mlt_readers_open(struct mlt_readers **out, const struct mlt_source_ops *ops,
                             struct mlt_source *first, unsigned n, const struct mlt_fill *fill,
                             const struct mlt_batch *like, struct mlt_err *err) {
  struct mlt_readers *r = mlt_calloc(1, sizeof *r);
  unsigned max = ops->twin && n > 1 ? n : 1;
  struct reader *reader = mlt_calloc(max, sizeof *reader);
  if (!r || !reader || !init_sync(r)) {
    mlt_free(r);
    mlt_free(reader);
    return mlt_err_nomem(err);
  }
  r->ops = ops;
  r->fill = *fill;
  r->like = like;
  r->adds = ops->adds && ops->adds(first);
  r->max = max;
  r->reader = reader;
  enum mlt_rc rc = add_reader(r, first, err);
  if (rc != MLT_OK) {
    mlt_readers_close(r);
    return rc;
  }
  *out = r;
  return MLT_OK;
}

static enum mlt_rc start_reader(struct reader *rd, struct mlt_err *err) {
  rd->state = READER_READING;
  rd->rc = MLT_OK;
  mlt_err_clear(&rd->err);
  int failed = mlt_thread_start(&rd->thread, run_reader, rd);
  if (failed) {
    rd->state = READER_IDLE;
    return mlt_err_errno(err, failed, "cannot start a thread");
  }
  rd->started = true;
  return MLT_OK;
}

unsigned mlt_readers_most(const struct mlt_readers *r) {
  return r->max;
}

static enum phase next_phase(const struct mlt_readers *r) {
  const struct reader *first = &r->reader[0];
  if (first->pending)
    return phase_of(r, first->rec.kind);
  return first->rc == MLT_AGAIN ? PHASE_AFTER : PHASE_BEFORE;
}

bool mlt_readers_at_runs(const struct mlt_readers *r) {
  return next_phase(r) == PHASE_RUNS;
}

bool mlt_readers_over(const struct mlt_readers *r) {
  return r->reader[0].rc == MLT_END;
}

enum mlt_rc mlt_readers_start(struct mlt_readers *r, unsigned n, bool keep, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  r->phase = next_phase(r);
  n = r->phase != PHASE_RUNS || n < 1 ? 1 : n < r->max ? n : r->max;
  while (rc == MLT_OK && r->n < n) {
    struct mlt_source *twin;
    rc = r->ops->twin(r->reader[0].source, &twin, err);
    if (rc == MLT_OK)
      rc = add_reader(r, twin, err);
  }
  r->keep = keep;
  for (unsigned i = 0; rc == MLT_OK && i < n; i++)
    rc = start_reader(&r->reader[i], err);
  return rc;
}

static void join(struct reader *rd) {
  if (rd->started)
    (void)pthread_join(rd->thread, NULL);
  rd->started = false;
}

static bool has_failed(const struct reader *rd) {
  return rd->state == READER_ENDED && rd->rc != MLT_END && rd->rc != MLT_AGAIN;
}

/* A reader whose batch is full, or one that failed; *all_idle: none is reading. Those that reached
   the end are idle again. The lock is held. */
static struct reader *find(struct mlt_readers *r, bool *all_idle) {
  *all_idle = true;
  for (unsigned i = 0; i < r->n; i++) {
    struct reader *rd = &r->reader[i];
    if (rd->state == READER_FULL || has_failed(rd))
      return rd;
    if (rd->state == READER_ENDED)
      rd->state = READER_IDLE;
    *all_idle = *all_idle && rd->state == READER_IDLE;
  }
  return NULL;
}

static struct timespec deadline_after(double seconds) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  long ns = t.tv_nsec + (long)((seconds - (double)(long)seconds) * 1e9);
  t.tv_sec += (long)seconds + ns / 1000000000;
  t.tv_nsec = ns % 1000000000;
  return t;
}

enum mlt_rc mlt_readers_take(struct mlt_readers *r, double seconds, struct mlt_batch ***batch,
                             struct mlt_err *err) {
  struct timespec deadline = deadline_after(seconds);
  struct reader *rd;
  bool all_idle, late = false;
  (void)pthread_mutex_lock(&r->lock);
  if (r->taken) {
    r->taken->state = READER_READING;
    r->taken = NULL;
    (void)pthread_cond_broadcast(&r->changed);
  }
  while (!(rd = find(r, &all_idle)) && !all_idle && !late)
    late = pthread_cond_timedwait(&r->changed, &r->lock, &deadline) != 0;
  bool failed = rd && rd->state == READER_ENDED;
  r->taken = failed ? NULL : rd;
  (void)pthread_mutex_unlock(&r->lock);
  if (failed) {
    *err = rd->err;
    return rd->rc;
  }
  if (rd) {
    *batch = &rd->batch;
    return MLT_OK;
  }
  if (!all_idle)
    return MLT_AGAIN;
  for (unsigned i = 0; i < r->n; i++)
    join(&r->reader[i]);
  return MLT_END;
}

struct mlt_batch **mlt_readers_kept(struct mlt_readers *r) {
  return &r->reader[0].batch;
}

void mlt_readers_stop(struct mlt_readers *r) {
  (void)pthread_mutex_lock(&r->lock);
  r->stop = true;
  r->taken = NULL;
  (void)pthread_cond_broadcast(&r->changed);
  (void)pthread_mutex_unlock(&r->lock);
  for (unsigned i = 0; i < r->n; i++)
    join(&r->reader[i]);
}

void mlt_readers_progress(struct mlt_readers *r, struct mlt_source_progress *out) {
  *out = (struct mlt_source_progress){0};
  (void)pthread_mutex_lock(&r->lock);
  for (unsigned i = 0; i < r->n; i++) {
    out->runs_done += r->reader[i].progress.runs_done;
    out->runs_total += r->reader[i].progress.runs_total;
    out->bytes_done += r->reader[i].progress.bytes_done;
  }
  (void)pthread_mutex_unlock(&r->lock);
}

void mlt_readers_close(struct mlt_readers *r) {
  if (!r)
    return;
  mlt_readers_stop(r);
  for (unsigned i = r->n; i-- > 0;) {
    if (i > 0) /* the first source is the caller's */
      r->ops->close(r->reader[i].source);
    mlt_batch_free(r->reader[i].batch);
  }
  (void)pthread_cond_destroy(&r->changed);
  (void)pthread_mutex_destroy(&r->lock);
  mlt_free(r->reader);
  mlt_free(r);
}
