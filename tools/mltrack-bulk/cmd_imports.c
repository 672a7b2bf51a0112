/* mltrack-bulk imports: what the ledger of a database tells. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "ledger_db.h"
#include "notes.h"

struct listing {
  int64_t id; /* 0: all */
  bool quiet;
  struct mlt_json *doc, *imports, *batches; /* NULL: text */
  size_t n, n_batches;
};

static void add_import(struct listing *l, const struct mlt_ledger_import *i) {
  struct mlt_json *j = mlt_json_push(l->imports, mlt_json_object());
  mlt_import_add_json(j, i);
  mlt_json_set_str(j, "version", i->version);
  mlt_json_set_str(j, "head", i->head);
  mlt_json_set_str(j, "options", i->options);
  mlt_json_set_u64(j, "runs_created", i->created);
  mlt_rows_add_json(j, "rows", i->inserted);
  mlt_rows_add_json(j, "rows_updated", i->updated);
}

/* Padded, and escaped: a ledger may hold anything. */
static void print_cell(int width, struct mlt_str s) {
  enum { CELL_MAX = 1000 };
  struct mlt_buf b;
  mlt_buf_init(&b, CELL_MAX);
  if (mlt_text_escape(&b, s) != MLT_OK || !mlt_buf_cstr(&b))
    mlt_buf_clear(&b);
  (void)printf("  %-*s", width, b.len ? b.p : "");
  mlt_buf_free(&b);
}

static void print_import(struct listing *l, const struct mlt_ledger_import *i) {
  if (!l->n)
    (void)printf("%6s  %-8s  %-20s  %8s  %12s  %s\n", "id", "state", "started", "runs", "rows",
                 "source");
  (void)printf("%6" PRId64, i->id);
  print_cell(8, i->state);
  print_cell(20, i->started_at);
  (void)printf("  %8" PRIu64 "  %12" PRIu64 "  ", i->runs, mlt_import_rows(i));
  mlt_text_print(stdout, i->source);
  (void)printf(" (");
  mlt_text_print(stdout, i->format);
  (void)printf(")\n");
  if (!i->error.len)
    return;
  (void)printf("%6s  ", "");
  mlt_text_print(stdout, i->error);
  (void)putchar('\n');
}

static void print_rows(const struct mlt_ledger_import *i) {
  (void)printf("\n%-26s %12s %12s\n", "table", "inserted", "updated");
  for (size_t t = 0; t < MLT_T_ALL; t++)
    if (i->inserted[t] || i->updated[t])
      (void)printf("%-26s %12" PRIu64 " %12" PRIu64 "\n", mlt_table_name((enum mlt_table)t),
                   i->inserted[t], i->updated[t]);
}

static enum mlt_rc take_import(void *ctx, const struct mlt_ledger_import *i, struct mlt_err *err) {
  struct listing *l = ctx;
  (void)err;
  if (l->doc) {
    add_import(l, i);
  } else if (!l->quiet) {
    print_import(l, i);
    if (l->id)
      print_rows(i);
  }
  l->n++;
  return MLT_OK;
}

static enum mlt_rc take_batch(void *ctx, const struct mlt_ledger_batch_row *b,
                              struct mlt_err *err) {
  struct listing *l = ctx;
  (void)err;
  if (l->doc) {
    struct mlt_json *j = mlt_json_push(l->batches, mlt_json_object());
    mlt_json_set_i64(j, "seq", b->seq);
    mlt_json_set_str(j, "committed_at", b->committed_at);
    mlt_json_set_u64(j, "runs", b->runs);
    mlt_json_set_u64(j, "rows", b->rows);
  } else if (!l->quiet) {
    if (!l->n_batches++)
      (void)printf("\n%12s  %-20s %8s %12s\n", "batch", "committed", "runs", "rows");
    (void)printf("%12" PRId64, b->seq);
    print_cell(20, b->committed_at);
    (void)printf(" %8" PRIu64 " %12" PRIu64 "\n", b->runs, b->rows);
  }
  return MLT_OK;
}

static enum mlt_rc list(struct mlt_ledger_db *db, struct listing *l, struct mlt_err *err) {
  bool there, made;
  enum mlt_rc rc = db->ops->begin(db->handle, MLT_LEDGER_READ, &there, &made, err);
  if (rc != MLT_OK)
    return rc;
  if (there)
    rc = db->ops->imports(db->handle, l->id, take_import, l, err);
  if (rc == MLT_OK && l->id && !l->n) {
    rc = mlt_err_set(err, MLT_NOINPUT, "the ledger has no import %" PRId64, l->id);
    mlt_err_hint(err, "`mltrack-bulk imports` lists those there are");
  }
  if (rc == MLT_OK && l->id) {
    if (l->doc)
      l->batches = mlt_json_set(l->doc, "batches", mlt_json_array());
    rc = db->ops->batches(db->handle, l->id, take_batch, l, err);
  }
  db->ops->rollback(db->handle);
  if (rc == MLT_OK && !l->n && !l->doc)
    mlt_log_fields(MLT_LOG_INFO,
                   there ? "no import has written anything yet" : "there is no ledger here yet",
                   NULL, 0);
  return rc;
}

int mlt_cmd_imports(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_ledger_db db = {0};
  struct listing l = {.quiet = mlt_args_flag(args, MLT_OPT_QUIET)};
  enum mlt_rc rc = args->argc ? mlt_ledger_id(args->argv[0], &l.id, &err) : MLT_OK;
  if (mlt_args_flag(args, MLT_OPT_JSON)) {
    l.doc = mlt_json_object();
    mlt_json_set_i64(l.doc, "schema_version", 1);
    mlt_json_set_cstr(l.doc, "command", "imports");
    l.imports = mlt_json_set(l.doc, "imports", mlt_json_array());
  }
  if (rc == MLT_OK)
    rc = mlt_ledger_db_open(&db, args, false, &err);
  if (rc == MLT_OK)
    rc = list(&db, &l, &err);
  if (l.doc) {
    struct mlt_err ignored = MLT_ERR_INIT;
    mlt_json_set_cstr(l.doc, "database", db.target.display);
    mlt_error_add_json(l.doc, rc, &err);
    enum mlt_rc out_rc = mlt_json_write(stdout, l.doc, true, rc == MLT_OK ? &err : &ignored);
    rc = rc == MLT_OK ? out_rc : rc;
  } else if (fflush(stdout) != 0 && rc == MLT_OK) {
    rc = mlt_err_errno(&err, errno, "cannot write the list");
  }
  mlt_json_free(l.doc);
  mlt_ledger_db_close(&db);
  return rc == MLT_OK ? 0 : mlt_bulk_fail(&err);
}
