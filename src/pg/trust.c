/* Rows without the check of their foreign key to runs, half the cost of a row, where the user asks
   for it. The server has no switch for one constraint: session_replication_role turns off every
   trigger that is not meant for replicas, constraint triggers among them. So it is on around our
   own COPYs alone, into tables where nothing but that one check depends on triggers, and what the
   check would have found out is made certain otherwise. SET LOCAL: a pooled session keeps nothing.
 */
#include <stdio.h>

#include "pg/array.h"
#include "pg/internal.h"
#include "pg/sqlstate.h"
#include "sql.h"

enum { KEYS_MAX = 1024 * 1024, KEYS_PER_QUERY = 10000 };

const char mlt_pg_unchecked[] = "SET LOCAL session_replication_role = replica; ";
const char mlt_pg_checked[] = "; SET LOCAL session_replication_role = origin";

static const enum mlt_table trusted[] = {MLT_T_PARAMS, MLT_T_TAGS, MLT_T_METRICS,
                                         MLT_T_LATEST_METRICS};
static const char trusted_names[] = "{params,tags,metrics,latest_metrics}";

bool mlt_pg_is_trusted(const struct mlt_pg *pg, enum mlt_table table) {
  for (size_t i = 0; pg->trust_runs && i < sizeof trusted / sizeof *trusted; i++)
    if (trusted[i] == table)
      return true;
  return false;
}

/* The only test that is right everywhere: managed servers let some through who are no superusers.
 */
enum mlt_rc mlt_pg_trust_role(struct mlt_pg *pg, struct mlt_err *err) {
  struct mlt_err failed = MLT_ERR_INIT;
  const char *user = PQuser(pg->conn);
  enum mlt_rc rc = mlt_pg_command(
      pg, "BEGIN; SET LOCAL session_replication_role = replica; ROLLBACK", NULL, &failed);
  if (rc == MLT_OK)
    return MLT_OK;
  mlt_pg_rollback(pg);
  if (rc != MLT_NOPERM) {
    *err = failed;
    return rc;
  }
  rc = mlt_err_set(err, MLT_NOPERM,
                   "--trust-runs: role \"%s\" may not set session_replication_role", user);
  (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", failed.sqlstate);
  if (PQserverVersion(pg->conn) >= 150000)
    mlt_err_hint(err,
                 "a superuser can run: GRANT SET ON PARAMETER session_replication_role TO \"%s\"; "
                 "or import without --trust-runs",
                 user);
  else
    mlt_err_hint(err, "before PostgreSQL 15 only a superuser may; import without --trust-runs");
  return rc;
}

static enum mlt_rc check_tables(struct mlt_pg *pg, struct mlt_err *err) {
  PGresult *res;
  const char *params[] = {pg->schema, trusted_names};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_trust_obstacles, 2, params, &res, err);
  if (rc == MLT_OK && PQntuples(res) > 0) {
    const char *table = PQgetvalue(res, 0, 0), *what = PQgetvalue(res, 0, 1);
    rc = mlt_err_set(err, MLT_SCHEMA, "--trust-runs: table %s has the %s, which would not work",
                     table, what);
    mlt_err_hint(err, "import without --trust-runs, or drop or disable it first");
  }
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_trust_runs(struct mlt_pg *pg, struct mlt_err *err) {
  enum mlt_rc rc = mlt_pg_trust_role(pg, err);
  if (rc == MLT_OK)
    rc = check_tables(pg, err);
  pg->trust_runs = rc == MLT_OK;
  return rc;
}

/* Who creates a trigger waits for our table locks, so that what is seen here holds to the end. */
enum mlt_rc mlt_pg_trust_begin(struct mlt_pg *pg, struct mlt_err *err) {
  enum mlt_rc rc = mlt_pg_command(pg, "SET LOCAL session_replication_role = origin", NULL, err);
  return rc == MLT_OK ? check_tables(pg, err) : rc;
}

static enum mlt_rc hold(struct mlt_pg *pg, const struct mlt_str *runs, size_t n,
                        struct mlt_err *err) {
  struct mlt_buf array;
  char sql[512];
  PGresult *res = NULL;
  mlt_buf_init(&array, KEYS_MAX);
  (void)snprintf(sql, sizeof sql,
                 "SELECT run_uuid FROM %s.runs WHERE run_uuid = ANY ($1::pg_catalog.text[])"
                 " ORDER BY run_uuid FOR KEY SHARE",
                 pg->quoted);
  enum mlt_rc rc = mlt_pg_text_array(&array, runs, n);
  if (rc != MLT_OK) {
    mlt_buf_free(&array);
    return mlt_pg_buf_failed(rc, err);
  }
  const char *values[] = {array.p};
  const int lengths[] = {(int)array.len}, formats[] = {1};
  res = PQexecParams(pg->conn, sql, 1, NULL, values, lengths, formats, 0);
  mlt_buf_free(&array);
  if (PQresultStatus(res) != PGRES_TUPLES_OK)
    rc = mlt_pg_fail(pg, res, err);
  else if ((size_t)PQntuples(res) != n) {
    rc = mlt_err_set(err, MLT_TEMPFAIL, "%zu runs were deleted while rows for them were on the way",
                     n - (size_t)PQntuples(res));
    mlt_err_hint(err, "run it again");
  }
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_hold_runs(struct mlt_pg *pg, const struct mlt_str *runs, size_t n,
                             struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < n && rc == MLT_OK; i += KEYS_PER_QUERY)
    rc = hold(pg, runs + i, n - i < KEYS_PER_QUERY ? n - i : KEYS_PER_QUERY, err);
  return rc;
}
