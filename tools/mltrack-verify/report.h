/* What was found, as text while it is found, and in the end as JSON, Markdown or JUnit's XML. */
#ifndef MLT_VERIFY_REPORT_H
#define MLT_VERIFY_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/err.h"
#include "verify/repair.h"
#include "verify/verify.h"

/* What a report is about. */
struct mlt_verify_report {
  const char *database;                   /* for people: no password in it */
  const char *mode;                       /* "quick" */
  const struct mlt_verify_result *result; /* NULL: it could not be opened */
  enum mlt_rc rc;                         /* of the whole, MLT_OK or MLT_DIFFERS when it ran */
  const struct mlt_err *err;
  const struct mlt_report_repair *repair; /* NULL: none was asked for */
};

/* What --repair came to. */
struct mlt_report_repair {
  const struct mlt_repair_info *info;
  uint64_t found; /* what it mends */
  bool done;
  struct mlt_repair_outcome outcome;
};

/* One line: "error latest-wrong 0123...: accuracy: is ...". */
void mlt_report_finding(FILE *out, const struct mlt_finding *f, bool color);
/* What was looked at, how much was found. verbose: every check. */
void mlt_report_summary(FILE *out, const struct mlt_verify_report *r, bool verbose);
/* The document; MLT_NOMEM, MLT_IO. */
enum mlt_rc mlt_report_json(FILE *out, const struct mlt_verify_report *r,
                            struct mlt_err *err) MLT_NODISCARD;
void mlt_report_md(FILE *out, const struct mlt_verify_report *r);
/* A test case a check: failed where it found an error, skipped where it did not apply.
   MLT_CANTCREAT, MLT_IO. */
enum mlt_rc mlt_report_junit(const char *path, const struct mlt_verify_report *r,
                             struct mlt_err *err) MLT_NODISCARD;

#endif
