/* Which runs of a batch are new, there already, or cannot be written. */
#include "sink/values.h"
#include "sink/writer.h"

#include "base/mem.h"

/* All rows of a run share its fate; those of inputs are counted by edges.c. */
static void count_run(struct mlt_write *a, const struct mlt_batch_run *r, enum mlt_fate fate) {
  mlt_write_count(a, MLT_T_RUNS, fate, 1);
  mlt_write_count(a, MLT_T_PARAMS, fate, r->params.n);
  mlt_write_count(a, MLT_T_TAGS, fate, r->tags.n);
  mlt_write_count(a, MLT_T_METRICS, fate, r->points.n);
  mlt_write_count(a, MLT_T_LATEST_METRICS, fate, r->latest.n);
}

uint64_t mlt_run_rows(const struct mlt_batch *b, const struct mlt_batch_run *r) {
  uint64_t n = 1 + r->params.n + r->tags.n + r->points.n + r->latest.n + r->edges.n;
  for (size_t i = 0; i < r->edges.n; i++)
    n += b->edges.v[r->edges.first + i].tags.n;
  return n;
}

static enum mlt_rc reject_run(struct mlt_write *a, size_t i, enum mlt_note_kind kind,
                              const char *code, const char *why) {
  const struct mlt_batch_run *r = &a->b->runs.v[i];
  a->run_fate[i] = kind == MLT_NOTE_CONFLICT ? MLT_FATE_CONFLICT : MLT_FATE_REJECTED;
  return mlt_write_note(a, kind, MLT_T_RUNS, code, mlt_run_rows(a->b, r), r->r.run_uuid, "%s", why);
}

/* Runs that cannot go in whatever the target holds. */
static enum mlt_rc first_pass(struct mlt_write *a) {
  for (size_t i = 0; i < a->b->runs.n; i++) {
    const struct mlt_run *r = &a->b->runs.v[i].r;
    const struct mlt_known_experiment *e = mlt_write_experiment(a, r->experiment);
    enum mlt_rc rc = MLT_OK;
    uint64_t first;
    if (!e || e->rejected) {
      rc = reject_run(a, i, MLT_NOTE_REJECT, "experiment-rejected",
                      "its experiment was not imported");
    } else {
      int added = mlt_map_intern(a->run_index, r->run_uuid, i, &first);
      if (added < 0)
        return mlt_err_nomem(a->err);
      if (added == 0)
        rc = reject_run(a, i, MLT_NOTE_CONFLICT, "run-duplicate",
                        "the source holds this run id twice");
    }
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

/* The run is in the target: PRESENT for now; a differing column of its own row makes it a CONFLICT
 * at once. */
static enum mlt_rc found_run(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct mlt_write *a = ctx;
  uint64_t i;
  if (!mlt_map_get(a->run_index, row[0].s, &i))
    return MLT_OK;
  struct mlt_value ours[MLT_MAX_COLUMNS];
  mlt_run_values(a, &a->b->runs.v[i].r, ours);
  int c = mlt_row_difference(MLT_T_RUNS, ours, row, 0);
  a->run_fate[i] = MLT_FATE_PRESENT;
  if (c < 0)
    return MLT_OK;
  char mine[256], theirs[256];
  a->run_fate[i] = MLT_FATE_CONFLICT;
  return mlt_write_note(
      a, MLT_NOTE_CONFLICT, MLT_T_RUNS, "run-conflict", mlt_run_rows(a->b, &a->b->runs.v[i]),
      row[0].s, "the target holds this run with other data: runs.%s is %s there, %s in the source",
      mlt_column_info(MLT_C_RUNS_run_uuid + (enum mlt_column)c)->name,
      mlt_value_show(&row[c], theirs, sizeof theirs), mlt_value_show(&ours[c], mine, sizeof mine));
}

static enum mlt_rc look_up(struct mlt_write *a) {
  size_t n = 0;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  if (!ids)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_NEW)
      ids[n++] = a->b->runs.v[i].r.run_uuid;
  struct mlt_where where = {.by = MLT_C_RUNS_run_uuid, .keys = ids, .n_keys = n};
  return n ? mlt_write_select(a, MLT_T_RUNS, &where, found_run, a) : MLT_OK;
}

enum mlt_rc mlt_write_classify_runs(struct mlt_write *a) {
  if (a->b->runs.n == 0)
    return MLT_OK;
  enum mlt_rc rc = first_pass(a);
  if (rc == MLT_OK)
    rc = look_up(a);
  if (rc == MLT_OK)
    rc = mlt_write_compare_runs(a);
  if (rc == MLT_OK)
    rc = mlt_write_compare_edges(a);
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    count_run(a, &a->b->runs.v[i], a->run_fate[i]);
  return rc;
}
