/* Sums of a run's rows (model/row_sum.h). The engine is in this process: its rows need no way to
   us. */
#include <string.h>

#include "lite/store.h"

struct summing {
  enum mlt_table table;
  unsigned run; /* the column of run_uuid */
  struct mlt_row_sum sum;
  char id[64]; /* of the rows summed up so far, which come one after another in most plans */
  size_t id_len;
  mlt_row_sum_fn fn;
  void *ctx;
};

static enum mlt_rc flush(struct summing *s, struct mlt_err *err) {
  struct mlt_row_sum sum = s->sum;
  s->sum = (struct mlt_row_sum){0, 0};
  return sum.rows ? s->fn(s->ctx, (struct mlt_str){s->id, s->id_len}, sum, err) : MLT_OK;
}

static enum mlt_rc add(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct summing *s = ctx;
  struct mlt_str run = row[s->run].s;
  if (mlt_str_eq(run, (struct mlt_str){s->id, s->id_len})) {
    mlt_row_sum_add(&s->sum, s->table, row);
    return MLT_OK;
  }
  enum mlt_rc rc = flush(s, err);
  if (rc != MLT_OK)
    return rc;
  if (run.len > sizeof s->id) /* longer than MLflow's ids are: given at once */
    return s->fn(s->ctx, run, (struct mlt_row_sum){1, mlt_row_hash(s->table, row)}, err);
  memcpy(s->id, run.p, run.len);
  s->id_len = run.len;
  mlt_row_sum_add(&s->sum, s->table, row);
  return MLT_OK;
}

enum mlt_rc mlt_lite_sum_rows(struct mlt_lite *db, enum mlt_table table, const struct mlt_str *runs,
                              size_t n, uint32_t features, mlt_row_sum_fn fn, void *ctx,
                              struct mlt_err *err) {
  unsigned count;
  enum mlt_column by = mlt_table_run_column(table);
  struct summing s = {
      .table = table, .run = by - mlt_table_columns(table, &count), .fn = fn, .ctx = ctx};
  struct mlt_where where = {.by = by, .keys = runs, .n_keys = n};
  enum mlt_rc rc = mlt_lite_select(db, table, &where, features, add, &s, err);
  return rc == MLT_OK ? flush(&s, err) : rc;
}
