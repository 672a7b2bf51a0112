/* Lanes over sinks that only count: what is tested is the hand-over between threads (run it with
 * TSan, too). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "pipeline/lanes.h"

struct mlt_sink {
  int number;
};

static struct {
  atomic_int open, writes, at_once, most_at_once;
  int twins_allowed, fail_at;
  uint64_t settled_rows;
  int settled;
} seen;

static enum mlt_rc count_write(struct mlt_sink *s, const struct mlt_batch *b,
                               struct mlt_outcome *out, struct mlt_err *err) {
  (void)s;
  int now = ++seen.at_once;
  if (now > seen.most_at_once)
    seen.most_at_once = now;
  struct timespec t = {.tv_nsec = 2000000};
  (void)nanosleep(&t, NULL);
  seen.at_once--;
  memset(out->counts, 0, sizeof out->counts);
  out->counts[MLT_T_EXPERIMENTS].inserted = b->experiments.n;
  if (++seen.writes == seen.fail_at)
    return mlt_err_set(err, MLT_UNAVAILABLE, "the wire was cut");
  return MLT_OK;
}

static enum mlt_rc make_twin(struct mlt_sink *s, struct mlt_sink **out, struct mlt_err *err) {
  (void)s;
  *out = NULL;
  if (seen.open > seen.twins_allowed)
    return MLT_OK;
  *out = mlt_calloc(1, sizeof **out);
  if (!*out)
    return mlt_err_nomem(err);
  seen.open++;
  return MLT_OK;
}

static void close_sink(struct mlt_sink *s) {
  seen.open--;
  mlt_free(s);
}

static const struct mlt_sink_ops counting = {
    .name = "counting", .write = count_write, .twin = make_twin, .close = close_sink};

static enum mlt_rc settle(void *ctx, const struct mlt_batch *b, const struct mlt_outcome *out,
                          enum mlt_rc rc, struct mlt_err *err) {
  (void)ctx, (void)b, (void)err;
  seen.settled++;
  if (rc == MLT_OK)
    seen.settled_rows += out->counts[MLT_T_EXPERIMENTS].inserted;
  return rc;
}

struct pumped {
  struct mlt_lanes *lanes;
  struct mlt_batch *batch;
  struct mlt_sink first;
  struct mlt_err err;
  int sent;
};

static void begin(struct pumped *p, unsigned lanes, int twins, int fail_at) {
  memset(&seen, 0, sizeof seen);
  seen.open = 1;
  seen.twins_allowed = twins;
  seen.fail_at = fail_at;
  *p = (struct pumped){0};
  struct mlt_limits limits;
  mlt_limits_none(&limits);
  p->batch = mlt_batch_new(&limits, 0);
  assert_int_equal(
      mlt_lanes_open(&p->lanes, &counting, &p->first, lanes, p->batch, settle, NULL, &p->err),
      MLT_OK);
}

/* One batch with one experiment, another each time. */
static enum mlt_rc send(struct pumped *p) {
  char name[32];
  (void)snprintf(name, sizeof name, "e%d", p->sent++);
  struct mlt_record r = {.kind = MLT_REC_EXPERIMENT,
                         .experiment = {.key = mlt_str_c(name), .name = mlt_str_c(name)}};
  assert_int_equal(mlt_batch_add(p->batch, &r, &p->err), MLT_OK);
  assert_int_equal(mlt_batch_seal(p->batch, &p->err), MLT_OK);
  return mlt_lanes_submit(p->lanes, &p->batch, &p->err);
}

static void end(struct pumped *p) {
  mlt_lanes_close(p->lanes);
  mlt_batch_free(p->batch);
  assert_int_equal(seen.open, 1); /* twins are closed, the first sink is the caller's */
}

static void every_batch_is_written_and_reported_once(void **state) {
  (void)state;
  struct pumped p;
  begin(&p, 4, 10, 0);
  assert_int_equal(mlt_lanes_count(p.lanes), 4);
  for (int i = 0; i < 100; i++)
    assert_int_equal(send(&p), MLT_OK);
  assert_int_equal(mlt_lanes_drain(p.lanes, &p.err), MLT_OK);
  assert_int_equal(seen.writes, 100);
  assert_int_equal(seen.settled, 100);
  assert_int_equal(seen.settled_rows, 100);
  assert_true(seen.most_at_once > 1);
  end(&p);
}

static void a_target_that_takes_one_writer_gets_one(void **state) {
  (void)state;
  struct pumped p;
  begin(&p, 4, 0, 0);
  assert_int_equal(mlt_lanes_count(p.lanes), 1);
  for (int i = 0; i < 20; i++)
    assert_int_equal(send(&p), MLT_OK);
  assert_int_equal(mlt_lanes_drain(p.lanes, &p.err), MLT_OK);
  assert_int_equal(seen.most_at_once, 1);
  assert_int_equal(seen.settled_rows, 20);
  end(&p);
}

static void a_failure_reaches_the_pump_and_the_others_are_still_reported(void **state) {
  (void)state;
  struct pumped p;
  begin(&p, 3, 10, 5);
  enum mlt_rc rc = MLT_OK;
  int sent = 0;
  while (rc == MLT_OK && sent < 100) {
    rc = send(&p);
    sent++;
  }
  enum mlt_rc drained = mlt_lanes_drain(p.lanes, &p.err);
  assert_true(rc == MLT_UNAVAILABLE || drained == MLT_UNAVAILABLE);
  assert_string_equal(p.err.msg, "the wire was cut");
  assert_int_equal(seen.settled, seen.writes);
  assert_int_equal(seen.settled_rows, (uint64_t)seen.writes - 1);
  end(&p);
}

static void closing_waits_for_what_is_on_its_way(void **state) {
  (void)state;
  struct pumped p;
  begin(&p, 2, 10, 0);
  assert_int_equal(send(&p), MLT_OK);
  assert_int_equal(send(&p), MLT_OK);
  end(&p);
  assert_int_equal(seen.writes, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_batch_is_written_and_reported_once),
      cmocka_unit_test(a_target_that_takes_one_writer_gets_one),
      cmocka_unit_test(a_failure_reaches_the_pump_and_the_others_are_still_reported),
      cmocka_unit_test(closing_waits_for_what_is_on_its_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
