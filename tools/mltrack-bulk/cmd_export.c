/* mltrack-bulk export: options in, one export, the result out. */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "notes.h"
#include "pipeline/export.h"
#include "session.h"

enum { BROKEN_PIPE = 128 + SIGPIPE }; /* as of a program that does not catch it */

struct result {
  const struct mlt_args *args;
  const struct mlt_export_opts *opts;
  const struct mlt_report *report;
  enum mlt_rc rc;
  const struct mlt_err *err;
};

static int exit_status(enum mlt_rc rc) {
  return rc == MLT_END ? BROKEN_PIPE : mlt_signals_exit(rc);
}

/* ---- the result ---- */

static struct mlt_json *result_json(const struct result *res) {
  const struct mlt_report *r = res->report;
  struct mlt_json *doc = mlt_json_object();
  mlt_json_set_i64(doc, "schema_version", 1);
  mlt_json_set_cstr(doc, "command", "export");
  mlt_json_set_cstr(doc, "status",
                    res->rc == MLT_OK           ? "ok"
                    : mlt_session_done(res->rc) ? "rejected"
                                                : "failed");
  mlt_json_set_i64(doc, "exit_code", exit_status(res->rc));
  mlt_json_set_cstr(doc, "source", r->shown);
  mlt_json_set_cstr(doc, "format", r->format);
  mlt_json_set_cstr(doc, "output", res->opts->output);
  mlt_json_set_double(doc, "seconds", r->seconds);
  mlt_json_set_u64(doc, "bytes", r->bytes);
  struct mlt_json *tables = mlt_json_set(doc, "tables", mlt_json_object());
  for (size_t t = 0; t < MLT_T_COUNT; t++) {
    if (t == MLT_T_LATEST_METRICS)
      continue; /* they follow from the points */
    const struct mlt_counts *c = &r->counts[t];
    struct mlt_json *row =
        mlt_json_set(tables, mlt_table_name((enum mlt_table)t), mlt_json_object());
    mlt_json_set_u64(row, "read", c->read);
    mlt_json_set_u64(row, "written", c->inserted);
    mlt_json_set_u64(row, "rejected", c->rejected);
  }
  mlt_notes_add_json(doc, r);
  mlt_error_add_json(doc, res->rc, res->err);
  return doc;
}

static void print_text(FILE *out, const struct result *res) {
  const struct mlt_report *r = res->report;
  uint64_t total = 0;
  (void)fputs(mlt_session_done(res->rc) ? "Exported " : "Stopped exporting ", out);
  mlt_text_print(out, mlt_str_c(r->shown));
  (void)fprintf(out, " (%s) to ", r->format ? r->format : "unknown format");
  bool to_stdout = strcmp(res->opts->output, "-") == 0;
  mlt_text_print(out, mlt_str_c(to_stdout ? "standard output" : res->opts->output));
  (void)fprintf(out, "\n\n  %-24s %12s %10s\n", "table", "written", "rejected");
  for (size_t t = 0; t < MLT_T_COUNT; t++) {
    const struct mlt_counts *c = &r->counts[t];
    total += c->inserted;
    if (c->read)
      (void)fprintf(out, "  %-24s %12" PRIu64 " %10" PRIu64 "\n", mlt_table_name((enum mlt_table)t),
                    c->inserted, c->rejected);
  }
  mlt_notes_print_text(out, r, "exported");
  (void)fprintf(out, "\n%" PRIu64 " rows written in %.2f s (%.0f rows/s), %" PRIu64 " bytes\n",
                total, r->seconds, r->seconds > 0 ? (double)total / r->seconds : 0.0, r->bytes);
}

/* Not among the data. */
static enum mlt_rc print_result(const struct result *res, struct mlt_err *err) {
  FILE *out = strcmp(res->opts->output, "-") == 0 ? stderr : stdout;
  if (mlt_args_flag(res->args, MLT_OPT_JSON)) {
    struct mlt_json *doc = result_json(res);
    enum mlt_rc rc = mlt_json_write(out, doc, true, err);
    mlt_json_free(doc);
    return rc;
  }
  if (mlt_args_flag(res->args, MLT_OPT_QUIET) || !mlt_session_done(res->rc))
    return MLT_OK;
  print_text(out, res);
  return fflush(out) == 0 ? MLT_OK : mlt_err_errno(err, errno, "cannot write the result");
}

/* ---- the command ---- */

static struct mlt_export_opts options(const struct mlt_args *args, struct mlt_session *s) {
  return (struct mlt_export_opts){.format = mlt_args_str(args, MLT_OPT_FORMAT),
                                  .reading = mlt_bulk_reading(args),
                                  .output = mlt_args_str(args, MLT_OPT_OUTPUT),
                                  .replace = mlt_args_flag(args, MLT_OPT_FORCE),
                                  .skip_errors =
                                      strcmp(mlt_args_str(args, MLT_OPT_ON_ERROR), "skip") == 0,
                                  .max_errors = mlt_args_uint(args, MLT_OPT_MAX_ERRORS),
                                  .cancelled = &mlt_signalled,
                                  .on_progress = mlt_session_progress,
                                  .on_note = mlt_session_note,
                                  .ctx = s};
}

static enum mlt_rc run(const struct mlt_export_opts *opts, struct mlt_session *s,
                       struct mlt_report *report, struct mlt_err *err) {
  enum mlt_rc rc = mlt_export(opts, report, err);
  mlt_progress_clear(&s->progress);
  enum mlt_rc close_rc = mlt_session_close_rejects(s, err);
  return mlt_session_done(rc) && close_rc != MLT_OK ? close_rc : rc;
}

int mlt_cmd_export(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_session session;
  struct mlt_report report = {0};
  struct mlt_export_opts opts = options(args, &session);
  const char *origin;
  opts.source = args->argc ? args->argv[0] : mlt_target_default(NULL, NULL, &origin);
  mlt_session_init(&session, args, "exporting");
  enum mlt_rc rc = mlt_session_open_rejects(&session, args, &err);
  if (rc == MLT_OK)
    rc = run(&opts, &session, &report, &err);
  const struct result result = {args, &opts, &report, rc, &err};
  enum mlt_rc print_rc = rc == MLT_END ? MLT_OK : print_result(&result, &err);
  if (mlt_session_done(rc) && print_rc != MLT_OK)
    rc = print_rc;
  mlt_report_free(&report);
  if (!mlt_session_done(rc) && rc != MLT_END)
    (void)mlt_bulk_fail(&err);
  return exit_status(rc);
}
