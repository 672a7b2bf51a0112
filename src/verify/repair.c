#include "verify/repair.h"

#include "base/arena.h"
#include "lite/health.h"
#include "pg/health.h"
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

/* The schema as a writer wants it. */
static enum mlt_rc look(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                        struct mlt_schema *schema, struct mlt_arena *arena, struct mlt_err *err) {
  struct mlt_differences ignored;
  return mlt_schema_check(cat, kind, schema, &ignored, arena, err);
}

static enum mlt_rc repair_pg(enum mlt_repair what, const struct mlt_verify_opts *o,
                             int64_t before_ms, struct mlt_arena *arena, uint64_t *rows,
                             struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  enum mlt_rc rc = mlt_pg_open(&pg, o->target->conninfo, "mltrack-verify/" MLT_VERSION, err);
  if (rc == MLT_OK)
    rc = mlt_pg_catalog(pg, arena, &cat, err);
  if (rc == MLT_OK)
    rc = look(&cat, MLT_TARGET_PG, &schema, arena, err);
  if (rc == MLT_OK)
    rc = mlt_pg_begin(pg, false, schema.head, schema.features, err);
  if (rc == MLT_OK) {
    rc = mlt_pg_repair(pg, what, before_ms, rows, err);
    if (rc == MLT_OK)
      rc = mlt_pg_commit(pg, err);
    else
      mlt_pg_rollback(pg);
  }
  mlt_pg_close(pg);
  return rc;
}

static enum mlt_rc repair_lite(enum mlt_repair what, const struct mlt_verify_opts *o,
                               int64_t before_ms, struct mlt_arena *arena, uint64_t *rows,
                               struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  enum mlt_rc rc = mlt_lite_open(&db, o->target->path, MLT_LITE_WRITE, err);
  if (rc == MLT_OK)
    rc = mlt_lite_catalog(db, arena, &cat, err);
  if (rc == MLT_OK)
    rc = look(&cat, MLT_TARGET_SQLITE, &schema, arena, err);
  if (rc == MLT_OK)
    rc = mlt_lite_begin(db, false, schema.head, schema.features, err);
  if (rc == MLT_OK) {
    rc = mlt_lite_repair(db, what, before_ms, rows, err);
    if (rc == MLT_OK)
      rc = mlt_lite_commit(db, err);
    else
      mlt_lite_rollback(db);
  }
  mlt_lite_close(db);
  return rc;
}

enum mlt_rc mlt_repair_do(enum mlt_repair what, const struct mlt_verify_opts *o, uint64_t *rows,
                          struct mlt_err *err) {
  int64_t before_ms = o->now_ms - (int64_t)o->stale_seconds * 1000;
  struct mlt_arena *arena = mlt_arena_new();
  if (!arena)
    return mlt_err_nomem(err);
  enum mlt_rc rc = o->target->kind == MLT_TARGET_PG
                       ? repair_pg(what, o, before_ms, arena, rows, err)
                       : repair_lite(what, o, before_ms, arena, rows, err);
  mlt_arena_free(arena);
  return rc;
}
