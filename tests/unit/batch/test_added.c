/* Runs that are added to, and windows. */
#include "batch_helpers.h"

static struct mlt_record begun(const char *id, const char *name) {
  struct mlt_record rec = run_record(id);
  rec.run.part = MLT_RUN_BEGUN;
  rec.run.name = mlt_str_c(name);
  rec.place = (struct mlt_place){.path = S("calls.jsonl"), .line = 7};
  return rec;
}

static struct mlt_record more(const char *id) {
  return (struct mlt_record){.kind = MLT_REC_RUN,
                             .place = {.path = S("calls.jsonl"), .line = 7},
                             .run = {.part = MLT_RUN_MORE, .run_uuid = S(id)}};
}

static struct mlt_record at_line(struct mlt_record rec, uint64_t line) {
  rec.place = (struct mlt_place){.path = S("calls.jsonl"), .line = line};
  return rec;
}

static struct mlt_record name_tag(const char *value) {
  return kv_record(MLT_REC_TAG, "mlflow.runName", value);
}

static void end_run(struct mlt_batch *b) {
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
}

static void more_of_a_run_needs_nothing_but_its_id(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, more("r"));
  add_point(b, "loss", 1, 1, 0.5);
  end_run(b);
  assert_true(b->adds);
  assert_int_equal(b->runs.n, 1);
  assert_int_equal(b->runs.v[0].r.part, MLT_RUN_MORE);
  assert_int_equal(b->runs.v[0].r.status, 0);
  assert_false(b->runs.v[0].r.start_time.has);
  assert_int_equal(b->counts[MLT_T_RUNS].read, 0); /* it has no row of its own */
  assert_int_equal(b->notes.n, 0);
  mlt_batch_reset(b);
  assert_false(b->adds);
  struct mlt_record ended = more("r");
  ended.run.status = MLT_RUN_FAILED;
  ended.run.end_time = (struct mlt_opt_i64){9, true};
  add(b, ended);
  end_run(b);
  assert_int_equal(b->counts[MLT_T_RUNS].read, 1);
  mlt_batch_free(b);
}

static void more_of_a_run_without_id_is_rejected_and_counted(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, more(""));
  add(b, kv_record(MLT_REC_PARAM, "p", "1"));
  end_run(b);
  assert_int_equal(b->runs.n, 0);
  assert_int_equal(b->counts[MLT_T_RUNS].read, 1);
  assert_int_equal(b->counts[MLT_T_RUNS].rejected, 1);
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, 1);
  assert_int_equal(only_note(b)->place.line, 7);
  mlt_batch_free(b);
}

static void of_a_param_with_two_values_the_first_holds_and_the_later_line_is_told(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, begun("r", "n"));
  add(b, at_line(kv_record(MLT_REC_PARAM, "lr", "1"), 8));
  add(b, at_line(kv_record(MLT_REC_PARAM, "lr", "2"), 12));
  add(b, at_line(kv_record(MLT_REC_PARAM, "lr", "1"), 13));
  add(b, kv_record(MLT_REC_TAG, "t", "old"));
  add(b, kv_record(MLT_REC_TAG, "t", "new"));
  end_run(b);
  assert_int_equal(b->params.n, 1);
  assert_text(b->params.v[0].value, "1");
  assert_int_equal(b->params.v[0].line, 8);
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, 1);
  assert_int_equal(b->counts[MLT_T_PARAMS].merged, 1);
  assert_string_equal(only_note(b)->code, "conflicting-value");
  assert_text(only_note(b)->place.path, "calls.jsonl");
  assert_int_equal(only_note(b)->place.line, 12);
  assert_text(only_note(b)->place.field, "lr");
  assert_text(b->tags.v[b->runs.v[0].tags.first + 1].value, "new");
  mlt_batch_free(b);
}

static void name_and_tag_are_one(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, begun("begun", "first"));
  add(b, name_tag("second"));
  add(b, name_tag("third"));
  add(b, name_tag("")); /* says nothing */
  add(b, bare(MLT_REC_RUN_END));
  add(b, begun("untagged", "n"));
  add(b, bare(MLT_REC_RUN_END));
  add(b, more("more"));
  add(b, name_tag("m"));
  add(b, bare(MLT_REC_RUN_END));
  add(b, begun("nameless", NULL));
  end_run(b);
  assert_text(b->runs.v[0].r.name, "third");
  assert_text(b->tags.v[b->runs.v[0].tags.first].value, "third");
  assert_int_equal(b->runs.v[1].tags.n, 1);
  assert_text(b->tags.v[b->runs.v[1].tags.first].key, "mlflow.runName");
  assert_text(b->tags.v[b->runs.v[1].tags.first].value, "n");
  assert_text(b->runs.v[2].r.name, "m");
  assert_null(b->runs.v[3].r.name.p);
  assert_int_equal(b->runs.v[3].tags.n, 0);
  assert_int_equal(b->counts[MLT_T_RUNS].read, 4);
  assert_int_equal(b->counts[MLT_T_TAGS].read, 5);
  assert_int_equal(b->counts[MLT_T_TAGS].merged, 2);
  assert_string_equal(only_note(b)->code, "no-name");
  mlt_batch_free(b);
}

static void the_name_of_a_whole_run_is_left_as_it_is(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record whole = run_record("r");
  whole.run.name = S("n");
  add(b, whole);
  add(b, name_tag("other"));
  end_run(b);
  assert_text(b->runs.v[0].r.name, "n");
  assert_false(b->adds);
  mlt_batch_free(b);
}

static void a_name_too_long_for_the_column_is_cut_there(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  char name[301];
  memset(name, 'n', 300);
  name[300] = '\0';
  add(b, more("r"));
  add(b, name_tag(name));
  end_run(b);
  assert_int_equal(b->runs.v[0].r.name.len, 250);
  assert_int_equal(b->tags.v[0].value.len, 300);
  assert_string_equal(only_note(b)->code, "truncated");
  assert_int_equal(only_note(b)->table, MLT_T_RUNS);
  mlt_batch_free(b);
}

static void experiments_may_come_again_in_later_windows(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record tag = kv_record(MLT_REC_EXPERIMENT_TAG, "k", "v");
  tag.owner = S("1");
  add(b, experiment_record("1", "one"));
  add(b, experiment_record("1", "one")); /* but not in one window */
  assert_string_equal(only_note(b)->code, "experiment-duplicate");
  add(b, experiment_record("2", ""));
  add(b, bare(MLT_REC_WINDOW_END));
  seal(b);
  mlt_batch_reset(b);
  add(b, experiment_record("1", "one"));
  add(b, tag);
  add(b, bare(MLT_REC_WINDOW_END));
  add(b, more("r"));
  end_run(b);
  assert_int_equal(b->experiments.n, 1);
  assert_true(b->experiments.v[0].again);
  assert_int_equal(b->experiment_tags.n, 1);
  mlt_batch_free(b);
}

static void a_rejected_experiment_stays_rejected(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  char name[301];
  memset(name, 'n', 300);
  name[300] = '\0';
  add(b, experiment_record("1", name));
  add(b, bare(MLT_REC_WINDOW_END));
  mlt_batch_forget_notes(b);
  add(b, experiment_record("1", "good"));
  assert_string_equal(only_note(b)->code, "experiment-rejected");
  assert_int_equal(b->experiments.n, 0);
  mlt_batch_free(b);
}

static const struct mlt_dataset made = {
    .name = {"d", 1}, .digest = {"x", 1}, .source_type = {"local", 5}, .source = {"{}", 2}};

static void a_dataset_may_come_with_its_input(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record in = {.kind = MLT_REC_INPUT,
                          .input = {.name = S("d"), .digest = S("x"), .made = &made}};
  add(b, more("r"));
  add(b, in);
  add(b, kv_record(MLT_REC_INPUT_TAG, "mlflow.data.context", "train"));
  add(b, in);
  add(b, bare(MLT_REC_RUN_END));
  add(b, begun("s", "n"));
  add(b, in);
  end_run(b);
  assert_int_equal(b->datasets.n, 0);
  assert_int_equal(b->edges.n, 2);
  assert_null(b->edges.v[0].experiment.p);
  assert_text(b->edges.v[1].experiment, "1");
  assert_text(b->edges.v[0].made->source, "{}");
  assert_ptr_not_equal(b->edges.v[0].made, &made);
  assert_int_equal(b->counts[MLT_T_DATASETS].read, 3);
  assert_int_equal(b->counts[MLT_T_DATASETS].merged, 1);
  assert_int_equal(b->counts[MLT_T_INPUTS].merged, 1);
  mlt_batch_free(b);
}

static void a_broken_dataset_takes_its_input_with_it(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_dataset broken = made;
  broken.source = MLT_STR_NULL;
  struct mlt_record in = {.kind = MLT_REC_INPUT,
                          .input = {.name = S("d"), .digest = S("x"), .made = &broken}};
  add(b, more("r"));
  add(b, in);
  add(b, kv_record(MLT_REC_INPUT_TAG, "k", "v"));
  add(b, bare(MLT_REC_RUN_END));
  add(b, more(""));
  add(b, in);
  end_run(b);
  assert_int_equal(b->edges.n, 0);
  static const enum mlt_table gone[] = {MLT_T_DATASETS, MLT_T_INPUTS};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(b->counts[gone[i]].read, 2);
    assert_int_equal(b->counts[gone[i]].rejected, 2);
  }
  assert_int_equal(b->counts[MLT_T_INPUT_TAGS].rejected, 1);
  mlt_batch_free(b);
}

static void artifacts_are_no_rows(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, more("r"));
  add(b, (struct mlt_record){.kind = MLT_REC_ARTIFACT, .artifact = {S("a.png"), S("/tmp/a.png")}});
  end_run(b);
  for (size_t t = 0; t < MLT_T_COUNT; t++)
    assert_int_equal(b->counts[t].read, 0);
  mlt_batch_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(more_of_a_run_needs_nothing_but_its_id),
      cmocka_unit_test(more_of_a_run_without_id_is_rejected_and_counted),
      cmocka_unit_test(of_a_param_with_two_values_the_first_holds_and_the_later_line_is_told),
      cmocka_unit_test(name_and_tag_are_one),
      cmocka_unit_test(the_name_of_a_whole_run_is_left_as_it_is),
      cmocka_unit_test(a_name_too_long_for_the_column_is_cut_there),
      cmocka_unit_test(experiments_may_come_again_in_later_windows),
      cmocka_unit_test(a_rejected_experiment_stays_rejected),
      cmocka_unit_test(a_dataset_may_come_with_its_input),
      cmocka_unit_test(a_broken_dataset_takes_its_input_with_it),
      cmocka_unit_test(artifacts_are_no_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
