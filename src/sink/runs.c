/* Which runs of a batch are new, there already, or cannot be written. */
#include "sink/prove.h"
#include "sink/values.h"

#include <stdio.h>

#include "base/mem.h"
#include "model/rules.h"

/* All rows of a run share its fate; those of inputs are counted by edges.c. */
static void count_run(struct mlt_write *a, const struct mlt_batch_run *r, enum mlt_fate fate) {
  mlt_write_count(a, MLT_T_RUNS, fate, mlt_batch_run_has_row(&r->r));
  mlt_write_count(a, MLT_T_PARAMS, fate, r->params.n);
  mlt_write_count(a, MLT_T_TAGS, fate, r->tags.n);
  mlt_write_count(a, MLT_T_METRICS, fate, r->points.n);
  mlt_write_count(a, MLT_T_LATEST_METRICS, fate, r->latest.n);
}

uint64_t mlt_run_rows(const struct mlt_batch *b, const struct mlt_batch_run *r) {
  uint64_t n = mlt_batch_run_has_row(&r->r) + r->params.n + r->tags.n + r->points.n + r->latest.n +
               r->edges.n;
  for (size_t i = 0; i < r->edges.n; i++) {
    const struct mlt_batch_edge *e = &b->edges.v[r->edges.first + i];
    n += e->tags.n + (e->made != NULL);
  }
  return n;
}

static enum mlt_rc reject_run(struct mlt_write *a, size_t i, enum mlt_note_kind kind,
                              const char *code, const char *why) {
  const struct mlt_batch_run *r = &a->b->runs.v[i];
  a->run_fate[i] = kind == MLT_NOTE_CONFLICT ? MLT_FATE_CONFLICT : MLT_FATE_REJECTED;
  enum mlt_rc rc =
      mlt_write_note(a, kind, MLT_T_RUNS, code, mlt_run_rows(a->b, r), r->r.run_uuid, "%s", why);
  return rc == MLT_OK ? mlt_write_note_place(a, i, r->place_line, MLT_STR_NULL) : rc;
}

/* MLflow could make no run there either: the column is shorter than that of experiments. */
static enum mlt_rc check_place(struct mlt_write *a, size_t run,
                               const struct mlt_known_experiment *e) {
  char why[200];
  uint32_t limit = a->w->schema.limits.chars[MLT_C_RUNS_artifact_uri];
  size_t length = mlt_utf8_length(a->artifact_uri[run]);
  if (!limit || length <= limit)
    return MLT_OK;
  (void)snprintf(why, sizeof why,
                 "its artifact_uri would have %zu characters below its experiment's location of "
                 "%zu; the column runs.artifact_uri holds %u",
                 length, mlt_utf8_length(e->location), limit);
  return reject_run(a, run, MLT_NOTE_REJECT, "too-long", why);
}

/* The source's, or where the source does not say what MLflow makes of the experiment's location: of
   a run that is begun as its create_run does. */
static enum mlt_rc place_run(struct mlt_write *a, size_t run,
                             const struct mlt_known_experiment *e) {
  const struct mlt_run *r = &a->b->runs.v[run].r;
  a->artifact_uri[run] = r->artifact_uri;
  if (r->artifact_uri.p || !e->location.p || !(e->placed || r->part == MLT_RUN_BEGUN))
    return MLT_OK;
  size_t n = mlt_rule_artifact_uri(NULL, 0, e->location, r->run_uuid);
  char *uri = mlt_arena_alloc(a->out->arena, n + 1);
  if (!uri)
    return mlt_err_nomem(a->err);
  (void)mlt_rule_artifact_uri(uri, n + 1, e->location, r->run_uuid);
  a->artifact_uri[run] = (struct mlt_str){uri, n};
  return check_place(a, run, e);
}

/* Would an earlier batch of the dry run have made it? Of those nothing else tells. */
static const struct mlt_known_experiment *made_before(const struct mlt_write *a,
                                                      struct mlt_str run_uuid) {
  uint64_t at;
  bool found = a->w->dry_runs && mlt_map_get(a->w->dry_runs, run_uuid, &at);
  return found ? (const struct mlt_known_experiment *)(uintptr_t)at : NULL;
}

/* One that is added to, and that an earlier batch of the dry run would have made. */
static void merge_made_before(struct mlt_write *a, size_t i,
                              const struct mlt_known_experiment *home) {
  a->run_fate[i] = MLT_FATE_MERGE;
  a->there[i].home = (struct mlt_home){home->pub.id, home->pub.key};
  a->there[i].advanced = true;
}

/* A dry run keeps nothing of a run's parts in earlier batches. */
static enum mlt_rc note_parts(struct mlt_write *a, const struct mlt_run *r) {
  uint64_t at;
  if (!a->w->dry_runs || a->w->prove || !mlt_map_get(a->w->dry_runs, r->run_uuid, &at))
    return MLT_OK;
  return mlt_write_note(a, MLT_NOTE_CHANGED, MLT_T_RUNS, "dry-run", 1, r->run_uuid,
                        "it comes in several parts, and a dry run sets each against the target "
                        "alone: what counts as inserted, the import may find present");
}

/* One run of those that cannot go in whatever the target holds; else what is to be known of it. */
static enum mlt_rc look_ahead(struct mlt_write *a, size_t i) {
  const struct mlt_run *r = &a->b->runs.v[i].r;
  const struct mlt_known_experiment *e = mlt_write_experiment(a, r->experiment);
  uint64_t at;
  if (r->part != MLT_RUN_MORE && !mlt_write_home(a, r->experiment, &a->there[i].home))
    return reject_run(a, i, MLT_NOTE_REJECT, "experiment-rejected",
                      "its experiment was not imported");
  int added = mlt_map_intern(a->run_index, r->run_uuid, i, &at);
  if (added < 0)
    return mlt_err_nomem(a->err);
  const struct mlt_known_experiment *before = made_before(a, r->run_uuid);
  if (!added || (before && r->part == MLT_RUN_WHOLE))
    return reject_run(a, i, MLT_NOTE_CONFLICT, "run-duplicate",
                      "the source holds this run id twice");
  if (before && a->w->prove)
    a->run_fate[i] = MLT_FATE_REJECTED; /* missing, as was told then */
  else if (before)
    merge_made_before(a, i, before);
  enum mlt_rc rc = r->part == MLT_RUN_WHOLE ? MLT_OK : note_parts(a, r);
  return rc != MLT_OK || r->part == MLT_RUN_MORE ? rc : place_run(a, i, e);
}

static enum mlt_rc first_pass(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++)
    rc = look_ahead(a, i);
  return rc;
}

enum mlt_rc mlt_write_run_conflict(struct mlt_write *a, size_t run, const char *what) {
  const struct mlt_batch_run *r = &a->b->runs.v[run];
  if (a->run_fate[run] == MLT_FATE_CONFLICT)
    return MLT_OK;
  a->run_fate[run] = MLT_FATE_CONFLICT;
  return mlt_write_note(
      a, MLT_NOTE_CONFLICT, MLT_T_RUNS, "run-conflict", mlt_run_rows(a->b, r), r->r.run_uuid,
      "the target holds this run with other data: %s%s", what,
      a->w->load == MLT_LOAD_AUTO ? " (--load merge adds the source's rows where it may)" : "");
}

/* ---- runs that are there ---- */

enum { RUN_COLUMNS = MLT_C_RUNS_experiment_id - MLT_C_RUNS_run_uuid + 1 };
#define RUN_COLUMN(column) ((unsigned)(MLT_C_RUNS_##column - MLT_C_RUNS_run_uuid))
#define RUN_BIT(column) (1u << RUN_COLUMN(column))

/* One run, as it is in the source and in the target. */
struct pair {
  size_t run;
  struct mlt_value ours[MLT_MAX_COLUMNS];
  const struct mlt_value *theirs;
  uint32_t differs; /* a bit for each column */
};

static const char *run_column(unsigned i) {
  return mlt_column_info((enum mlt_column)(MLT_C_RUNS_run_uuid + i))->name;
}

static enum mlt_rc row_conflict(struct mlt_write *a, const struct pair *p, unsigned column) {
  char what[1024], mine[256], theirs[256];
  (void)snprintf(what, sizeof what, "runs.%s is %s there, %s in the source", run_column(column),
                 mlt_value_show(&p->theirs[column], theirs, sizeof theirs),
                 mlt_value_show(&p->ours[column], mine, sizeof mine));
  return mlt_write_run_conflict(a, p->run, what);
}

/* What the target keeps though the source says otherwise. */
static enum mlt_rc note_kept(struct mlt_write *a, const struct pair *p, uint32_t kept) {
  char names[256] = "";
  size_t n = 0;
  for (unsigned i = 0; i < RUN_COLUMNS && n < sizeof names; i++)
    if (kept >> i & 1)
      n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", run_column(i));
  return kept ? mlt_write_note(
                    a, MLT_NOTE_CHANGED, MLT_T_RUNS, "kept", 1, a->b->runs.v[p->run].r.run_uuid,
                    "the target keeps its own value where the source has another: %s", names)
              : MLT_OK;
}

/* The columns that a merge takes from the source. */
static uint32_t taken_from(const struct mlt_run *r) {
  if (r->part == MLT_RUN_WHOLE)
    return RUN_BIT(name) | RUN_BIT(status) | RUN_BIT(end_time);
  return (r->name.p ? RUN_BIT(name) : 0) | (r->status ? RUN_BIT(status) : 0) |
         (r->end_time.has ? RUN_BIT(end_time) : 0);
}

/* Those that say something of a run that is added to: all but what is only set where present. */
static uint32_t said_by(const struct mlt_run *r) {
  static const uint32_t optional = RUN_BIT(name) | RUN_BIT(status) | RUN_BIT(end_time);
  if (r->part == MLT_RUN_MORE)
    return taken_from(r);
  return r->part == MLT_RUN_WHOLE ? UINT32_MAX : ~optional | taken_from(r);
}

/* --load merge, and runs that are added to */
static enum mlt_rc merge_run(struct mlt_write *a, const struct pair *p) {
  uint32_t taken = taken_from(&a->b->runs.v[p->run].r);
  if (p->differs & RUN_BIT(experiment_id))
    return row_conflict(a, p, RUN_COLUMN(experiment_id));
  if (mlt_str_is(p->theirs[RUN_COLUMN(lifecycle_stage)].s, "deleted") &&
      !a->b->runs.v[p->run].r.deleted)
    return reject_run(
        a, p->run, MLT_NOTE_CONFLICT, "run-deleted",
        "the target holds this run as deleted: restore it (`mlflow runs restore`), or "
        "remove it for good (`mlflow gc`), then import again");
  a->run_fate[p->run] = MLT_FATE_MERGE;
  a->there[p->run].advanced = (p->differs & taken) != 0;
  a->there[p->run].set = taken;
  return note_kept(a, p, p->differs & ~taken);
}

static int progress_of(struct mlt_str status) {
  if (mlt_str_is(status, "SCHEDULED"))
    return 0;
  return mlt_str_is(status, "RUNNING") ? 1 : 2;
}

/* Does the row differ only as that of a run does that went on? A log of bare metrics never says
   that it has ended: its run ends with what is there, and later when there is more. */
static bool went_on(const struct mlt_write *a, const struct pair *p) {
  static const uint32_t may = RUN_BIT(status) | RUN_BIT(end_time);
  const struct mlt_run *r = &a->b->runs.v[p->run].r;
  const struct mlt_value *ended = &p->theirs[RUN_COLUMN(end_time)];
  if (p->differs & ~may)
    return false;
  if (p->differs & RUN_BIT(status))
    return progress_of(p->ours[RUN_COLUMN(status)].s) >
           progress_of(p->theirs[RUN_COLUMN(status)].s);
  return mlt_write_experiment(a, r->experiment)->placed && ended->kind == MLT_V_INT &&
         r->end_time.has && r->end_time.v > ended->i;
}

/* PRESENT until its rows are compared, too. */
static enum mlt_rc compare_run(struct mlt_write *a, const struct pair *p) {
  a->run_fate[p->run] = MLT_FATE_PRESENT;
  if (!p->differs)
    return MLT_OK;
  if (a->w->load == MLT_LOAD_AUTO && went_on(a, p)) {
    a->there[p->run].advanced = a->there[p->run].grown = true;
    return MLT_OK;
  }
  unsigned column = 0;
  while (!(p->differs >> column & 1))
    column++;
  return row_conflict(a, p, column);
}

static enum mlt_rc found_run(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct mlt_write *a = ctx;
  uint64_t i;
  if (!mlt_map_get(a->run_index, row[0].s, &i))
    return MLT_OK;
  const struct mlt_run *r = &a->b->runs.v[i].r;
  struct pair p = {.run = i, .theirs = row};
  mlt_run_values(a, i, p.ours);
  for (unsigned c = 0; c < RUN_COLUMNS; c++)
    if (said_by(r) >> c & 1 && !mlt_value_eq(&p.ours[c], &row[c]))
      p.differs |= 1u << c;
  if (r->part == MLT_RUN_MORE)
    a->there[i].home.id = row[RUN_COLUMN(experiment_id)].i;
  if (a->w->prove) {
    a->run_fate[i] = MLT_FATE_PRESENT;
    return mlt_prove_run_row(a, i, p.differs, p.ours, p.theirs);
  }
  return a->w->load == MLT_LOAD_MERGE || r->part != MLT_RUN_WHOLE ? merge_run(a, &p)
                                                                  : compare_run(a, &p);
}

static enum mlt_rc look_up(struct mlt_write *a) {
  size_t n = 0;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, (a->b->runs.n + 1) * sizeof *ids);
  uint64_t at;
  if (!ids)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; a->looked && i < a->n_existing; i++)
    if (mlt_map_get(a->run_index, a->existing[i], &at) && a->run_fate[at] == MLT_FATE_NEW)
      ids[n++] = a->existing[i];
  for (size_t i = 0; !a->looked && i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_NEW)
      ids[n++] = a->b->runs.v[i].r.run_uuid;
  struct mlt_where where = {.by = MLT_C_RUNS_run_uuid, .keys = ids, .n_keys = n};
  return n ? mlt_write_select(a, MLT_T_RUNS, &where, found_run, a) : MLT_OK;
}

/* Runs of which there is only more, and that were not found. */
static enum mlt_rc reject_missing(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  if (a->w->prove)
    return MLT_OK; /* it is missing as any other */
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++) {
    const struct mlt_run *r = &a->b->runs.v[i].r;
    char why[512];
    if (a->run_fate[i] != MLT_FATE_NEW || r->part != MLT_RUN_MORE)
      continue;
    (void)snprintf(why, sizeof why, "the target has no run %.*s, and nothing before has made it",
                   MLT_STR_ARG(r->run_uuid));
    rc = reject_run(a, i, MLT_NOTE_REJECT, "no-such-run", why);
  }
  return rc;
}

/* ---- locks ---- */

struct existing {
  struct mlt_write *a;
  struct mlt_str *ids;
};

static enum mlt_rc note_existing(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct existing *e = ctx;
  return mlt_arena_str(e->a->out->arena, row[0].s, &e->ids[e->a->n_existing++]) == 0
             ? MLT_OK
             : mlt_err_nomem(err);
}

/* Each run id of the batch once. */
static struct mlt_str *distinct_ids(struct mlt_write *a, size_t *n) {
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *ids);
  struct mlt_map *seen = mlt_map_new();
  *n = 0;
  for (size_t i = 0; ids && seen && i < a->b->runs.n; i++) {
    int added = mlt_map_put(seen, a->b->runs.v[i].r.run_uuid, 1);
    if (added < 0)
      ids = NULL;
    else if (added)
      ids[(*n)++] = a->b->runs.v[i].r.run_uuid;
  }
  mlt_map_free(seen);
  return seen ? ids : NULL;
}

enum mlt_rc mlt_write_lock_runs(struct mlt_write *a) {
  enum mlt_load load = a->w->load;
  bool may_merge = load == MLT_LOAD_AUTO || load == MLT_LOAD_MERGE || a->b->adds;
  if (a->b->runs.n == 0 || a->w->dry_run || !may_merge)
    return MLT_OK;
  size_t n;
  struct mlt_str *ids = distinct_ids(a, &n);
  struct existing e = {a, mlt_arena_alloc(a->out->arena, a->b->runs.n * sizeof *e.ids)};
  if (!ids || !e.ids)
    return mlt_err_nomem(a->err);
  struct mlt_where where = {.by = MLT_C_RUNS_run_uuid, .keys = ids, .n_keys = n};
  enum mlt_rc rc = mlt_write_select(a, MLT_T_RUNS, &where, note_existing, &e);
  a->existing = e.ids;
  a->looked = true;
  return rc == MLT_OK && a->n_existing
             ? a->w->ops->lock_runs(a->w->db, e.ids, a->n_existing, a->err)
             : rc;
}

/* ---- all runs of a batch ---- */

enum mlt_rc mlt_write_classify_runs(struct mlt_write *a) {
  if (a->b->runs.n == 0)
    return MLT_OK;
  enum mlt_rc rc = first_pass(a);
  if (rc == MLT_OK)
    rc = look_up(a);
  if (rc == MLT_OK)
    rc = reject_missing(a);
  if (rc == MLT_OK)
    rc = mlt_write_known_runs(a);
  if (rc == MLT_OK)
    rc = a->w->prove ? mlt_prove_runs(a) : mlt_write_compare_runs(a);
  if (rc == MLT_OK)
    rc = mlt_write_compare_edges(a);
  for (size_t i = 0; rc == MLT_OK && i < a->b->runs.n; i++) {
    if (a->run_fate[i] == MLT_FATE_PRESENT && a->there[i].grown) {
      a->run_fate[i] = MLT_FATE_MERGE;
      a->there[i].set = taken_from(&a->b->runs.v[i].r);
    }
    if (a->run_fate[i] != MLT_FATE_MERGE) /* those are counted when they are merged */
      count_run(a, &a->b->runs.v[i], a->run_fate[i]);
  }
  return rc;
}
