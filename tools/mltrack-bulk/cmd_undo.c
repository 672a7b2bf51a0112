/* mltrack-bulk undo: takes back what an import wrote, as far as nobody has touched it since. One
   transaction: killed at any moment, all of it has happened or nothing. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "ledger_db.h"
#include "notes.h"

enum { LEFT_SHOWN = 20 };

struct undoing {
  struct mlt_ledger_db db;
  int64_t id;
  bool dry_run, quiet;
  struct mlt_undone done;
  struct mlt_json *doc, *left; /* NULL: text */
  uint64_t n_left;
  char state[16]; /* before */
};

static enum mlt_rc take_left(void *ctx, enum mlt_table table, struct mlt_str what,
                             struct mlt_str why, struct mlt_err *err) {
  struct undoing *u = ctx;
  (void)err;
  u->n_left++;
  if (u->doc) {
    struct mlt_json *j = mlt_json_push(u->left, mlt_json_object());
    mlt_json_set_cstr(j, "table", mlt_table_name(table));
    mlt_json_set_str(j, "name", what);
    mlt_json_set_str(j, "reason", why);
  } else if (!u->quiet && u->n_left <= LEFT_SHOWN) {
    (void)printf("left       %s ", mlt_table_name(table));
    mlt_text_print(stdout, what);
    (void)printf(": ");
    mlt_text_print(stdout, why);
    (void)putchar('\n');
  }
  return MLT_OK;
}

/* Not while it is at work. */
static enum mlt_rc check_state(struct undoing *u, struct mlt_err *err) {
  char worker[MLT_WORKER_MAX];
  double idle;
  enum mlt_rc rc = u->db.ops->state(u->db.handle, u->id, u->state, worker, &idle, err);
  if (rc == MLT_NOINPUT)
    mlt_err_hint(err, "`mltrack-bulk imports` lists those there are");
  if (rc != MLT_OK || strcmp(u->state, "running") != 0)
    return rc;
  if (!mlt_worker_at_work(mlt_str_c(worker), idle))
    return MLT_OK;
  rc = mlt_err_set(err, MLT_TEMPFAIL, "import %" PRId64 " is at work", u->id);
  mlt_err_hint(err, "stop it first, or wait until it has ended");
  return rc;
}

static enum mlt_rc refuse_repair(void *ctx, const struct mlt_ledger_import *i,
                                 struct mlt_err *err) {
  (void)ctx;
  if (!mlt_str_is(i->format, MLT_LEDGER_REPAIR))
    return MLT_OK;
  enum mlt_rc rc = mlt_err_set(err, MLT_USAGE,
                               "%" PRId64 " is no import, but a repair of '%.*s': it is not undone",
                               i->id, MLT_STR_ARG(i->source));
  mlt_err_hint(err, "what it wrote follows from other rows, and was wrong before");
  return rc;
}

static enum mlt_rc undo(struct undoing *u, struct mlt_err *err) {
  bool there, made;
  uint32_t features = 0;
  enum mlt_rc rc = mlt_ledger_db_features(&u->db, &features, err);
  if (rc == MLT_OK)
    rc = u->db.ops->begin(u->db.handle, MLT_LEDGER_WRITE, &there, &made, err);
  if (rc != MLT_OK)
    return rc;
  rc = there
           ? check_state(u, err)
           : mlt_err_set(err, MLT_NOINPUT, "the database has no ledger: nothing was imported here");
  if (rc == MLT_OK)
    rc = u->db.ops->imports(u->db.handle, u->id, refuse_repair, NULL, err);
  if (rc == MLT_OK)
    rc = u->db.ops->undo(u->db.handle, u->id, features, &u->done, take_left, u, err);
  if (rc == MLT_OK && !u->dry_run)
    rc = u->db.ops->commit(u->db.handle, err);
  if (rc != MLT_OK || u->dry_run)
    u->db.ops->rollback(u->db.handle);
  return rc;
}

static enum mlt_rc print_json(struct undoing *u, enum mlt_rc rc, const struct mlt_err *failed,
                              struct mlt_err *err) {
  mlt_json_set_cstr(u->doc, "database", u->db.target.display);
  mlt_json_set_bool(u->doc, "dry_run", u->dry_run);
  mlt_rows_add_json(u->doc, "removed", u->done.removed);
  mlt_rows_add_json(u->doc, "restored", u->done.restored);
  mlt_error_add_json(u->doc, rc, failed);
  return mlt_json_write(stdout, u->doc, true, err);
}

static void print_text(const struct undoing *u) {
  const char *removed = u->dry_run ? "would remove " : "removed  ",
             *restored = u->dry_run ? "would restore" : "restored ";
  bool any = false;
  if (u->n_left > LEFT_SHOWN)
    (void)printf("left       and %" PRIu64 " more (--json lists all)\n", u->n_left - LEFT_SHOWN);
  for (size_t t = 0; t < MLT_T_ALL; t++) {
    const char *name = mlt_table_name((enum mlt_table)t);
    if (u->done.removed[t])
      (void)printf("%s  %-26s %12" PRIu64 "\n", removed, name, u->done.removed[t]);
    if (u->done.restored[t])
      (void)printf("%s  %-26s %12" PRIu64 "\n", restored, name, u->done.restored[t]);
    any |= u->done.removed[t] || u->done.restored[t];
  }
  (void)printf("Import %" PRId64 "%s%s%s. Files of artifacts are not touched.\n", u->id,
               u->dry_run ? " would be undone" : " is undone",
               any ? "" : ": no row of it was there", u->n_left ? ", but for what is left" : "");
}

int mlt_cmd_undo(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT, out_err = MLT_ERR_INIT;
  struct undoing u = {.dry_run = mlt_args_flag(args, MLT_OPT_DRY_RUN),
                      .quiet = mlt_args_flag(args, MLT_OPT_QUIET)};
  enum mlt_rc rc = mlt_ledger_id(args->argv[0], &u.id, &err), out_rc = MLT_OK;
  if (mlt_args_flag(args, MLT_OPT_JSON)) {
    u.doc = mlt_json_object();
    mlt_json_set_i64(u.doc, "schema_version", 1);
    mlt_json_set_cstr(u.doc, "command", "undo");
    mlt_json_set_i64(u.doc, "id", u.id);
    u.left = mlt_json_set(u.doc, "left", mlt_json_array());
  }
  if (rc == MLT_OK)
    rc = mlt_ledger_db_open(&u.db, args, true, &err);
  if (rc == MLT_OK)
    rc = undo(&u, &err);
  if (u.doc)
    out_rc = print_json(&u, rc, &err, &out_err);
  else if (rc == MLT_OK && !u.quiet)
    print_text(&u);
  mlt_json_free(u.doc);
  mlt_ledger_db_close(&u.db);
  if (rc != MLT_OK)
    return mlt_bulk_fail(&err);
  return out_rc == MLT_OK ? 0 : mlt_bulk_fail(&out_err);
}
