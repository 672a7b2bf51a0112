/* Readers over a source that only counts: what is tested is the hand-over between threads (run it
 * with TSan, too). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "pipeline/readers.h"

enum { RUNS = 500, PARAMS = 3 };

/* What the instances share. */
static struct { atomic_int next, open, fail_at, reject_at; } store;

struct mlt_source {
  bool twin;
  int rest; /* how far behind the runs */
  int run;  /* -1: none */
  int records;
  struct mlt_source_progress progress;
  char id[33], key[16];
};

static void begin_run(struct mlt_source *s, struct mlt_record *rec) {
  (void)snprintf(s->id, sizeof s->id, "%032x", (unsigned)s->run);
  s->records = 0;
  rec->kind = MLT_REC_RUN;
  rec->run = (struct mlt_run){.run_uuid = mlt_str_c(s->id),
                              .experiment = MLT_STR_LIT("1"),
                              .status = MLT_RUN_FINISHED,
                              .user_id = MLT_STR_LIT("u"),
                              .source_type = MLT_STR_LIT("LOCAL"),
                              .start_time = {1, true}};
}

static void go_on(struct mlt_source *s, struct mlt_record *rec) {
  if (s->records++ == PARAMS) {
    rec->kind = MLT_REC_RUN_END;
    s->run = -1;
    s->progress.runs_done++;
    return;
  }
  (void)snprintf(s->key, sizeof s->key, "p%d", s->records);
  rec->kind = MLT_REC_PARAM;
  rec->kv = (struct mlt_kv){mlt_str_c(s->key), MLT_STR_LIT("v")};
}

static enum mlt_rc give_run(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err) {
  if (s->run >= 0) {
    go_on(s, rec);
    return MLT_OK;
  }
  s->run = store.next++;
  if (s->run == store.fail_at)
    return mlt_err_set(err, MLT_IO, "the disk is gone");
  if (s->run >= RUNS) {
    s->run = -1;
    return MLT_END;
  }
  begin_run(s, rec);
  if (s->run == store.reject_at)
    rec->run.run_uuid.len = 0;
  return MLT_OK;
}

/* An experiment, runs, and a logged model when the twins are done. */
static enum mlt_rc read_next(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err) {
  static const enum mlt_rec_kind rest[] = {MLT_REC_LOGGED_MODEL, MLT_REC_LOGGED_MODEL_END};
  *rec = (struct mlt_record){.kind = MLT_REC_EXPERIMENT};
  if (!s->twin && !s->progress.runs_total) {
    s->progress.runs_total = RUNS;
    rec->experiment = (struct mlt_experiment){.key = MLT_STR_LIT("1"), .name = MLT_STR_LIT("e")};
    return MLT_OK;
  }
  enum mlt_rc rc = s->rest ? MLT_END : give_run(s, rec, err);
  if (rc != MLT_END || s->twin || s->rest == 3)
    return rc;
  if (s->rest++ == 0 && store.open > 0)
    return MLT_AGAIN;
  s->rest += s->rest == 1;
  *rec = (struct mlt_record){.kind = rest[s->rest - 2]};
  rec->logged_model = (struct mlt_logged_model){.model_id = MLT_STR_LIT("m"),
                                                .experiment = MLT_STR_LIT("1"),
                                                .name = MLT_STR_LIT("m"),
                                                .artifact_location = MLT_STR_LIT("/m")};
  return MLT_OK;
}

static enum mlt_rc make_twin(struct mlt_source *s, struct mlt_source **out, struct mlt_err *err) {
  (void)s, (void)err;
  *out = mlt_calloc(1, sizeof **out);
  assert_non_null(*out);
  (*out)->run = -1;
  (*out)->twin = true;
  store.open++;
  return MLT_OK;
}

static void close_source(struct mlt_source *s) {
  store.open--;
  mlt_free(s);
}

static void tell(const struct mlt_source *s, struct mlt_source_progress *out) {
  *out = s->progress;
}

static const struct mlt_source_ops with_twins = {
    .next = read_next, .twin = make_twin, .progress = tell, .close = close_source};
static const struct mlt_source_ops without = {
    .next = read_next, .progress = tell, .close = close_source};

/* Windows of an experiment, more of a run, and a model; the second holds nothing. */
static enum mlt_rc next_of_windows(struct mlt_source *s, struct mlt_record *rec,
                                   struct mlt_err *err) {
  enum { WINDOWS = 4, RECORDS = 6 };
  int window = s->records / RECORDS, at = s->records % RECORDS;
  (void)err;
  if (window == WINDOWS)
    return MLT_END;
  s->records++;
  (void)snprintf(s->key, sizeof s->key, "w%d", window);
  *rec = (struct mlt_record){.kind = MLT_REC_WINDOW_END};
  if (window == 1) {
    s->records = 2 * RECORDS;
  } else if (at == 0) {
    rec->kind = MLT_REC_EXPERIMENT;
    rec->experiment = (struct mlt_experiment){.key = MLT_STR_LIT("1"), .name = MLT_STR_LIT("e")};
  } else if (at == 1) {
    rec->kind = MLT_REC_RUN;
    rec->run = (struct mlt_run){.part = MLT_RUN_MORE, .run_uuid = MLT_STR_LIT("r")};
  } else if (at == 2) {
    rec->kind = MLT_REC_RUN_END;
  } else if (at < 5) {
    rec->kind = at == 3 ? MLT_REC_LOGGED_MODEL : MLT_REC_LOGGED_MODEL_END;
    rec->logged_model = (struct mlt_logged_model){.model_id = mlt_str_c(s->key),
                                                  .experiment = MLT_STR_LIT("1"),
                                                  .name = MLT_STR_LIT("m"),
                                                  .artifact_location = MLT_STR_LIT("/m")};
  }
  return MLT_OK;
}

static bool yes(const struct mlt_source *s) {
  (void)s;
  return true;
}

static const struct mlt_source_ops of_windows = {
    .next = next_of_windows, .progress = tell, .close = close_source, .adds = yes};

struct reading {
  struct mlt_readers *readers;
  struct mlt_source first;
  struct mlt_batch *like;
  struct mlt_map *seen; /* run -> batches that hold it */
  int batches, experiments, models;
  struct mlt_err err;
};

static void begin(struct reading *r, const struct mlt_source_ops *ops, unsigned n,
                  uint64_t batch_runs, bool stop_on_reject) {
  struct mlt_limits limits;
  mlt_limits_none(&limits);
  memset(&store, 0, sizeof store);
  store.fail_at = store.reject_at = -1;
  *r = (struct reading){.first.run = -1, .like = mlt_batch_new(&limits, 0), .seen = mlt_map_new()};
  struct mlt_fill fill = {
      .rows = UINT64_MAX, .runs = batch_runs, .bytes = SIZE_MAX, .stop_on_reject = stop_on_reject};
  assert_int_equal(mlt_readers_open(&r->readers, ops, &r->first, n, &fill, r->like, &r->err),
                   MLT_OK);
}

static void end(struct reading *r) {
  mlt_readers_close(r->readers);
  mlt_batch_free(r->like);
  mlt_map_free(r->seen);
  assert_int_equal(store.open, 0); /* twins are closed, the first source is the caller's */
}

static void look_at(struct reading *r, struct mlt_batch *b) {
  r->batches++;
  r->experiments += (int)b->experiments.n;
  r->models += (int)b->logged_models.n;
  for (size_t i = 0; i < b->runs.n; i++) {
    assert_int_equal(b->runs.v[i].params.n, PARAMS);
    assert_int_equal(mlt_map_put(r->seen, b->runs.v[i].r.run_uuid, 1), 1);
  }
  mlt_batch_reset(b);
}

/* Takes what there is of the next stretch; returns how it ended. */
static enum mlt_rc read_all(struct reading *r, unsigned n, bool keep) {
  struct mlt_batch **batch;
  enum mlt_rc rc = mlt_readers_start(r->readers, n, keep, &r->err);
  while (rc == MLT_OK || rc == MLT_AGAIN) {
    rc = mlt_readers_take(r->readers, 0.01, &batch, &r->err);
    if (rc == MLT_OK && !(*batch)->sealed)
      return MLT_REJECTED;
    if (rc == MLT_OK)
      look_at(r, *batch);
  }
  return rc;
}

/* The first stretch is read: runs come next. */
static void begin_runs(struct reading *r, const struct mlt_source_ops *ops, unsigned n,
                       uint64_t batch_runs, bool stop_on_reject) {
  begin(r, ops, n, batch_runs, stop_on_reject);
  assert_false(mlt_readers_at_runs(r->readers));
  assert_int_equal(read_all(r, n, false), MLT_END);
  assert_true(mlt_readers_at_runs(r->readers));
  assert_int_equal(r->experiments, 1);
}

static void every_run_is_in_one_batch(void **state) {
  (void)state;
  struct reading r;
  struct mlt_source_progress p;
  begin_runs(&r, &with_twins, 4, 7, true);
  assert_int_equal(read_all(&r, 4, false), MLT_END);
  assert_int_equal(store.open, 3);
  assert_int_equal(mlt_map_count(r.seen), RUNS);
  assert_true(r.batches >= RUNS / 7);
  mlt_readers_progress(r.readers, &p);
  assert_int_equal(p.runs_done, RUNS);
  assert_int_equal(p.runs_total, RUNS);
  assert_false(mlt_readers_over(r.readers) || mlt_readers_at_runs(r.readers));
  assert_int_equal(r.models, 0);
  assert_int_equal(read_all(&r, 4, false), MLT_END);
  assert_true(mlt_readers_over(r.readers));
  assert_int_equal(r.models, 1);
  end(&r);
}

static void a_source_without_twins_has_one_reader(void **state) {
  (void)state;
  struct reading r;
  begin_runs(&r, &without, 4, 100, true);
  assert_int_equal(mlt_readers_most(r.readers), 1);
  assert_int_equal(read_all(&r, 4, false), MLT_END);
  assert_int_equal(mlt_map_count(r.seen), RUNS);
  assert_int_equal(r.batches, 1 + RUNS / 100);
  assert_int_equal(read_all(&r, 4, false), MLT_END);
  assert_int_equal(r.models, 1);
  end(&r);
}

static void what_is_kept_goes_with_the_next_stretch(void **state) {
  (void)state;
  struct reading r;
  begin(&r, &with_twins, 1, UINT64_MAX, true);
  assert_int_equal(read_all(&r, 1, true), MLT_END);
  assert_int_equal(mlt_batch_rows(*mlt_readers_kept(r.readers)), 1);
  assert_int_equal(read_all(&r, 1, true), MLT_END);
  assert_int_equal(r.batches, 0);
  assert_int_equal(read_all(&r, 1, true), MLT_END);
  assert_true(mlt_readers_over(r.readers));
  assert_int_equal(r.batches, 1);
  assert_int_equal(r.experiments, 1);
  assert_int_equal(r.models, 1);
  assert_int_equal(mlt_map_count(r.seen), RUNS);
  end(&r);
}

static void each_window_is_a_batch(void **state) {
  (void)state;
  struct reading r;
  struct mlt_batch **batch;
  int batches = 0;
  begin(&r, &of_windows, 4, UINT64_MAX, true);
  assert_int_equal(mlt_readers_most(r.readers), 1);
  assert_int_equal(mlt_readers_start(r.readers, 1, true, &r.err), MLT_OK);
  enum mlt_rc rc;
  while ((rc = mlt_readers_take(r.readers, 60, &batch, &r.err)) == MLT_OK) {
    assert_true((*batch)->sealed);
    assert_int_equal((*batch)->notes.n, 0);
    assert_int_equal((*batch)->runs.n, 1);
    assert_int_equal((*batch)->experiments.n, 1);
    assert_int_equal((*batch)->logged_models.n, 1);
    assert_int_equal((*batch)->experiments.v[0].again, batches++ > 0);
    mlt_batch_reset(*batch);
  }
  assert_int_equal(rc, MLT_END);
  assert_true(mlt_readers_over(r.readers));
  assert_int_equal(batches, 3);
  end(&r);
}

static void an_error_of_one_reader_ends_the_reading(void **state) {
  (void)state;
  struct reading r;
  begin_runs(&r, &with_twins, 4, 7, true);
  store.fail_at = 200;
  assert_int_equal(read_all(&r, 4, false), MLT_IO);
  assert_string_equal(r.err.msg, "the disk is gone");
  mlt_readers_stop(r.readers);
  end(&r);
}

static void a_reject_is_handed_over_at_once(void **state) {
  (void)state;
  struct reading r;
  begin_runs(&r, &with_twins, 3, UINT64_MAX, true);
  store.reject_at = 5;
  assert_int_equal(read_all(&r, 3, false), MLT_REJECTED);
  end(&r);
  begin_runs(&r, &with_twins, 3, UINT64_MAX, false);
  store.reject_at = 5;
  assert_int_equal(read_all(&r, 3, false), MLT_END);
  assert_int_equal(mlt_map_count(r.seen), RUNS - 1);
  end(&r);
}

static void readers_whose_batches_nobody_takes_can_be_stopped(void **state) {
  (void)state;
  struct reading r;
  struct mlt_batch **batch;
  begin_runs(&r, &with_twins, 3, 5, true);
  assert_int_equal(mlt_readers_start(r.readers, 3, false, &r.err), MLT_OK);
  assert_int_equal(mlt_readers_take(r.readers, 60, &batch, &r.err), MLT_OK);
  end(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_run_is_in_one_batch),
      cmocka_unit_test(a_source_without_twins_has_one_reader),
      cmocka_unit_test(what_is_kept_goes_with_the_next_stretch),
      cmocka_unit_test(each_window_is_a_batch),
      cmocka_unit_test(an_error_of_one_reader_ends_the_reading),
      cmocka_unit_test(a_reject_is_handed_over_at_once),
      cmocka_unit_test(readers_whose_batches_nobody_takes_can_be_stopped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
