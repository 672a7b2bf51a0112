/* Which runs differ, and where; their rows are gone through in prove_rows.c. */
#include "sink/prove.h"

#include <stdarg.h>
#include <stdio.h>

#include "model/rules.h"
#include "sink/values.h"

enum { SHOWN_MAX = 256, URI_MAX = 8192 };

enum mlt_rc mlt_prove_tell(struct mlt_write *a, const char *code, enum mlt_table table,
                           struct mlt_str id, struct mlt_str field, const char *fmt, ...) {
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  enum mlt_rc rc = mlt_write_note(a, MLT_NOTE_DIFFERS, table, code, 1, id, "%s", text);
  if (rc == MLT_OK &&
      mlt_arena_str(a->out->arena, field, &a->out->notes.v[a->out->notes.n - 1].place.field) != 0)
    rc = mlt_err_nomem(a->err);
  return rc;
}

enum mlt_rc mlt_prove_tell_value(struct mlt_write *a, const char *code, enum mlt_table table,
                                 struct mlt_str id, struct mlt_str field,
                                 const struct mlt_value *theirs, const struct mlt_value *ours) {
  char there[SHOWN_MAX], mine[SHOWN_MAX];
  return mlt_prove_tell(a, code, table, id, field, "is %s, %s in the source",
                        mlt_value_show(theirs, there, sizeof there),
                        mlt_value_show(ours, mine, sizeof mine));
}

/* ---- rows of runs ---- */

enum { ARTIFACT_URI = MLT_C_RUNS_artifact_uri - MLT_C_RUNS_run_uuid };

/* Is it what MLflow makes of the experiment's location in the target? */
static bool is_placed(const struct mlt_write *a, size_t run, const struct mlt_value *uri) {
  char text[URI_MAX];
  const struct mlt_run *r = &a->b->runs.v[run].r;
  const struct mlt_known_experiment *e = mlt_write_experiment(a, r->experiment);
  if (!e || !e->location.p || uri->kind != MLT_V_TEXT)
    return false;
  size_t n = mlt_rule_artifact_uri(text, sizeof text, e->location, r->run_uuid);
  return n < sizeof text && mlt_str_eq(uri->s, (struct mlt_str){text, n});
}

bool mlt_prove_is_placed(const struct mlt_write *a, const struct mlt_value *location) {
  return location->kind == MLT_V_TEXT && mlt_known_has_location(a->w->known, location->s);
}

/* What a later line of the source may have set. */
static bool may_change(unsigned column) {
  return column == MLT_C_RUNS_name - MLT_C_RUNS_run_uuid ||
         column == MLT_C_RUNS_status - MLT_C_RUNS_run_uuid ||
         column == MLT_C_RUNS_end_time - MLT_C_RUNS_run_uuid;
}

enum mlt_rc mlt_prove_run_row(struct mlt_write *a, size_t run, uint32_t differs,
                              const struct mlt_value *ours, const struct mlt_value *theirs) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned c = 0; rc == MLT_OK && differs >> c; c++) {
    const char *code = "row-differs";
    if (!(differs >> c & 1))
      continue;
    if (c == ARTIFACT_URI && is_placed(a, run, &theirs[c]))
      code = "place-differs";
    else if (mlt_prove_one_way(a, run) && may_change(c))
      code = "row-superseded";
    const char *name = mlt_column_info(MLT_C_RUNS_run_uuid + (enum mlt_column)c)->name;
    rc = mlt_prove_tell_value(a, code, MLT_T_RUNS, a->b->runs.v[run].r.run_uuid, mlt_str_c(name),
                              &theirs[c], &ours[c]);
  }
  return rc;
}

/* ---- runs ---- */

static enum mlt_rc tell_missing(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++) {
    const struct mlt_batch_run *r = &a->b->runs.v[i];
    if (a->run_fate[i] == MLT_FATE_NEW)
      rc = mlt_prove_tell(a, "run-missing", MLT_T_RUNS, r->r.run_uuid, MLT_STR_NULL,
                          "the source has this run, with %ju rows; the database has not",
                          (uintmax_t)mlt_run_rows(a->b, r));
  }
  return rc;
}

/* Runs that are added to are gone through: their sums say nothing. */
static enum mlt_rc prove_table(struct mlt_write *a, enum mlt_table table, struct mlt_str *ids) {
  size_t n = 0;
  bool *same = mlt_arena_zalloc(a->out->arena, a->b->runs.n * sizeof *same);
  if (!same)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_PRESENT && !mlt_prove_one_way(a, i))
      ids[n++] = a->b->runs.v[i].r.run_uuid;
  enum mlt_rc rc = mlt_write_same_rows(a, table, ids, n, same);
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_PRESENT && !same[i])
      rc = mlt_prove_rows(a, i, table);
  return rc;
}

enum mlt_rc mlt_prove_runs(struct mlt_write *a) {
  static const enum mlt_table tables[] = {MLT_T_PARAMS, MLT_T_TAGS, MLT_T_METRICS,
                                          MLT_T_LATEST_METRICS};
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  enum mlt_rc rc = ids ? tell_missing(a) : mlt_err_nomem(a->err);
  for (size_t t = 0; rc == MLT_OK && t < sizeof tables / sizeof *tables; t++)
    rc = prove_table(a, tables[t], ids);
  return rc;
}
