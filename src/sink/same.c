/* Are the rows of runs the same in source and target? Told by sums (model/row_sum.h). */
#include "sink/spilled.h"
#include "sink/writer.h"

struct sums {
  const struct mlt_write *a;
  struct mlt_row_sum *theirs; /* one a run of the batch */
};

static enum mlt_rc take(void *ctx, struct mlt_str run, struct mlt_row_sum part,
                        struct mlt_err *err) {
  const struct sums *s = ctx;
  uint64_t i;
  (void)err;
  if (mlt_map_get(s->a->run_index, run, &i)) {
    s->theirs[i].rows += part.rows;
    s->theirs[i].hash += part.hash;
  }
  return MLT_OK;
}

static void add_row(void *ctx, enum mlt_table table, const struct mlt_value *row) {
  mlt_row_sum_add(ctx, table, row);
}

static enum mlt_rc sum_ours(const struct mlt_write *a, size_t run, enum mlt_table table,
                            struct mlt_row_sum *out) {
  *out = (struct mlt_row_sum){0, 0};
  return table == MLT_T_METRICS && a->b->runs.v[run].spilled
             ? mlt_spilled_each_row(a, run, add_row, out)
             : mlt_run_table_row(a, run, table, add_row, out);
}

struct mlt_range mlt_run_range(const struct mlt_batch_run *r, enum mlt_table table) {
  switch (table) {
  case MLT_T_PARAMS:
    return r->params;
  case MLT_T_TAGS:
    return r->tags;
  case MLT_T_METRICS:
    return r->points;
  default:
    return r->latest;
  }
}

enum mlt_rc mlt_write_same_rows(struct mlt_write *a, enum mlt_table table,
                                const struct mlt_str *ids, size_t n, bool *same) {
  struct sums s = {a, mlt_arena_zalloc(a->out->arena, (a->b->runs.n + 1) * sizeof *s.theirs)};
  if (!s.theirs)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = MLT_OK;
  if (n && a->w->db)
    rc = a->w->ops->sum_rows(a->w->db, table, ids, n, a->w->schema.features, take, &s, a->err);
  for (size_t k = 0; rc == MLT_OK && k < n; k++) {
    uint64_t i;
    struct mlt_row_sum ours;
    if (!mlt_map_get(a->run_index, ids[k], &i) ||
        s.theirs[i].rows != mlt_run_range(&a->b->runs.v[i], table).n)
      continue;
    rc = sum_ours(a, i, table, &ours);
    same[i] = rc == MLT_OK && mlt_row_sum_eq(ours, s.theirs[i]);
  }
  return rc;
}
