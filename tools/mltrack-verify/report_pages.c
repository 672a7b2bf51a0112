/* The result for other programs' pages: Markdown, and JUnit's XML for CI. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "report.h"

enum { TEXT_MAX = 16 * 1024 };

/* Prints s fit for a terminal, with some of its characters replaced: the words are in the order of
   the characters. */
static void put(FILE *out, struct mlt_str s, const char *special, const char *const *words) {
  struct mlt_buf b;
  mlt_buf_init(&b, TEXT_MAX);
  (void)!mlt_text_escape(&b, s); /* what is too long is cut */
  for (size_t i = 0; i < b.len; i++) {
    const char *found = b.p[i] ? strchr(special, b.p[i]) : NULL;
    if (found)
      (void)fputs(words[found - special], out);
    else
      (void)fputc(b.p[i], out);
  }
  mlt_buf_free(&b);
}

/* ---- Markdown ---- */

static void md(FILE *out, struct mlt_str s) {
  static const char *const words[] = {"\\|", "\\`", "\\*", "\\_", "&lt;", "&amp;", "\\\\", "\\["};
  put(out, s, "|`*_<&\\[", words);
}

static void md_row(FILE *out, const struct mlt_finding *f) {
  const struct mlt_finding_info *info = mlt_finding_info(f->what);
  (void)fprintf(out, "| %s | %s | ", mlt_severity_name(info->severity), info->code);
  if (f->id.p)
    md(out, f->id);
  else if (f->table != MLT_T_ALL)
    md(out, mlt_str_c(mlt_table_name(f->table)));
  (void)fputs(" | ", out);
  md(out, f->field.p ? f->field : f->path);
  (void)fputs(" | ", out);
  md(out, f->text);
  (void)fputs(" |\n", out);
}

void mlt_report_md(FILE *out, const struct mlt_verify_report *report) {
  const struct mlt_verify_result *r = report->result;
  (void)fputs("### mltrack-verify: ", out);
  md(out, mlt_str_c(report->database));
  (void)fprintf(out, "\n\n%" PRIu64 " errors, %" PRIu64 " warnings, %.2f s\n",
                r->found[MLT_SEVERITY_ERROR], r->found[MLT_SEVERITY_WARNING], r->seconds);
  if (r->n_findings)
    (void)fputs("\n| Severity | Code | Record | Where | What |\n|---|---|---|---|---|\n", out);
  for (size_t i = 0; i < r->n_findings; i++)
    md_row(out, &r->findings[i]);
}

/* ---- JUnit ---- */

static void xml(FILE *out, struct mlt_str s) {
  static const char *const words[] = {"&lt;", "&gt;", "&amp;", "&quot;"};
  put(out, s, "<>&\"", words);
}

static void junit_failure(FILE *out, const struct mlt_verify_result *r, size_t check) {
  uint64_t n = r->checks[check].found[MLT_SEVERITY_ERROR];
  (void)fprintf(out, ">\n    <failure message=\"%" PRIu64 " error%s\">", n, n == 1 ? "" : "s");
  for (size_t i = 0; i < r->n_findings; i++) {
    const struct mlt_finding *f = &r->findings[i];
    const struct mlt_finding_info *info = mlt_finding_info(f->what);
    if (r->check_of[i] != check || info->severity != MLT_SEVERITY_ERROR)
      continue;
    (void)fprintf(out, "\n%s ", info->code);
    xml(out, f->id);
    (void)fputs(": ", out);
    xml(out, f->field.p ? f->field : f->path);
    (void)fputs(": ", out);
    xml(out, f->text);
  }
  (void)fputs("\n    </failure>\n  </testcase>\n", out);
}

static void junit_case(FILE *out, const struct mlt_verify_result *r, size_t check) {
  const struct mlt_check_result *c = &r->checks[check];
  (void)fprintf(out, "  <testcase classname=\"mltrack-verify\" name=\"%s\" time=\"%.3f\"", c->name,
                c->seconds);
  if (c->found[MLT_SEVERITY_ERROR])
    junit_failure(out, r, check);
  else if (!c->ran)
    (void)fprintf(out, "><skipped message=\"%s\"/></testcase>\n", c->why);
  else
    (void)fputs("/>\n", out);
}

static void junit(FILE *out, const struct mlt_verify_report *report) {
  const struct mlt_verify_result *r = report->result;
  size_t failed = 0, skipped = 0;
  for (size_t i = 0; i < r->n_checks; i++) {
    failed += r->checks[i].found[MLT_SEVERITY_ERROR] > 0;
    skipped += r->checks[i].found[MLT_SEVERITY_ERROR] == 0 && !r->checks[i].ran;
  }
  (void)fprintf(out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<testsuite name=\"mltrack-verify\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                "skipped=\"%zu\" time=\"%.3f\">\n",
                r->n_checks, failed, skipped, r->seconds);
  for (size_t i = 0; i < r->n_checks; i++)
    junit_case(out, r, i);
  (void)fputs("</testsuite>\n", out);
}

enum mlt_rc mlt_report_junit(const char *path, const struct mlt_verify_report *report,
                             struct mlt_err *err) {
  FILE *f = fopen(path, "we");
  if (!f)
    return mlt_err_set(err, MLT_CANTCREAT, "cannot create %s: %s", path, strerror(errno));
  junit(f, report);
  bool failed = ferror(f) || fflush(f) != 0;
  int errnum = errno;
  if (fclose(f) != 0 && !failed) {
    failed = true;
    errnum = errno;
  }
  return failed ? mlt_err_errno(err, errnum, "cannot write %s", path) : MLT_OK;
}
