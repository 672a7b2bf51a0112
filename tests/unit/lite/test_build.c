/* A database that is built out of sight: in the end it is what MLflow's DDL and plain inserts make.
 */
#include "scratch.h"

#include "lite/build.h"

#define INT(n) ((struct mlt_value){.kind = MLT_V_INT, .i = (n)})
#define DBL(n) ((struct mlt_value){.kind = MLT_V_DOUBLE, .d = (n)})
#define BOOLEAN(n) ((struct mlt_value){.kind = MLT_V_BOOL, .b = (n)})
#define TEXT(t) ((struct mlt_value){.kind = MLT_V_TEXT, .s = mlt_str_c(t)})
#define NONE ((struct mlt_value){.kind = MLT_V_NULL})

static int setup(void **state) {
  struct scratch *s = calloc(1, sizeof *s);
  assert_non_null(s);
  scratch_new(s);
  *state = s;
  return 0;
}

static char *ddl(void) {
  static const char head[] = "INSERT INTO alembic_version VALUES ('" HEAD "');";
  char *text = scratch_slurp(MLT_SOURCE_DIR "/sql/mlflow/" HEAD ".sqlite.sql");
  memcpy(text + strlen(text), head, sizeof head); /* slurp's buffer has room */
  return text;
}

static struct mlt_lite *begin(struct scratch *s, uint64_t memory) {
  char *script = ddl();
  struct mlt_lite *db = NULL;
  struct mlt_lite_build_opts opts = {
      .file = s->path, .path = s->path, .ddl = script, .memory = memory};
  FILE *empty = fopen(s->path, "w");
  assert_non_null(empty);
  assert_int_equal(fclose(empty), 0);
  assert_works(s, mlt_lite_build_begin(&db, &opts, &s->err));
  free(script);
  return db;
}

struct points {
  size_t n, per_key;
};

/* Keys in no order, runs "a" and "b" one after the other. */
static enum mlt_rc point(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  static char key[32];
  const struct points *p = ctx;
  (void)err;
  (void)snprintf(key, sizeof key, "key %03zu", (i / p->per_key) * 7 % 100);
  out[0] = TEXT(key);
  out[1] = DBL((double)i / 3);
  out[2] = INT((int64_t)i);
  out[3] = i < p->n / 2 ? TEXT("a") : TEXT("b");
  out[4] = INT((int64_t)i);
  out[5] = BOOLEAN(i % 5 == 0);
  return MLT_OK;
}

static enum mlt_rc one(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)i, (void)err;
  memcpy(out, ctx, MLT_MAX_COLUMNS * sizeof *out);
  return MLT_OK;
}

static void add_run(struct scratch *s, struct mlt_lite *db, const char *id) {
  struct mlt_value run[MLT_MAX_COLUMNS] = {
      TEXT(id),   TEXT("name"),     TEXT("LOCAL"), TEXT("src"), NONE,
      TEXT("me"), TEXT("FINISHED"), INT(10),       INT(20),     NONE,
      TEXT(""),   TEXT("active"),   TEXT("uri"),   INT(7)};
  struct mlt_rows rows = {.table = MLT_T_RUNS, .n = 1, .get = one, .ctx = run};
  assert_works(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err));
}

static void add_experiment(struct scratch *s, struct mlt_lite *db) {
  struct mlt_value experiment[MLT_MAX_COLUMNS] = {INT(7),         TEXT("e"), TEXT("file:///a"),
                                                  TEXT("active"), INT(1),    INT(2)};
  struct mlt_rows rows = {.table = MLT_T_EXPERIMENTS, .n = 1, .get = one, .ctx = experiment};
  assert_works(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err));
}

static void add_points(struct scratch *s, struct mlt_lite *db, size_t n) {
  struct points p = {n, 50};
  struct mlt_rows rows = {.table = MLT_T_METRICS, .n = n, .get = point, .ctx = &p};
  assert_works(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err));
}

/* What a query gives, a row a line, on a connection of its own. */
static char *dump(const char *path, const char *sql) {
  sqlite3 *raw;
  sqlite3_stmt *stmt;
  char *text = calloc(1, 1 << 20);
  size_t at = 0;
  assert_non_null(text);
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL), SQLITE_OK);
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const char *value = (const char *)sqlite3_column_text(stmt, i);
      at += (size_t)snprintf(text + at, (1 << 20) - at, "%s|", value ? value : "NULL");
    }
    at += (size_t)snprintf(text + at, (1 << 20) - at, "\n");
  }
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  assert_int_equal(sqlite3_close(raw), SQLITE_OK);
  return text;
}

static void assert_sound(const struct scratch *s) {
  char *found = dump(s->path, "PRAGMA integrity_check");
  assert_string_equal(found, "ok|\n");
  free(found);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void the_schema_is_that_of_the_ddl_to_the_page(void **state) {
  static const char master[] =
      "SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY rowid";
  struct scratch *s = *state, plain;
  scratch_new(&plain);
  char *script = ddl();
  scratch_sql(plain.path, script);
  struct mlt_lite *db = begin(s, 0);
  assert_works(s, mlt_lite_build_finish(db, &s->err));
  mlt_lite_close(db);
  char *want = dump(plain.path, master), *found = dump(s->path, master);
  assert_string_equal(found, want);
  assert_sound(s);
  static const char *const pragmas[] = {"user_version", "application_id", "page_size",
                                        "auto_vacuum",  "freelist_count", "page_count"};
  for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
    char sql[60];
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", pragmas[i]);
    assert_int_equal(scratch_int(s->path, sql), scratch_int(plain.path, sql));
  }
  char *journal = dump(s->path, "PRAGMA journal_mode");
  assert_string_equal(journal, "delete|\n");
  free(journal);
  free(want);
  free(found);
  free(script);
  scratch_free(&plain);
}

static void rows_are_found_by_every_index(void **state) {
  enum { N = 60000 }; /* several sorted pieces a megabyte each */
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 1);
  add_experiment(s, db);
  add_run(s, db, "a");
  add_run(s, db, "b");
  add_points(s, db, N);
  assert_works(s, mlt_lite_build_finish(db, &s->err));
  mlt_lite_close(db);
  assert_sound(s);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM metrics NOT INDEXED"), N);
  assert_int_equal(
      scratch_int(s->path, "SELECT count(*) FROM metrics INDEXED BY sqlite_autoindex_metrics_1"),
      N);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM metrics INDEXED BY "
                                        "index_metrics_run_uuid WHERE run_uuid = 'b'"),
                   N / 2);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM metrics WHERE typeof(value) = 'real' "
                                        "AND typeof(step) = 'integer' AND typeof(key) = 'text'"),
                   N);
}

static void the_connection_sees_its_rows_before_the_end(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 0);
  add_experiment(s, db);
  add_run(s, db, "a");
  add_run(s, db, "b");
  add_points(s, db, 100);
  sqlite3_stmt *stmt;
  assert_works(
      s, mlt_lite_prepare(db, "SELECT count(*) FROM metrics WHERE run_uuid = 'b'", &stmt, &s->err));
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(stmt, 0), 50);
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  mlt_lite_close(db);
}

static void points_of_a_missing_run_are_found_in_the_end(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 0);
  add_experiment(s, db);
  add_run(s, db, "a");
  add_points(s, db, 100);
  assert_fails(s, mlt_lite_build_finish(db, &s->err), MLT_DATA, "run b");
  mlt_lite_close(db);
}

static void a_point_that_is_there_twice_is_found_in_the_end(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 0);
  add_experiment(s, db);
  add_run(s, db, "a");
  add_run(s, db, "b");
  add_points(s, db, 100);
  add_points(s, db, 100);
  assert_fails(s, mlt_lite_build_finish(db, &s->err), MLT_CONFLICT, "UNIQUE");
  mlt_lite_close(db);
}

static void null_is_refused_where_mlflow_refuses_it(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 0);
  struct mlt_value row[MLT_MAX_COLUMNS] = {TEXT("k"), NONE,   INT(1),
                                           TEXT("a"), INT(1), BOOLEAN(false)};
  struct mlt_rows rows = {.table = MLT_T_METRICS, .n = 1, .get = one, .ctx = row};
  assert_fails(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err), MLT_DATA, "NOT NULL");
  mlt_lite_close(db);
}

static void a_run_without_its_experiment_is_refused_at_once(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = begin(s, 0);
  struct mlt_value run[MLT_MAX_COLUMNS] = {
      TEXT("a"),  TEXT("name"),     TEXT("LOCAL"), TEXT("src"), NONE,
      TEXT("me"), TEXT("FINISHED"), INT(10),       INT(20),     NONE,
      TEXT(""),   TEXT("active"),   TEXT("uri"),   INT(8)};
  struct mlt_rows rows = {.table = MLT_T_RUNS, .n = 1, .get = one, .ctx = run};
  assert_fails(s, mlt_lite_insert(db, &rows, EVERYTHING, &s->err), MLT_DATA, "FOREIGN KEY");
  mlt_lite_close(db);
}

static void a_journal_of_another_database_is_not_played_in(void **state) {
  static const char *const endings[] = {"-journal", "-wal"};
  struct scratch *s = *state;
  for (size_t i = 0; i < 2; i++) {
    char name[400];
    struct mlt_lite *db;
    (void)snprintf(name, sizeof name, "%s%s", s->path, endings[i]);
    FILE *left = fopen(name, "w");
    assert_non_null(left);
    assert_int_equal(fclose(left), 0);
    struct mlt_lite_build_opts opts = {.file = s->path, .path = s->path, .ddl = ""};
    assert_fails(s, mlt_lite_build_begin(&db, &opts, &s->err), MLT_CANTCREAT, endings[i]);
    assert_int_equal(unlink(name), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, scratch_teardown)
      T(the_schema_is_that_of_the_ddl_to_the_page),
      T(rows_are_found_by_every_index),
      T(the_connection_sees_its_rows_before_the_end),
      T(points_of_a_missing_run_are_found_in_the_end),
      T(a_point_that_is_there_twice_is_found_in_the_end),
      T(null_is_refused_where_mlflow_refuses_it),
      T(a_run_without_its_experiment_is_refused_at_once),
      T(a_journal_of_another_database_is_not_played_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
