/* The contract of sink/sink.h, the same for every sink: run on a new SQLite file, or on the
   database that MLTRACK_TEST_TARGET names (an empty MLflow schema;
   tests/integration/test_sink_contract.py gives one in PostgreSQL). */
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sink/sink.h"

struct fixture {
  char path[256];
  struct mlt_target target;
  const struct mlt_sink_ops *ops;
  struct mlt_sink *sink;
  struct mlt_batch *batch;
  struct mlt_outcome out;
  struct mlt_err err;
};

static const char RUN[] = "0123456789abcdef0123456789abcdef";

static void open_loading(struct fixture *f, enum mlt_load load, bool dry_run, bool stop) {
  struct mlt_sink_opts opts = {
      .target = &f->target, .load = load, .dry_run = dry_run, .stop_on_reject = stop};
  f->ops->close(f->sink);
  f->sink = NULL;
  mlt_err_clear(&f->err);
  if (f->ops->open(&f->sink, &opts, &f->err) != MLT_OK)
    fail_msg("open: %s", f->err.msg);
  mlt_batch_free(f->batch);
  f->batch = mlt_batch_new(&f->ops->schema(f->sink)->limits, 0);
}

static void open_sink(struct fixture *f, bool dry_run, bool stop) {
  open_loading(f, MLT_LOAD_APPEND, dry_run, stop);
}

static int setup(void **state) {
  static unsigned serial;
  struct fixture *f = calloc(1, sizeof *f);
  const char *uri = getenv("MLTRACK_TEST_TARGET");
  char own[300];
  if (!uri) {
    (void)snprintf(f->path, sizeof f->path, "/tmp/mltrack-contract-%d-%u.db", (int)getpid(),
                   serial++);
    (void)snprintf(own, sizeof own, "sqlite:///%s", f->path);
    uri = own;
  }
  assert_int_equal(mlt_target_parse(&f->target, uri, &f->err), MLT_OK);
  f->ops = mlt_sink_for(f->target.kind);
  f->out.arena = mlt_arena_new();
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  f->ops->close(f->sink);
  mlt_batch_free(f->batch);
  mlt_free(f->out.notes.v);
  mlt_arena_free(f->out.arena);
  mlt_target_free(&f->target);
  if (f->path[0])
    (void)unlink(f->path);
  free(f);
  return 0;
}

static void add(struct fixture *f, struct mlt_record rec) {
  if (mlt_batch_add(f->batch, &rec, &f->err) != MLT_OK)
    fail_msg("add: %s", f->err.msg);
}

static void add_experiment(struct fixture *f, const char *key, const char *name) {
  add(f, (struct mlt_record){.kind = MLT_REC_EXPERIMENT,
                             .experiment = {.key = mlt_str_c(key),
                                            .name = mlt_str_c(name),
                                            .id = {123456789012345678, true},
                                            .artifact_location = MLT_STR_LIT("/srv/a"),
                                            .creation_time = {5, true}}});
  add(f, (struct mlt_record){.kind = MLT_REC_EXPERIMENT_TAG,
                             .owner = mlt_str_c(key),
                             .kv = {MLT_STR_LIT("team"), MLT_STR_LIT("blue")}});
  add(f, (struct mlt_record){.kind = MLT_REC_DATASET,
                             .dataset = {.experiment = mlt_str_c(key),
                                         .name = MLT_STR_LIT("iris"),
                                         .digest = MLT_STR_LIT("abc"),
                                         .source_type = MLT_STR_LIT("local"),
                                         .source = MLT_STR_LIT("{}")}});
}

static void add_run(struct fixture *f, const char *experiment, const char *id, const char *lr) {
  static const int64_t step[] = {0, 1, 1}, ts[] = {10, 20, 20};
  static const double value[] = {0.5, 0.25, 0.25};
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .run = {.run_uuid = mlt_str_c(id),
                                     .experiment = mlt_str_c(experiment),
                                     .name = MLT_STR_LIT("r"),
                                     .user_id = MLT_STR_LIT("u"),
                                     .source_type = MLT_STR_LIT("LOCAL"),
                                     .status = MLT_RUN_FINISHED,
                                     .start_time = {1, true},
                                     .artifact_uri = MLT_STR_LIT("/srv/a/r/artifacts")}});
  add(f, (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {MLT_STR_LIT("lr"), mlt_str_c(lr)}});
  add(f, (struct mlt_record){.kind = MLT_REC_TAG,
                             .kv = {MLT_STR_LIT("mlflow.runName"), MLT_STR_LIT("r")}});
  add(f,
      (struct mlt_record){
          .kind = MLT_REC_POINTS,
          .points = {
              .key = MLT_STR_LIT("loss"), .n = 3, .timestamp = ts, .step = step, .value = value}});
  add(f, (struct mlt_record){.kind = MLT_REC_INPUT,
                             .input = {.name = MLT_STR_LIT("iris"), .digest = MLT_STR_LIT("abc")}});
  add(f, (struct mlt_record){.kind = MLT_REC_INPUT_TAG,
                             .kv = {MLT_STR_LIT("mlflow.data.context"), MLT_STR_LIT("train")}});
  add(f, (struct mlt_record){.kind = MLT_REC_RUN_END});
}

static enum mlt_rc write_batch(struct fixture *f) {
  if (mlt_batch_seal(f->batch, &f->err) != MLT_OK)
    fail_msg("seal: %s", f->err.msg);
  enum mlt_rc rc = f->ops->write(f->sink, f->batch, &f->out, &f->err);
  if (rc != MLT_OK && rc != MLT_CONFLICT && rc != MLT_DATA)
    fail_msg("write: %s", f->err.msg);
  return rc;
}

static void expect(struct fixture *f, enum mlt_table t, uint64_t inserted, uint64_t present,
                   uint64_t rejected) {
  const struct mlt_counts *c = &f->out.counts[t];
  if (c->inserted != inserted || c->present != present || c->rejected != rejected)
    fail_msg("%s: %d inserted, %d present, %d rejected", mlt_table_name(t), (int)c->inserted,
             (int)c->present, (int)c->rejected);
}

static void whole(struct fixture *f, const char *lr) {
  add_experiment(f, "1", "first");
  add_run(f, "1", RUN, lr);
}

static void new_rows_go_in_and_are_found_again(void **state) {
  struct fixture *f = *state;
  open_sink(f, true, true);
  whole(f, "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_METRICS, 2, 0, 0); /* a dry run counts as the real one will */
  open_sink(f, false, true);
  whole(f, "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  static const enum mlt_table one_each[] = {
      MLT_T_EXPERIMENTS,    MLT_T_EXPERIMENT_TAGS, MLT_T_RUNS,   MLT_T_PARAMS,    MLT_T_TAGS,
      MLT_T_LATEST_METRICS, MLT_T_DATASETS,        MLT_T_INPUTS, MLT_T_INPUT_TAGS};
  for (size_t i = 0; i < sizeof one_each / sizeof *one_each; i++)
    expect(f, one_each[i], 1, 0, 0);
  expect(f, MLT_T_METRICS, 2, 0, 0);
  assert_int_equal(f->batch->counts[MLT_T_METRICS].merged, 1);
  open_sink(f, false, true);
  whole(f, "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  for (size_t i = 0; i < sizeof one_each / sizeof *one_each; i++)
    expect(f, one_each[i], 0, 1, 0);
  expect(f, MLT_T_METRICS, 0, 2, 0);
}

static void a_different_run_is_a_conflict_and_is_left_alone(void **state) {
  struct fixture *f = *state;
  open_sink(f, false, false);
  add_experiment(f, "1", "conflicts");
  add_run(f, "1", "c0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  open_sink(f, false, false);
  add_experiment(f, "7", "conflicts"); /* another key, the same name: the same experiment */
  add_run(f, "7", "c0000000000000000000000000000001", "0.2");
  add_run(f, "7", "c0000000000000000000000000000002", "0.2");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_RUNS, 1, 0, 1);
  expect(f, MLT_T_METRICS, 2, 0, 2);
  assert_int_equal(f->out.notes.n, 1);
  assert_string_equal(f->out.notes.v[0].code, "run-conflict");
  assert_non_null(
      strstr(f->out.notes.v[0].reason.p, "param 'lr' is '0.1' there, '0.2' in the source"));
  open_sink(f, false, true);
  add_experiment(f, "1", "conflicts");
  add_run(f, "1", "c0000000000000000000000000000001", "0.2");
  add_run(f, "1", "c0000000000000000000000000000003", "0.2");
  assert_int_equal(write_batch(f), MLT_CONFLICT);
  open_sink(f, false, false); /* the batch that stopped left nothing behind */
  add_experiment(f, "1", "conflicts");
  add_run(f, "1", "c0000000000000000000000000000003", "0.2");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_RUNS, 1, 0, 0);
}

static void expect_updated(struct fixture *f, enum mlt_table t, uint64_t updated) {
  if (f->out.counts[t].updated != updated)
    fail_msg("%s: %d updated", mlt_table_name(t), (int)f->out.counts[t].updated);
}

/* A point, a tag and another lr for a run that is there. */
static void add_more(struct fixture *f, const char *experiment, const char *id) {
  static const int64_t step[] = {1, 2}, ts[] = {20, 30};
  static const double value[] = {0.25, 0.125};
  add_experiment(f, experiment, "merges");
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .run = {.run_uuid = mlt_str_c(id),
                                     .experiment = mlt_str_c(experiment),
                                     .name = MLT_STR_LIT("r2"),
                                     .user_id = MLT_STR_LIT("other"),
                                     .source_type = MLT_STR_LIT("LOCAL"),
                                     .status = MLT_RUN_FAILED,
                                     .start_time = {1, true},
                                     .end_time = {9, true},
                                     .artifact_uri = MLT_STR_LIT("/srv/a/r/artifacts")}});
  add(f, (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {MLT_STR_LIT("lr"), MLT_STR_LIT("2")}});
  add(f, (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {MLT_STR_LIT("n"), MLT_STR_LIT("1")}});
  add(f, (struct mlt_record){.kind = MLT_REC_TAG,
                             .kv = {MLT_STR_LIT("mlflow.runName"), MLT_STR_LIT("r2")}});
  add(f,
      (struct mlt_record){
          .kind = MLT_REC_POINTS,
          .points = {
              .key = MLT_STR_LIT("loss"), .n = 2, .timestamp = ts, .step = step, .value = value}});
  add(f, (struct mlt_record){.kind = MLT_REC_INPUT,
                             .input = {.name = MLT_STR_LIT("iris"), .digest = MLT_STR_LIT("abc")}});
  add(f, (struct mlt_record){.kind = MLT_REC_RUN_END});
}

/* What a merge of add_more() into add_run() comes to. */
static void expect_merge(struct fixture *f) {
  expect(f, MLT_T_RUNS, 0, 0, 0);
  expect_updated(f, MLT_T_RUNS, 1);
  expect(f, MLT_T_PARAMS, 1, 0, 1);
  expect(f, MLT_T_TAGS, 0, 0, 0);
  expect_updated(f, MLT_T_TAGS, 1);
  expect(f, MLT_T_METRICS, 1, 1, 0);
  expect_updated(f, MLT_T_LATEST_METRICS, 1);
  expect(f, MLT_T_INPUTS, 0, 1, 0);
  assert_int_equal(f->out.notes.n, 3);
}

static void a_run_that_is_there_takes_what_is_merged(void **state) {
  struct fixture *f = *state;
  open_sink(f, false, true);
  add_experiment(f, "1", "merges");
  add_run(f, "1", "a0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  for (int dry = 1; dry >= 0; dry--) {
    open_loading(f, MLT_LOAD_MERGE, dry, false);
    add_more(f, "1", "a0000000000000000000000000000001");
    assert_int_equal(write_batch(f), MLT_OK);
    expect_merge(f);
  }
  open_loading(f, MLT_LOAD_MERGE, false, true);
  add_more(f, "1", "a0000000000000000000000000000001");
  assert_int_equal(write_batch(f), MLT_CONFLICT); /* of the param */
  open_loading(f, MLT_LOAD_MERGE, false, false);
  add_experiment(f, "1", "merged elsewhere");
  add_run(f, "1", "a0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_RUNS, 0, 0, 1);
  assert_string_equal(f->out.notes.v[0].code, "run-conflict");
}

/* ---- runs that are added to ---- */

static const char ADDED[] = "ad000000000000000000000000000001";

static void begin_added(struct fixture *f, const char *name) {
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .place = {.path = MLT_STR_LIT("calls.jsonl"), .line = 3},
                             .run = {.part = MLT_RUN_BEGUN,
                                     .run_uuid = mlt_str_c(ADDED),
                                     .experiment = MLT_STR_LIT("added"),
                                     .name = mlt_str_c(name),
                                     .user_id = MLT_STR_LIT("u"),
                                     .source_type = MLT_STR_LIT("UNKNOWN"),
                                     .status = MLT_RUN_RUNNING,
                                     .start_time = {1, true},
                                     .artifact_uri = MLT_STR_LIT("/srv/a/r/artifacts")}});
}

static void more_added(struct fixture *f, const char *id) {
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .place = {.path = MLT_STR_LIT("calls.jsonl"), .line = 9},
                             .run = {.part = MLT_RUN_MORE, .run_uuid = mlt_str_c(id)}});
}

static void add_lr(struct fixture *f, const char *value) {
  add(f, (struct mlt_record){.kind = MLT_REC_PARAM,
                             .place = {.path = MLT_STR_LIT("calls.jsonl"), .line = 17},
                             .kv = {MLT_STR_LIT("lr"), mlt_str_c(value)}});
}

static void add_made_input(struct fixture *f, const char *digest) {
  struct mlt_dataset made = {.name = MLT_STR_LIT("d"),
                             .digest = mlt_str_c(digest),
                             .source_type = MLT_STR_LIT("local"),
                             .source = MLT_STR_LIT("{}")};
  add(f, (struct mlt_record){.kind = MLT_REC_INPUT,
                             .input = {.name = made.name, .digest = made.digest, .made = &made}});
}

static void end_added(struct fixture *f) {
  add(f, (struct mlt_record){.kind = MLT_REC_RUN_END});
}

static void add_added_experiment(struct fixture *f, const char *blue) {
  add(f, (struct mlt_record){.kind = MLT_REC_EXPERIMENT,
                             .experiment = {.key = MLT_STR_LIT("added"),
                                            .name = MLT_STR_LIT("added"),
                                            .artifact_location = MLT_STR_LIT("/srv/a")}});
  add(f, (struct mlt_record){.kind = MLT_REC_EXPERIMENT_TAG,
                             .owner = MLT_STR_LIT("added"),
                             .kv = {MLT_STR_LIT("team"), mlt_str_c(blue)}});
}

static void open_adding(struct fixture *f, bool dry_run) {
  struct mlt_sink_opts opts = {.target = &f->target, .adds = true, .dry_run = dry_run};
  f->ops->close(f->sink);
  f->sink = NULL;
  if (f->ops->open(&f->sink, &opts, &f->err) != MLT_OK)
    fail_msg("open: %s", f->err.msg);
  assert_false(f->ops->load(f->sink).whole);
  mlt_batch_free(f->batch);
  f->batch = mlt_batch_new(&f->ops->schema(f->sink)->limits, 0);
}

/* Writes what the batch holds, and begins the next window in it. */
static void write_window(struct fixture *f) {
  add(f, (struct mlt_record){.kind = MLT_REC_WINDOW_END});
  assert_int_equal(write_batch(f), MLT_OK);
}

static void first_window(struct fixture *f) {
  add_added_experiment(f, "blue");
  begin_added(f, "n");
  add_lr(f, "0.1");
  add_made_input(f, "1");
  end_added(f);
  write_window(f);
  expect(f, MLT_T_EXPERIMENTS, 1, 0, 0);
  expect(f, MLT_T_RUNS, 1, 0, 0);
  expect(f, MLT_T_TAGS, 1, 0, 0); /* its name */
  expect(f, MLT_T_DATASETS, 1, 0, 0);
  mlt_batch_reset(f->batch);
}

static void second_window(struct fixture *f) {
  add_added_experiment(f, "green");
  more_added(f, ADDED);
  add(f, (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {MLT_STR_LIT("n"), MLT_STR_LIT("1")}});
  add_made_input(f, "1");
  add_made_input(f, "2");
  end_added(f);
  write_window(f);
}

static void a_run_is_begun_and_added_to(void **state) {
  struct fixture *f = *state;
  open_adding(f, true);
  first_window(f);
  second_window(f);
  expect(f, MLT_T_RUNS, 0, 0, 0);
  expect(f, MLT_T_PARAMS, 1, 0, 0);
  open_adding(f, false);
  first_window(f);
  second_window(f);
  expect(f, MLT_T_EXPERIMENTS, 0, 1, 0);
  expect_updated(f, MLT_T_EXPERIMENT_TAGS, 1);
  expect(f, MLT_T_RUNS, 0, 0, 0);
  expect(f, MLT_T_PARAMS, 1, 0, 0);
  expect(f, MLT_T_DATASETS, 1, 1, 0);
  expect(f, MLT_T_INPUTS, 1, 1, 0);
  open_loading(f, MLT_LOAD_APPEND, false, false); /* the same again, by another import */
  add_added_experiment(f, "green");
  begin_added(f, "other");
  add_lr(f, "0.1");
  end_added(f);
  write_window(f);
  expect(f, MLT_T_PARAMS, 0, 1, 0);
  expect_updated(f, MLT_T_RUNS, 1);
  expect_updated(f, MLT_T_TAGS, 1);
}

static void a_param_of_another_value_is_rejected_by_its_line(void **state) {
  struct fixture *f = *state;
  open_adding(f, false);
  add_added_experiment(f, "blue");
  begin_added(f, "n");
  add_lr(f, "0.1");
  end_added(f);
  write_window(f);
  mlt_batch_reset(f->batch);
  more_added(f, ADDED);
  add_lr(f, "0.2");
  end_added(f);
  write_window(f);
  expect(f, MLT_T_PARAMS, 0, 0, 1);
  assert_int_equal(f->out.notes.n, 1);
  const struct mlt_note *n = &f->out.notes.v[0];
  assert_string_equal(n->code, "param-conflict");
  assert_true(mlt_str_is(n->id, ADDED));
  assert_true(mlt_str_is(n->place.path, "calls.jsonl") && n->place.line == 17);
  assert_true(mlt_str_is(n->place.field, "lr"));
}

static void expect_rejected(struct fixture *f, const char *code) {
  expect(f, MLT_T_PARAMS, 0, 0, 1);
  expect(f, MLT_T_DATASETS, 0, 0, 1);
  expect(f, MLT_T_INPUTS, 0, 0, 1);
  assert_int_equal(f->out.notes.n, 1);
  const struct mlt_note *n = &f->out.notes.v[0];
  assert_string_equal(n->code, code);
  assert_int_equal(n->rows, 3);
  assert_true(mlt_str_is(n->place.path, "calls.jsonl") && n->place.line == 9);
}

static void more_of_a_run_that_is_not_there_is_rejected(void **state) {
  struct fixture *f = *state;
  static const char absent[] = "ad0000000000000000000000000000ff";
  for (int dry = 1; dry >= 0; dry--) {
    open_adding(f, dry);
    more_added(f, absent);
    add_lr(f, "0.1");
    add_made_input(f, "1");
    end_added(f);
    write_window(f);
    expect_rejected(f, "no-such-run");
  }
}

static void more_of_a_deleted_run_is_rejected(void **state) {
  struct fixture *f = *state;
  open_adding(f, false);
  add_experiment(f, "1", "deleted runs");
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .run = {.run_uuid = MLT_STR_LIT("ad0000000000000000000000000000de"),
                                     .experiment = MLT_STR_LIT("1"),
                                     .user_id = MLT_STR_LIT("u"),
                                     .status = MLT_RUN_FINISHED,
                                     .start_time = {1, true},
                                     .deleted = true,
                                     .deleted_time = {2, true},
                                     .artifact_uri = MLT_STR_LIT("/srv/a/r/artifacts")}});
  end_added(f);
  write_window(f);
  mlt_batch_reset(f->batch);
  more_added(f, "ad0000000000000000000000000000de");
  add_lr(f, "0.1");
  add_made_input(f, "1");
  end_added(f);
  write_window(f);
  expect_rejected(f, "run-deleted");
}

static void a_load_is_in_when_it_is_finished(void **state) {
  struct fixture *f = *state;
  struct mlt_sink_opts opts = {.target = &f->target, .load = MLT_LOAD_AUTO, .stop_on_reject = true};
  assert_int_equal(f->ops->open(&f->sink, &opts, &f->err), MLT_OK);
  f->batch = mlt_batch_new(&f->ops->schema(f->sink)->limits, 0);
  add_experiment(f, "1", "loaded");
  add_run(f, "1", "f0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  assert_int_equal(f->ops->finish(f->sink, &f->err), MLT_OK);
  open_sink(f, false, true);
  add_experiment(f, "1", "loaded");
  add_run(f, "1", "f0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_RUNS, 0, 1, 0);
  expect(f, MLT_T_METRICS, 0, 2, 0);
}

static void names_stand_once_in_a_source(void **state) {
  struct fixture *f = *state;
  open_sink(f, false, false);
  add_experiment(f, "1", "twice");
  add_experiment(f, "2", "twice");
  add_run(f, "2", "d0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_EXPERIMENTS, 1, 0, 1);
  expect(f, MLT_T_RUNS, 0, 0, 1);
  const struct mlt_id_map *map;
  assert_int_equal(f->ops->id_map(f->sink, &map), 1);
  assert_true(map[0].created);
}

static void two_sinks_do_not_disturb_each_other(void **state) {
  struct fixture *f = *state;
  open_sink(f, false, true);
  struct mlt_sink *first = f->sink;
  add_experiment(f, "1", "shared");
  add_run(f, "1", "e0000000000000000000000000000001", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  f->sink = NULL;
  open_sink(f, false, true);
  add_experiment(f, "1", "shared");
  add_run(f, "1", "e0000000000000000000000000000002", "0.1");
  assert_int_equal(write_batch(f), MLT_OK);
  expect(f, MLT_T_DATASETS, 0, 1, 0);
  f->ops->close(first);
}

/* A batch with one run of these points; spilled when it may hold no memory. */
static enum mlt_rc write_points(struct fixture *f, bool spilled, const char *key, size_t n,
                                const double *value) {
  static const int64_t step[] = {3, 2, 1, 0}, ts[] = {10, 20, 20, 30};
  open_sink(f, false, false);
  mlt_batch_free(f->batch);
  f->batch = mlt_batch_new(&f->ops->schema(f->sink)->limits, spilled ? 1 : 0);
  add_experiment(f, "1", "spilled");
  add(f, (struct mlt_record){.kind = MLT_REC_RUN,
                             .run = {.run_uuid = MLT_STR_LIT("b0000000000000000000000000000001"),
                                     .experiment = MLT_STR_LIT("1"),
                                     .user_id = MLT_STR_LIT("u"),
                                     .status = MLT_RUN_FINISHED,
                                     .start_time = {1, true},
                                     .artifact_uri = MLT_STR_LIT("/srv/a/r/artifacts")}});
  for (size_t i = 0; i < n; i++) {
    add(f, (struct mlt_record){.kind = MLT_REC_POINTS,
                               .points = {.key = mlt_str_c(key),
                                          .n = 1,
                                          .timestamp = ts + i,
                                          .step = step + i,
                                          .value = value + i}});
    add(f, (struct mlt_record){.kind = MLT_REC_POINTS,
                               .points = {.key = MLT_STR_LIT("other"),
                                          .n = 1,
                                          .timestamp = ts + i,
                                          .step = step + i,
                                          .value = value}});
  }
  add(f, (struct mlt_record){.kind = MLT_REC_RUN_END});
  enum mlt_rc rc = write_batch(f);
  assert_int_equal(f->batch->runs.v[0].spilled, spilled);
  return rc;
}

static void expect_conflict(struct fixture *f, uint64_t rows, const char *why) {
  expect(f, MLT_T_RUNS, 0, 0, 1);
  expect(f, MLT_T_METRICS, 0, 0, rows);
  assert_int_equal(f->out.notes.n, 1);
  if (!strstr(f->out.notes.v[0].reason.p, why))
    fail_msg("%s", f->out.notes.v[0].reason.p);
}

static void spilled_runs_are_inserted_and_compared_like_others(void **state) {
  struct fixture *f = *state;
  const double value[] = {0.5, -0.0, (double)INFINITY, (double)NAN};
  const double changed[] = {0.5, 0.0, (double)INFINITY, 1};
  const double zero[] = {0.5, 0.0, (double)INFINITY, (double)NAN};
  assert_int_equal(write_points(f, true, "loss", 4, value), MLT_OK);
  expect(f, MLT_T_METRICS, 8, 0, 0);
  expect(f, MLT_T_LATEST_METRICS, 2, 0, 0);
  for (int spilled = 0; spilled < 2; spilled++) {
    assert_int_equal(write_points(f, spilled, "loss", 4, value), MLT_OK);
    expect(f, MLT_T_METRICS, 0, 8, 0);
    assert_int_equal(write_points(f, spilled, "loss", 4, zero), MLT_OK);
    expect(f, MLT_T_METRICS, 0, 8, 0);
  }
  assert_int_equal(write_points(f, true, "loss", 4, changed), MLT_OK);
  expect_conflict(f, 8, "metric 'loss' has 4 points, some with other values");
  assert_int_equal(write_points(f, true, "loss", 3, value), MLT_OK);
  expect_conflict(f, 6, "metric 'loss' has 4 points there, 3 in the source");
  assert_int_equal(write_points(f, true, "lost", 4, value), MLT_OK);
  expect_conflict(f, 8, "metric 'loss' is there, absent in the source");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_load_is_in_when_it_is_finished, setup, teardown),
      cmocka_unit_test_setup_teardown(new_rows_go_in_and_are_found_again, setup, teardown),
      cmocka_unit_test_setup_teardown(a_different_run_is_a_conflict_and_is_left_alone, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_run_that_is_there_takes_what_is_merged, setup, teardown),
      cmocka_unit_test_setup_teardown(names_stand_once_in_a_source, setup, teardown),
      cmocka_unit_test_setup_teardown(a_run_is_begun_and_added_to, setup, teardown),
      cmocka_unit_test_setup_teardown(a_param_of_another_value_is_rejected_by_its_line, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(more_of_a_run_that_is_not_there_is_rejected, setup, teardown),
      cmocka_unit_test_setup_teardown(more_of_a_deleted_run_is_rejected, setup, teardown),
      cmocka_unit_test_setup_teardown(spilled_runs_are_inserted_and_compared_like_others, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(two_sinks_do_not_disturb_each_other, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
