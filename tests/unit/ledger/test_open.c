/* Which import goes on, on a real ledger in SQLite. */
#include "../lite/scratch.h"

#include "lite/ledger.h"
#include "nomem.h"
#include "sql.h"

static const struct mlt_ledger_ops *const ops = &mlt_lite_ledger;

static const struct mlt_ledger_source source = {
    .source = "/store", .format = "filestore", .identity = "one", .options = "{}", .version = "1"};

static struct mlt_ledger_state open_as(struct scratch *s, struct mlt_lite *db,
                                       struct mlt_ledger_source src) {
  struct mlt_ledger_state state;
  if (mlt_ledger_open(ops, db, &src, HEAD, &state, &s->err) != MLT_OK)
    fail_msg("%s", s->err.msg);
  assert_string_equal(state.why, "");
  return state;
}

/* As a crash leaves them: their processes are no more. */
static void crash(const struct scratch *s) {
  scratch_sql(s->path,
              "UPDATE mltrack_import SET worker = 'gone', seen_at = '2020-01-01T00:00:00Z';"
              "UPDATE mltrack_batch SET committed_at = '2020-01-01T00:00:00Z'");
}

static int64_t count(const struct scratch *s, const char *where) {
  char sql[300];
  (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM mltrack_import WHERE %s", where);
  return scratch_int(s->path, sql);
}

static void write_run(struct scratch *s, struct mlt_lite *db, int64_t import, const char *id,
                      bool created, uint64_t digest) {
  const struct mlt_ledger_run run = {mlt_str_c(id), created, digest};
  struct mlt_ledger_batch b = {.import_id = import, .runs = &run, .n_runs = 1};
  b.inserted[MLT_T_RUNS] = created;
  b.inserted[MLT_T_METRICS] = 3;
  assert_int_equal(mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_OK);
  assert_int_equal(ops->batch(db, &b, &s->err), MLT_OK);
  assert_int_equal(mlt_lite_commit(db, &s->err), MLT_OK);
}

static void test_the_first_makes_the_tables(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  assert_true(is.made);
  assert_int_equal(is.id, 1);
  assert_false(is.resumed);
  assert_int_equal(count(s, "state = 'running' AND ended_at IS NULL"), 1);
  mlt_lite_close(db);
}

static void test_a_dead_one_goes_on(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  (void)open_as(s, db, source);
  crash(s);
  struct mlt_ledger_state is = open_as(s, db, source);
  assert_int_equal(is.id, 1);
  assert_true(is.resumed);
  assert_false(is.made);
  assert_int_equal(count(s, "worker <> 'gone'"), 1);
  mlt_lite_close(db);
}

static void test_a_failed_one_goes_on_and_a_done_one_does_not(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  write_run(s, db, is.id, "r", true, 5);
  assert_int_equal(mlt_ledger_end(ops, db, &is, "failed", "the disk is full", &s->err), MLT_OK);
  assert_int_equal(count(s, "state = 'failed' AND error = 'the disk is full'"), 1);
  is = open_as(s, db, source);
  assert_int_equal(is.id, 1);
  assert_true(is.resumed);
  assert_int_equal(count(s, "state = 'running' AND error IS NULL AND ended_at IS NULL"), 1);
  assert_int_equal(mlt_ledger_end(ops, db, &is, "done", NULL, &s->err), MLT_OK);
  assert_int_equal(is.id, 1);
  is = open_as(s, db, source);
  assert_int_equal(is.id, 2);
  assert_false(is.resumed);
  mlt_lite_close(db);
}

static void test_one_that_wrote_nothing_is_forgotten(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  assert_int_equal(mlt_ledger_end(ops, db, &is, "done", NULL, &s->err), MLT_OK);
  assert_int_equal(is.id, 0);
  assert_int_equal(count(s, "true"), 0);
  assert_int_equal(mlt_ledger_end(ops, db, &is, "done", NULL, &s->err), MLT_OK); /* none is kept */
  mlt_lite_close(db);
}

static void test_other_sources_are_other_imports(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_source other = source, nobodys = source;
  other.identity = "two";
  nobodys.identity = NULL;
  (void)open_as(s, db, source);
  crash(s);
  assert_int_equal(open_as(s, db, other).id, 2);
  assert_int_equal(open_as(s, db, nobodys).id, 3);
  crash(s);
  assert_int_equal(open_as(s, db, nobodys).id, 4); /* what cannot be told is never gone on with */
  assert_int_equal(open_as(s, db, source).id, 1);
  mlt_lite_close(db);
}

static void test_of_several_dead_the_newest_goes_on(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  (void)open_as(s, db, source);
  scratch_sql(s->path,
              "INSERT INTO mltrack_import (source, format, identity, options, version, head,"
              " state, worker) SELECT source, format, identity, options, version, head,"
              " state, worker FROM mltrack_import, (VALUES (1), (2))");
  crash(s);
  struct mlt_ledger_state is = open_as(s, db, source);
  assert_int_equal(is.id, 3);
  assert_true(is.resumed);
  assert_int_equal(count(s, "state = 'failed' AND error = 'superseded by import 3'"), 2);
  crash(s);
  assert_int_equal(open_as(s, db, source).id, 3); /* those that were superseded do not come back */
  mlt_lite_close(db);
}

static void test_restart_begins_anew(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_source again = source;
  again.restart = true;
  (void)open_as(s, db, source);
  crash(s);
  struct mlt_ledger_state is = open_as(s, db, again);
  assert_int_equal(is.id, 2);
  assert_false(is.resumed);
  assert_int_equal(count(s, "id = 1 AND error = 'superseded by import 2'"), 1);
  mlt_lite_close(db);
}

/* Of another machine, with a sign of life: taken for alive. */
static void test_beside_one_at_work_another_begins(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  (void)open_as(s, db, source);
  scratch_sql(s->path, "UPDATE mltrack_import SET worker = 'elsewhere 1 2'");
  struct mlt_ledger_state is = open_as(s, db, source);
  assert_int_equal(is.beside, 1);
  assert_int_equal(is.id, 2);
  assert_false(is.resumed);
  mlt_lite_close(db);
}

static void test_what_bars_a_ledger_is_said(void **state) {
  struct scratch *s = *state;
  struct mlt_ledger_state is;
  assert_int_equal(chmod(s->path, 0444), 0);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  assert_int_equal(mlt_ledger_open(ops, db, &source, HEAD, &is, &s->err), MLT_OK);
  assert_int_equal(is.id, 0);
  assert_non_null(strstr(is.why, "no permission to write"));
  assert_non_null(strstr(is.remedy, "writable"));
  mlt_lite_close(db);
}

static void test_a_newer_ledger_ends_it(void **state) {
  struct scratch *s = *state;
  struct mlt_ledger_state is;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  (void)open_as(s, db, source);
  scratch_sql(s->path, "UPDATE mltrack_version SET version = 99");
  assert_int_equal(mlt_ledger_open(ops, db, &source, HEAD, &is, &s->err), MLT_SCHEMA);
  assert_non_null(strstr(s->err.msg, "newer"));
  assert_int_equal(is.id, 0);
  mlt_lite_close(db);
}

/* Somebody has the file: that is told, and nothing is changed. */
static void test_an_end_that_cannot_be_written_is_an_error(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  struct mlt_lite *other = scratch_open(s, MLT_LITE_WRITE);
  assert_works(s, mlt_lite_begin(other, false, HEAD, EVERYTHING, &s->err));
  mlt_lite_busy_timeout(db, 1);
  assert_fails(s, mlt_ledger_end(ops, db, &is, "done", NULL, &s->err), MLT_TEMPFAIL, "");
  assert_int_equal(is.id, 1);
  mlt_lite_rollback(other);
  mlt_lite_close(other);
  assert_int_equal(count(s, "state = 'running'"), 1);
  mlt_lite_close(db);
}

static enum mlt_rc take_batch(void *ctx, const struct mlt_ledger_batch_row *b,
                              struct mlt_err *err) {
  (void)err;
  assert_int_equal(b->seq, ++*(int *)ctx);
  assert_int_equal(b->runs, 1);
  assert_int_equal(b->rows, b->seq == 1 ? 4 : 3);
  assert_int_equal(b->committed_at.len, 20);
  return MLT_OK;
}

static void test_batches_and_state_are_told(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  char word[16], worker[MLT_WORKER_MAX], mine[MLT_WORKER_MAX];
  double idle = -1;
  int n = 0;
  write_run(s, db, is.id, "r", true, 1);
  write_run(s, db, is.id, "theirs", false, 0);
  assert_works(s, ops->batches(db, is.id, take_batch, &n, &s->err));
  assert_int_equal(n, 2);
  assert_works(s, ops->state(db, is.id, word, worker, &idle, &s->err));
  mlt_worker_name(mine);
  assert_string_equal(word, "running");
  assert_string_equal(worker, mine);
  assert_true(idle >= 0 && idle < 1e6);
  assert_fails(s, ops->state(db, 7, word, worker, &idle, &s->err), MLT_NOINPUT, "no import 7");
  mlt_lite_close(db);
}

static enum mlt_rc count_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  (void)i, (void)err;
  ++*(int *)ctx;
  return MLT_OK;
}

/* The listing, beginning with the connection. */
static enum nomem_result list(void *ctx) {
  const struct scratch *s = ctx;
  struct mlt_lite *db = NULL;
  struct mlt_err err = MLT_ERR_INIT;
  bool there, made;
  int n = 0;
  enum mlt_rc rc = mlt_lite_open(&db, s->path, MLT_LITE_READ, &err);
  if (rc == MLT_OK)
    rc = ops->begin(db, MLT_LEDGER_READ, &there, &made, &err);
  if (rc == MLT_OK) {
    rc = ops->imports(db, 0, count_import, &n, &err);
    ops->rollback(db);
  }
  mlt_lite_close(db);
  if (rc == MLT_OK)
    return n == 2 ? NOMEM_DONE : NOMEM_WRONG;
  return rc == MLT_NOMEM && err.rc == MLT_NOMEM && err.msg[0] ? NOMEM_FAILED : NOMEM_WRONG;
}

static void test_out_of_memory_is_an_error(void **state) {
  struct scratch *s = *state;
  scratch_sql(s->path, mlt_sql_ledger_lite_1);
  scratch_sql(
      s->path,
      "INSERT INTO mltrack_import (source, format, options, version, head, state, worker)"
      " VALUES ('a', 'csv', '{}', '1', 'h', 'done', 'w'), ('b', 'csv', '{}', '1', 'h', 'done', 'w')");
  scratch_sql(s->path,
              "UPDATE mltrack_import SET source = printf('%900000s', 'far')"); /* more than an arena
                                                                                  begins with */
  nomem_each(list, s, 4);
}

static void test_what_is_an_id(void **state) {
  (void)state;
  struct scratch s = {.err = {.rc = MLT_OK}};
  int64_t id;
  assert_int_equal(mlt_ledger_id("1", &id, &s.err), MLT_OK);
  assert_int_equal(id, 1);
  assert_int_equal(mlt_ledger_id("999999999999999999", &id, &s.err), MLT_OK);
  assert_int_equal(id, 999999999999999999);
  static const char *const none[] = {"", "0", "01", "-1", "+1", "1 ", "x", "1000000000000000000"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_fails(&s, mlt_ledger_id(none[i], &id, &s.err), MLT_USAGE, "no import's id");
}

static enum mlt_rc take_run(void *ctx, struct mlt_str run, uint64_t digest, struct mlt_err *err) {
  (void)err;
  assert_true(mlt_str_is(run, "r"));
  *(uint64_t *)ctx = digest;
  return MLT_OK;
}

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  (void)err;
  ++*(int *)ctx;
  assert_int_equal(i->id, 1);
  assert_true(mlt_str_is(i->source, "/store"));
  assert_true(mlt_str_is(i->format, "filestore"));
  assert_true(mlt_str_is(i->head, HEAD));
  assert_int_equal(i->runs, 2);
  assert_int_equal(i->created, 1);
  assert_int_equal(i->batches, 2);
  assert_int_equal(i->inserted[MLT_T_METRICS], 6);
  assert_int_equal(i->inserted[MLT_T_RUNS], 1);
  assert_int_equal(i->inserted[MLT_T_PARAMS], 0);
  return MLT_OK;
}

static void test_batches_are_gathered_into_their_import(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_ledger_state is = open_as(s, db, source);
  const struct mlt_str runs[] = {MLT_STR_LIT("r"), MLT_STR_LIT("theirs"), MLT_STR_LIT("none")};
  uint64_t digest = 0;
  int n = 0;
  bool there, made;
  write_run(s, db, is.id, "r", true, UINT64_MAX - 1);
  write_run(s, db, is.id, "theirs", false, 0);
  assert_int_equal(ops->begin(db, MLT_LEDGER_READ, &there, &made, &s->err), MLT_OK);
  assert_true(there);
  assert_int_equal(ops->created(db, is.id, runs, 3, take_run, &digest, &s->err), MLT_OK);
  assert_true(digest == UINT64_MAX - 1);
  assert_int_equal(ops->imports(db, 0, take_import, &n, &s->err), MLT_OK);
  assert_int_equal(n, 1);
  ops->rollback(db);
  mlt_lite_close(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_out_of_memory_is_an_error), /* first: it counts */
      TEST(test_the_first_makes_the_tables),
      TEST(test_a_dead_one_goes_on),
      TEST(test_a_failed_one_goes_on_and_a_done_one_does_not),
      TEST(test_one_that_wrote_nothing_is_forgotten),
      TEST(test_other_sources_are_other_imports),
      TEST(test_of_several_dead_the_newest_goes_on),
      TEST(test_restart_begins_anew),
      TEST(test_beside_one_at_work_another_begins),
      TEST(test_what_bars_a_ledger_is_said),
      TEST(test_a_newer_ledger_ends_it),
      TEST(test_batches_are_gathered_into_their_import),
      TEST(test_an_end_that_cannot_be_written_is_an_error),
      TEST(test_batches_and_state_are_told),
      cmocka_unit_test(test_what_is_an_id),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
