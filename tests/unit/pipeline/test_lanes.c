/* Lanes over sinks that only count: what is tested is the hand-over between threads (run it with
 * TSan, too). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
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

enum { ADDED_RUNS = 8 };

/* Of runs that are added to: who writes them, and the number of the batch that did last. */
static struct { atomic_int writers, last; } added[ADDED_RUNS];
static atomic_int out_of_order;

static int number_of(struct mlt_str s) {
  return atoi(s.p);
}

static void enter_runs(const struct mlt_batch *b) {
  for (size_t i = 0; i < b->runs.n; i++) {
    int run = number_of(b->runs.v[i].r.run_uuid);
    int batch = number_of(b->params.v[b->runs.v[i].params.first].value);
    out_of_order += added[run].writers++ > 0 || batch <= added[run].last;
    added[run].last = batch;
  }
}

static void leave_runs(const struct mlt_batch *b) {
  for (size_t i = 0; i < b->runs.n; i++)
    added[number_of(b->runs.v[i].r.run_uuid)].writers--;
}

static enum mlt_rc count_write(struct mlt_sink *s, const struct mlt_batch *b,
                               struct mlt_outcome *out, struct mlt_err *err) {
  (void)s;
  int now = ++seen.at_once;
  if (now > seen.most_at_once)
    seen.most_at_once = now;
  enter_runs(b);
  struct timespec t = {.tv_nsec = 2000000};
  (void)nanosleep(&t, NULL);
  leave_runs(b);
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
  memset(added, 0, sizeof added);
  out_of_order = 0;
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

/* A batch with more of two runs. */
static void send_more(struct pumped *p, unsigned run, unsigned other) {
  const unsigned runs[] = {run, other};
  char id[16], number[16];
  (void)snprintf(number, sizeof number, "%d", ++p->sent);
  for (int i = 0; i < 2; i++) {
    (void)snprintf(id, sizeof id, "%u", runs[i]);
    struct mlt_record r = {.kind = MLT_REC_RUN,
                           .run = {.part = MLT_RUN_MORE, .run_uuid = mlt_str_c(id)}};
    assert_int_equal(mlt_batch_add(p->batch, &r, &p->err), MLT_OK);
    r = (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {MLT_STR_LIT("batch"), mlt_str_c(number)}};
    assert_int_equal(mlt_batch_add(p->batch, &r, &p->err), MLT_OK);
    r = (struct mlt_record){.kind = MLT_REC_RUN_END};
    assert_int_equal(mlt_batch_add(p->batch, &r, &p->err), MLT_OK);
  }
  assert_int_equal(mlt_batch_seal(p->batch, &p->err), MLT_OK);
  assert_int_equal(mlt_lanes_submit(p->lanes, &p->batch, &p->err), MLT_OK);
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

static void what_adds_to_a_run_is_written_in_order_and_the_rest_beside_it(void **state) {
  (void)state;
  struct pumped p;
  begin(&p, 4, 10, 0);
  srand(3);
  for (int i = 0; i < 300; i++) {
    unsigned run = (unsigned)rand() % ADDED_RUNS;
    send_more(&p, run, (run + 1 + (unsigned)rand() % (ADDED_RUNS - 1)) % ADDED_RUNS);
  }
  assert_int_equal(mlt_lanes_drain(p.lanes, &p.err), MLT_OK);
  assert_int_equal(seen.settled, 300);
  assert_int_equal(out_of_order, 0);
  assert_true(seen.most_at_once > 1);
  end(&p);
}

static enum mlt_rc refuse_third(void *ctx, struct mlt_sink *sink, struct mlt_batch *b,
                                struct mlt_err *err) {
  atomic_int *prepared = ctx;
  (void)sink, (void)b;
  return ++*prepared == 3 ? mlt_err_set(err, MLT_DATA, "not this one") : MLT_OK;
}

static void what_cannot_be_prepared_is_not_written(void **state) {
  (void)state;
  struct pumped p;
  atomic_int prepared = 0;
  begin(&p, 1, 0, 0);
  mlt_lanes_prepare(p.lanes, refuse_third, &prepared);
  for (int i = 0; i < 3; i++)
    assert_int_equal(send(&p), MLT_OK);
  assert_int_equal(mlt_lanes_drain(p.lanes, &p.err), MLT_DATA);
  assert_string_equal(p.err.msg, "not this one");
  assert_int_equal(seen.settled, 3);
  end(&p);
  assert_int_equal(seen.writes, 2);
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
      cmocka_unit_test(what_adds_to_a_run_is_written_in_order_and_the_rest_beside_it),
      cmocka_unit_test(what_cannot_be_prepared_is_not_written),
      cmocka_unit_test(closing_waits_for_what_is_on_its_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
