/* mltrack-bulk progress: how far an import is, as its ledger and the server tell it. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"
#include "ledger_db.h"
#include "notes.h"
#include "pg/store.h"

enum { RATE_SECONDS = 60 };

/* One look at an import. */
struct look {
  int64_t id; /* the one that was asked for; 0: the newest that is running */
  bool found, running, at_work, done;
  uint64_t rows;
  struct mlt_json *doc; /* NULL: text */
  char line[1000];      /* text */
};

static bool is_wanted(const struct look *l, const struct mlt_ledger_import *i) {
  return l->id ? i->id == l->id
               : mlt_str_is(i->state, "running") && mlt_worker_at_work(i->worker, i->idle);
}

/* Rows a second since the worker began, of the last minute at most. */
static double rate(const struct mlt_ledger_import *i) {
  double seconds = i->age < RATE_SECONDS ? i->age : RATE_SECONDS;
  return seconds >= 1 ? (double)i->recent / seconds : (double)i->recent;
}

static void fill_json(struct look *l, const struct mlt_ledger_import *i) {
  struct mlt_json *j = mlt_json_set(l->doc, "import", mlt_json_object());
  mlt_import_add_json(j, i);
  mlt_json_set_bool(j, "at_work", l->at_work);
  mlt_json_set_u64(j, "rows", l->rows);
  mlt_json_set_double(j, "seconds", i->age);
  mlt_json_set_double(j, "seconds_since_last", i->idle);
  mlt_json_set_double(j, "rows_per_second", l->running ? rate(i) : 0);
}

static void fill_text(struct look *l, const struct mlt_ledger_import *i) {
  int n = snprintf(l->line, sizeof l->line,
                   "import %" PRId64 " of %.*s: %.*s%s, %" PRIu64 " runs, %" PRIu64
                   " rows in %" PRIu64 " batches",
                   i->id, MLT_STR_ARG(i->source), MLT_STR_ARG(i->state),
                   l->running && !l->at_work ? ", but its process is gone" : "", i->runs, l->rows,
                   i->batches);
  if (l->at_work && n > 0 && (size_t)n < sizeof l->line)
    n += snprintf(l->line + n, sizeof l->line - (size_t)n, ", %.0f rows/s, last sign %.0f s ago",
                  rate(i), i->idle);
  if (i->error.len && n > 0 && (size_t)n < sizeof l->line)
    (void)snprintf(l->line + n, sizeof l->line - (size_t)n, ": %.*s", MLT_STR_ARG(i->error));
}

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  struct look *l = ctx;
  (void)err;
  if (l->found || !is_wanted(l, i))
    return MLT_OK;
  l->found = true;
  l->id = i->id;
  l->running = mlt_str_is(i->state, "running");
  l->done = mlt_str_is(i->state, "done");
  l->at_work = l->running && mlt_worker_at_work(i->worker, i->idle);
  l->rows = mlt_import_rows(i);
  if (l->doc)
    fill_json(l, i);
  else
    fill_text(l, i);
  return MLT_OK;
}

/* ---- what is not committed yet ---- */

static void print_session(const struct mlt_pg_session *s) {
  (void)printf("  session %" PRId64 ": ", s->pid);
  mlt_text_print(stdout, s->doing.p ? s->doing : mlt_str_c("between two statements"));
  if (s->table.p) {
    (void)fputs(mlt_str_is(s->doing, "COPY FROM") ? " into " : " of ", stdout);
    mlt_text_print(stdout, s->table);
  }
  if (s->bytes)
    (void)printf(", %" PRIu64 " rows, %" PRIu64 " KiB", s->rows, s->bytes / 1024);
  if (s->total)
    (void)printf(", %.0f %%", 100.0 * (double)s->done / (double)s->total);
  (void)putchar('\n');
}

static enum mlt_rc take_session(void *ctx, const struct mlt_pg_session *s, struct mlt_err *err) {
  struct mlt_json *sessions = ctx;
  (void)err;
  if (!sessions) {
    print_session(s);
    return MLT_OK;
  }
  struct mlt_json *j = mlt_json_push(sessions, mlt_json_object());
  mlt_json_set_i64(j, "pid", s->pid);
  mlt_json_set_str(j, "doing", s->doing);
  mlt_json_set_str(j, "table", s->table);
  mlt_json_set_u64(j, "rows", s->rows);
  mlt_json_set_u64(j, "bytes", s->bytes);
  mlt_json_set_u64(j, "done", s->done);
  mlt_json_set_u64(j, "total", s->total);
  return MLT_OK;
}

static enum mlt_rc tell_sessions(struct mlt_ledger_db *db, struct look *l, struct mlt_err *err) {
  struct mlt_json *sessions = l->doc ? mlt_json_set(l->doc, "sessions", mlt_json_array()) : NULL;
  return db->target.kind == MLT_TARGET_PG && l->at_work
             ? mlt_pg_sessions(db->handle, take_session, sessions, err)
             : MLT_OK;
}

/* ---- a look ---- */

static enum mlt_rc not_found(const struct look *l, struct mlt_err *err) {
  enum mlt_rc rc = l->id ? mlt_err_set(err, MLT_NOINPUT, "the ledger has no import %" PRId64, l->id)
                         : mlt_err_set(err, MLT_NOINPUT, "no import is running here");
  mlt_err_hint(err,
               "`mltrack-bulk imports` lists those there were; a rebuild, and a SQLite file that "
               "is being made, can be seen when they are done");
  return rc;
}

static enum mlt_rc read_ledger(struct mlt_ledger_db *db, struct look *l, struct mlt_err *err) {
  bool there, made;
  enum mlt_rc rc = db->ops->begin(db->handle, MLT_LEDGER_READ, &there, &made, err);
  if (rc != MLT_OK)
    return rc;
  if (there)
    rc = db->ops->imports(db->handle, l->id, take_import, l, err);
  db->ops->rollback(db->handle);
  return rc == MLT_OK && !l->found ? not_found(l, err) : rc;
}

static enum mlt_rc tell(struct mlt_ledger_db *db, struct look *l, bool pretty,
                        struct mlt_err *err) {
  if (!l->doc) {
    mlt_text_print(stdout, mlt_str_c(l->line));
    (void)putchar('\n');
  }
  enum mlt_rc rc = tell_sessions(db, l, err);
  if (rc == MLT_OK && l->doc)
    rc = mlt_json_write(stdout, l->doc, pretty, err);
  return rc == MLT_OK && fflush(stdout) != 0 ? mlt_err_errno(err, errno, "cannot write") : rc;
}

static struct mlt_json *new_document(const struct mlt_ledger_db *db) {
  struct mlt_json *doc = mlt_json_object();
  mlt_json_set_i64(doc, "schema_version", 1);
  mlt_json_set_cstr(doc, "command", "progress");
  mlt_json_set_cstr(doc, "database", db->target.display);
  return doc;
}

static enum mlt_rc look_once(struct mlt_ledger_db *db, struct look *l, bool json, bool pretty,
                             struct mlt_err *err) {
  l->found = l->running = l->at_work = l->done = false;
  l->doc = json ? new_document(db) : NULL;
  enum mlt_rc rc = read_ledger(db, l, err);
  if (rc == MLT_OK)
    rc = tell(db, l, pretty, err);
  mlt_json_free(l->doc);
  return rc;
}

/* An import that ended well and wrote nothing is forgotten: it is not there any more. */
static enum mlt_rc follow(struct mlt_ledger_db *db, struct look *l, bool json,
                          struct mlt_err *err) {
  const struct timespec second = {.tv_sec = 1};
  enum mlt_rc rc = look_once(db, l, json, false, err);
  bool was_there = rc == MLT_OK;
  while (rc == MLT_OK && l->at_work) {
    (void)nanosleep(&second, NULL);
    rc = look_once(db, l, json, false, err);
  }
  if (rc == MLT_NOINPUT && was_there) {
    mlt_err_clear(err);
    return MLT_OK;
  }
  return rc;
}

static enum mlt_rc run(const struct mlt_args *args, struct look *l, struct mlt_err *err) {
  struct mlt_ledger_db db = {0};
  bool json = mlt_args_flag(args, MLT_OPT_JSON), follows = mlt_args_flag(args, MLT_OPT_FOLLOW);
  enum mlt_rc rc = args->argc ? mlt_ledger_id(args->argv[0], &l->id, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = mlt_ledger_db_open(&db, args, false, err);
  if (rc == MLT_OK)
    rc = follows ? follow(&db, l, json, err) : look_once(&db, l, json, true, err);
  if (rc == MLT_OK && follows && l->found && !l->done)
    rc = MLT_TEMPFAIL; /* what was told says why */
  mlt_ledger_db_close(&db);
  return rc;
}

int mlt_cmd_progress(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct look l = {0};
  enum mlt_rc rc = run(args, &l, &err);
  if (rc == MLT_OK || err.rc == MLT_OK)
    return mlt_rc_exit(rc);
  return mlt_bulk_fail(&err);
}
