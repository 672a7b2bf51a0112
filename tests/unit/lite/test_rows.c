/* Inserts and selects on a real file with MLflow's schema. */
#include "scratch.h"

#include <float.h>
#include <math.h>

#define INT(n) ((struct mlt_value){.kind = MLT_V_INT, .i = (n)})
#define DBL(n) ((struct mlt_value){.kind = MLT_V_DOUBLE, .d = (n)})
#define BOOLEAN(n) ((struct mlt_value){.kind = MLT_V_BOOL, .b = (n)})
#define TEXT(t) ((struct mlt_value){.kind = MLT_V_TEXT, .s = MLT_STR_LIT(t)})
#define NONE ((struct mlt_value){.kind = MLT_V_NULL})

/* Rows from a plain array: `width` values a row. */
struct table {
  const struct mlt_value *v;
  unsigned width;
};

static enum mlt_rc get(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  const struct table *t = ctx;
  memcpy(out, t->v + i * t->width, t->width * sizeof *out);
  return MLT_OK;
}

static enum mlt_rc insert(struct mlt_lite *db, enum mlt_table table, const struct mlt_value *v,
                          size_t n, struct mlt_err *err) {
  unsigned width;
  (void)mlt_table_columns(table, &width);
  struct table t = {v, width};
  struct mlt_rows rows = {.table = table, .n = n, .get = get, .ctx = &t};
  return mlt_lite_insert(db, &rows, EVERYTHING, err);
}

/* Rows as they come back, strings copied. */
struct found {
  size_t n, stop_after;
  unsigned width;
  struct mlt_value row[64][MLT_MAX_COLUMNS];
  struct mlt_arena *arena;
};

static enum mlt_rc keep(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct found *f = ctx;
  if (f->stop_after && f->n == f->stop_after)
    return mlt_err_set(err, MLT_CANCELLED, "stopped");
  assert_true(f->n < 64);
  for (unsigned i = 0; i < f->width; i++) {
    f->row[f->n][i] = row[i];
    if (row[i].kind == MLT_V_TEXT)
      assert_int_equal(mlt_arena_str(f->arena, row[i].s, &f->row[f->n][i].s), 0);
  }
  f->n++;
  return MLT_OK;
}

static enum mlt_rc select_all(struct mlt_lite *db, enum mlt_table table, struct found *f,
                              uint32_t features, struct mlt_err *err) {
  (void)mlt_table_columns(table, &f->width);
  return mlt_lite_select(db, table, NULL, features, keep, f, err);
}

static struct found *found_new(void) {
  struct found *f = calloc(1, sizeof *f);
  assert_non_null(f);
  f->arena = mlt_arena_new();
  return f;
}

static void found_free(struct found *f) {
  mlt_arena_free(f->arena);
  free(f);
}

static void assert_same(const struct mlt_value *a, const struct mlt_value *b, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    assert_int_equal(a[i].kind, b[i].kind);
    if (a[i].kind == MLT_V_INT)
      assert_true(a[i].i == b[i].i);
    if (a[i].kind == MLT_V_DOUBLE)
      assert_memory_equal(&a[i].d, &b[i].d, sizeof a[i].d);
    if (a[i].kind == MLT_V_BOOL)
      assert_int_equal(a[i].b, b[i].b);
    if (a[i].kind == MLT_V_TEXT)
      assert_true(mlt_str_eq(a[i].s, b[i].s));
  }
}

/* An experiment 7 with a run "r". */
static void add_run(struct scratch *s, struct mlt_lite *db) {
  const struct mlt_value experiment[] = {INT(7),         TEXT("e"), TEXT("file:///a"),
                                         TEXT("active"), INT(1),    INT(2)};
  const struct mlt_value run[] = {TEXT("r"),  TEXT("name"),     TEXT("LOCAL"), TEXT("src"), NONE,
                                  TEXT("me"), TEXT("FINISHED"), INT(10),       INT(20),     NONE,
                                  TEXT(""),   TEXT("active"),   TEXT("uri"),   INT(7)};
  assert_works(s, insert(db, MLT_T_EXPERIMENTS, experiment, 1, &s->err));
  assert_works(s, insert(db, MLT_T_RUNS, run, 1, &s->err));
}

static void every_kind_of_value_comes_back_unchanged(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct found *f = found_new();
  add_run(s, db);
  const double doubles[] = {0.1,
                            DBL_MAX,
                            -DBL_MAX,
                            DBL_MIN,
                            5e-324,
                            1e300 * 1e10,
                            -1e-320,
                            1.0,
                            1e15,
                            0x1p62,
                            123456789012345680.0};
  enum { N = sizeof doubles / sizeof doubles[0] };
  struct mlt_value rows[N * 6];
  for (int i = 0; i < N; i++) {
    const struct mlt_value row[6] = {TEXT("k"), DBL(doubles[i]), INT(INT64_MAX),
                                     TEXT("r"), INT(INT64_MIN),  BOOLEAN(i % 2 == 0)};
    memcpy(rows + i * 6, row, sizeof row);
  }
  assert_works(s, insert(db, MLT_T_METRICS, rows, N, &s->err));
  assert_works(s, select_all(db, MLT_T_METRICS, f, EVERYTHING, &s->err));
  assert_int_equal(f->n, N);
  for (int i = 0; i < N; i++)
    assert_same(f->row[i], rows + i * 6, 6);
  found_free(f);
  mlt_lite_close(db);
}

static void text_keeps_nul_bytes_quotes_and_emptiness(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct found *f = found_new();
  add_run(s, db);
  const struct mlt_value rows[] = {TEXT("a"),
                                   TEXT("x\0y"),
                                   TEXT("r"),
                                   TEXT("b"),
                                   TEXT(""),
                                   TEXT("r"),
                                   TEXT("c"),
                                   TEXT("'; DROP TABLE tags"),
                                   TEXT("r"),
                                   TEXT("d"),
                                   TEXT("\xf0\x9f\x98\x80\r\n"),
                                   TEXT("r"),
                                   TEXT("e"),
                                   NONE,
                                   TEXT("r")};
  assert_works(s, insert(db, MLT_T_TAGS, rows, 5, &s->err));
  assert_works(s, select_all(db, MLT_T_TAGS, f, EVERYTHING, &s->err));
  assert_int_equal(f->n, 5);
  for (size_t i = 0; i < 5; i++)
    assert_same(f->row[i], rows + i * 3, 3);
  found_free(f);
  mlt_lite_close(db);
}

static void columns_of_newer_heads_are_left_out_and_come_back_null(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct found *f = found_new();
  const struct mlt_value row[] = {TEXT("u"),   TEXT("DATASET"), TEXT("d"),
                                  TEXT("RUN"), TEXT("r"),       INT(5)};
  struct table t = {row, 6};
  struct mlt_rows rows = {.table = MLT_T_INPUTS, .n = 1, .get = get, .ctx = &t};
  scratch_sql(s->path, "ALTER TABLE inputs DROP COLUMN step");
  assert_works(s, mlt_lite_insert(db, &rows, MLT_F_DATASETS, &s->err));
  assert_works(s, select_all(db, MLT_T_INPUTS, f, MLT_F_DATASETS, &s->err));
  assert_int_equal(f->n, 1);
  assert_same(f->row[0], row, 5);
  assert_int_equal(f->row[0][5].kind, MLT_V_NULL);
  assert_works(s, select_all(db, MLT_T_LOGGED_MODELS, f, MLT_F_DATASETS, &s->err));
  assert_int_equal(f->n, 1);
  assert_fails(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err), MLT_SCHEMA, "step");
  assert_fails(s, select_all(db, MLT_T_INPUTS, f, EVERYTHING, &s->err), MLT_SCHEMA, "step");
  found_free(f);
  mlt_lite_close(db);
}

static void a_row_that_is_there_already_is_a_conflict(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_value tags[] = {TEXT("k"), TEXT("1"), TEXT("r"),
                                   TEXT("k"), TEXT("2"), TEXT("r")};
  const struct mlt_value experiments[] = {INT(7), TEXT("f"), NONE, TEXT("active"), NONE, NONE,
                                          INT(8), TEXT("e"), NONE, TEXT("active"), NONE, NONE};
  add_run(s, db);
  assert_fails(s, insert(db, MLT_T_TAGS, tags, 2, &s->err), MLT_CONFLICT, "tags");
  assert_true(s->err.hint[0]);
  assert_fails(s, insert(db, MLT_T_EXPERIMENTS, experiments, 1, &s->err), MLT_CONFLICT,
               "experiment_id");
  assert_fails(s, insert(db, MLT_T_EXPERIMENTS, experiments + 6, 1, &s->err), MLT_CONFLICT,
               "experiments.name");
  mlt_lite_close(db);
}

static void what_the_schema_forbids_is_bad_data(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_value orphan[] = {TEXT("k"), TEXT("v"), TEXT("no such run")};
  const struct mlt_value no_step[] = {TEXT("k"), DBL(1), INT(1), TEXT("r"), NONE, BOOLEAN(false)};
  const struct mlt_value stage[] = {INT(9), TEXT("f"), NONE, TEXT("asleep"), NONE, NONE};
  const struct mlt_value id[] = {TEXT("nine"), TEXT("f"), NONE, TEXT("active"), NONE, NONE};
  add_run(s, db);
  assert_fails(s, insert(db, MLT_T_PARAMS, orphan, 1, &s->err), MLT_DATA, "FOREIGN KEY");
  assert_fails(s, insert(db, MLT_T_METRICS, no_step, 1, &s->err), MLT_DATA, "metrics.step");
  assert_fails(s, insert(db, MLT_T_EXPERIMENTS, stage, 1, &s->err), MLT_DATA, "CHECK");
  assert_fails(s, insert(db, MLT_T_EXPERIMENTS, id, 1, &s->err), MLT_DATA, "experiments");
  mlt_lite_close(db);
}

static void a_trigger_that_drops_rows_is_noticed(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_value tag[] = {TEXT("k"), TEXT("v"), TEXT("r")};
  add_run(s, db);
  scratch_sql(s->path, "CREATE TRIGGER t BEFORE INSERT ON tags BEGIN SELECT RAISE(IGNORE); END");
  assert_fails(s, insert(db, MLT_T_TAGS, tag, 1, &s->err), MLT_SCHEMA, "table tags");
  mlt_lite_close(db);
}

/* Keys "0" ... as the where clause of a select. */
static struct mlt_str *numbers(struct mlt_arena *arena, size_t n) {
  struct mlt_str *keys = mlt_arena_alloc(arena, n * sizeof *keys);
  char text[32];
  for (size_t i = 0; i < n; i++) {
    (void)snprintf(text, sizeof text, "%zu", i);
    assert_int_equal(mlt_arena_str(arena, mlt_str_c(text), &keys[i]), 0);
  }
  return keys;
}

static enum mlt_rc count(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)row, (void)err;
  ++*(size_t *)ctx;
  return MLT_OK;
}

static void any_number_of_keys_selects_each_row_once(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_arena *arena = mlt_arena_new();
  scratch_sql(s->path, "WITH n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999) "
                       "INSERT INTO experiments (experiment_id, name) SELECT i, 'e' || i FROM n");
  struct mlt_where w = {.by = MLT_C_EXPERIMENTS_experiment_id, .keys = numbers(arena, 4000)};
  const size_t n_keys[] = {0, 1, 499, 500, 501, 1000, 2999, 4000};
  for (size_t i = 0; i < sizeof n_keys / sizeof n_keys[0]; i++) {
    size_t rows = 0;
    w.n_keys = n_keys[i];
    assert_works(s, mlt_lite_select(db, MLT_T_EXPERIMENTS, &w, EVERYTHING, count, &rows, &s->err));
    assert_int_equal(rows, n_keys[i] < 3000 ? n_keys[i] : 3000);
  }
  mlt_arena_free(arena);
  mlt_lite_close(db);
}

static void a_second_condition_narrows_the_selection(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct found *f = found_new();
  const struct mlt_str keys[] = {MLT_STR_LIT("r"), MLT_STR_LIT("q")};
  const struct mlt_where w = {.by = MLT_C_TAGS_run_uuid,
                              .keys = keys,
                              .n_keys = 2,
                              .has_eq = true,
                              .eq = MLT_C_TAGS_key,
                              .eq_value = MLT_STR_LIT("b")};
  const struct mlt_value rows[] = {TEXT("a"), TEXT("1"), TEXT("r"),
                                   TEXT("b"), TEXT("2"), TEXT("r")};
  add_run(s, db);
  assert_works(s, insert(db, MLT_T_TAGS, rows, 2, &s->err));
  f->width = 3;
  assert_works(s, mlt_lite_select(db, MLT_T_TAGS, &w, EVERYTHING, keep, f, &s->err));
  assert_int_equal(f->n, 1);
  assert_same(f->row[0], rows + 3, 3);
  found_free(f);
  mlt_lite_close(db);
}

static void rows_of_other_workspaces_are_not_selected(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_str key = MLT_STR_LIT("m");
  struct mlt_where w = {.by = MLT_C_REGISTERED_MODELS_name, .keys = &key, .n_keys = 1};
  size_t n = 0;
  scratch_sql(s->path, "INSERT INTO registered_models (name, workspace) VALUES ('m', 'team')");
  assert_works(s, mlt_lite_select(db, MLT_T_REGISTERED_MODELS, &w, EVERYTHING, count, &n, &s->err));
  assert_int_equal(n, 0);
  scratch_sql(s->path, "INSERT INTO registered_models (name) VALUES ('m')");
  assert_works(s, mlt_lite_select(db, MLT_T_REGISTERED_MODELS, &w, EVERYTHING, count, &n, &s->err));
  assert_int_equal(n, 1);
  mlt_lite_close(db);
}

static void the_callback_can_stop_a_select(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct found *f = found_new();
  scratch_sql(s->path, "INSERT INTO experiments (name) VALUES ('a'), ('b'), ('c')");
  f->stop_after = 2;
  assert_fails(s, select_all(db, MLT_T_EXPERIMENTS, f, EVERYTHING, &s->err), MLT_CANCELLED,
               "stopped");
  assert_int_equal(f->n, 2);
  mlt_err_clear(&s->err);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  mlt_lite_rollback(db);
  found_free(f);
  mlt_lite_close(db);
}

/* MLflow's columns have affinities, so only some foreign kinds can be in them at all. */
static void values_of_a_foreign_kind_are_converted_without_loss(void **state) {
  struct scratch *s = *state;
  scratch_sql(s->path,
              "INSERT INTO experiments (experiment_id, name, creation_time) VALUES (1, x'6162', "
              "'123456789012345678'), (2, x'', 3e3), (3, 4.5, NULL);"
              "INSERT INTO runs (run_uuid) VALUES ('r');"
              "INSERT INTO metrics VALUES ('k', 9007199254740993, 1, 'r', 0, 1.0)");
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct found *f = found_new();
  assert_works(s, select_all(db, MLT_T_EXPERIMENTS, f, EVERYTHING, &s->err));
  assert_same(&f->row[0][1], &TEXT("ab"), 1);
  assert_same(&f->row[0][4], &INT(123456789012345678), 1);
  assert_same(&f->row[1][1], &TEXT(""), 1);
  assert_same(&f->row[1][4], &INT(3000), 1);
  assert_same(&f->row[2][1], &TEXT("4.5"), 1);
  f->n = 0;
  assert_works(s, select_all(db, MLT_T_METRICS, f, EVERYTHING, &s->err));
  assert_same(&f->row[0][1], &DBL(9007199254740992.0), 1);
  assert_same(&f->row[0][5], &BOOLEAN(true), 1);
  found_free(f);
  mlt_lite_close(db);
}

static void values_that_cannot_be_converted_are_refused_by_name(void **state) {
  static const struct {
    const char *sql, *words;
    enum mlt_table table;
  } cases[] = {
      {"INSERT INTO experiments (name, creation_time) VALUES ('e', 'soon')",
       "table experiments, column creation_time: \"soon\" is no integer", MLT_T_EXPERIMENTS},
      {"INSERT INTO experiments (name, creation_time) VALUES ('e', 1.5)", "column creation_time",
       MLT_T_EXPERIMENTS},
      {"INSERT INTO experiments (name, creation_time) VALUES ('e', 1e19)", "column creation_time",
       MLT_T_EXPERIMENTS},
      {"INSERT INTO runs (run_uuid) VALUES ('r'); INSERT INTO metrics VALUES ('k','high',1,'r',0,0)",
       "table metrics, column value: \"high\" is no floating-point", MLT_T_METRICS},
      {"INSERT INTO runs (run_uuid) VALUES ('r'); INSERT INTO metrics VALUES ('k',x'00',1,'r',0,0)",
       "column value: a blob is no", MLT_T_METRICS},
      {"PRAGMA ignore_check_constraints = ON; INSERT INTO runs (run_uuid) VALUES ('r'); INSERT INTO "
       "metrics VALUES ('k',1,1,'r',0,2)",
       "table metrics, column is_nan: \"2\" is no boolean", MLT_T_METRICS},
  };
  struct scratch *s = *state;
  struct found *f = found_new();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    scratch_sql(s->path, cases[i].sql);
    struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
    assert_fails(s, select_all(db, cases[i].table, f, EVERYTHING, &s->err), MLT_DATA,
                 cases[i].words);
    mlt_lite_close(db);
    scratch_sql(s->path, "DELETE FROM metrics; DELETE FROM runs; DELETE FROM experiments");
    mlt_err_clear(&s->err);
  }
  found_free(f);
}

static int64_t new_experiment(struct scratch *s, struct mlt_lite *db, struct mlt_value name,
                              int64_t wanted) {
  const struct mlt_value row[] = {INT(-5), name, NONE, TEXT("active"), NONE, NONE};
  int64_t id = -1;
  assert_works(s, mlt_lite_insert_experiment(db, row, wanted, NULL, &id, &s->err));
  return id;
}

static void an_experiment_gets_the_id_it_wants_or_the_next_one(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_value row[] = {NONE, TEXT("a"), NONE, TEXT("active"), NONE, NONE};
  int64_t id = -1;
  assert_int_equal(new_experiment(s, db, TEXT("a"), -1), 1);
  assert_int_equal(new_experiment(s, db, TEXT("Default"), 0), 0);
  assert_int_equal(new_experiment(s, db, TEXT("b"), 0), 2);
  assert_int_equal(new_experiment(s, db, TEXT("c"), 123456789012345678), 123456789012345678);
  assert_int_equal(new_experiment(s, db, TEXT("d"), 123456789012345678), 123456789012345679);
  assert_int_equal(new_experiment(s, db, TEXT("e"), -1), 123456789012345680);
  assert_fails(s, mlt_lite_insert_experiment(db, row, 99, NULL, &id, &s->err), MLT_CONFLICT,
               "experiments.name");
  mlt_err_clear(&s->err);
  assert_true(new_experiment(s, db, TEXT("f"), INT64_MAX) == INT64_MAX);
  const struct mlt_value last[] = {NONE, TEXT("g"), NONE, TEXT("active"), NONE, NONE};
  assert_fails(s, mlt_lite_insert_experiment(db, last, -1, NULL, &id, &s->err), MLT_DATA,
               "no experiment");
  assert_int_equal(id, -1);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM experiments WHERE artifact_location "
                                        "IS NULL AND workspace = 'default'"),
                   7);
  mlt_lite_close(db);
}

static enum mlt_rc get_metric(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  (void)ctx;
  const struct mlt_value row[6] = {TEXT("loss"), DBL((double)i / 3), INT((int64_t)i),
                                   TEXT("r"),    INT((int64_t)i),    BOOLEAN(false)};
  memcpy(out, row, sizeof row);
  return MLT_OK;
}

static void a_hundred_thousand_metrics_go_in_and_come_out(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_rows rows = {.table = MLT_T_METRICS, .n = 100000, .get = get_metric};
  size_t n = 0;
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  add_run(s, db);
  assert_works(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
  assert_works(s, mlt_lite_select(db, MLT_T_METRICS, NULL, EVERYTHING, count, &n, &s->err));
  assert_int_equal(n, 100000);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM metrics WHERE value = step / 3.0"),
                   100000);
  mlt_lite_close(db);
}

static enum mlt_rc get_metric_or_fail(const void *ctx, size_t i, struct mlt_value *out,
                                      struct mlt_err *err) {
  if (i == 5)
    return mlt_err_set(err, MLT_IO, "the row is gone");
  return get_metric(ctx, i, out, err);
}

static void a_row_that_cannot_be_had_ends_the_insert(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  const struct mlt_rows rows = {.table = MLT_T_METRICS, .n = 10, .get = get_metric_or_fail};
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  add_run(s, db);
  assert_fails(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err), MLT_IO, "the row is gone");
  mlt_lite_rollback(db);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM metrics"), 0);
  mlt_lite_close(db);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(every_kind_of_value_comes_back_unchanged),
      TEST(text_keeps_nul_bytes_quotes_and_emptiness),
      TEST(columns_of_newer_heads_are_left_out_and_come_back_null),
      TEST(a_row_that_is_there_already_is_a_conflict),
      TEST(what_the_schema_forbids_is_bad_data),
      TEST(a_trigger_that_drops_rows_is_noticed),
      TEST(any_number_of_keys_selects_each_row_once),
      TEST(a_second_condition_narrows_the_selection),
      TEST(rows_of_other_workspaces_are_not_selected),
      TEST(the_callback_can_stop_a_select),
      TEST(values_of_a_foreign_kind_are_converted_without_loss),
      TEST(values_that_cannot_be_converted_are_refused_by_name),
      TEST(an_experiment_gets_the_id_it_wants_or_the_next_one),
      TEST(a_hundred_thousand_metrics_go_in_and_come_out),
      TEST(a_row_that_cannot_be_had_ends_the_insert),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
