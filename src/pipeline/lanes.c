#include "pipeline/lanes.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/thread.h"

enum { MAX_LANES = 64, WAITING_NS = 100000000 };

enum lane_state { LANE_IDLE, LANE_LOADED, LANE_DONE, LANE_QUIT };

struct lane {
  struct mlt_lanes *all;
  pthread_t thread;
  bool started;
  enum lane_state state; /* under all->lock */
  struct mlt_sink *sink;
  struct mlt_batch *batch;
  struct mlt_outcome outcome;
  enum mlt_rc rc;
  struct mlt_err err;
};

struct mlt_lanes {
  const struct mlt_sink_ops *ops;
  mlt_lane_done_fn on_done;
  void *ctx;
  mlt_lane_prepare_fn prepare; /* NULL: nothing to do */
  void *prepare_ctx;
  void (*waiting)(void *ctx); /* may be NULL */
  pthread_mutex_t lock;
  pthread_cond_t changed; /* some lane's state */
  unsigned n;
  struct lane lane[MAX_LANES];
};

/* In the lane's thread. */
static enum mlt_rc write_batch(struct lane *lane) {
  struct mlt_lanes *l = lane->all;
  enum mlt_rc rc = MLT_OK;
  lane->outcome.notes.n = 0;
  if (l->prepare)
    rc = l->prepare(l->prepare_ctx, lane->sink, lane->batch, &lane->err);
  return rc == MLT_OK ? l->ops->write(lane->sink, lane->batch, &lane->outcome, &lane->err) : rc;
}

static void *run_lane(void *arg) {
  struct lane *lane = arg;
  struct mlt_lanes *l = lane->all;
  (void)pthread_mutex_lock(&l->lock);
  while (lane->state != LANE_QUIT) {
    if (lane->state != LANE_LOADED) {
      (void)pthread_cond_wait(&l->changed, &l->lock);
      continue;
    }
    (void)pthread_mutex_unlock(&l->lock);
    mlt_err_clear(&lane->err);
    lane->rc = write_batch(lane);
    (void)pthread_mutex_lock(&l->lock);
    lane->state = LANE_DONE;
    (void)pthread_cond_broadcast(&l->changed);
  }
  (void)pthread_mutex_unlock(&l->lock);
  return NULL;
}

static enum mlt_rc start_lane(struct mlt_lanes *l, struct mlt_sink *sink,
                              const struct mlt_batch *like, struct mlt_err *err) {
  struct lane *lane = &l->lane[l->n++];
  lane->all = l;
  lane->sink = sink;
  lane->batch = mlt_batch_like(like);
  lane->outcome.arena = mlt_arena_new();
  if (!lane->batch || !lane->outcome.arena)
    return mlt_err_nomem(err);
  int failed = mlt_thread_start(&lane->thread, run_lane, lane);
  if (failed)
    return mlt_err_errno(err, failed, "cannot start a thread");
  lane->started = true;
  return MLT_OK;
}

enum mlt_rc mlt_lanes_open(struct mlt_lanes **out, const struct mlt_sink_ops *ops,
                           struct mlt_sink *first, unsigned n, const struct mlt_batch *like,
                           mlt_lane_done_fn on_done, void *ctx, struct mlt_err *err) {
  struct mlt_lanes *l = mlt_calloc(1, sizeof *l);
  if (!l)
    return mlt_err_nomem(err);
  l->ops = ops;
  l->on_done = on_done;
  l->ctx = ctx;
  (void)pthread_mutex_init(&l->lock, NULL);
  mlt_thread_cond_init(&l->changed);
  enum mlt_rc rc = start_lane(l, first, like, err);
  while (rc == MLT_OK && l->n < n && l->n < MAX_LANES) {
    struct mlt_sink *twin;
    rc = ops->twin(first, &twin, err);
    if (rc != MLT_OK || !twin)
      break;
    rc = start_lane(l, twin, like, err);
  }
  if (rc != MLT_OK) {
    mlt_lanes_close(l);
    return rc;
  }
  *out = l;
  return MLT_OK;
}

void mlt_lanes_tell(struct mlt_lanes *l, void (*waiting)(void *ctx)) {
  l->waiting = waiting;
}

void mlt_lanes_prepare(struct mlt_lanes *l, mlt_lane_prepare_fn prepare, void *ctx) {
  l->prepare = prepare;
  l->prepare_ctx = ctx;
}

unsigned mlt_lanes_count(const struct mlt_lanes *l) {
  return l->n;
}

/* Reports a finished lane and makes it idle. The lock is not held. */
static enum mlt_rc settle(struct mlt_lanes *l, struct lane *lane, struct mlt_err *err) {
  if (lane->rc != MLT_OK && err->rc == MLT_OK)
    *err = lane->err;
  enum mlt_rc rc = l->on_done(l->ctx, lane->batch, &lane->outcome, lane->rc, err);
  mlt_batch_reset(lane->batch);
  (void)pthread_mutex_lock(&l->lock);
  lane->state = LANE_IDLE;
  (void)pthread_mutex_unlock(&l->lock);
  return rc;
}

/* A lane in the wanted state; NULL if there is none. */
static struct lane *find(struct mlt_lanes *l, enum lane_state state) {
  for (unsigned i = 0; i < l->n; i++)
    if (l->lane[i].state == state)
      return &l->lane[i];
  return NULL;
}

/* The lock is held, but while the caller is told. */
static void wait_a_little(struct mlt_lanes *l) {
  struct timespec until;
  (void)clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += WAITING_NS;
  until.tv_sec += until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  if (pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0 || !l->waiting)
    return;
  (void)pthread_mutex_unlock(&l->lock);
  l->waiting(l->ctx);
  (void)pthread_mutex_lock(&l->lock);
}

/* Waits until a lane is done, or (if idle_will_do) idle, and returns it; NULL when all are idle. */
static struct lane *wait_for(struct mlt_lanes *l, bool idle_will_do) {
  struct lane *lane;
  (void)pthread_mutex_lock(&l->lock);
  for (;;) {
    lane = find(l, LANE_DONE);
    if (!lane && (idle_will_do || !find(l, LANE_LOADED)))
      lane = find(l, LANE_IDLE);
    if (lane)
      break;
    wait_a_little(l);
  }
  (void)pthread_mutex_unlock(&l->lock);
  return lane;
}

/* The runs that others must not be writing; *out NULL: any batch may be written beside this one. */
static enum mlt_rc runs_of(const struct mlt_lanes *l, const struct mlt_batch *b,
                           struct mlt_map **out, struct mlt_err *err) {
  *out = NULL;
  if (!b->adds || l->n == 1)
    return MLT_OK;
  struct mlt_map *runs = mlt_map_new();
  for (size_t i = 0; runs && i < b->runs.n; i++)
    if (mlt_map_put(runs, b->runs.v[i].r.run_uuid, 1) < 0) {
      mlt_map_free(runs);
      runs = NULL;
    }
  *out = runs;
  return runs ? MLT_OK : mlt_err_nomem(err);
}

static bool holds_one_of(const struct mlt_batch *b, const struct mlt_map *runs) {
  uint64_t found;
  for (size_t i = 0; i < b->runs.n; i++)
    if (mlt_map_get(runs, b->runs.v[i].r.run_uuid, &found))
      return true;
  return false;
}

/* Is one of the runs on its way? */
static bool is_under_way(struct mlt_lanes *l, const struct mlt_map *runs) {
  bool found = false;
  (void)pthread_mutex_lock(&l->lock);
  for (unsigned i = 0; runs && i < l->n && !found; i++)
    found = l->lane[i].state == LANE_LOADED && holds_one_of(l->lane[i].batch, runs);
  (void)pthread_mutex_unlock(&l->lock);
  return found;
}

/* Waits until there is an idle lane and none of the runs is on its way. */
static enum mlt_rc wait_for_turn(struct mlt_lanes *l, const struct mlt_map *runs, struct lane **out,
                                 struct mlt_err *err) {
  while ((*out = wait_for(l, !is_under_way(l, runs)))->state == LANE_DONE) {
    enum mlt_rc rc = settle(l, *out, err);
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

enum mlt_rc mlt_lanes_submit(struct mlt_lanes *l, struct mlt_batch **batch, struct mlt_err *err) {
  struct lane *lane;
  struct mlt_map *runs;
  enum mlt_rc rc = runs_of(l, *batch, &runs, err);
  if (rc == MLT_OK)
    rc = wait_for_turn(l, runs, &lane, err);
  mlt_map_free(runs);
  if (rc != MLT_OK)
    return rc;
  struct mlt_batch *empty = lane->batch;
  lane->batch = *batch;
  *batch = empty;
  (void)pthread_mutex_lock(&l->lock);
  lane->state = LANE_LOADED;
  (void)pthread_cond_broadcast(&l->changed);
  (void)pthread_mutex_unlock(&l->lock);
  return MLT_OK;
}

enum mlt_rc mlt_lanes_drain(struct mlt_lanes *l, struct mlt_err *err) {
  enum mlt_rc first = MLT_OK;
  struct lane *lane;
  while ((lane = wait_for(l, false))->state == LANE_DONE) {
    enum mlt_rc rc = settle(l, lane, err);
    first = first == MLT_OK ? rc : first;
  }
  return first;
}

static void end_threads(struct mlt_lanes *l) {
  (void)pthread_mutex_lock(&l->lock);
  for (unsigned i = 0; i < l->n; i++) {
    while (l->lane[i].state == LANE_LOADED) /* its batch is on its way: it ends by itself */
      (void)pthread_cond_wait(&l->changed, &l->lock);
    l->lane[i].state = LANE_QUIT;
  }
  (void)pthread_cond_broadcast(&l->changed);
  (void)pthread_mutex_unlock(&l->lock);
  for (unsigned i = 0; i < l->n; i++)
    if (l->lane[i].started)
      (void)pthread_join(l->lane[i].thread, NULL);
}

void mlt_lanes_close(struct mlt_lanes *l) {
  if (!l)
    return;
  end_threads(l);
  for (unsigned i = 0; i < l->n; i++) {
    struct lane *lane = &l->lane[i];
    if (i > 0) /* the first sink is the caller's */
      l->ops->close(lane->sink);
    mlt_batch_free(lane->batch);
    mlt_free(lane->outcome.notes.v);
    mlt_arena_free(lane->outcome.arena);
  }
  (void)pthread_cond_destroy(&l->changed);
  (void)pthread_mutex_destroy(&l->lock);
  mlt_free(l);
}
