/* Rows of new runs, as values in the order of model/columns.def. */
#include "sink/spilled.h"
#include "sink/values.h"
#include "sink/writer.h"

/* Which rows of a batch array go in. */
struct chosen {
  const struct mlt_write *a;
  const uint32_t *index;
};

void mlt_run_values(const struct mlt_write *a, size_t run, struct mlt_value *out) {
  const struct mlt_run *r = &a->b->runs.v[run].r;
  *out++ = mlt_v_text(r->run_uuid);
  *out++ = mlt_v_text(r->name);
  *out++ = mlt_v_text(r->source_type);
  *out++ = mlt_v_text(r->source_name);
  *out++ = mlt_v_text(r->entry_point_name);
  *out++ = mlt_v_text(r->user_id);
  *out++ = r->status ? mlt_v_c(mlt_run_status_name(r->status)) : mlt_v_text(MLT_STR_NULL);
  *out++ = mlt_v_opt(r->start_time);
  *out++ = mlt_v_opt(r->end_time);
  *out++ = mlt_v_opt(r->deleted_time);
  *out++ = mlt_v_text(r->source_version);
  *out++ = mlt_v_text(mlt_lifecycle(r->deleted));
  *out++ = mlt_v_text(a->artifact_uri[run]);
  *out = mlt_v_int(a->there[run].home.id);
}

static enum mlt_rc run_row(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  mlt_run_values(c->a, c->index[i], out);
  return MLT_OK;
}

static void kv_row(const struct mlt_write *a, const struct mlt_batch_kv *kv,
                   struct mlt_value *out) {
  out[0] = mlt_v_text(kv->key);
  out[1] = mlt_v_text(kv->value);
  out[2] = mlt_v_text(a->b->runs.v[kv->owner].r.run_uuid);
}

static enum mlt_rc param_row(const void *ctx, size_t i, struct mlt_value *out,
                             struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  kv_row(c->a, &c->a->b->params.v[c->index[i]], out);
  return MLT_OK;
}

static enum mlt_rc tag_row(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  kv_row(c->a, &c->a->b->tags.v[c->index[i]], out);
  return MLT_OK;
}

static enum mlt_rc metric_row(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch *b = c->a->b;
  size_t at = c->index[i];
  out[0] = mlt_v_text(b->keys.v[b->points.key[at]]);
  out[1] = mlt_v_double(b->points.value[at]);
  out[2] = mlt_v_int(b->points.timestamp[at]);
  out[3] = mlt_v_text(b->runs.v[b->points.run[at]].r.run_uuid);
  out[4] = mlt_v_int(b->points.step[at]);
  out[5] = mlt_v_bool(b->points.is_nan[at]);
  return MLT_OK;
}

static enum mlt_rc latest_row(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct chosen *c = ctx;
  const struct mlt_batch *b = c->a->b;
  size_t at = c->index[i];
  out[0] = mlt_v_text(b->keys.v[b->latest.key[at]]);
  out[1] = mlt_v_double(b->latest.value[at]);
  out[2] = mlt_v_int(b->latest.timestamp[at]);
  out[3] = mlt_v_int(b->latest.step[at]);
  out[4] = mlt_v_bool(b->latest.is_nan[at]);
  out[5] = mlt_v_text(b->runs.v[b->latest.run[at]].r.run_uuid);
  return MLT_OK;
}

/* The batch's rows of one run in one table, as far as they are in memory. */
static struct mlt_range rows_in(const struct mlt_batch *b, size_t run, enum mlt_table table) {
  const struct mlt_batch_run *r = &b->runs.v[run];
  if (table == MLT_T_RUNS)
    return (struct mlt_range){run, 1};
  return table == MLT_T_METRICS && r->spilled ? (struct mlt_range){0, 0} : mlt_run_range(r, table);
}

static const struct run_table {
  enum mlt_table table;
  mlt_row_get_fn get;
} run_tables[] = {{MLT_T_RUNS, run_row},
                  {MLT_T_PARAMS, param_row},
                  {MLT_T_TAGS, tag_row},
                  {MLT_T_METRICS, metric_row},
                  {MLT_T_LATEST_METRICS, latest_row}};
enum { RUN_TABLES = sizeof run_tables / sizeof *run_tables };

enum mlt_rc mlt_run_rows_of(const struct mlt_write *a, enum mlt_table table, enum mlt_fate fate,
                            struct mlt_rows *out) {
  size_t n = 0;
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == fate)
      n += rows_in(a->b, i, table).n;
  uint32_t *index = mlt_arena_alloc(a->out->arena, (n + 1) * sizeof *index);
  struct chosen *ctx = mlt_arena_alloc(a->out->arena, sizeof *ctx);
  if (!index || !ctx)
    return mlt_err_nomem(a->err);
  *ctx = (struct chosen){a, index};
  *out = (struct mlt_rows){.table = table, .n = n, .ctx = ctx};
  for (size_t t = 0; t < RUN_TABLES; t++)
    if (run_tables[t].table == table)
      out->get = run_tables[t].get;
  n = 0;
  for (size_t i = 0; i < a->b->runs.n; i++) {
    struct mlt_range r = rows_in(a->b, i, table);
    for (size_t k = 0; a->run_fate[i] == fate && k < r.n; k++)
      index[n++] = (uint32_t)(r.first + k);
  }
  return MLT_OK;
}

enum mlt_rc mlt_run_table_row(const struct mlt_write *a, size_t run, enum mlt_table table,
                              void (*fn)(void *ctx, enum mlt_table table,
                                         const struct mlt_value *row),
                              void *ctx) {
  enum mlt_rc rc = MLT_OK;
  struct mlt_range rows = rows_in(a->b, run, table);
  size_t t = 0;
  while (run_tables[t].table != table)
    t++;
  for (uint32_t at = (uint32_t)rows.first; rc == MLT_OK && at < rows.first + rows.n; at++) {
    struct mlt_value row[MLT_MAX_COLUMNS];
    rc = run_tables[t].get(&(struct chosen){a, &at}, 0, row, a->err);
    if (rc == MLT_OK)
      fn(ctx, table, row);
  }
  return rc;
}

enum mlt_rc mlt_run_each_row(const struct mlt_write *a, size_t run,
                             void (*fn)(void *ctx, enum mlt_table table,
                                        const struct mlt_value *row),
                             void *ctx) {
  enum mlt_rc rc = MLT_OK;
  for (size_t t = 0; rc == MLT_OK && t < RUN_TABLES; t++)
    rc = mlt_run_table_row(a, run, run_tables[t].table, fn, ctx);
  return rc;
}

enum mlt_rc mlt_run_rows_setting(const struct mlt_write *a, uint32_t set, struct mlt_rows *out) {
  uint32_t *index = mlt_arena_alloc(a->out->arena, (a->b->runs.n + 1) * sizeof *index);
  struct chosen *ctx = mlt_arena_alloc(a->out->arena, sizeof *ctx);
  if (!index || !ctx)
    return mlt_err_nomem(a->err);
  *ctx = (struct chosen){a, index};
  *out = (struct mlt_rows){.table = MLT_T_RUNS, .get = run_row, .ctx = ctx};
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_MERGE && a->there[i].set == set)
      index[out->n++] = (uint32_t)i;
  return MLT_OK;
}

enum mlt_rc mlt_write_new_runs(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t t = 0; rc == MLT_OK && t < RUN_TABLES; t++) {
    struct mlt_rows rows;
    rc = mlt_run_rows_of(a, run_tables[t].table, MLT_FATE_NEW, &rows);
    if (rc == MLT_OK)
      rc = mlt_write_insert(a, &rows);
  }
  return rc == MLT_OK ? mlt_spilled_insert(a) : rc;
}
