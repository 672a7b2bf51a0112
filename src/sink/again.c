/* When a batch is tried again: other writers were in the way, or the connection was lost. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "sink/writer.h"

enum {
  MAX_ATTEMPTS = 6, /* whatever was in the way */
  FIRST_DELAY_MS = 20,
  MAX_DELAY_MS = 500,
  FIRST_RECONNECT_MS = 50,
  MAX_RECONNECT_MS = 5000,
  LOOK_MS = 50 /* no signal wakes a thread of ours */
};
/* How long other writers may be in the way before that is an error. */
static const double PATIENCE_SECONDS = 60;

/* With jitter, so that two writers do not meet again. */
static enum mlt_rc back_off(const struct mlt_sink *s, uint32_t ms, struct mlt_err *err) {
  ms += mlt_random_below(ms);
  while (ms > 0) {
    if (s->cancelled && *s->cancelled)
      return mlt_err_set(err, MLT_CANCELLED, "interrupted");
    uint32_t part = ms < LOOK_MS ? ms : LOOK_MS;
    struct timespec t = {.tv_nsec = (long)part * 1000000L};
    (void)nanosleep(&t, NULL);
    ms -= part;
  }
  return MLT_OK;
}

/* ---- a lost connection ---- */

bool mlt_sink_lost(const struct mlt_sink *s, const struct mlt_err *err) {
  return s->db && s->ops->lost && s->retry && s->retry->seconds > 0 && s->ops->lost(err);
}

static void tell(const struct mlt_sink *s, const struct mlt_err *why, double waited) {
  if (s->retry->tell)
    s->retry->tell(s->retry->ctx, why, waited);
}

static enum mlt_rc give_up(const struct mlt_sink *s, const struct mlt_err *why,
                           struct mlt_err *err) {
  mlt_err_clear(err);
  enum mlt_rc rc = mlt_err_set(err, MLT_TEMPFAIL, "%s; given up after %.0f s (--retry-timeout)",
                               why->msg, s->retry->seconds);
  mlt_err_hint(err, "run it again: what was committed stays, the rest was rolled back");
  return rc;
}

static enum mlt_rc reconnect(struct mlt_sink *s, double since, enum mlt_fate_known *fate,
                             struct mlt_err *err) {
  struct mlt_err why = *err;
  uint32_t delay = FIRST_RECONNECT_MS;
  for (;;) {
    double waited = mlt_clock_seconds() - since;
    if (waited >= s->retry->seconds)
      return give_up(s, &why, err);
    tell(s, &why, waited);
    mlt_err_clear(err);
    enum mlt_rc rc = back_off(s, delay, err);
    if (rc == MLT_OK)
      rc = s->ops->reconnect(s->db, fate, err);
    if (rc != MLT_AGAIN && !s->ops->lost(err))
      return rc;
    if (rc != MLT_AGAIN)
      why = *err;
    delay = delay < MAX_RECONNECT_MS / 2 ? 2 * delay : MAX_RECONNECT_MS;
  }
}

enum mlt_rc mlt_sink_reconnect(struct mlt_sink *s, struct mlt_tries *t, enum mlt_fate_known *fate,
                               struct mlt_err *err) {
  if (t->lost_first <= 0)
    t->lost_first = mlt_clock_seconds();
  enum mlt_rc rc = reconnect(s, t->lost_first, fate, err);
  if (rc == MLT_OK) {
    s->retry->reconnects++;
    tell(s, NULL, mlt_clock_seconds() - t->lost_first);
  }
  return rc;
}

/* ---- the decision ---- */

static enum mlt_rc after_contention(struct mlt_sink *s, struct mlt_tries *t, struct mlt_err *err) {
  double now = mlt_clock_seconds();
  t->contended_first = t->n ? t->contended_first : now;
  bool patient = s->ops->contended(err) && now - t->contended_first < PATIENCE_SECONDS;
  int n = t->n++;
  if (n + 1 >= MAX_ATTEMPTS && !patient)
    return MLT_TEMPFAIL;
  mlt_err_clear(err);
  enum mlt_rc rc =
      back_off(s, n < MAX_ATTEMPTS ? (uint32_t)FIRST_DELAY_MS << n : MAX_DELAY_MS, err);
  return rc == MLT_OK ? MLT_AGAIN : rc;
}

enum mlt_rc mlt_sink_try_again(struct mlt_sink *s, struct mlt_tries *t, enum mlt_rc rc,
                               struct mlt_err *err) {
  enum mlt_fate_known fate;
  bool whole = s->db && mlt_sink_load(s).whole;
  if (rc == MLT_AGAIN)
    return rc;
  if (mlt_sink_lost(s, err)) {
    rc = mlt_sink_reconnect(s, t, &fate, err);
    if (rc != MLT_OK || !whole)
      return rc == MLT_OK ? MLT_AGAIN : rc;
    return mlt_sink_start_over(s, err);
  }
  return rc == MLT_TEMPFAIL && !whole ? after_contention(s, t, err) : rc;
}

enum mlt_rc mlt_sink_start_over(struct mlt_sink *s, struct mlt_err *err) {
  s->retry->start_over = true;
  enum mlt_rc rc = mlt_err_set(err, MLT_TEMPFAIL,
                               "the connection to PostgreSQL was lost, and with it the whole load, "
                               "which is one transaction");
  mlt_err_hint(err, "run it again; --load append keeps what was committed");
  return rc;
}
