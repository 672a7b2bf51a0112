/* Which import this is: one begun before that nobody works on any more, or a new one. */
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEAD = 100 };

struct search {
  int64_t alive; /* at work; 0: none */
  int64_t dead[MAX_DEAD];
  size_t n_dead;
};

static enum mlt_rc consider(void *ctx, int64_t id, struct mlt_str worker, double idle,
                            struct mlt_err *err) {
  (void)err;
  struct search *s = ctx;
  if (id < 1) /* no import of ours, and 0 says that there is none */
    return MLT_OK;
  if (mlt_worker_at_work(worker, idle))
    s->alive = s->alive ? s->alive : id;
  else if (s->n_dead < MAX_DEAD)
    s->dead[s->n_dead++] = id;
  return MLT_OK;
}

/* The newest of the dead goes on; what is left of the others will not. */
static enum mlt_rc choose(const struct mlt_ledger_ops *ops, void *db,
                          const struct mlt_ledger_source *src, const char *worker, const char *head,
                          struct mlt_ledger_state *out, struct mlt_err *err) {
  struct search s = {0};
  enum mlt_rc rc = src->identity ? ops->unfinished(db, src->identity, consider, &s, err) : MLT_OK;
  bool resume = s.n_dead && !src->restart;
  out->beside = s.alive;
  out->resumed = resume;
  if (rc == MLT_OK)
    rc = resume ? ops->take(db, out->id = s.dead[0], worker, err)
                : ops->add(db, src, worker, head, &out->id, err);
  for (size_t i = resume; rc == MLT_OK && i < s.n_dead; i++) {
    char why[80];
    bool forgotten;
    (void)snprintf(why, sizeof why, "superseded by import %" PRId64, out->id);
    rc = ops->end(db, s.dead[i], "failed", why, &forgotten, err);
  }
  return rc;
}

/* The import goes on without a ledger, and says so. */
static bool can_do_without(enum mlt_rc rc) {
  return rc == MLT_NOPERM || rc == MLT_DATA || rc == MLT_CONFLICT || rc == MLT_TEMPFAIL;
}

enum mlt_rc mlt_ledger_open(const struct mlt_ledger_ops *ops, void *db,
                            const struct mlt_ledger_source *s, const char *head,
                            struct mlt_ledger_state *out, struct mlt_err *err) {
  char worker[MLT_WORKER_MAX];
  struct mlt_err failed = MLT_ERR_INIT;
  bool there;
  *out = (struct mlt_ledger_state){0};
  mlt_worker_name(worker);
  enum mlt_rc rc = ops->begin(db, MLT_LEDGER_MAKE, &there, &out->made, &failed);
  if (rc == MLT_OK)
    rc = choose(ops, db, s, worker, head, out, &failed);
  if (rc == MLT_OK)
    rc = ops->commit(db, &failed);
  if (rc == MLT_OK)
    return MLT_OK;
  ops->rollback(db);
  *out = (struct mlt_ledger_state){0};
  if (!can_do_without(rc)) {
    if (err && err->rc == MLT_OK)
      *err = failed;
    return rc;
  }
  (void)snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, failed.msg);
  (void)snprintf(out->remedy, sizeof out->remedy, "%s", failed.hint);
  return MLT_OK;
}

enum mlt_rc mlt_ledger_end(const struct mlt_ledger_ops *ops, void *db,
                           struct mlt_ledger_state *state, const char *how, const char *error,
                           struct mlt_err *err) {
  bool there, made, forgotten = false;
  if (!state->id)
    return MLT_OK;
  enum mlt_rc rc = ops->begin(db, MLT_LEDGER_WRITE, &there, &made, err);
  if (rc == MLT_OK)
    rc = ops->end(db, state->id, how, error, &forgotten, err);
  if (rc == MLT_OK)
    rc = ops->commit(db, err);
  if (rc != MLT_OK)
    ops->rollback(db);
  if (forgotten)
    state->id = 0;
  return rc;
}

enum mlt_rc mlt_ledger_id(const char *text, int64_t *out, struct mlt_err *err) {
  size_t n = strlen(text);
  if (n == 0 || n > 18 || strspn(text, "0123456789") != n || *text == '0')
    return mlt_err_set(err, MLT_USAGE, "'%s' is no import's id: a number from 1 on", text);
  *out = strtoll(text, NULL, 10);
  return MLT_OK;
}
