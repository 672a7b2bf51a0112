/* Questions to the catalog that only somebody who checks asks. The sequence is experiment.c's. */
#include "pg/health.h"

#include <inttypes.h>
#include <stdio.h>

#include "pg/internal.h"
#include "sql.h"

enum mlt_rc mlt_pg_unvalidated(struct mlt_pg *pg,
                               void (*fn)(void *ctx, const char *table, const char *constraint),
                               void *ctx, struct mlt_err *err) {
  const char *params[] = {pg->schema};
  PGresult *res = NULL;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_unvalidated, 1, params, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++)
    fn(ctx, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1));
  PQclear(res);
  return rc;
}

enum { LOCK_MS = 20000, STATEMENT_MAX = 8 * 1024 };

static enum mlt_rc keep_writers_out(struct mlt_pg *pg, struct mlt_err *err) {
  char sql[512];
  (void)snprintf(sql, sizeof sql,
                 "SET LOCAL lock_timeout = '%dms'; "
                 "LOCK TABLE %s.metrics, %s.latest_metrics IN SHARE ROW EXCLUSIVE MODE",
                 LOCK_MS, pg->quoted, pg->quoted);
  return mlt_pg_command(pg, sql, NULL, err);
}

/* A row that an INSERT made, and none that it updated instead, has no xmax. */
static const char returning[] = " RETURNING run_uuid, xmax = 0";

static enum mlt_rc change(struct mlt_pg *pg, const char *sql, int n, const char *const *params,
                          struct mlt_repaired *out, struct mlt_err *err) {
  char all[STATEMENT_MAX];
  PGresult *res = NULL;
  (void)snprintf(all, sizeof all, "%s%s", sql, returning);
  enum mlt_rc rc = mlt_pg_query(pg, all, n, params, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    bool inserted = PQgetvalue(res, i, 1)[0] == 't';
    out->inserted += inserted;
    out->updated += !inserted;
    if (mlt_map_put(out->runs, mlt_str_c(PQgetvalue(res, i, 0)), 0) < 0)
      rc = mlt_err_nomem(err);
  }
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_repair(struct mlt_pg *pg, enum mlt_repair what, int64_t before_ms,
                          struct mlt_repaired *out, struct mlt_err *err) {
  char before[24];
  const char *params[] = {before};
  (void)snprintf(before, sizeof before, "%" PRId64, before_ms);
  if (what == MLT_REPAIR_SEQUENCE)
    return mlt_pg_sequence_repair(pg, &out->moved, err);
  if (what == MLT_REPAIR_STALE)
    return change(pg, mlt_sql_repair_stale, 1, params, out, err);
  enum mlt_rc rc = keep_writers_out(pg, err);
  return rc == MLT_OK ? change(pg, mlt_sql_repair_latest, 0, NULL, out, err) : rc;
}
