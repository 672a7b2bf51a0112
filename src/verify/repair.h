/* Making right what can be: not part of verifying, and never done by it. One transaction, by the
   rules MLflow writes by; the ledger gets an entry of its own in it. */
#ifndef MLT_VERIFY_REPAIR_H
#define MLT_VERIFY_REPAIR_H

#include "schema/repairs.h"
#include "verify/verify.h"

struct mlt_repair_info {
  const char *name;  /* "latest-metrics" */
  const char *check; /* the one that finds what it mends */
  const enum mlt_finding_id *mends;
  size_t n_mends;
  const char *what; /* "rows of latest_metrics are made anew from the points" */
};

extern const struct mlt_repair_info mlt_repairs[MLT_REPAIR_COUNT];

/* How many of the findings it mends. */
uint64_t mlt_repair_found(enum mlt_repair what, const struct mlt_verify_result *r);

struct mlt_repair_outcome {
  uint64_t rows;            /* that were written */
  int64_t import;           /* its id in the ledger; 0: none */
  struct mlt_err no_ledger; /* rc MLT_NOPERM: why it is not in the ledger, and how to mend that */
};

/* Does it; of the options, target, now_ms and stale_seconds count. MLT_SCHEMA: mltrack would not
   write to this database at all, or a newer one made the ledger. Else as pg/store.h and
   lite/store.h have it; after an error nothing was written. */
enum mlt_rc mlt_repair_do(enum mlt_repair what, const struct mlt_verify_opts *opts,
                          struct mlt_repair_outcome *out, struct mlt_err *err) MLT_NODISCARD;

#endif
