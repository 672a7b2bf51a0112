/* A run's rows as one number. */
#include "model/digest.h"
#include "sink/spilled.h"
#include "sink/writer.h"

static void add_row(void *ctx, enum mlt_table table, const struct mlt_value *row) {
  *(uint64_t *)ctx += mlt_row_digest(table, row);
}

enum mlt_rc mlt_run_digest(const struct mlt_write *a, size_t run, uint64_t *out) {
  *out = 0;
  enum mlt_rc rc = mlt_run_each_row(a, run, add_row, out);
  return rc == MLT_OK && a->b->runs.v[run].spilled ? mlt_spilled_each_row(a, run, add_row, out)
                                                   : rc;
}
