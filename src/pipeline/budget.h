/* One figure for the memory of an import, divided over those who take it. */
#ifndef MLT_PIPELINE_BUDGET_H
#define MLT_PIPELINE_BUDGET_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/uri.h"

#define MLT_MEMORY_DEFAULT ((uint64_t)128 << 20)

struct mlt_budget {
  size_t batch; /* limit of a batch: beyond it points of the open run are spilled */
  size_t full;  /* a batch of so many bytes is flushed before the next run: so that every run has
                   the other half */
  size_t cache; /* of the database's library */
};

/* What an import into this kind of target may take when `batches` are filled and written at the
   same time; total 0 = MLT_MEMORY_DEFAULT. MLT_USAGE says the least if it is too little. */
enum mlt_rc mlt_budget_divide(struct mlt_budget *out, uint64_t total, enum mlt_target_kind kind,
                              unsigned batches, struct mlt_err *err) MLT_NODISCARD;

#endif
