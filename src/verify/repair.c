#include "verify/repair.h"

#include "base/arena.h"
#include "ledger/ledger.h"
#include "lite/health.h"
#include "lite/ledger.h"
#include "pg/health.h"
#include "pg/ledger.h"
#include "schema/schema.h"

static const enum mlt_finding_id latest[] = {MLT_FINDING_LATEST_MISSING, MLT_FINDING_LATEST_WRONG,
                                             MLT_FINDING_LATEST_UNREADABLE};
static const enum mlt_finding_id stale[] = {MLT_FINDING_RUN_STALE};
static const enum mlt_finding_id sequence[] = {MLT_FINDING_SEQUENCE_BEHIND};

#define MENDS(list) .mends = (list), .n_mends = sizeof(list) / sizeof *(list)
const struct mlt_repair_info mlt_repairs[MLT_REPAIR_COUNT] = {
    [MLT_REPAIR_LATEST] = {.name = "latest-metrics",
                           .check = "latest-metrics",
                           MENDS(latest),
                           .what = "rows of latest_metrics are to be made from their points"},
    [MLT_REPAIR_STALE] = {.name = "stale-runs",
                          .check = "runs",
                          MENDS(stale),
                          .what = "runs are to become KILLED, ended at their last point"},
    [MLT_REPAIR_SEQUENCE] = {.name = "sequence",
                             .check = "sequence",
                             MENDS(sequence),
                             .what = "sequence is to be moved ahead of the ids that are there"},
};
#undef MENDS

uint64_t mlt_repair_found(enum mlt_repair what, const struct mlt_verify_result *r) {
  const struct mlt_repair_info *info = &mlt_repairs[what];
  uint64_t n = 0;
  for (size_t i = 0; i < info->n_mends; i++)
    n += r->by_code[info->mends[i]];
  return n;
}

/* ---- the ledger ---- */

static enum mlt_rc gather_runs(const struct mlt_repaired *did, struct mlt_ledger_batch *b,
                               struct mlt_arena *arena, struct mlt_err *err) {
  struct mlt_ledger_run *runs =
      mlt_arena_alloc(arena, (mlt_map_count(did->runs) + 1) * sizeof *runs);
  struct mlt_str id;
  uint64_t ignored;
  if (!runs)
    return mlt_err_nomem(err);
  for (size_t at = 0; mlt_map_next(did->runs, &at, &id, &ignored);)
    runs[b->n_runs++] = (struct mlt_ledger_run){.id = id};
  b->runs = runs;
  return MLT_OK;
}

static enum mlt_rc add_to_ledger(const struct mlt_ledger_ops *ops, void *db, enum mlt_repair what,
                                 const char *head, const struct mlt_repaired *did,
                                 struct mlt_arena *arena, int64_t *id, struct mlt_err *err) {
  static const enum mlt_table tables[MLT_REPAIR_COUNT] = {MLT_T_LATEST_METRICS, MLT_T_RUNS,
                                                          MLT_T_EXPERIMENTS};
  const struct mlt_ledger_source source = {.source = mlt_repairs[what].name,
                                           .format = MLT_LEDGER_REPAIR,
                                           .options = "{}",
                                           .version = MLT_VERSION};
  struct mlt_ledger_batch b = {0};
  char worker[MLT_WORKER_MAX];
  bool forgotten;
  mlt_worker_name(worker);
  enum mlt_rc rc = ops->add(db, &source, worker, head, id, err);
  b.import_id = *id;
  b.inserted[tables[what]] = did->inserted;
  b.updated[tables[what]] = did->updated;
  if (rc == MLT_OK)
    rc = gather_runs(did, &b, arena, err);
  if (rc == MLT_OK)
    rc = ops->batch(db, &b, err);
  return rc == MLT_OK ? ops->end(db, *id, "done", NULL, &forgotten, err) : rc;
}

/* In the transaction of the repair. A role that may not keep a ledger repairs without. */
static enum mlt_rc note(const struct mlt_ledger_ops *ops, void *db, enum mlt_repair what,
                        const char *head, const struct mlt_repaired *did, struct mlt_arena *arena,
                        struct mlt_repair_outcome *out, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  bool there, made;
  if (out->rows == 0)
    return MLT_OK;
  enum mlt_rc rc = ops->begin(db, MLT_LEDGER_MAKE, &there, &made, &why);
  if (rc == MLT_OK)
    return add_to_ledger(ops, db, what, head, did, arena, &out->import, err);
  out->no_ledger = why;
  if (rc == MLT_NOPERM)
    return MLT_OK;
  *err = why;
  return rc;
}

/* ---- doing it ---- */

/* The schema as a writer wants it. */
static enum mlt_rc look(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                        struct mlt_schema *schema, struct mlt_arena *arena, struct mlt_err *err) {
  struct mlt_differences ignored;
  return mlt_schema_check(cat, kind, schema, &ignored, arena, err);
}

/* What a repair is given, and what it works with. */
struct task {
  enum mlt_repair what;
  const struct mlt_target *target;
  int64_t before_ms;
  struct mlt_arena *arena;
  struct mlt_repaired did;
  struct mlt_repair_outcome *out;
};

static void settle(struct task *t) {
  t->out->rows = t->did.inserted + t->did.updated + t->did.moved;
}

static enum mlt_rc repair_pg(struct task *t, struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  enum mlt_rc rc = mlt_pg_open(&pg, t->target->conninfo, "mltrack-verify/" MLT_VERSION, err);
  if (rc == MLT_OK)
    rc = mlt_pg_catalog(pg, t->arena, &cat, err);
  if (rc == MLT_OK)
    rc = look(&cat, MLT_TARGET_PG, &schema, t->arena, err);
  if (rc == MLT_OK)
    rc = mlt_pg_begin(pg, false, schema.head, schema.features, err);
  if (rc == MLT_OK) {
    rc = mlt_pg_repair(pg, t->what, t->before_ms, &t->did, err);
    settle(t);
    if (rc == MLT_OK)
      rc = note(&mlt_pg_ledger, pg, t->what, schema.head, &t->did, t->arena, t->out, err);
    if (rc == MLT_OK)
      rc = mlt_pg_commit(pg, err);
    else
      mlt_pg_rollback(pg);
  }
  mlt_pg_close(pg);
  return rc;
}

static enum mlt_rc repair_lite(struct task *t, struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  enum mlt_rc rc = mlt_lite_open(&db, t->target->path, MLT_LITE_WRITE, err);
  if (rc == MLT_OK)
    rc = mlt_lite_catalog(db, t->arena, &cat, err);
  if (rc == MLT_OK)
    rc = look(&cat, MLT_TARGET_SQLITE, &schema, t->arena, err);
  if (rc == MLT_OK)
    rc = mlt_lite_begin(db, false, schema.head, schema.features, err);
  if (rc == MLT_OK) {
    rc = mlt_lite_repair(db, t->what, t->before_ms, &t->did, err);
    settle(t);
    if (rc == MLT_OK)
      rc = note(&mlt_lite_ledger, db, t->what, schema.head, &t->did, t->arena, t->out, err);
    if (rc == MLT_OK)
      rc = mlt_lite_commit(db, err);
    else
      mlt_lite_rollback(db);
  }
  mlt_lite_close(db);
  return rc;
}

enum mlt_rc mlt_repair_do(enum mlt_repair what, const struct mlt_verify_opts *o,
                          struct mlt_repair_outcome *out, struct mlt_err *err) {
  struct task t = {.what = what,
                   .target = o->target,
                   .before_ms = o->now_ms - (int64_t)o->stale_seconds * 1000,
                   .arena = mlt_arena_new(),
                   .did = {.runs = mlt_map_new()},
                   .out = out};
  *out = (struct mlt_repair_outcome){.no_ledger = MLT_ERR_INIT};
  enum mlt_rc rc = !t.arena || !t.did.runs            ? mlt_err_nomem(err)
                   : o->target->kind == MLT_TARGET_PG ? repair_pg(&t, err)
                                                      : repair_lite(&t, err);
  mlt_map_free(t.did.runs);
  mlt_arena_free(t.arena);
  return rc;
}
