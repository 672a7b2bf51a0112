/* The result of an import, as text for people and as one JSON document. */
#ifndef MLT_BULK_IMPORT_REPORT_H
#define MLT_BULK_IMPORT_REPORT_H

#include <stdio.h>
#include "base/json.h"
#include "import_verify.h"
#include "notes.h"
#include "pipeline/import.h"

struct mlt_import_result {
  const struct mlt_import_opts *opts;
  const struct mlt_report *report;
  enum mlt_rc rc;
  int exit_status;
  const struct mlt_err *err; /* rc's, when the import failed */
  const struct mlt_import_proof *proof;
};

void mlt_import_print_text(FILE *out, const struct mlt_import_result *r);
struct mlt_json *mlt_import_json(const struct mlt_import_result *r);

#endif
