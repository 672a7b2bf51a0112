/* Reads: the rows of the keys, in their order and that of the read, whatever order they were put
   in; values of a wrong type are told; and the moment a snapshot sees. */
#include "lite/scratch.h"

#include "lite/ledger.h"
#include "lite/read.h"

static void add_rows(struct scratch *s) {
  scratch_sql(
      s->path,
      "INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (7, 'e', 'active');"
      "INSERT INTO runs (run_uuid, experiment_id) VALUES ('b', 7), ('a', 7), ('c', 8);"
      "INSERT INTO params (key, value, run_uuid) VALUES ('z', '1', 'b'), ('Z', '2', 'b'),"
      " ('k', '3', 'a'), ('x', '4', 'lost'), ('y', '5', 'lost');");
}

/* "b.Z=2 b.z=1 " */
static void list_params(struct scratch *s, struct mlt_lite_read *r, const char *const *keys,
                        size_t n, char out[200]) {
  struct mlt_str k[4];
  const struct mlt_read_row *row;
  for (size_t i = 0; i < n; i++)
    k[i] = mlt_str_c(keys[i]);
  assert_works(s, mlt_lite_read_start(r, k, n, &s->err));
  out[0] = '\0';
  enum mlt_rc rc;
  while ((rc = mlt_lite_read_next(r, &row, &s->err)) == MLT_OK)
    (void)snprintf(out + strlen(out), 200 - strlen(out), "%.*s.%.*s=%.*s ",
                   MLT_STR_ARG(row->v[2].s), MLT_STR_ARG(row->v[0].s), MLT_STR_ARG(row->v[1].s));
  assert_int_equal(rc, MLT_END);
  assert_int_equal(mlt_lite_read_next(r, &row, &s->err), MLT_END);
}

static void rows_come_by_key_and_by_bytes(void **state) {
  struct scratch *s = *state;
  add_rows(s);
  char got[200];
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct mlt_lite_read *r;
  assert_works(s, mlt_lite_read_new(&r, db, MLT_READ_PARAMS, EVERYTHING, &s->err));
  list_params(s, r, (const char *[]){"a", "b"}, 2, got);
  assert_string_equal(got, "a.k=3 b.Z=2 b.z=1 ");
  list_params(s, r, (const char *[]){"aa", "b", "nobody"}, 3, got);
  assert_string_equal(got, "b.Z=2 b.z=1 ");
  list_params(s, r, NULL, 0, got);
  assert_string_equal(got, "");
  mlt_lite_read_free(r);
  mlt_lite_close(db);
}

static void a_table_that_the_head_lacks_has_no_rows(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct mlt_lite_read *r;
  const struct mlt_read_row *row;
  assert_works(s, mlt_lite_read_new(&r, db, MLT_READ_LOGGED_MODELS, 0, &s->err));
  assert_works(s, mlt_lite_read_start(r, NULL, 0, &s->err));
  assert_int_equal(mlt_lite_read_next(r, &row, &s->err), MLT_END);
  mlt_lite_read_free(r);
  mlt_lite_close(db);
}

static void a_run_tells_its_workspace_or_that_it_has_no_experiment(void **state) {
  struct scratch *s = *state;
  add_rows(s);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  for (uint32_t features = 0; features <= EVERYTHING; features += EVERYTHING) {
    struct mlt_lite_read *r;
    const struct mlt_read_row *row;
    int in_default = 0, in_none = 0;
    assert_works(s, mlt_lite_read_new(&r, db, MLT_READ_RUNS, features, &s->err));
    assert_works(s, mlt_lite_read_start(r, NULL, 0, &s->err));
    while (mlt_lite_read_next(r, &row, &s->err) == MLT_OK) {
      in_default += mlt_str_is(row->extra[0], "default");
      in_none += !row->extra[0].p && mlt_str_is(row->v[0].s, "c");
    }
    assert_int_equal(in_default, 2);
    assert_int_equal(in_none, 1);
    mlt_lite_read_free(r);
  }
  mlt_lite_close(db);
}

static void rows_that_belong_to_nothing_are_found(void **state) {
  struct scratch *s = *state;
  add_rows(s);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct mlt_lite_read *r;
  const struct mlt_read_row *row;
  uint64_t n = 0;
  assert_works(s, mlt_lite_read_new(&r, db, MLT_READ_LOST_PARAMS, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_read_start(r, NULL, 0, &s->err));
  assert_works(s, mlt_lite_read_next(r, &row, &s->err));
  assert_true(mlt_str_is(row->extra[0], "lost"));
  assert_true(mlt_str_is(row->extra[1], "2"));
  assert_int_equal(mlt_lite_read_next(r, &row, &s->err), MLT_END);
  assert_works(s, mlt_lite_count(db, "params", &n, &s->err));
  assert_int_equal(n, 5);
  mlt_lite_read_free(r);
  mlt_lite_close(db);
}

static void make_ledger(struct scratch *s) {
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  bool there, made;
  assert_works(s, mlt_lite_ledger.begin(db, MLT_LEDGER_MAKE, &there, &made, &s->err));
  assert_works(s, mlt_lite_ledger.commit(db, &s->err));
  mlt_lite_close(db);
}

static void every_read_runs_at_every_stage_of_the_schema(void **state) {
  struct scratch *s = *state;
  make_ledger(s);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  const struct mlt_str key = MLT_STR_LIT("1");
  for (uint32_t features = 0; features <= EVERYTHING; features = features * 2 + 1)
    for (unsigned what = 0; what < MLT_READ_COUNT; what++) {
      struct mlt_lite_read *r;
      const struct mlt_read_row *row;
      assert_works(s, mlt_lite_read_new(&r, db, (enum mlt_read)what, features, &s->err));
      assert_works(s, mlt_lite_read_start(r, &key, 1, &s->err));
      assert_int_equal(mlt_lite_read_next(r, &row, &s->err), MLT_END);
      mlt_lite_read_free(r);
    }
  mlt_lite_close(db);
}

static void a_value_of_a_wrong_type_is_told(void **state) {
  struct scratch *s = *state;
  add_rows(s);
  scratch_sql(s->path,
              "UPDATE runs SET start_time = 'soon', end_time = x'01' WHERE run_uuid = 'a'");
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct mlt_lite_read *r;
  const struct mlt_read_row *row;
  int bad = 0;
  assert_works(s, mlt_lite_read_new(&r, db, MLT_READ_RUNS, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_read_start(r, NULL, 0, &s->err));
  while (mlt_lite_read_next(r, &row, &s->err) == MLT_OK) {
    bool is_a = mlt_str_is(row->v[0].s, "a");
    assert_int_equal(row->bad, is_a ? MLT_C_RUNS_start_time : MLT_C_COUNT);
    bad += is_a;
  }
  assert_int_equal(bad, 1);
  mlt_lite_read_free(r);
  mlt_lite_close(db);
}

/* Another connection writes after the snapshot: at once, and unseen. */
static void check_snapshot(struct scratch *s, const char *journal) {
  char sql[80];
  uint64_t n = 0;
  (void)snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", journal);
  scratch_sql(s->path, sql);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  assert_works(s, mlt_lite_snapshot(&db, &s->err));
  scratch_sql(s->path, "INSERT INTO params (key, value, run_uuid) VALUES ('new', '1', 'b')");
  assert_works(s, mlt_lite_count(db, "params", &n, &s->err));
  assert_int_equal(n, 5);
  mlt_lite_close(db);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM params"), 6);
}

static void a_snapshot_of_a_wal_file_stands_still(void **state) {
  add_rows(*state);
  check_snapshot(*state, "wal");
}

static void a_snapshot_of_another_file_stands_still_and_keeps_nobody_waiting(void **state) {
  add_rows(*state);
  check_snapshot(*state, "delete");
}

static void a_snapshot_cannot_be_written(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  assert_works(s, mlt_lite_snapshot(&db, &s->err));
  assert_int_not_equal(sqlite3_exec(db->handle, "DELETE FROM params", NULL, NULL, NULL), SQLITE_OK);
  mlt_lite_close(db);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(rows_come_by_key_and_by_bytes),
      TEST(a_table_that_the_head_lacks_has_no_rows),
      TEST(a_run_tells_its_workspace_or_that_it_has_no_experiment),
      TEST(rows_that_belong_to_nothing_are_found),
      TEST(every_read_runs_at_every_stage_of_the_schema),
      TEST(a_value_of_a_wrong_type_is_told),
      TEST(a_snapshot_of_a_wal_file_stands_still),
      TEST(a_snapshot_of_another_file_stands_still_and_keeps_nobody_waiting),
      TEST(a_snapshot_cannot_be_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
