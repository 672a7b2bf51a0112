/* Sums of runs' rows on a real PostgreSQL: what the server computes is what model/row_sum.h makes
   of the same rows, and of rows that no writer would write, too. */
#include "pg_harness.h"

enum { RUNS = 10 };

static const char hostile[] =
    "INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (77, 'sums', 'active');"
    "INSERT INTO runs (run_uuid, experiment_id) SELECT 'sum' || i, 77 FROM generate_series(0, 9) i;"
    "SELECT setseed(0.5);"
    "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)"
    " SELECT repeat(chr(97 + i % 26), i % 40) || i, CASE i % 7 WHEN 0 THEN 0 WHEN 1 THEN '-0'"
    "   WHEN 2 THEN 'Infinity' WHEN 3 THEN 5e-324 ELSE (random() - 0.5) * 10.0 ^ (i % 300) END,"
    " CASE i % 5 WHEN 0 THEN -9223372036854775808 WHEN 1 THEN 9223372036854775807"
    "   ELSE (random() * 1e15)::bigint - 500000000000000 END,"
    " 'sum' || i % 10, CASE i % 3 WHEN 0 THEN i WHEN 1 THEN -i ELSE i::bigint << 33 END, i % 11 = 0"
    " FROM generate_series(1, 20000) i;"
    "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan)"
    " SELECT key, value, CASE WHEN step % 4 = 0 THEN NULL ELSE timestamp END, run_uuid, step, is_nan"
    " FROM metrics WHERE run_uuid LIKE 'sum%';"
    "INSERT INTO params (key, value, run_uuid)"
    " SELECT 'k' || i, repeat(chr(200 + i), i % 400), 'sum' || i % 10 FROM generate_series(0, 3000) i;"
    "INSERT INTO tags (key, value, run_uuid)"
    " SELECT key, nullif(value, ''), run_uuid FROM params WHERE run_uuid LIKE 'sum%'";

struct sums {
  enum mlt_table table;
  unsigned run; /* the column of its id */
  struct mlt_row_sum v[RUNS];
};

/* The last character of its id. */
static size_t number_of(struct mlt_str run) {
  return (size_t)(run.p[run.len - 1] - '0');
}

static enum mlt_rc add(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct sums *s = ctx;
  (void)err;
  mlt_row_sum_add(&s->v[number_of(row[s->run].s)], s->table, row);
  return MLT_OK;
}

static enum mlt_rc take(void *ctx, struct mlt_str run, struct mlt_row_sum part,
                        struct mlt_err *err) {
  struct sums *s = ctx;
  (void)err;
  s->v[number_of(run)].rows += part.rows;
  s->v[number_of(run)].hash += part.hash;
  return MLT_OK;
}

static void compare(struct mlt_pg *pg, enum mlt_column by) {
  static char names[RUNS][8];
  struct mlt_str ids[RUNS];
  struct mlt_err err = MLT_ERR_INIT;
  unsigned n;
  enum mlt_table t = mlt_column_info(by)->table;
  struct sums ours = {.table = t, .run = by - mlt_table_columns(t, &n)}, theirs = {.table = t};
  for (int i = 0; i < RUNS; i++) {
    (void)snprintf(names[i], sizeof names[i], "sum%d", i);
    ids[i] = mlt_str_c(names[i]);
  }
  struct mlt_where where = {.by = by, .keys = ids, .n_keys = RUNS};
  must(mlt_pg_select(pg, t, &where, features, add, &ours, &err), &err);
  must(mlt_pg_sum_rows(pg, t, ids, RUNS, take, &theirs, &err), &err);
  for (size_t i = 0; i < RUNS; i++) {
    assert_true(ours.v[i].rows > 0);
    assert_int_equal(ours.v[i].rows, theirs.v[i].rows);
    assert_true(mlt_row_sum_eq(ours.v[i], theirs.v[i]));
  }
}

static void the_server_sums_up_as_we_do(void **state) {
  (void)state;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  run(pg, hostile);
  compare(pg, MLT_C_PARAMS_run_uuid);
  compare(pg, MLT_C_TAGS_run_uuid);
  compare(pg, MLT_C_METRICS_run_uuid);
  compare(pg, MLT_C_LATEST_METRICS_run_uuid);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

int main(void) {
  if (!read_environment())
    return 2;
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_server_sums_up_as_we_do)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
