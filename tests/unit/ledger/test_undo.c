/* Undo in SQLite, of what batches recorded: rows that one import inserted and changed again, in the
   same batch and in later ones. */
#include "../lite/scratch.h"

#include "ledger/ledger.h"
#include "lite/ledger.h"

static const struct mlt_ledger_ops *const ops = &mlt_lite_ledger;

/* A batch of this import that runs a statement. */
static void write_batch(struct scratch *s, struct mlt_lite *db, int64_t import, const char *sql) {
  const struct mlt_ledger_batch b = {.import_id = import};
  assert_works(s, ops->keep(db, import, &s->err));
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_exec(db, sql, "the test", &s->err));
  assert_works(s, ops->batch(db, &b, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
}

static int64_t begin_import(struct scratch *s, struct mlt_lite *db, const char *identity) {
  const struct mlt_ledger_source source = {
      .source = "/s", .format = "jsonl", .identity = identity, .options = "{}", .version = "1"};
  struct mlt_ledger_state is;
  assert_works(s, mlt_ledger_open(ops, db, &source, HEAD, &is, &s->err));
  assert_true(is.id > 0);
  return is.id;
}

static enum mlt_rc count_left(void *ctx, enum mlt_table table, struct mlt_str what,
                              struct mlt_str why, struct mlt_err *err) {
  (void)table, (void)what, (void)why, (void)err;
  ++*(int *)ctx;
  return MLT_OK;
}

static struct mlt_undone undo(struct scratch *s, struct mlt_lite *db, int64_t import, int left) {
  struct mlt_undone done;
  bool there, made;
  int n = 0;
  assert_works(s, ops->keep(db, 0, &s->err));
  assert_works(s, ops->begin(db, MLT_LEDGER_WRITE, &there, &made, &s->err));
  assert_works(s, ops->undo(db, import, EVERYTHING, &done, count_left, &n, &s->err));
  assert_works(s, ops->commit(db, &s->err));
  assert_int_equal(n, left);
  return done;
}

static int64_t tags(const struct scratch *s, const char *where) {
  char sql[300];
  (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM experiment_tags WHERE %s", where);
  return scratch_int(s->path, sql);
}

#define INSERT_EXPERIMENT                                                                          \
  "INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (7, 'e', 'active');"
#define INSERT_TAG "INSERT INTO experiment_tags VALUES ('k', 'first', 7)"
#define UPDATE_TAG "UPDATE experiment_tags SET value = 'second' WHERE key = 'k'"

/* The experiment was there; the tag came with the import, which changed it later. */
static struct mlt_lite *insert_and_update(struct scratch *s, int64_t *import) {
  scratch_sql(s->path, INSERT_EXPERIMENT);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  *import = begin_import(s, db, "one");
  write_batch(s, db, *import, INSERT_TAG);
  write_batch(s, db, *import, UPDATE_TAG);
  return db;
}

static void test_a_tag_that_came_and_was_changed_goes(void **state) {
  struct scratch *s = *state;
  int64_t import;
  struct mlt_lite *db = insert_and_update(s, &import);
  assert_int_equal(tags(s, "value = 'second'"), 1);
  struct mlt_undone done = undo(s, db, import, 0);
  assert_int_equal(tags(s, "true"), 0);
  assert_int_equal(done.removed[MLT_T_EXPERIMENT_TAGS], 1);
  mlt_lite_close(db);
}

static void test_likewise_in_one_batch_and_with_its_experiment(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  int64_t import = begin_import(s, db, "one");
  write_batch(s, db, import, INSERT_EXPERIMENT INSERT_TAG ";" UPDATE_TAG);
  write_batch(s, db, import, "UPDATE experiment_tags SET value = 'third' WHERE key = 'k'");
  struct mlt_undone done = undo(s, db, import, 0);
  assert_int_equal(tags(s, "true"), 0);
  assert_int_equal(done.removed[MLT_T_EXPERIMENTS], 1);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM experiments WHERE experiment_id = 7"),
                   0);
  mlt_lite_close(db);
}

/* What somebody else has set since stays, and is named. */
static void test_what_others_set_since_stays(void **state) {
  struct scratch *s = *state;
  int64_t import;
  struct mlt_lite *db = insert_and_update(s, &import);
  scratch_sql(s->path, "UPDATE experiment_tags SET value = 'theirs'");
  (void)undo(s, db, import, 1);
  assert_int_equal(tags(s, "value = 'theirs'"), 1);
  mlt_lite_close(db);
}

/* An earlier MLflow has fewer tables. */
static void test_tables_that_are_not_there_do_not_matter(void **state) {
  struct scratch *s = *state;
  scratch_sql(s->path, "DROP TABLE registered_model_aliases; DROP TABLE input_tags");
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  int64_t import = begin_import(s, db, "one");
  write_batch(s, db, import, INSERT_EXPERIMENT INSERT_TAG);
  struct mlt_undone done = undo(s, db, import, 0);
  assert_int_equal(done.removed[MLT_T_EXPERIMENTS] + done.removed[MLT_T_EXPERIMENT_TAGS], 2);
  mlt_lite_close(db);
}

/* Two imports on one tag: the earlier value comes back, and goes with its own import. */
static void test_imports_are_undone_in_turn(void **state) {
  struct scratch *s = *state;
  scratch_sql(s->path, INSERT_EXPERIMENT);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  int64_t one = begin_import(s, db, "one"), two = begin_import(s, db, "two");
  write_batch(s, db, one, INSERT_TAG);
  write_batch(s, db, two, UPDATE_TAG);
  struct mlt_undone done = undo(s, db, two, 0);
  assert_int_equal(tags(s, "value = 'first'"), 1);
  assert_int_equal(done.restored[MLT_T_EXPERIMENT_TAGS], 1);
  (void)undo(s, db, one, 0);
  assert_int_equal(tags(s, "true"), 0);
  mlt_lite_close(db);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_a_tag_that_came_and_was_changed_goes),
      TEST(test_likewise_in_one_batch_and_with_its_experiment),
      TEST(test_what_others_set_since_stays),
      TEST(test_imports_are_undone_in_turn),
      TEST(test_tables_that_are_not_there_do_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
