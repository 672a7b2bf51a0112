/* Rows in and out of a real PostgreSQL, and what happens to them when something fails. */
#include <float.h>

#include "pg_harness.h"

/* Inserts one row a time, reads it back by `by` and compares every value. */
static void round_trip(struct mlt_pg *pg, enum mlt_table table, enum mlt_column by, const char *key,
                       const struct mlt_value (*v)[MLT_MAX_COLUMNS], const char *clean) {
  struct mlt_err err = MLT_ERR_INIT;
  struct seen *s = calloc(1, sizeof *s);
  must(insert(pg, table, v, 1, &err), &err);
  select_by(pg, table, by, key, s);
  assert_int_equal(s->n, 1);
  unsigned n;
  (void)mlt_table_columns(table, &n);
  for (unsigned i = 0; i < n; i++)
    assert_value(&v[0][i], &s->last[i]);
  if (clean)
    run(pg, clean);
  free(s);
}

static void doubles_and_integers_come_back_bit_by_bit(void **state) {
  (void)state;
  static const double doubles[] = {0.0,     -0.0,      1.0 / 3,    DBL_MAX, -DBL_MAX,
                                   DBL_MIN, 4.94e-324, -4.94e-324, 1e300};
  static const int64_t integers[] = {0, -1, 1, INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN};
  struct mlt_pg *pg = open_pg();
  begin(pg);
  new_run(pg, "edges");
  for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++) {
      const struct mlt_value row[1][MLT_MAX_COLUMNS] = {
          {T("k"), D(doubles[i]), I(integers[k]), T("edges"), I(integers[k]), B(k % 2)}};
      round_trip(pg, MLT_T_METRICS, MLT_C_METRICS_run_uuid, "edges", row, "DELETE FROM metrics");
    }
  commit(pg);
  mlt_pg_close(pg);
}

static void texts_come_back_byte_by_byte(void **state) {
  (void)state;
  static const char quoting[] = "\\ \" ' {a,\"b\"} \t \r\n NULL \\N $1 %s";
  struct mlt_pg *pg = open_pg();
  char *longest = malloc(8000 * 4);
  for (size_t i = 0; i < 8000 * 4; i += 4)
    memcpy(longest + i, "\xF0\x9F\x98\x80", 4); /* a character outside the BMP */
  begin(pg);
  new_run(pg, "texts");
  const struct mlt_str texts[] = {MLT_STR_LIT(""),
                                  MLT_STR_LIT(" "),
                                  {quoting, sizeof quoting - 1},
                                  MLT_STR_LIT("e\xCC\x81 \xC3\xA9 \xEF\xBB\xBF"),
                                  {longest, 500 * 4}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const struct mlt_value row[1][MLT_MAX_COLUMNS] = {
        {T("k"), {.kind = MLT_V_TEXT, .s = texts[i]}, T("texts")}};
    round_trip(pg, MLT_T_PARAMS, MLT_C_PARAMS_run_uuid, "texts", row, "DELETE FROM params");
  }
  const struct mlt_value null[1][MLT_MAX_COLUMNS] = {{T("k"), NUL, T("texts")}};
  round_trip(pg, MLT_T_TAGS, MLT_C_TAGS_run_uuid, "texts", null, "DELETE FROM tags");
  if (features & MLT_F_LOGGED_MODELS) { /* their heads have room for 8000 characters */
    const struct mlt_value row[1][MLT_MAX_COLUMNS] = {
        {T("k"), {.kind = MLT_V_TEXT, .s = {longest, 8000 * 4}}, T("texts")}};
    round_trip(pg, MLT_T_TAGS, MLT_C_TAGS_run_uuid, "texts", row, "DELETE FROM tags");
  }
  commit(pg);
  mlt_pg_close(pg);
  free(longest);
}

static void keys_with_quotes_find_their_rows_only(void **state) {
  (void)state;
  static const char *const names[] = {"a\"b", "a\\b", "{a,b}", "a'b", "NULL", "", "a,b", " a "};
  struct mlt_pg *pg = open_pg();
  begin(pg);
  int64_t ids[8];
  for (size_t i = 0; i < 8; i++)
    ids[i] = new_experiment(pg, names[i], -1);
  for (size_t i = 0; i < 8; i++) {
    struct seen *s = calloc(1, sizeof *s);
    select_by(pg, MLT_T_EXPERIMENTS, MLT_C_EXPERIMENTS_name, names[i], s);
    assert_int_equal(s->n, 1);
    assert_true(s->last[0].i == ids[i]);
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, ids[i]);
    select_by(pg, MLT_T_EXPERIMENTS, MLT_C_EXPERIMENTS_experiment_id, id, s);
    assert_int_equal(s->n, 2);
    assert_true(mlt_str_is(s->last[1].s, names[i]));
    free(s);
  }
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

enum { MANY = 100000 };

static enum mlt_rc get_point(const void *ctx, size_t i, struct mlt_value *out,
                             struct mlt_err *err) {
  (void)err;
  (void)ctx;
  const struct mlt_value row[] = {T("loss"), D((double)i / 7), I((int64_t)i),
                                  T("many"), I((int64_t)i),    B(false)};
  memcpy(out, row, sizeof row);
  return MLT_OK;
}

static void a_hundred_thousand_metrics_go_in_and_come_out(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  new_run(pg, "many");
  const struct mlt_rows rows = {.table = MLT_T_METRICS, .n = MANY, .get = get_point};
  must(mlt_pg_insert(pg, &rows, features, &err), &err);
  commit(pg);
  struct seen *s = calloc(1, sizeof *s);
  s->add = MLT_C_METRICS_step;
  must(mlt_pg_begin(pg, true, head, features, &err), &err);
  select_by(pg, MLT_T_METRICS, MLT_C_METRICS_run_uuid, "many", s);
  assert_int_equal(s->n, MANY);
  assert_true(s->sum == (int64_t)MANY * (MANY - 1) / 2);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  free(s);
}

static void more_keys_than_one_query_takes_are_all_asked_for(void **state) {
  (void)state;
  enum { KEYS = 25001 };
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  struct mlt_str *keys = calloc(KEYS, sizeof *keys);
  for (size_t i = 0; i < KEYS; i++)
    keys[i] = MLT_STR_LIT("no such run");
  keys[0] = MLT_STR_LIT("run of the first query");
  keys[KEYS - 1] = MLT_STR_LIT("run of the last query");
  begin(pg);
  new_run(pg, "run of the first query");
  new_run(pg, "run of the last query");
  struct seen *s = calloc(1, sizeof *s);
  const struct mlt_where where = {.by = MLT_C_RUNS_run_uuid,
                                  .keys = keys,
                                  .n_keys = KEYS,
                                  .has_eq = true,
                                  .eq = MLT_C_RUNS_lifecycle_stage,
                                  .eq_value = MLT_STR_LIT("active")};
  must(mlt_pg_select(pg, MLT_T_RUNS, &where, features, see, s, &err), &err);
  assert_int_equal(s->n, 2);
  struct mlt_where other = where;
  other.eq_value = MLT_STR_LIT("deleted");
  must(mlt_pg_select(pg, MLT_T_RUNS, &other, features, see, s, &err), &err);
  assert_int_equal(s->n, 2);
  other.n_keys = 0;
  must(mlt_pg_select(pg, MLT_T_RUNS, &other, features, see, s, &err), &err);
  assert_int_equal(s->n, 2);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  free(keys);
  free(s);
}

static void a_reader_that_stops_leaves_the_connection_usable(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  must(mlt_pg_begin(pg, true, head, features, &err), &err);
  struct seen *s = calloc(1, sizeof *s);
  s->stop_at = 3;
  const struct mlt_str keys[] = {MLT_STR_LIT("many")};
  const struct mlt_where where = {.by = MLT_C_METRICS_run_uuid, .keys = keys, .n_keys = 1};
  assert_int_equal(mlt_pg_select(pg, MLT_T_METRICS, &where, features, see, s, &err), MLT_CONFLICT);
  assert_string_equal(err.msg, "seen enough");
  assert_int_equal(s->n, 3);
  mlt_pg_rollback(pg);
  assert_int_equal(number(pg, "SELECT 42"), 42);
  mlt_pg_close(pg);
  free(s);
}

/* The insert must fail as said; the connection is usable after a rollback and nothing was kept. */
static void refused(enum mlt_table table, const struct mlt_value (*v)[MLT_MAX_COLUMNS], size_t n,
                    enum mlt_rc rc, const char *sqlstate, const char *says) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  new_run(pg, "refused");
  assert_int_equal(insert(pg, table, v, n, &err), rc);
  assert_int_equal(err.rc, rc);
  assert_string_equal(err.sqlstate, sqlstate);
  if (!strstr(err.msg, says))
    fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
  mlt_pg_rollback(pg);
  assert_int_equal(number(pg, "SELECT count(*) FROM runs WHERE run_uuid = 'refused'"), 0);
  mlt_pg_close(pg);
}

static void a_unique_violation_may_be_tried_again(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("1"), T("refused")},
                                                 {T("k"), T("2"), T("refused")}};
  refused(MLT_T_PARAMS, v, 2, MLT_TEMPFAIL, "23505", "table params");
}

static void a_row_of_no_run_is_bad_data(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("1"), T("nobody")}};
  refused(MLT_T_PARAMS, v, 1, MLT_DATA, "23503", "nobody");
}

static void a_value_that_is_too_long_is_bad_data(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {
      {T("k"), T("1"), T("refused")},
      {T("k2"), T("1"), T("a run id of more than thirty-two characters")}};
  refused(MLT_T_PARAMS, v, 2, MLT_DATA, "22001", "column run_uuid");
}

static void a_zero_byte_is_bad_data(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("a\0b"), T("refused")}};
  refused(MLT_T_PARAMS, v, 1, MLT_DATA, "22021", "table params");
}

static void an_id_beyond_four_bytes_is_bad_data(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {
      {T("too big"), T("n"), T("LOCAL"), T(""), T(""), T("u"), T("FINISHED"), I(1), I(2), NUL,
       T(""), T("active"), T(""), I(INT64_C(999999999999999999))}};
  refused(MLT_T_RUNS, v, 1, MLT_DATA, "", "experiment_id: 999999999999999999");
}

static void a_missing_value_where_one_must_be_is_a_schema_matter(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), NUL, T("refused")}};
  refused(MLT_T_PARAMS, v, 1, MLT_SCHEMA, "23502", "params");
}

static void rows_swallowed_by_a_trigger_are_noticed(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("1"), T("swallow")}};
  begin(pg);
  new_run(pg, "swallow");
  run(pg,
      "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
      "CREATE TRIGGER swallow BEFORE INSERT ON params FOR EACH ROW EXECUTE FUNCTION public.swallow()");
  assert_int_equal(insert(pg, MLT_T_PARAMS, v, 1, &err), MLT_SCHEMA);
  assert_non_null(strstr(err.msg, "1 rows were sent and the server stored 0"));
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void kill_backend(struct mlt_pg *pg) {
  struct mlt_pg *other = open_pg();
  char sql[96];
  (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%" PRId64 ", 5000)::int",
                 number(pg, "SELECT pg_backend_pid()"));
  assert_int_equal(number(other, sql), 1);
  mlt_pg_close(other);
}

static void a_lost_connection_is_unavailable(void **state) {
  (void)state;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("1"), T("lost")}};
  for (int step = 0; step < 3; step++) {
    struct mlt_err err = MLT_ERR_INIT;
    struct mlt_pg *pg = open_pg();
    begin(pg);
    new_run(pg, "lost");
    kill_backend(pg);
    struct seen *s = calloc(1, sizeof *s);
    const struct mlt_str keys[] = {MLT_STR_LIT("lost")};
    const struct mlt_where where = {.by = MLT_C_RUNS_run_uuid, .keys = keys, .n_keys = 1};
    enum mlt_rc rc = step == 0   ? insert(pg, MLT_T_PARAMS, v, 1, &err)
                     : step == 1 ? mlt_pg_select(pg, MLT_T_RUNS, &where, features, see, s, &err)
                                 : mlt_pg_commit(pg, &err);
    assert_int_equal(rc, MLT_UNAVAILABLE);
    assert_int_equal(err.rc, MLT_UNAVAILABLE);
    mlt_pg_rollback(pg);
    mlt_err_clear(&err);
    must(mlt_pg_begin(pg, false, head, features, &err), &err); /* connects again */
    mlt_pg_rollback(pg);
    mlt_pg_close(pg);
    free(s);
  }
  struct mlt_pg *pg = open_pg();
  assert_int_equal(number(pg, "SELECT count(*) FROM runs WHERE run_uuid = 'lost'"), 0);
  mlt_pg_close(pg);
}

/* Row 50,000 asks for the end of the connection it is sent over. */
static enum mlt_rc get_point_and_kill(const void *ctx, size_t i, struct mlt_value *out,
                                      struct mlt_err *err) {
  (void)get_point(NULL, i, out, err);
  out[0] = (struct mlt_value)T("amid");
  if (i == 50000) {
    struct mlt_pg *other = open_pg();
    char sql[96];
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)::int",
                   *(const int *)ctx);
    assert_int_equal(number(other, sql), 1);
    mlt_pg_close(other);
  }
  return MLT_OK;
}

static void a_connection_lost_amid_a_copy_is_unavailable(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  int pid = (int)number(pg, "SELECT pg_backend_pid()");
  const struct mlt_rows rows = {
      .table = MLT_T_METRICS, .n = MANY, .get = get_point_and_kill, .ctx = &pid};
  assert_int_equal(mlt_pg_insert(pg, &rows, features, &err), MLT_UNAVAILABLE);
  assert_int_equal(err.rc, MLT_UNAVAILABLE);
  assert_non_null(strstr(err.msg, "table metrics"));
  mlt_pg_close(pg);
}

/* Row 50,000 is not to be had. */
static enum mlt_rc get_point_or_fail(const void *ctx, size_t i, struct mlt_value *out,
                                     struct mlt_err *err) {
  if (i == 50000)
    return mlt_err_set(err, MLT_IO, "the row is gone");
  return get_point(ctx, i, out, err);
}

static void a_row_that_cannot_be_had_fails_the_copy_and_the_connection_goes_on(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  new_run(pg, "gone");
  const struct mlt_rows rows = {.table = MLT_T_METRICS, .n = MANY, .get = get_point_or_fail};
  assert_int_equal(mlt_pg_insert(pg, &rows, features, &err), MLT_IO);
  assert_string_equal(err.msg, "table metrics: the row is gone");
  mlt_pg_rollback(pg);
  assert_int_equal(number(pg, "SELECT count(*) FROM runs WHERE run_uuid = 'gone'"), 0);
  mlt_pg_close(pg);
}

static void a_read_only_transaction_refuses_writes(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  const struct mlt_value v[][MLT_MAX_COLUMNS] = {{T("k"), T("1"), T("many")}};
  struct mlt_pg *pg = open_pg();
  must(mlt_pg_begin(pg, true, head, features, &err), &err);
  assert_int_equal(insert(pg, MLT_T_PARAMS, v, 1, &err), MLT_NOPERM);
  assert_string_equal(err.sqlstate, "25006");
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void a_failed_transaction_does_not_commit(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  assert_int_not_equal(mlt_pg_command(pg, "SELECT 1/0", NULL, &err), MLT_OK);
  mlt_err_clear(&err);
  assert_int_equal(mlt_pg_commit(pg, &err), MLT_INTERNAL);
  mlt_pg_close(pg);
}

static void an_upgraded_schema_stops_the_writer(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg(), *other = open_pg();
  run(other, "UPDATE alembic_version SET version_num = 'feedfacecafe'");
  assert_int_equal(mlt_pg_begin(pg, false, head, features, &err), MLT_SCHEMA);
  assert_non_null(strstr(err.msg, "feedfacecafe"));
  assert_non_null(strstr(err.msg, head));
  char sql[96];
  (void)snprintf(sql, sizeof sql, "UPDATE alembic_version SET version_num = '%s'", head);
  run(other, sql);
  begin(pg);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  mlt_pg_close(other);
}

static void an_upgrade_under_way_is_not_stood_in_the_way_of(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg(), *other = open_pg();
  run(other, "BEGIN; LOCK TABLE metrics IN ACCESS EXCLUSIVE MODE");
  assert_int_equal(mlt_pg_begin(pg, false, head, features, &err), MLT_TEMPFAIL);
  assert_string_equal(err.sqlstate, "55P03");
  run(other, "LOCK TABLE experiments IN ACCESS EXCLUSIVE MODE"); /* nobody holds it */
  mlt_pg_rollback(other);
  begin(pg);
  assert_int_equal(number(pg, "SELECT (current_setting('lock_timeout') = '0')::int"), 1);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  mlt_pg_close(other);
}

static void a_writer_keeps_upgrades_out(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg(), *other = open_pg();
  begin(pg);
  run(other, "BEGIN; SET LOCAL lock_timeout = '200ms'");
  assert_int_equal(mlt_pg_command(other, "ALTER TABLE metrics ADD COLUMN x integer", NULL, &err),
                   MLT_TEMPFAIL);
  assert_string_equal(err.sqlstate, "55P03");
  mlt_pg_rollback(other);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  mlt_pg_close(other);
}

static void wider_integer_columns_are_written_and_read(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg = open_pg();
  if (!(features & MLT_F_LOGGED_MODELS)) {
    mlt_pg_close(pg);
    return;
  }
  run(pg, "BEGIN; ALTER TABLE logged_models ALTER status TYPE bigint");
  int64_t experiment = new_experiment(pg, "wide", -1);
  const struct mlt_value v[1][MLT_MAX_COLUMNS] = {
      {T("m-wide"), I(experiment), T("n"), T("file:///a"), I(1), I(2), I(INT64_C(5000000000)),
       T("active"), NUL, NUL, NUL}};
  round_trip(pg, MLT_T_LOGGED_MODELS, MLT_C_LOGGED_MODELS_model_id, "m-wide", v, NULL);
  run(pg, "DELETE FROM logged_models; ALTER TABLE logged_models ALTER status TYPE numeric");
  pg->types_known = false;
  assert_int_equal(insert(pg, MLT_T_LOGGED_MODELS, v, 1, &err), MLT_SCHEMA);
  assert_non_null(strstr(err.msg, "column status"));
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

int main(void) {
  if (!read_environment())
    return 2;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_and_integers_come_back_bit_by_bit),
      cmocka_unit_test(texts_come_back_byte_by_byte),
      cmocka_unit_test(keys_with_quotes_find_their_rows_only),
      cmocka_unit_test(a_hundred_thousand_metrics_go_in_and_come_out),
      cmocka_unit_test(more_keys_than_one_query_takes_are_all_asked_for),
      cmocka_unit_test(a_reader_that_stops_leaves_the_connection_usable),
      cmocka_unit_test(a_unique_violation_may_be_tried_again),
      cmocka_unit_test(a_row_of_no_run_is_bad_data),
      cmocka_unit_test(a_value_that_is_too_long_is_bad_data),
      cmocka_unit_test(a_zero_byte_is_bad_data),
      cmocka_unit_test(an_id_beyond_four_bytes_is_bad_data),
      cmocka_unit_test(a_missing_value_where_one_must_be_is_a_schema_matter),
      cmocka_unit_test(rows_swallowed_by_a_trigger_are_noticed),
      cmocka_unit_test(a_lost_connection_is_unavailable),
      cmocka_unit_test(a_connection_lost_amid_a_copy_is_unavailable),
      cmocka_unit_test(a_row_that_cannot_be_had_fails_the_copy_and_the_connection_goes_on),
      cmocka_unit_test(a_read_only_transaction_refuses_writes),
      cmocka_unit_test(a_failed_transaction_does_not_commit),
      cmocka_unit_test(an_upgraded_schema_stops_the_writer),
      cmocka_unit_test(an_upgrade_under_way_is_not_stood_in_the_way_of),
      cmocka_unit_test(a_writer_keeps_upgrades_out),
      cmocka_unit_test(wider_integer_columns_are_written_and_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
