/* A hostile ledger: rows of mltrack's tables, and of runs, with any values in any column. Listing
   it, looking for an import to go on with, beginning one and undoing one end with an answer; what
   has ended, or is of another source, is never gone on with, nor is a run counted present that the
   ledger has no digest of. Nothing is kept.

   A line is a row: the letter of a table (v version, i import, b batch, w written, r run, R
   MLflow's runs, m its metrics), then values, a tab before each: #12 a number, ~ NULL, %0a1b bytes,
   &0a1b such with the mark of a whole record of changes behind; anything else is text. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "lite/changeset.h"
#include "lite/db.h"
#include "lite/ledger.h"
#include "schema/schema.h"

enum { MAX_SIZE = 1 << 14, MAX_ROWS = 100, MAX_IDS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mlt_ledger_ops *const ops = &mlt_lite_ledger;
static struct mlt_lite *db;

static void check(bool held) {
  if (!held)
    abort();
}

static void must(const char *sql) {
  check(sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static int64_t ask(const char *sql, int64_t id) {
  sqlite3_stmt *stmt;
  check(sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK);
  if (sqlite3_bind_parameter_count(stmt))
    check(sqlite3_bind_int64(stmt, 1, id) == SQLITE_OK);
  check(sqlite3_step(stmt) == SQLITE_ROW);
  int64_t n = sqlite3_column_int64(stmt, 0);
  check(sqlite3_finalize(stmt) == SQLITE_OK);
  return n;
}

/* An error has words, and is none of ours. */
static enum mlt_rc answer(enum mlt_rc rc, struct mlt_err *err) {
  check(rc == MLT_OK || (rc != MLT_INTERNAL && err->msg[0]));
  mlt_err_clear(err);
  return rc;
}

/* ---- the rows ---- */

static int hex_digit(char c) {
  static const char digits[] = "0123456789abcdef";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

static void bind_bytes(sqlite3_stmt *stmt, int i, const char *hex, bool mark) {
  static unsigned char bytes[MAX_SIZE + MLT_CHANGESET_MARK];
  size_t n = 0;
  for (; hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0; hex += 2)
    bytes[n++] = (unsigned char)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
  if (mark)
    mlt_lite_changeset_mark(bytes + n, n);
  (void)sqlite3_bind_blob(stmt, i, bytes, (int)n + (mark ? MLT_CHANGESET_MARK : 0),
                          SQLITE_TRANSIENT);
}

static void bind_value(sqlite3_stmt *stmt, int i, const char *value) {
  if (*value == '#')
    (void)sqlite3_bind_int64(stmt, i, strtoll(value + 1, NULL, 10));
  else if (*value == '%' || *value == '&')
    bind_bytes(stmt, i, value + 1, *value == '&');
  else if (*value != '~')
    (void)sqlite3_bind_text(stmt, i, value, -1, SQLITE_TRANSIENT);
}

/* One that a column refuses is left out. */
static void add_row(char *line) {
  static const struct {
    char letter;
    const char *sql;
  } tables[] = {
      {'v', "UPDATE mltrack_version SET version = ?"},
      {'i', "INSERT OR REPLACE INTO mltrack_import VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {'b', "INSERT OR REPLACE INTO mltrack_batch VALUES (?,?,?,?)"},
      {'w', "INSERT OR REPLACE INTO mltrack_written VALUES (?,?,?,?)"},
      {'r', "INSERT OR REPLACE INTO mltrack_run VALUES (?,?,?,?,?)"},
      {'R',
       "INSERT OR REPLACE INTO runs (run_uuid, experiment_id, name, status, start_time) VALUES (?,?,?,?,?)"},
      {'m',
       "INSERT OR REPLACE INTO metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?,?,?,?,?,?)"},
  };
  sqlite3_stmt *stmt = NULL;
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    if (tables[t].letter == *line)
      check(sqlite3_prepare_v2(db->handle, tables[t].sql, -1, &stmt, NULL) == SQLITE_OK);
  if (!stmt)
    return;
  char *rest = strchr(line, '\t');
  for (int i = 1; rest && i <= sqlite3_bind_parameter_count(stmt); i++) {
    char *value = rest + 1;
    rest = strchr(value, '\t');
    if (rest)
      *rest = '\0';
    bind_value(stmt, i, value);
  }
  (void)sqlite3_step(stmt);
  (void)sqlite3_finalize(stmt);
}

static void add_rows(const uint8_t *data, size_t size) {
  static char text[MAX_SIZE + 1];
  if (size)
    memcpy(text, data, size);
  text[size] = '\0';
  char *line = text, *end;
  for (int n = 0; n < MAX_ROWS && *line; n++, line = end) {
    end = line + strcspn(line, "\n");
    end += *end ? (*end = '\0', 1) : 0;
    add_row(line);
  }
}

/* ---- what is asked ---- */

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  (void)err;
  int64_t *ids = ctx;
  for (size_t k = 0; k < MAX_IDS; k++)
    if (!ids[k] && i->id) {
      ids[k] = i->id;
      break;
    }
  return MLT_OK;
}

static enum mlt_rc take_batch(void *ctx, const struct mlt_ledger_batch_row *b,
                              struct mlt_err *err) {
  (void)ctx, (void)b, (void)err;
  return MLT_OK;
}

static enum mlt_rc take_created(void *ctx, struct mlt_str run, uint64_t digest,
                                struct mlt_err *err) {
  (void)ctx, (void)err;
  sqlite3_stmt *stmt;
  check(sqlite3_prepare_v2(db->handle,
                           "SELECT count(*) FROM mltrack_run WHERE run_uuid = ?1 AND created AND"
                           " typeof(digest) = 'integer' AND digest = ?2",
                           -1, &stmt, NULL) == SQLITE_OK);
  (void)sqlite3_bind_text64(stmt, 1, run.p, run.len, SQLITE_STATIC, SQLITE_UTF8);
  (void)sqlite3_bind_int64(stmt, 2, (int64_t)digest);
  check(sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > 0);
  check(sqlite3_finalize(stmt) == SQLITE_OK);
  return MLT_OK;
}

static enum mlt_rc take_left(void *ctx, enum mlt_table table, struct mlt_str what,
                             struct mlt_str why, struct mlt_err *err) {
  (void)ctx, (void)what, (void)err;
  check(table < MLT_T_ALL && why.len);
  return MLT_OK;
}

static void look_at(int64_t id, struct mlt_err *err) {
  static const struct mlt_str runs[] = {MLT_STR_LIT("a"), MLT_STR_LIT("b"), MLT_STR_LIT("")};
  char state[16], worker[MLT_WORKER_MAX];
  double idle;
  (void)answer(ops->batches(db, id, take_batch, NULL, err), err);
  (void)answer(ops->state(db, id, state, worker, &idle, err), err);
  (void)answer(ops->created(db, id, runs, 3, take_created, NULL, err), err);
}

static void undo(int64_t id, struct mlt_err *err) {
  struct mlt_undone undone;
  must("SAVEPOINT undoing");
  (void)answer(ops->undo(db, id, UINT32_MAX, &undone, take_left, NULL, err), err);
  must("ROLLBACK TO undoing; RELEASE undoing");
}

/* What goes on is what had not ended, of this source. */
static void go_on(struct mlt_err *err) {
  const struct mlt_ledger_source source = {
      .source = "/s", .format = "jsonl", .identity = "one", .options = "{}", .version = "1"};
  struct mlt_ledger_state state;
  must("CREATE TEMP TABLE ready AS SELECT id FROM mltrack_import"
       " WHERE state IN ('running', 'failed') AND identity = 'one'");
  if (answer(mlt_ledger_open(ops, db, &source, "head", &state, err), err) != MLT_OK)
    return;
  if (!state.id) {
    check(state.why[0]);
    return;
  }
  check(ask("SELECT count(*) FROM temp.ready WHERE id = ?1", state.id) == state.resumed);
  check(ask("SELECT state = 'running' FROM mltrack_import WHERE id = ?1", state.id) == 1);
  (void)answer(mlt_ledger_end(ops, db, &state, "done", NULL, err), err);
}

static void set_up(void) {
  struct mlt_err err = MLT_ERR_INIT;
  bool there, made;
  char *ddl;
  if (db)
    return;
  check(mlt_lite_open_memory(&db, &err) == MLT_OK);
  check(mlt_schema_ddl(mlt_head_default(), MLT_TARGET_SQLITE, &ddl, &err) == MLT_OK);
  check(mlt_lite_run_ddl(db, ddl, &err) == MLT_OK);
  free(ddl);
  check(ops->begin(db, MLT_LEDGER_MAKE, &there, &made, &err) == MLT_OK && made);
  check(ops->commit(db, &err) == MLT_OK);
  must("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct mlt_err err = MLT_ERR_INIT;
  int64_t ids[MAX_IDS] = {0};
  bool there, made;
  if (size > MAX_SIZE)
    return 0;
  set_up();
  must("BEGIN");
  add_rows(data, size);
  if (answer(ops->begin(db, MLT_LEDGER_READ, &there, &made, &err), &err) == MLT_OK && there) {
    (void)answer(ops->imports(db, 0, take_import, ids, &err), &err);
    for (size_t k = 0; k < MAX_IDS && ids[k]; k++)
      look_at(ids[k], &err);
    if (ids[0])
      undo(ids[0], &err);
    go_on(&err);
  }
  must("ROLLBACK");
  return 0;
}
