/* Findings for people: a line each, and what they come to. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report.h"

enum { COMMANDS_SHOWN = 5 };

static const char *const colors[] = {"\033[31m", "\033[33m", "\033[36m"};

static void print_part(FILE *out, const char *before, struct mlt_str s) {
  if (!s.p)
    return;
  (void)fputs(before, out);
  mlt_text_print(out, s);
}

void mlt_report_finding(FILE *out, const struct mlt_finding *f, bool color) {
  const struct mlt_finding_info *info = mlt_finding_info(f->what);
  const char *severity = mlt_severity_name(info->severity);
  (void)fprintf(out, "%s%s%s %s", color ? colors[info->severity] : "", severity,
                color ? "\033[0m" : "", info->code);
  if (f->id.p)
    print_part(out, " ", f->id);
  else if (f->table != MLT_T_ALL)
    (void)fprintf(out, " %s", mlt_table_name(f->table));
  (void)fputc(':', out);
  print_part(out, " ", f->field);
  if (f->field.p)
    (void)fputc(':', out);
  print_part(out, " ", f->path);
  if (f->path.p)
    (void)fputc(':', out);
  print_part(out, " ", f->text);
  (void)fputc('\n', out);
}

static void print_checks(FILE *out, const struct mlt_verify_result *r) {
  for (size_t i = 0; i < r->n_checks; i++) {
    const struct mlt_check_result *c = &r->checks[i];
    if (c->ran)
      (void)fprintf(out, "  %-16s %" PRIu64 " errors, %" PRIu64 " warnings, %.2f s\n", c->name,
                    c->found[MLT_SEVERITY_ERROR], c->found[MLT_SEVERITY_WARNING], c->seconds);
    else
      (void)fprintf(out, "  %-16s left out: %s\n", c->name, c->why);
  }
}

static void print_amounts(FILE *out, const struct mlt_verify_result *r) {
  const char *gap = "looked at ";
  for (enum mlt_verify_amount a = 0; a < MLT_AMOUNT_COUNT; a++) {
    if (!r->amounts[a])
      continue;
    (void)fprintf(out, "%s%" PRIu64 " ", gap, r->amounts[a]);
    for (const char *c = mlt_verify_amount_name(a); *c; c++)
      (void)fputc(*c == '_' ? ' ' : *c, out);
    gap = ", ";
  }
  (void)fprintf(out, "%s%.2f s\n", *gap == ',' ? " in " : "", r->seconds);
}

/* The first commands that findings suggest, each once. */
static void print_commands(FILE *out, const struct mlt_verify_result *r) {
  struct mlt_str shown[COMMANDS_SHOWN];
  size_t n = 0;
  for (size_t i = 0; i < r->n_findings && n < COMMANDS_SHOWN; i++) {
    const struct mlt_str command = r->findings[i].command;
    size_t k = 0;
    while (k < n && !mlt_str_eq(shown[k], command))
      k++;
    if (!command.p || k < n)
      continue;
    shown[n++] = command;
    (void)fputs(n == 1 ? "to mend it:\n  " : "  ", out);
    mlt_text_print(out, command);
    (void)fputc('\n', out);
  }
}

static void print_count(FILE *out, const char *gap, uint64_t n, const char *what) {
  (void)fprintf(out, "%s%" PRIu64 " %s%s", gap, n, what, n == 1 ? "" : "s");
}

void mlt_report_summary(FILE *out, const struct mlt_verify_report *report, bool verbose) {
  const struct mlt_verify_result *r = report->result;
  const uint64_t errors = r->found[MLT_SEVERITY_ERROR], warnings = r->found[MLT_SEVERITY_WARNING],
                 infos = r->found[MLT_SEVERITY_INFO];
  if (verbose)
    print_checks(out, r);
  print_commands(out, r);
  mlt_text_print(out, mlt_str_c(report->database));
  (void)fputs(": ", out);
  print_amounts(out, r);
  if (errors + warnings + infos > r->n_findings)
    (void)fprintf(out, "%zu of %" PRIu64 " findings are named (--max-findings)\n", r->n_findings,
                  errors + warnings + infos);
  if (errors == 0 && warnings == 0 && infos == 0) {
    (void)fputs("no differences\n", out);
    return;
  }
  print_count(out, "", errors, "error");
  print_count(out, ", ", warnings, "warning");
  if (infos)
    (void)fprintf(out, ", %" PRIu64 " for information", infos);
  (void)fputc('\n', out);
}
