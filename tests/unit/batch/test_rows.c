#include "batch_helpers.h"

static struct mlt_batch *with_run(void) {
  struct mlt_batch *b = new_batch();
  add(b, run_record("r"));
  return b;
}

static void finish(struct mlt_batch *b) {
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
}

static const char *repeated(char c, size_t n) {
  static char text[20001];
  assert_true(n < sizeof text);
  memset(text, c, n);
  text[n] = '\0';
  return text;
}

static void params_and_tags_are_sorted_within_their_run(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, kv_record(MLT_REC_PARAM, "b", "2"));
  add(b, kv_record(MLT_REC_TAG, "t", "x"));
  add(b, kv_record(MLT_REC_PARAM, "a", "1"));
  add(b, bare(MLT_REC_RUN_END));
  add(b, run_record("s"));
  add(b, kv_record(MLT_REC_PARAM, "a", "3"));
  finish(b);
  assert_int_equal(b->params.n, 3);
  assert_text(b->params.v[0].key, "a");
  assert_text(b->params.v[1].key, "b");
  assert_int_equal(b->runs.v[0].params.n, 2);
  assert_int_equal(b->runs.v[0].tags.n, 1);
  assert_int_equal(b->runs.v[1].params.first, 2);
  assert_int_equal(b->runs.v[1].params.n, 1);
  assert_int_equal(b->runs.v[1].tags.n, 0);
  mlt_batch_free(b);
}

static void a_param_repeated_with_the_same_value_is_merged(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, kv_record(MLT_REC_PARAM, "lr", "0.1"));
  add(b, kv_record(MLT_REC_PARAM, "lr", "0.1"));
  finish(b);
  assert_int_equal(b->params.n, 1);
  assert_int_equal(b->counts[MLT_T_PARAMS].read, 2);
  assert_int_equal(b->counts[MLT_T_PARAMS].merged, 1);
  assert_int_equal(b->notes.n, 0);
  mlt_batch_free(b);
}

static void a_param_repeated_with_another_value_is_rejected(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, kv_record(MLT_REC_PARAM, "lr", "0.1"));
  add(b, kv_record(MLT_REC_PARAM, "lr", "0.2"));
  finish(b);
  assert_text(b->params.v[0].value, "0.1");
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, 1);
  assert_string_equal(only_note(b)->code, "conflicting-value");
  assert_text(only_note(b)->id, "r");
  assert_text(only_note(b)->place.field, "lr");
  assert_text(only_note(b)->reason,
              "'lr' comes twice with different values: '0.1' was kept, '0.2' was not");
  mlt_batch_free(b);
}

static void the_last_of_a_repeated_tag_wins(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, kv_record(MLT_REC_TAG, "k", "first"));
  add(b, kv_record(MLT_REC_TAG, "j", ""));
  add(b, kv_record(MLT_REC_TAG, "k", "last"));
  finish(b);
  assert_int_equal(b->tags.n, 2);
  assert_text(b->tags.v[1].value, "last");
  assert_int_equal(b->counts[MLT_T_TAGS].merged, 1);
  assert_int_equal(b->notes.n, 0);
  mlt_batch_free(b);
}

static void long_values_are_cut_by_code_points(void **state) {
  (void)state;
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  limits.chars[MLT_C_PARAMS_value] = 3;
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  add(b, run_record("r"));
  add(b, kv_record(MLT_REC_PARAM, "k", "\xc3\xa9\xc3\xa9\xc3\xa9")); /* three */
  add(b, kv_record(MLT_REC_PARAM, "l", "\xc3\xa9\xc3\xa9\xc3\xa9z"));
  finish(b);
  assert_text(b->params.v[0].value, "\xc3\xa9\xc3\xa9\xc3\xa9");
  assert_text(b->params.v[1].value, "\xc3\xa9\xc3\xa9\xc3\xa9");
  assert_string_equal(only_note(b)->code, "truncated");
  assert_int_equal(only_note(b)->kind, MLT_NOTE_CHANGED);
  assert_text(only_note(b)->place.field, "l");
  assert_int_equal(b->counts[MLT_T_PARAMS].changed, 1);
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, 0);
  mlt_batch_free(b);
}

static void long_values_are_rejected_when_cutting_is_off(void **state) {
  (void)state;
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  limits.truncate = false;
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  add(b, run_record("r"));
  add(b, kv_record(MLT_REC_TAG, "k", repeated('x', 8001)));
  finish(b);
  assert_int_equal(b->tags.n, 0);
  assert_string_equal(only_note(b)->code, "too-long");
  assert_text(only_note(b)->reason,
              "its value has 8001 characters; the column tags.value holds 8000");
  mlt_batch_free(b);
}

static void without_limits_everything_is_kept_whole(void **state) {
  (void)state;
  struct mlt_limits limits;
  mlt_limits_none(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  add(b, run_record("r"));
  add(b, kv_record(MLT_REC_TAG, "k", repeated('x', 20000)));
  finish(b);
  assert_int_equal(b->tags.v[0].value.len, 20000);
  assert_int_equal(b->notes.n, 0);
  mlt_batch_free(b);
}

static void text_that_no_database_holds_is_rejected(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, kv_record(MLT_REC_PARAM, "k", "a\xff"));
  struct mlt_record nul = kv_record(MLT_REC_PARAM, "l", "");
  nul.kv.value = MLT_STR_LIT("a\0b");
  add(b, nul);
  struct mlt_record bad_key = kv_record(MLT_REC_PARAM, "\xc3", "v");
  add(b, bad_key);
  add(b, (struct mlt_record){.kind = MLT_REC_PARAM, .kv = {.key = S("m")}});
  finish(b);
  assert_int_equal(b->params.n, 0);
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, 4);
  assert_string_equal(b->notes.v[0].code, "bad-utf8");
  assert_string_equal(b->notes.v[1].code, "nul-byte");
  assert_text(b->notes.v[2].place.field, "\\xc3");
  assert_string_equal(b->notes.v[3].code, "missing");
  mlt_batch_free(b);
}

static void a_run_that_would_poison_readers_is_filled_in(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record rec = run_record("r");
  rec.run.user_id = MLT_STR_NULL;
  rec.run.start_time.has = false;
  rec.run.end_time = (struct mlt_opt_i64){77, true};
  add(b, rec);
  finish(b);
  assert_text(b->runs.v[0].r.user_id, "");
  assert_true(b->runs.v[0].r.start_time.has);
  assert_int_equal(b->runs.v[0].r.start_time.v, 77);
  assert_text(b->runs.v[0].r.source_type, "LOCAL");
  assert_int_equal(b->notes.n, 2);
  assert_string_equal(b->notes.v[1].code, "filled");
  assert_int_equal(b->counts[MLT_T_RUNS].changed, 1);
  mlt_batch_free(b);
}

static void unknown_source_types_become_local(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record rec = run_record("r");
  rec.run.source_type = S("JOB");
  add(b, rec);
  add(b, bare(MLT_REC_RUN_END));
  rec = run_record("s");
  rec.run.source_type = S("RECIPE");
  add(b, rec);
  finish(b);
  assert_text(b->runs.v[0].r.source_type, "JOB");
  assert_text(b->runs.v[1].r.source_type, "LOCAL");
  assert_string_equal(only_note(b)->code, "mapped");
  mlt_batch_free(b);
}

static void free_text_of_a_run_is_cut_and_its_identity_is_not(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record rec = run_record("r");
  rec.run.name = S(repeated('n', 251));
  add(b, rec);
  add(b, bare(MLT_REC_RUN_END));
  add(b, run_record("123456789012345678901234567890123"));
  finish(b);
  assert_int_equal(b->runs.n, 1);
  assert_int_equal(b->runs.v[0].r.name.len, 250);
  assert_int_equal(b->notes.n, 2);
  assert_string_equal(b->notes.v[1].code, "too-long");
  assert_text(b->notes.v[1].reason,
              "its run_uuid has 33 characters; the column runs.run_uuid holds 32");
  mlt_batch_free(b);
}

static void a_rejected_run_takes_its_rows_with_it(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record rec = run_record("r");
  rec.run.artifact_uri = S(repeated('a', 201));
  add(b, rec);
  add(b, kv_record(MLT_REC_PARAM, "p", "1"));
  add_point(b, "m", 0, 0, 1);
  add_point(b, "m", 1, 0, 1);
  add(b, (struct mlt_record){.kind = MLT_REC_INPUT, .input = {.name = S("d"), .digest = S("1")}});
  add(b, kv_record(MLT_REC_INPUT_TAG, "k", "v"));
  add(b, bare(MLT_REC_RUN_END));
  add(b, run_record("s"));
  add(b, kv_record(MLT_REC_PARAM, "p", "1"));
  finish(b);
  assert_int_equal(b->runs.n, 1);
  assert_int_equal(b->params.n, 1);
  assert_int_equal(b->points.n, 0);
  static const enum mlt_table gone[] = {MLT_T_RUNS, MLT_T_PARAMS, MLT_T_INPUTS, MLT_T_INPUT_TAGS};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(b->counts[gone[i]].rejected, 1);
  assert_int_equal(b->counts[MLT_T_METRICS].read, 2);
  assert_int_equal(b->counts[MLT_T_METRICS].rejected, 2);
  assert_int_equal(b->counts[MLT_T_PARAMS].read, 2);
  assert_text(only_note(b)->id, "r");
  assert_text(only_note(b)->reason,
              "its artifact_uri has 201 characters; the column runs.artifact_uri holds 200; 5 rows "
              "that belong to it went with it");
  mlt_batch_free(b);
}

static void a_run_that_comes_twice_is_taken_once(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, bare(MLT_REC_RUN_END));
  add(b, run_record("r"));
  add(b, kv_record(MLT_REC_PARAM, "p", "1"));
  finish(b);
  assert_int_equal(b->runs.n, 1);
  assert_int_equal(b->params.n, 0);
  assert_string_equal(only_note(b)->code, "run-duplicate");
  mlt_batch_free(b);
}

static void a_row_is_not_noted_as_changed_and_then_rejected(void **state) {
  (void)state;
  struct mlt_batch *b = with_run();
  add(b, bare(MLT_REC_RUN_END));
  struct mlt_record rec = run_record("r");
  rec.run.name = S(repeated('n', 251));
  add(b, rec);
  finish(b);
  assert_string_equal(only_note(b)->code, "run-duplicate");
  assert_int_equal(b->counts[MLT_T_RUNS].changed, 0);
  mlt_batch_free(b);
}

static void a_rejected_experiment_takes_its_runs_with_it_in_later_batches_too(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, experiment_record("1", repeated('e', 257)));
  struct mlt_record tag = kv_record(MLT_REC_EXPERIMENT_TAG, "k", "v");
  tag.owner = S("1");
  add(b, tag);
  seal(b);
  assert_int_equal(b->experiments.n, 0);
  assert_int_equal(b->counts[MLT_T_EXPERIMENT_TAGS].rejected, 1);
  mlt_batch_reset(b);
  add(b, run_record("r"));
  finish(b);
  assert_int_equal(b->runs.n, 0);
  assert_string_equal(only_note(b)->code, "experiment-rejected");
  mlt_batch_free(b);
}

static void tags_of_experiments_belong_to_the_one_before(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record tag = kv_record(MLT_REC_EXPERIMENT_TAG, "k", "v");
  add(b, experiment_record("1", "one"));
  assert_false(mlt_batch_whole(b));
  tag.owner = S("1");
  add(b, tag);
  add(b, experiment_record("2", "two"));
  assert_int_equal(mlt_batch_add(b, &tag, &err), MLT_INTERNAL);
  tag.owner = S("2");
  add(b, tag);
  add(b, experiment_record("2", "again"));
  add(b, tag);
  add(b, run_record("r"));
  finish(b);
  assert_true(mlt_batch_whole(b));
  assert_int_equal(b->experiments.n, 2);
  assert_int_equal(b->experiment_tags.n, 2);
  assert_int_equal(b->experiment_tags.v[1].owner, 1);
  assert_string_equal(only_note(b)->code, "experiment-duplicate");
  mlt_batch_free(b);
}

static void edges_and_datasets_are_held_once(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_record set = {.kind = MLT_REC_DATASET,
                           .dataset = {.experiment = S("1"),
                                       .name = S("d"),
                                       .digest = S("x"),
                                       .source_type = S("local"),
                                       .source = S("{}")}};
  add(b, set);
  add(b, set);
  add(b, run_record("r"));
  struct mlt_record in = {.kind = MLT_REC_INPUT, .input = {.name = S("d"), .digest = S("x")}};
  add(b, in);
  add(b, kv_record(MLT_REC_INPUT_TAG, "context", "train"));
  add(b, in);
  add(b, kv_record(MLT_REC_INPUT_TAG, "context", "eval"));
  struct mlt_record out = {.kind = MLT_REC_OUTPUT, .edge = {S("m-1"), 3}};
  add(b, out);
  add(b, out);
  out.edge.step = 4;
  add(b, out);
  out.kind = MLT_REC_MODEL_INPUT;
  out.edge.step = 0;
  add(b, out);
  finish(b);
  assert_int_equal(b->datasets.n, 1);
  assert_int_equal(b->counts[MLT_T_DATASETS].merged, 1);
  assert_int_equal(b->edges.n, 3);
  assert_int_equal(b->runs.v[0].edges.n, 3);
  assert_int_equal(b->counts[MLT_T_INPUTS].read, 6);
  assert_int_equal(b->counts[MLT_T_INPUTS].merged, 2);
  assert_int_equal(b->counts[MLT_T_INPUTS].rejected, 1);
  assert_int_equal(b->edge_tags.n, 1);
  assert_text(b->edge_tags.v[0].value, "train");
  assert_int_equal(b->edges.v[0].tags.n, 1);
  assert_int_equal(b->counts[MLT_T_INPUT_TAGS].merged, 1);
  assert_string_equal(only_note(b)->code, "conflicting-value");
  mlt_batch_free(b);
}

static void notes_of_the_source_are_kept_and_counted(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, (struct mlt_record){.kind = MLT_REC_NOTE,
                             .note = {.kind = MLT_NOTE_REJECT,
                                      .table = MLT_T_RUNS,
                                      .code = "bad-yaml",
                                      .rows = 1,
                                      .id = S("x\xfe"),
                                      .place = {.path = S("1/x/meta.yaml"), .line = 3},
                                      .reason = S("no")}});
  add(b, (struct mlt_record){
             .kind = MLT_REC_NOTE,
             .note = {.kind = MLT_NOTE_IGNORED, .code = "ignored", .what = "traces", .rows = 2}});
  assert_int_equal(b->counts[MLT_T_RUNS].read, 1);
  assert_int_equal(b->counts[MLT_T_RUNS].rejected, 1);
  assert_int_equal(b->counts[MLT_T_EXPERIMENTS].read, 0);
  assert_text(b->notes.v[0].id, "x\\xfe");
  assert_int_equal(b->notes.v[0].place.line, 3);
  assert_string_equal(b->notes.v[1].what, "traces");
  mlt_batch_free(b);
}

static void records_out_of_order_are_refused(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record param = kv_record(MLT_REC_PARAM, "k", "v");
  struct mlt_record run = run_record("s");
  struct mlt_record tag = kv_record(MLT_REC_INPUT_TAG, "k", "v");
  assert_int_equal(mlt_batch_add(b, &param, &err), MLT_INTERNAL);
  add(b, run_record("r"));
  assert_false(mlt_batch_whole(b));
  assert_int_equal(mlt_batch_add(b, &run, &err), MLT_INTERNAL);
  assert_int_equal(mlt_batch_add(b, &tag, &err), MLT_INTERNAL);
  assert_int_equal(mlt_batch_seal(b, &err), MLT_INTERNAL);
  finish(b);
  assert_int_equal(mlt_batch_add(b, &run, &err), MLT_INTERNAL);
  assert_int_equal(mlt_batch_seal(b, &err), MLT_INTERNAL);
  mlt_batch_free(b);
}

static void a_reset_batch_is_as_new(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  size_t empty = mlt_batch_bytes(b);
  for (int round = 0; round < 3; round++) {
    add(b, experiment_record(round == 0 ? "a" : round == 1 ? "b" : "c", "e"));
    add(b, run_record("r"));
    for (int i = 0; i < 100; i++)
      add_point(b, i % 2 ? "x" : "y", i, 0, i);
    add(b, kv_record(MLT_REC_PARAM, "p", repeated('v', 5000)));
    finish(b);
    assert_int_equal(mlt_batch_rows(b), 2 + 100 + 2 + 1);
    assert_true(mlt_batch_bytes(b) > empty + 100 * 33);
    assert_int_equal(b->notes.n, 0);
    mlt_batch_reset(b);
    assert_int_equal(mlt_batch_rows(b), 0);
    assert_int_equal(mlt_batch_bytes(b), empty);
    assert_true(mlt_batch_whole(b));
    assert_int_equal(b->counts[MLT_T_METRICS].read, 0);
  }
  mlt_batch_free(b);
}

static void notes_may_be_taken_while_a_run_is_open(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, run_record("r"));
  uint64_t added = 0;
  for (; !mlt_batch_notes_due(b); added++)
    add(b, kv_record(MLT_REC_PARAM, "\xff", "v")); /* rejected */
  assert_true(added > 100);
  size_t full = mlt_batch_bytes(b);
  mlt_batch_forget_notes(b);
  assert_int_equal(b->notes.n, 0);
  assert_false(mlt_batch_notes_due(b));
  assert_true(mlt_batch_bytes(b) < full / 2);
  add(b, kv_record(MLT_REC_PARAM, "k", "v"));
  finish(b);
  assert_int_equal(b->counts[MLT_T_PARAMS].rejected, added);
  assert_int_equal(b->params.n, 1);
  assert_int_equal(b->notes.n, 0);
  mlt_batch_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(params_and_tags_are_sorted_within_their_run),
      cmocka_unit_test(a_param_repeated_with_the_same_value_is_merged),
      cmocka_unit_test(a_param_repeated_with_another_value_is_rejected),
      cmocka_unit_test(the_last_of_a_repeated_tag_wins),
      cmocka_unit_test(long_values_are_cut_by_code_points),
      cmocka_unit_test(long_values_are_rejected_when_cutting_is_off),
      cmocka_unit_test(without_limits_everything_is_kept_whole),
      cmocka_unit_test(text_that_no_database_holds_is_rejected),
      cmocka_unit_test(a_run_that_would_poison_readers_is_filled_in),
      cmocka_unit_test(unknown_source_types_become_local),
      cmocka_unit_test(free_text_of_a_run_is_cut_and_its_identity_is_not),
      cmocka_unit_test(a_rejected_run_takes_its_rows_with_it),
      cmocka_unit_test(a_run_that_comes_twice_is_taken_once),
      cmocka_unit_test(a_row_is_not_noted_as_changed_and_then_rejected),
      cmocka_unit_test(a_rejected_experiment_takes_its_runs_with_it_in_later_batches_too),
      cmocka_unit_test(tags_of_experiments_belong_to_the_one_before),
      cmocka_unit_test(edges_and_datasets_are_held_once),
      cmocka_unit_test(notes_of_the_source_are_kept_and_counted),
      cmocka_unit_test(records_out_of_order_are_refused),
      cmocka_unit_test(a_reset_batch_is_as_new),
      cmocka_unit_test(notes_may_be_taken_while_a_run_is_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
