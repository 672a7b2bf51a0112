/* Rows of runs that are there already, by the rules in sink.h. The latest metrics go first: whoever
   logs a point of a key has its row of latest_metrics to himself, MLflow too, so that nobody adds
   points beside us afterwards. What MLflow may wait for otherwise comes last. */
#include "sink/spilled.h"
#include "sink/writer.h"

/* The bit of a column in a mask, told from the table's first one. */
#define BIT(table, first, column) (1u << (MLT_C_##table##_##column - MLT_C_##table##_##first))

static const struct mlt_merge merge_latest = {
    .how = MLT_MERGE_LATER,
    .key = BIT(LATEST_METRICS, key, key) | BIT(LATEST_METRICS, key, run_uuid),
    .set = BIT(LATEST_METRICS, key, value) | BIT(LATEST_METRICS, key, timestamp) |
           BIT(LATEST_METRICS, key, step) | BIT(LATEST_METRICS, key, is_nan)};
static const struct mlt_merge merge_points = {.how = MLT_MERGE_ADD};
static const struct mlt_merge merge_params = {
    .how = MLT_MERGE_ADD, .key = BIT(PARAMS, key, key) | BIT(PARAMS, key, run_uuid)};
static const struct mlt_merge merge_tags = {.how = MLT_MERGE_REPLACE,
                                            .key = BIT(TAGS, key, key) | BIT(TAGS, key, run_uuid),
                                            .set = BIT(TAGS, key, value)};

/* Merges the rows of one table. *out: what became of them; *n: how many there were. */
static enum mlt_rc merge_table(struct mlt_write *a, enum mlt_table table, struct mlt_merge merge,
                               struct mlt_merged *out, uint64_t *n) {
  enum mlt_rc rc = mlt_run_rows_of(a, table, MLT_FATE_MERGE, &merge.rows);
  *n = rc == MLT_OK ? merge.rows.n : 0;
  return rc == MLT_OK ? mlt_write_merge(a, &merge, out) : rc;
}

static enum mlt_rc merge_spilled(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < a->b->runs.n && rc == MLT_OK; i++) {
    const struct mlt_batch_run *r = &a->b->runs.v[i];
    struct mlt_merged done;
    if (!r->spilled || a->run_fate[i] != MLT_FATE_MERGE)
      continue;
    rc = mlt_spilled_merge(a, i, &done);
    mlt_write_counts(a, MLT_T_METRICS)->inserted += done.inserted;
    mlt_write_counts(a, MLT_T_METRICS)->present += r->points.n - done.inserted;
  }
  return rc;
}

static enum mlt_rc merge_and_count(struct mlt_write *a, enum mlt_table table,
                                   const struct mlt_merge *merge) {
  struct mlt_merged done = {0};
  uint64_t n, refused = 0;
  enum mlt_rc rc = merge_table(a, table, *merge, &done, &n);
  if (rc == MLT_OK && table == MLT_T_PARAMS && done.inserted < n)
    rc = mlt_write_compare_params(a, &refused);
  struct mlt_counts *c = mlt_write_counts(a, table);
  c->inserted += done.inserted;
  c->updated += done.updated;
  c->rejected += refused;
  c->present += n - done.inserted - done.updated - refused;
  return rc;
}

/* A dry run has set every run against the target instead. */
static enum mlt_rc count_dry(struct mlt_write *a, size_t run) {
  static const enum mlt_table tables[MLT_TALLIES] = {MLT_T_PARAMS, MLT_T_TAGS, MLT_T_METRICS,
                                                     MLT_T_LATEST_METRICS};
  const struct mlt_batch_run *r = &a->b->runs.v[run];
  const bool has_row = mlt_batch_run_has_row(&r->r);
  const size_t n[MLT_TALLIES] = {r->params.n, r->tags.n, r->points.n, r->latest.n};
  for (int t = 0; t < MLT_TALLIES; t++) {
    const struct mlt_tally *y = &a->there[run].tally[t];
    struct mlt_counts *c = mlt_write_counts(a, tables[t]);
    c->present += y->present < n[t] ? y->present : n[t];
    c->updated += y->replaced;
    c->rejected += y->refused;
    uint64_t held = y->present + y->replaced + y->refused;
    c->inserted += held < n[t] ? n[t] - held : 0;
  }
  mlt_write_count(a, MLT_T_RUNS, a->there[run].advanced ? MLT_FATE_MERGE : MLT_FATE_PRESENT,
                  has_row);
  if (!r->spilled || !a->there[run].tally[MLT_T_METRICS - MLT_T_PARAMS].rows)
    return MLT_OK;
  return mlt_write_note(a, MLT_NOTE_CHANGED, MLT_T_RUNS, "dry-run", 1, r->r.run_uuid,
                        "it has more points than memory holds, and a dry run tells them apart by "
                        "their metrics alone: how many are present, the import will tell");
}

/* A run that is added to sets only the columns that it has: what MLflow writes meanwhile into the
   others stays. So there is a statement for each such set. */
static enum mlt_rc merge_run_rows(struct mlt_write *a) {
  static const uint32_t columns[] = {BIT(RUNS, run_uuid, name), BIT(RUNS, run_uuid, status),
                                     BIT(RUNS, run_uuid, end_time)};
  enum { N = sizeof columns / sizeof *columns };
  enum mlt_rc rc = MLT_OK;
  for (unsigned which = 1; rc == MLT_OK && which < 1u << N; which++) {
    struct mlt_merge merge = {.how = MLT_MERGE_UPDATE, .key = BIT(RUNS, run_uuid, run_uuid)};
    struct mlt_merged done = {0};
    for (unsigned c = 0; c < N; c++)
      merge.set |= which >> c & 1 ? columns[c] : 0;
    rc = mlt_run_rows_setting(a, merge.set, &merge.rows);
    if (rc == MLT_OK)
      rc = mlt_write_merge(a, &merge, &done);
    struct mlt_counts *counts = mlt_write_counts(a, MLT_T_RUNS);
    counts->updated += done.updated;
    counts->present += rc == MLT_OK ? merge.rows.n - done.updated : 0;
  }
  return rc;
}

enum mlt_rc mlt_write_merges(struct mlt_write *a) {
  size_t n = 0;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++) {
    if (a->run_fate[i] != MLT_FATE_MERGE)
      continue;
    n++;
    if (a->w->dry_run)
      rc = count_dry(a, i);
  }
  if (n == 0 || a->w->dry_run)
    return rc;
  static const struct {
    enum mlt_table table;
    const struct mlt_merge *merge;
  } steps[] = {{MLT_T_LATEST_METRICS, &merge_latest},
               {MLT_T_METRICS, &merge_points},
               {MLT_T_METRICS, NULL}, /* the spilled ones */
               {MLT_T_PARAMS, &merge_params},
               {MLT_T_TAGS, &merge_tags}};
  for (size_t i = 0; rc == MLT_OK && i < sizeof steps / sizeof *steps; i++)
    rc = steps[i].merge ? merge_and_count(a, steps[i].table, steps[i].merge) : merge_spilled(a);
  return rc == MLT_OK ? merge_run_rows(a) : rc;
}
