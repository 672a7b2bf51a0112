/* The shape check: each kind of difference is found, named, and weighed; what is no difference is
   let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "schema/catalog_maker.h"
#include "schema/schema.h"

enum { V3_18 = 0x7f, V2_0 = 0 };
static const char head_3_18[] = "f4a9b2c7d1e6", head_2_0[] = "97727af70f4d";

struct fixture {
  struct mlt_arena *arena;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  struct mlt_differences diffs;
  struct mlt_err err;
};

static int setup(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  f->arena = mlt_arena_new();
  f->cat = maker_catalog(f->arena, MLT_TARGET_PG, head_3_18, V3_18);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  mlt_arena_free(f->arena);
  free(f);
  return 0;
}

static enum mlt_rc check_as(struct fixture *f, enum mlt_target_kind kind) {
  mlt_err_clear(&f->err);
  return mlt_schema_check(&f->cat, kind, &f->schema, &f->diffs, f->arena, &f->err);
}

static enum mlt_rc check(struct fixture *f) {
  return check_as(f, MLT_TARGET_PG);
}

/* Exactly one fatal difference, reading so; the error names it too. */
static void assert_refused(struct fixture *f, const char *text) {
  char got[700] = "";
  assert_int_equal(check(f), MLT_SCHEMA);
  for (size_t i = 0; i < f->diffs.n; i++)
    if (f->diffs.v[i].fatal)
      mlt_difference_text(&f->diffs.v[i], got, sizeof got);
  assert_string_equal(got, text);
  assert_int_equal(f->diffs.n_fatal, 1);
  assert_non_null(strstr(f->err.msg, text));
  assert_int_equal(f->err.rc, MLT_SCHEMA);
}

static void assert_warned(struct fixture *f, const char *text) {
  char got[700];
  assert_int_equal(check(f), MLT_OK);
  assert_int_equal(f->diffs.n, 1);
  assert_string_equal(mlt_difference_text(&f->diffs.v[0], got, sizeof got), text);
}

static void assert_no_differences(struct fixture *f, enum mlt_target_kind kind) {
  assert_int_equal(check_as(f, kind), MLT_OK);
  assert_int_equal(f->diffs.n, 0);
}

static void every_head_in_good_shape_has_no_differences(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < mlt_heads_count; i++) {
    for (enum mlt_target_kind kind = MLT_TARGET_SQLITE; kind <= MLT_TARGET_PG; kind++) {
      f->cat = maker_catalog(f->arena, kind, mlt_heads[i].revision, mlt_heads[i].features);
      assert_no_differences(f, kind);
      assert_ptr_equal(f->schema.known, &mlt_heads[i]);
      assert_int_equal(f->schema.features, mlt_heads[i].features);
      assert_string_equal(f->schema.head, mlt_heads[i].revision);
    }
  }
}

static void a_missing_table_is_refused(void **state) {
  struct fixture *f = *state;
  maker_drop_table(&f->cat, "latest_metrics");
  assert_refused(f, "table latest_metrics is missing");
}

static void a_missing_table_of_a_feature_says_which_release_has_it(void **state) {
  struct fixture *f = *state;
  maker_drop_table(&f->cat, "logged_model_tags");
  assert_refused(f, "table logged_model_tags is missing (MLflow 3.0.0 and later have it)");
}

static void a_known_head_must_have_its_features_whole(void **state) {
  struct fixture *f = *state;
  maker_drop_table(&f->cat, "registered_model_aliases");
  assert_refused(f, "table registered_model_aliases is missing (MLflow 2.3.0 and later have it)");
}

static void a_renamed_column_is_refused(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "runs", "artifact_uri")->name = "artifact_root";
  assert_refused(f, "column artifact_uri of table runs is missing");
}

static void a_missing_column_of_a_feature_says_which_release_has_it(void **state) {
  struct fixture *f = *state;
  maker_drop_column(&f->cat, "model_versions", "storage_location");
  assert_refused(f, "column storage_location of table model_versions is missing "
                    "(MLflow 2.8.0 and later have it)");
}

static void a_table_without_the_workspace_that_experiments_have_is_refused(void **state) {
  struct fixture *f = *state;
  maker_drop_column(&f->cat, "model_versions", "workspace");
  assert_refused(f, "column workspace of table model_versions is missing "
                    "(MLflow 3.10.0 and later have it)");
}

static void another_type_is_refused(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "experiments", "experiment_id")->type = "bigint";
  assert_refused(f, "column experiment_id of table experiments is of type bigint, in MLflow's "
                    "schema integer");
}

static void text_and_varchar_stand_for_each_other(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_column *c = maker_column(&f->cat, "params", "value");
  c->type = "text";
  c->chars = 0;
  assert_no_differences(f, MLT_TARGET_PG);
  assert_int_equal(f->schema.limits.chars[MLT_C_PARAMS_value], 0);
}

static void a_narrowed_column_is_refused_with_both_lengths(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "params", "value")->chars = 499;
  assert_refused(f, "column value of table params holds 499 characters, in MLflow's schema at "
                    "least 500");
}

static void a_length_where_mlflow_has_none_is_refused(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_column *c = maker_column(&f->cat, "datasets", "dataset_source");
  c->type = "character varying";
  c->chars = 100000;
  assert_refused(f, "column dataset_source of table datasets holds 100000 characters, in MLflow's "
                    "schema any number");
}

static void limits_are_the_lengths_found(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "params", "value")->chars = 500;
  maker_column(&f->cat, "runs", "name")->chars = 1000;
  struct mlt_cat_column *c = maker_column(&f->cat, "experiment_tags", "value");
  c->type = "character varying";
  c->chars = 5000;
  assert_no_differences(f, MLT_TARGET_PG);
  assert_int_equal(f->schema.limits.chars[MLT_C_PARAMS_value], 500);
  assert_int_equal(f->schema.limits.chars[MLT_C_RUNS_name], 1000);
  assert_int_equal(f->schema.limits.chars[MLT_C_EXPERIMENT_TAGS_value], 5000);
  assert_int_equal(f->schema.limits.chars[MLT_C_RUNS_run_uuid], 32);
}

static void sqlite_declares_lengths_but_has_no_limits(void **state) {
  struct fixture *f = *state;
  f->cat = maker_catalog(f->arena, MLT_TARGET_SQLITE, head_3_18, V3_18);
  maker_column(&f->cat, "params", "value")->chars = 10;
  assert_no_differences(f, MLT_TARGET_SQLITE);
  for (size_t c = 0; c < MLT_C_COUNT; c++)
    assert_int_equal(f->schema.limits.chars[c], 0);
}

static void sqlite_types_count_by_affinity(void **state) {
  struct fixture *f = *state;
  f->cat = maker_catalog(f->arena, MLT_TARGET_SQLITE, head_3_18, V3_18);
  struct mlt_cat_column *key = maker_column(&f->cat, "params", "key");
  struct mlt_cat_column *step = maker_column(&f->cat, "metrics", "step");
  struct mlt_cat_column *value = maker_column(&f->cat, "metrics", "value");
  key->type = "nchar";
  step->type = "int";
  value->type = "Double Precision";
  assert_no_differences(f, MLT_TARGET_SQLITE);
  key->type = "BLOB";
  step->type = "NUMERIC";
  value->type = "";
  assert_int_equal(check_as(f, MLT_TARGET_SQLITE), MLT_SCHEMA);
  assert_int_equal(f->diffs.n_fatal, 3);
}

static void a_surprising_not_null_column_is_refused(void **state) {
  struct fixture *f = *state;
  maker_add_column(maker_find(&f->cat, "runs"), "tenant", "text", true, false);
  assert_refused(f, "column tenant of table runs is NOT NULL without a default and unknown to "
                    "mltrack");
}

static void extra_columns_that_fill_themselves_are_fine(void **state) {
  struct fixture *f = *state;
  maker_add_column(maker_find(&f->cat, "runs"), "note", "text", false, false);
  maker_add_column(maker_find(&f->cat, "runs"), "tenant", "text", true, true);
  assert_no_differences(f, MLT_TARGET_PG);
}

static void not_null_where_null_is_stored_is_refused(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "runs", "end_time")->not_null = true;
  assert_refused(f, "column end_time of table runs is NOT NULL, but in MLflow's schema it may be "
                    "NULL");
}

static void not_null_where_null_is_never_stored_is_fine(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "runs", "status")->not_null = true;
  assert_no_differences(f, MLT_TARGET_PG);
}

static void experiments_that_do_not_number_themselves_are_refused(void **state) {
  struct fixture *f = *state;
  maker_column(&f->cat, "experiments", "experiment_id")->has_default = false;
  assert_refused(f,
                 "column experiment_id of table experiments has no sequence or default to number "
                 "new experiments");
}

static void a_missing_unique_index_is_refused(void **state) {
  struct fixture *f = *state;
  maker_index(&f->cat, "params", 0)->unique = false;
  assert_refused(f, "table params has no valid unique index on (key, run_uuid)");
}

static void a_partial_or_invalid_unique_index_does_not_count(void **state) {
  struct fixture *f = *state;
  maker_index(&f->cat, "tags", 0)->partial = true;
  assert_refused(f, "table tags has no valid unique index on (key, run_uuid)");
  maker_index(&f->cat, "tags", 0)->partial = false;
  maker_index(&f->cat, "tags", 0)->valid = false;
  assert_refused(f, "table tags has no valid unique index on (key, run_uuid)");
}

static void a_unique_index_on_more_columns_does_not_count(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_index *x = maker_index(&f->cat, "runs", 0);
  x->columns[x->n++] = "experiment_id";
  assert_refused(f, "table runs has no valid unique index on (run_uuid)");
}

static void column_order_in_a_unique_index_does_not_matter(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_index *x = maker_index(&f->cat, "params", 0);
  x->columns[0] = "run_uuid";
  x->columns[1] = "key";
  assert_no_differences(f, MLT_TARGET_PG);
}

static void a_name_may_be_unique_within_its_workspace(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_index *x = maker_index(&f->cat, "experiments", 1);
  x->columns[x->n++] = "workspace";
  assert_no_differences(f, MLT_TARGET_PG);
}

static void a_missing_secondary_index_is_a_warning(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_table *t = maker_find(&f->cat, "latest_metrics");
  t->n_indexes = 1;
  assert_warned(f, "table latest_metrics has no valid index on (run_uuid): MLflow reads it slowly");
}

static void an_index_that_only_newer_heads_have_is_not_missed(void **state) {
  struct fixture *f = *state;
  f->cat = maker_catalog(f->arena, MLT_TARGET_PG, "1b5f0d9ad7c1", V3_18 & ~MLT_F_METRIC_INDEX);
  assert_no_differences(f, MLT_TARGET_PG);
  assert_false(f->schema.features & MLT_F_METRIC_INDEX);
}

static void an_invalid_index_is_a_warning(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_table *t = maker_find(&f->cat, "runs");
  maker_add_index(f->arena, t, false, (const char *const[]){"name", NULL});
  t->indexes[t->n_indexes - 1].valid = false;
  t->indexes[t->n_indexes - 1].name = "by_name";
  assert_warned(f, "table runs has an invalid index, by_name: REINDEX or drop it");
}

static void a_view_in_place_of_a_table_is_refused(void **state) {
  struct fixture *f = *state;
  maker_find(&f->cat, "metrics")->relkind = 'v';
  assert_refused(f, "table metrics is a view, not a table");
}

static void a_partitioned_table_is_fine(void **state) {
  struct fixture *f = *state;
  maker_find(&f->cat, "metrics")->relkind = 'p';
  assert_no_differences(f, MLT_TARGET_PG);
}

static void triggers_rules_and_row_security_are_refused_by_name(void **state) {
  struct fixture *f = *state;
  struct mlt_cat_table *t = maker_find(&f->cat, "tags");
  t->trigger = "audit";
  assert_refused(f, "table tags has a trigger, audit, which MLflow's schema has not");
  t->trigger = NULL;
  t->rule = "divert";
  assert_refused(f, "table tags has a rule, divert, which MLflow's schema has not");
  t->rule = NULL;
  t->row_security = true;
  assert_refused(f, "table tags has row level security, which MLflow's schema has not");
}

static void other_tables_are_none_of_our_business(void **state) {
  struct fixture *f = *state;
  maker_find(&f->cat, "alembic_version")->trigger = "audit";
  assert_no_differences(f, MLT_TARGET_PG);
}

static void a_database_without_alembic_version_is_no_mlflow_database(void **state) {
  struct fixture *f = *state;
  maker_drop_table(&f->cat, "alembic_version");
  f->cat.head = NULL;
  f->cat.head_rows = 0;
  assert_refused(f, "the database is not an MLflow database (no alembic_version)");
  assert_non_null(strstr(f->err.hint, "schema init"));
}

static void alembic_version_must_have_one_row(void **state) {
  struct fixture *f = *state;
  f->cat.head_rows = 2;
  assert_refused(f, "table alembic_version has 2 rows instead of one");
  f->cat.head_rows = 0;
  f->cat.head = NULL;
  assert_refused(f, "table alembic_version has 0 rows instead of one");
}

static void an_encoding_other_than_utf8_is_refused(void **state) {
  struct fixture *f = *state;
  f->cat.encoding = "SQL_ASCII";
  assert_refused(f, "the database has encoding SQL_ASCII; MLflow's text needs UTF8");
}

static void an_unknown_head_of_known_shape_is_accepted_with_a_warning(void **state) {
  struct fixture *f = *state;
  f->cat.head = "0123456789ab";
  assert_int_equal(check(f), MLT_OK);
  assert_int_equal(f->diffs.n, 1);
  assert_non_null(strstr(f->diffs.v[0].what, "schema revision 0123456789ab"));
  assert_null(f->schema.known);
  assert_int_equal(f->schema.features, V3_18);
  assert_string_equal(f->schema.head, "0123456789ab");
}

static void an_unknown_head_of_another_shape_is_refused_naming_each_difference(void **state) {
  struct fixture *f = *state;
  f->cat.head = "0123456789ab";
  maker_drop_table(&f->cat, "inputs");
  maker_column(&f->cat, "runs", "status")->type = "integer";
  assert_int_equal(check(f), MLT_SCHEMA);
  assert_int_equal(f->diffs.n_fatal, 2);
  assert_non_null(strstr(f->err.msg, "column status of table runs"));
  assert_non_null(strstr(f->err.msg, "1 more difference"));
  assert_non_null(strstr(f->err.hint, "0123456789ab"));
}

static void a_newer_feature_calls_for_all_older_ones(void **state) {
  struct fixture *f = *state;
  f->cat.head = "0123456789ab";
  maker_drop_table(&f->cat, "registered_model_aliases");
  assert_refused(f, "table registered_model_aliases is missing (MLflow 2.3.0 and later have it)");
}

static void an_old_head_with_the_new_index_is_fine(void **state) {
  struct fixture *f = *state;
  f->cat = maker_catalog(f->arena, MLT_TARGET_PG, head_2_0, V2_0);
  maker_add_index(f->arena, maker_find(&f->cat, "metrics"), false,
                  (const char *const[]){"run_uuid", "key", "step", NULL});
  assert_no_differences(f, MLT_TARGET_PG);
  assert_int_equal(f->schema.features, MLT_F_METRIC_INDEX);
}

static void a_half_made_migration_is_refused(void **state) {
  struct fixture *f = *state;
  f->cat = maker_catalog(f->arena, MLT_TARGET_PG, head_3_18, V3_18);
  f->cat.head = "0584bdc529eb"; /* 2.22: has no logged models yet */
  maker_drop_table(&f->cat, "logged_models");
  assert_refused(f, "table logged_models is missing (MLflow 3.0.0 and later have it)");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(every_head_in_good_shape_has_no_differences),
      TEST(a_missing_table_is_refused),
      TEST(a_missing_table_of_a_feature_says_which_release_has_it),
      TEST(a_known_head_must_have_its_features_whole),
      TEST(a_renamed_column_is_refused),
      TEST(a_missing_column_of_a_feature_says_which_release_has_it),
      TEST(a_table_without_the_workspace_that_experiments_have_is_refused),
      TEST(another_type_is_refused),
      TEST(text_and_varchar_stand_for_each_other),
      TEST(a_narrowed_column_is_refused_with_both_lengths),
      TEST(a_length_where_mlflow_has_none_is_refused),
      TEST(limits_are_the_lengths_found),
      TEST(sqlite_declares_lengths_but_has_no_limits),
      TEST(sqlite_types_count_by_affinity),
      TEST(a_surprising_not_null_column_is_refused),
      TEST(extra_columns_that_fill_themselves_are_fine),
      TEST(not_null_where_null_is_stored_is_refused),
      TEST(not_null_where_null_is_never_stored_is_fine),
      TEST(experiments_that_do_not_number_themselves_are_refused),
      TEST(a_missing_unique_index_is_refused),
      TEST(a_partial_or_invalid_unique_index_does_not_count),
      TEST(a_unique_index_on_more_columns_does_not_count),
      TEST(column_order_in_a_unique_index_does_not_matter),
      TEST(a_name_may_be_unique_within_its_workspace),
      TEST(a_missing_secondary_index_is_a_warning),
      TEST(an_index_that_only_newer_heads_have_is_not_missed),
      TEST(an_invalid_index_is_a_warning),
      TEST(a_view_in_place_of_a_table_is_refused),
      TEST(a_partitioned_table_is_fine),
      TEST(triggers_rules_and_row_security_are_refused_by_name),
      TEST(other_tables_are_none_of_our_business),
      TEST(a_database_without_alembic_version_is_no_mlflow_database),
      TEST(alembic_version_must_have_one_row),
      TEST(an_encoding_other_than_utf8_is_refused),
      TEST(an_unknown_head_of_known_shape_is_accepted_with_a_warning),
      TEST(an_unknown_head_of_another_shape_is_refused_naming_each_difference),
      TEST(a_newer_feature_calls_for_all_older_ones),
      TEST(an_old_head_with_the_new_index_is_fine),
      TEST(a_half_made_migration_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
