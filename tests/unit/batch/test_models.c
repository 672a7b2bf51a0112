#include <math.h>

#include "batch_helpers.h"

static struct mlt_record logged_model(const char *id) {
  return (struct mlt_record){.kind = MLT_REC_LOGGED_MODEL,
                             .logged_model = {.model_id = S(id),
                                              .experiment = S("1"),
                                              .name = S("m"),
                                              .artifact_location = S("/a"),
                                              .status = 2}};
}

static void add_metric(struct mlt_batch *b, const char *key, int64_t step, double value) {
  add(b, (struct mlt_record){
             .kind = MLT_REC_LOGGED_MODEL_METRIC,
             .lm_metric = {.key = S(key), .run_id = S("r"), .step = step, .value = value}});
}

static struct mlt_record registered_model(const char *name) {
  return (struct mlt_record){.kind = MLT_REC_REGISTERED_MODEL,
                             .registered_model = {.name = S(name)}};
}

static struct mlt_record version(int32_t number) {
  return (struct mlt_record){.kind = MLT_REC_MODEL_VERSION, .version = {.version = number}};
}

static void metrics_of_logged_models_are_sorted_and_held_once(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, logged_model("m-1"));
  add_metric(b, "z", 1, 1.0);
  add_metric(b, "a", 2, (double)NAN);
  add_metric(b, "a", 1, 0.5);
  add_metric(b, "a", 1, 0.5);
  add_metric(b, "a", 1, 0.75);
  add(b, kv_record(MLT_REC_LOGGED_MODEL_PARAM, "p", "v"));
  add(b, kv_record(MLT_REC_LOGGED_MODEL_TAG, "t", "v"));
  add(b, bare(MLT_REC_LOGGED_MODEL_END));
  seal(b);
  assert_int_equal(b->lm_metrics.n, 3);
  assert_int_equal(b->logged_models.v[0].metrics.n, 3);
  assert_int_equal(b->logged_models.v[0].params.n, 1);
  assert_int_equal(b->logged_models.v[0].tags.n, 1);
  assert_true(b->lm_metrics.v[0].m.value == 0.5);
  assert_true(b->lm_metrics.v[1].m.value == 0.0);
  assert_text(b->lm_metrics.v[2].m.key, "z");
  assert_int_equal(b->counts[MLT_T_LOGGED_MODEL_METRICS].read, 5);
  assert_int_equal(b->counts[MLT_T_LOGGED_MODEL_METRICS].merged, 1);
  assert_int_equal(b->counts[MLT_T_LOGGED_MODEL_METRICS].rejected, 1);
  assert_text(only_note(b)->reason, "the metric comes twice at timestamp 0, step 1 with different "
                                    "values: 0.5 was kept, 0.75 was not");
  mlt_batch_free(b);
}

static void a_logged_model_that_comes_twice_is_taken_once(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  for (int i = 0; i < 2; i++) {
    add(b, logged_model("m-1"));
    add_metric(b, "a", 1, 1.0);
    add(b, bare(MLT_REC_LOGGED_MODEL_END));
  }
  seal(b);
  assert_int_equal(b->logged_models.n, 1);
  assert_int_equal(b->lm_metrics.n, 1);
  assert_string_equal(only_note(b)->code, "logged-model-duplicate");
  mlt_batch_free(b);
}

static void registered_models_hold_versions_tags_and_aliases(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  for (int i = 0; i < 2; i++) {
    add(b, registered_model(i ? "two" : "one"));
    add(b, kv_record(MLT_REC_REGISTERED_MODEL_TAG, "t", "v"));
    for (int32_t v = 1; v <= i + 1; v++) {
      add(b, version(v));
      add(b, kv_record(MLT_REC_MODEL_VERSION_TAG, "k", "v"));
    }
    add(b, (struct mlt_record){.kind = MLT_REC_ALIAS, .alias = {S("best"), 1}});
    add(b, bare(MLT_REC_REGISTERED_MODEL_END));
  }
  seal(b);
  const struct mlt_batch_registered_model *two = &b->registered_models.v[1];
  assert_int_equal(two->tags.n, 1);
  assert_int_equal(two->versions.first, 1);
  assert_int_equal(two->versions.n, 2);
  assert_int_equal(two->aliases.n, 1);
  assert_int_equal(b->versions.v[2].tags.first, 2);
  assert_int_equal(b->versions.v[2].tags.n, 1);
  assert_int_equal(b->versions.v[2].owner, 1);
  assert_int_equal(b->notes.n, 0);
  mlt_batch_free(b);
}

static void a_rejected_version_takes_its_tags_with_it(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, registered_model("m"));
  add(b, version(1));
  add(b, kv_record(MLT_REC_MODEL_VERSION_TAG, "k", "kept"));
  add(b, version(1));
  add(b, kv_record(MLT_REC_MODEL_VERSION_TAG, "k", "gone"));
  add(b, bare(MLT_REC_REGISTERED_MODEL_END));
  seal(b);
  assert_int_equal(b->versions.n, 1);
  assert_int_equal(b->version_tags.n, 1);
  assert_text(b->version_tags.v[0].value, "kept");
  assert_int_equal(b->counts[MLT_T_MODEL_VERSION_TAGS].rejected, 1);
  assert_string_equal(only_note(b)->code, "version-duplicate");
  assert_text(only_note(b)->place.field, "1");
  mlt_batch_free(b);
}

static void names_that_mlflow_would_refuse_are_kept_and_noted(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, registered_model("a/b"));
  add(b, bare(MLT_REC_REGISTERED_MODEL_END));
  seal(b);
  assert_int_equal(b->registered_models.n, 1);
  assert_string_equal(only_note(b)->code, "odd-name");
  assert_text(only_note(b)->reason,
              "MLflow would refuse its name, which must not contain / or :; kept as it is");
  mlt_batch_free(b);
}

static void long_descriptions_are_cut(void **state) {
  (void)state;
  static char text[5002];
  memset(text, 'd', 5001);
  struct mlt_batch *b = new_batch();
  struct mlt_record rec = registered_model("m");
  rec.registered_model.description = S(text);
  add(b, rec);
  add(b, bare(MLT_REC_REGISTERED_MODEL_END));
  seal(b);
  assert_int_equal(b->registered_models.v[0].m.description.len, 5000);
  assert_int_equal(b->counts[MLT_T_REGISTERED_MODELS].changed, 1);
  mlt_batch_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(metrics_of_logged_models_are_sorted_and_held_once),
      cmocka_unit_test(a_logged_model_that_comes_twice_is_taken_once),
      cmocka_unit_test(registered_models_hold_versions_tags_and_aliases),
      cmocka_unit_test(a_rejected_version_takes_its_tags_with_it),
      cmocka_unit_test(names_that_mlflow_would_refuse_are_kept_and_noted),
      cmocka_unit_test(long_descriptions_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
