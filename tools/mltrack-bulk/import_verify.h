/* import --verify: the checks of mltrack-verify --quick on the experiments that were imported. */
#ifndef MLT_BULK_IMPORT_VERIFY_H
#define MLT_BULK_IMPORT_VERIFY_H

#include <stdio.h>
#include "base/json.h"
#include "pipeline/import.h"
#include "verify/verify.h"

struct mlt_import_proof {
  struct mlt_verify *verify;
  const struct mlt_verify_result *result; /* NULL: nothing was verified */
  const char **experiments;               /* names, borrowed by verify */
  size_t n_experiments;
};

/* MLT_OK, whatever was found: result tells. Errors as of mlt_verify_open and mlt_verify_run. To be
   closed after an error, too. */
enum mlt_rc mlt_import_verify(struct mlt_import_proof *out, const struct mlt_import_opts *opts,
                              const struct mlt_report *report, struct mlt_err *err) MLT_NODISCARD;
void mlt_import_proof_close(struct mlt_import_proof *p);

/* Was something wrong found? */
bool mlt_import_proof_differs(const struct mlt_import_proof *p);
/* Nothing where nothing was verified. */
void mlt_import_proof_print(FILE *out, const struct mlt_import_proof *p);
void mlt_import_proof_json(struct mlt_json *doc, const struct mlt_import_proof *p);

#endif
