/* The result as one JSON document. */
#include "base/json.h"
#include "report.h"

enum { JSON_VERSION = 1 };

static struct mlt_json *finding_json(const struct mlt_finding *f, const char *check) {
  const struct mlt_finding_info *info = mlt_finding_info(f->what);
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_cstr(j, "code", info->code);
  mlt_json_set_cstr(j, "severity", mlt_severity_name(info->severity));
  mlt_json_set_cstr(j, "check", check);
  mlt_json_set_cstr(j, "table", f->table == MLT_T_ALL ? NULL : mlt_table_name(f->table));
  mlt_json_set_str(j, "id", f->id);
  mlt_json_set_str(j, "experiment", f->experiment);
  mlt_json_set_str(j, "path", f->path);
  mlt_json_set_str(j, "field", f->field);
  mlt_json_set_str(j, "text", f->text);
  mlt_json_set_str(j, "command", f->command);
  return j;
}

static void add_findings(struct mlt_json *doc, const struct mlt_verify_result *r) {
  struct mlt_json *list = mlt_json_set(doc, "findings", mlt_json_array());
  for (size_t i = 0; i < r->n_findings; i++)
    (void)mlt_json_push(list, finding_json(&r->findings[i], r->checks[r->check_of[i]].name));
}

static void add_checked(struct mlt_json *doc, const struct mlt_verify_result *r) {
  struct mlt_json *checked = mlt_json_set(doc, "checked", mlt_json_object());
  for (enum mlt_verify_amount a = 0; a < MLT_AMOUNT_COUNT; a++)
    mlt_json_set_u64(checked, mlt_verify_amount_name(a), r->amounts[a]);
  struct mlt_json *checks = mlt_json_set(checked, "checks", mlt_json_object());
  for (size_t i = 0; i < r->n_checks; i++)
    mlt_json_set_cstr(checks, r->checks[i].name, r->checks[i].ran ? "done" : r->checks[i].why);
}

static void add_summary(struct mlt_json *doc, const struct mlt_verify_result *r) {
  struct mlt_json *summary = mlt_json_set(doc, "summary", mlt_json_object());
  mlt_json_set_u64(summary, "errors", r->found[MLT_SEVERITY_ERROR]);
  mlt_json_set_u64(summary, "warnings", r->found[MLT_SEVERITY_WARNING]);
  mlt_json_set_u64(summary, "infos", r->found[MLT_SEVERITY_INFO]);
  struct mlt_json *codes = mlt_json_set(summary, "codes", mlt_json_object());
  for (enum mlt_finding_id i = 0; i < MLT_FINDING_COUNT; i++)
    if (r->by_code[i])
      mlt_json_set_u64(codes, mlt_finding_info(i)->code, r->by_code[i]);
  mlt_json_set_double(summary, "seconds", r->seconds);
}

static void add_error(struct mlt_json *doc, const struct mlt_verify_report *report) {
  if (report->rc == MLT_OK || report->rc == MLT_DIFFERS) {
    mlt_json_set_null(doc, "error");
    return;
  }
  struct mlt_json *e = mlt_json_set(doc, "error", mlt_json_object());
  mlt_json_set_cstr(e, "code", mlt_rc_name(report->rc));
  mlt_json_set_cstr(e, "message", report->err->msg);
  mlt_json_set_cstr(e, "hint", report->err->hint[0] ? report->err->hint : NULL);
  mlt_json_set_cstr(e, "sqlstate", report->err->sqlstate[0] ? report->err->sqlstate : NULL);
}

static void add_repair(struct mlt_json *doc, const struct mlt_report_repair *repair) {
  struct mlt_json *j = mlt_json_set(doc, "repair", mlt_json_object());
  mlt_json_set_cstr(j, "what", repair->info->name);
  mlt_json_set_u64(j, "found", repair->found);
  mlt_json_set_bool(j, "done", repair->done);
  mlt_json_set_u64(j, "rows", repair->outcome.rows);
  if (repair->outcome.import)
    mlt_json_set_i64(j, "import", repair->outcome.import);
  else
    mlt_json_set_null(j, "import");
}

enum mlt_rc mlt_report_json(FILE *out, const struct mlt_verify_report *report,
                            struct mlt_err *err) {
  const struct mlt_verify_result *r = report->result;
  struct mlt_json *doc = mlt_json_object();
  mlt_json_set_i64(doc, "schema_version", JSON_VERSION);
  mlt_json_set_cstr(doc, "database", report->database);
  mlt_json_set_cstr(doc, "server", r ? r->database : NULL);
  mlt_json_set_cstr(doc, "head", r ? r->head : NULL);
  mlt_json_set_cstr(doc, "mode", report->mode);
  mlt_json_set_bool(doc, "ok", report->rc == MLT_OK);
  add_error(doc, report);
  if (report->repair)
    add_repair(doc, report->repair);
  if (r) {
    add_findings(doc, r);
    add_checked(doc, r);
    add_summary(doc, r);
  }
  enum mlt_rc rc = mlt_json_write(out, doc, true, err);
  mlt_json_free(doc);
  return rc;
}
