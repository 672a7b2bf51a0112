/* Scratch database files for the tests of lite/: a temporary folder a test, MLflow's schema in a
   file of it, and raw SQL beside the code under test. */
#ifndef MLT_TESTS_LITE_SCRATCH_H
#define MLT_TESTS_LITE_SCRATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "lite/db.h"

enum { EVERYTHING = 0x7f };
#define HEAD "dc11669786a5"

struct scratch {
  char folder[256];
  char path[300]; /* of the database in it */
  struct mlt_err err;
};

static inline char *scratch_slurp(const char *path) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
  assert_int_equal(fclose(f), 0);
  return text;
}

/* Runs SQL on a connection of its own. */
static inline void scratch_sql(const char *path, const char *sql) {
  sqlite3 *raw;
  char *message = NULL;
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  /* a schema is a hundred small transactions: without waiting for the disk after each */
  assert_int_equal(sqlite3_exec(raw, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
  if (sqlite3_exec(raw, sql, NULL, NULL, &message) != SQLITE_OK)
    fail_msg("%s: %s", sql, message);
  assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

/* The first column of the first row, on a connection of its own. */
static inline int64_t scratch_int(const char *path, const char *sql) {
  sqlite3 *raw;
  sqlite3_stmt *stmt;
  assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
  if (sqlite3_prepare_v2(raw, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(raw));
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int64_t n = sqlite3_column_int64(stmt, 0);
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  assert_int_equal(sqlite3_close(raw), SQLITE_OK);
  return n;
}

static inline void scratch_new(struct scratch *s) {
  const char *tmp = getenv("TMPDIR");
  memset(s, 0, sizeof *s);
  (void)snprintf(s->folder, sizeof s->folder, "%s/mlt-lite-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(s->folder));
  (void)snprintf(s->path, sizeof s->path, "%s/mlflow.db", s->folder);
}

static inline void scratch_schema(const struct scratch *s) {
  char *ddl = scratch_slurp(MLT_SOURCE_DIR "/sql/mlflow/" HEAD ".sqlite.sql");
  scratch_sql(s->path, ddl);
  scratch_sql(s->path, "INSERT INTO alembic_version VALUES ('" HEAD "')");
  free(ddl);
}

static inline void scratch_free(struct scratch *s) {
  char command[400];
  (void)snprintf(command, sizeof command, "chmod -R u+w '%s' && rm -rf '%s'", s->folder, s->folder);
  assert_int_equal(system(command), 0);
}

/* For cmocka's setup and teardown: *state is a scratch with MLflow's schema. */
static inline int scratch_setup(void **state) {
  struct scratch *s = calloc(1, sizeof *s);
  assert_non_null(s);
  scratch_new(s);
  scratch_schema(s);
  *state = s;
  return 0;
}

static inline int scratch_teardown(void **state) {
  scratch_free(*state);
  free(*state);
  return 0;
}

static inline struct mlt_lite *scratch_open(struct scratch *s, enum mlt_lite_mode mode) {
  struct mlt_lite *db;
  if (mlt_lite_open(&db, s->path, mode, &s->err) != MLT_OK)
    fail_msg("%s", s->err.msg);
  return db;
}

/* The call returned this code and its message has these words. */
#define assert_fails(s, call, code, words)                                                         \
  do {                                                                                             \
    mlt_err_clear(&(s)->err);                                                                      \
    assert_string_equal(mlt_rc_name(call), mlt_rc_name(code));                                     \
    if (!strstr((s)->err.msg, words))                                                              \
      fail_msg("\"%s\" is not in \"%s\"", words, (s)->err.msg);                                    \
  } while (0)

#define assert_works(s, call)                                                                      \
  do {                                                                                             \
    mlt_err_clear(&(s)->err);                                                                      \
    if ((call) != MLT_OK)                                                                          \
      fail_msg("%s", (s)->err.msg);                                                                \
  } while (0)

#endif
