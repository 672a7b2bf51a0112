/* What a run's rows in one table come to, whatever their order: how many, and the sum of a hash of
   each, modulo 2^64. PostgreSQL computes the same of its rows with functions of its own
   (pg/sum.c), so that two sides are compared without moving a row. Equal sums: the same rows, but
   for a chance of 2^-64. Different ones say nothing yet: compare the rows. */
#ifndef MLT_MODEL_ROW_SUM_H
#define MLT_MODEL_ROW_SUM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "model/row.h"

struct mlt_row_sum {
  uint64_t rows, hash;
};

/* Of a row of params, tags, metrics or latest_metrics, whose run goes without saying. Rows that
   mlt_value_eq holds for the same have the same: 0.0 and -0.0 are. One with a NULL in it, or a
   value of another type, counts as its key alone. */
uint64_t mlt_row_hash(enum mlt_table table, const struct mlt_value *row);

static inline void mlt_row_sum_add(struct mlt_row_sum *s, enum mlt_table table,
                                   const struct mlt_value *row) {
  s->rows++;
  s->hash += mlt_row_hash(table, row);
}

static inline bool mlt_row_sum_eq(struct mlt_row_sum a, struct mlt_row_sum b) {
  return a.rows == b.rows && a.hash == b.hash;
}

/* Receives the sum of a part of the run's rows: parts are to be added up. Runs without rows do not
   come. Anything but MLT_OK ends it with that code. */
typedef enum mlt_rc (*mlt_row_sum_fn)(void *ctx, struct mlt_str run, struct mlt_row_sum part,
                                      struct mlt_err *err);

#endif
