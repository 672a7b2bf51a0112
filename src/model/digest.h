/* Rows as numbers, to be summed up over the rows of a run, so that their order does not matter: the
   ledger keeps the sum of every run that an import has created. Numbers are kept for years, so what
   is computed here never changes. Not for secrets. Thread-safe. */
#ifndef MLT_MODEL_DIGEST_H
#define MLT_MODEL_DIGEST_H

#include <stdint.h>

#include "model/row.h"

/* row: as model/row.h has it. Whose a param, tag, metric or latest metric is goes without saying.
   Both zeros are one value, as for the databases. */
uint64_t mlt_row_digest(enum mlt_table table, const struct mlt_value *row);

#endif
