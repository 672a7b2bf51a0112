/* Transactions. A writer takes its locks before it reads MLflow's schema revision: an upgrade that
   commits in between cannot happen any more, one that came before is seen. */
#include <stdio.h>
#include <string.h>

#include "pg/internal.h"

enum { STATEMENT_MAX = 16 * 1024 };

/* The user's search_path may hold schemas where others create functions (CVE-2018-1058):
   pg_catalog goes first, then MLflow's own schema for triggers that rely on it. */
enum mlt_rc mlt_pg_add_begin(struct mlt_pg *pg, struct mlt_buf *b, bool read_only) {
  return mlt_buf_printf(
      b, "BEGIN ISOLATION LEVEL %s; SET LOCAL search_path = pg_catalog, %s, pg_temp; ",
      read_only ? "REPEATABLE READ READ ONLY" : "READ COMMITTED", pg->quoted);
}

static bool exclusive(const struct mlt_pg_locks *locks, unsigned table) {
  return locks->exclusive >> table & 1;
}

/* One statement for each stretch of tables locked alike: every writer goes through the tables in
   the order of model/tables.def, so that writers cannot deadlock with each other. */
static enum mlt_rc add_lock_tables(struct mlt_pg *pg, struct mlt_buf *b,
                                   const struct mlt_pg_locks *locks, uint32_t features) {
  enum mlt_rc rc = MLT_OK;
  const char *mode = NULL;
  for (unsigned t = 0; t < MLT_T_COUNT && rc == MLT_OK; t++) {
    if (mlt_table_feature((enum mlt_table)t) & ~features)
      continue;
    const char *wanted = exclusive(locks, t) ? "ACCESS EXCLUSIVE" : "ROW EXCLUSIVE";
    if (mode && strcmp(mode, wanted) == 0)
      rc = mlt_buf_adds(b, ", ");
    else if (mode)
      rc = mlt_buf_printf(b, " IN %s MODE; LOCK TABLE ", mode);
    else
      rc = mlt_buf_adds(b, "LOCK TABLE ");
    mode = wanted;
    if (rc == MLT_OK)
      rc = mlt_pg_add_table(pg, b, (enum mlt_table)t);
  }
  return rc == MLT_OK ? mlt_buf_printf(b, " IN %s MODE; ", mode) : rc;
}

enum mlt_rc mlt_pg_add_locks(struct mlt_pg *pg, struct mlt_buf *b, const struct mlt_pg_locks *locks,
                             uint32_t features) {
  unsigned ms = locks->timeout_ms ? locks->timeout_ms : 1;
  if (pg->timeouts.lock > 0 && pg->timeouts.lock < ms)
    ms = pg->timeouts.lock; /* somebody wants us to wait even less */
  enum mlt_rc rc = mlt_buf_printf(b, "SET LOCAL lock_timeout = '%ums'; ", ms);
  if (rc == MLT_OK)
    rc = add_lock_tables(pg, b, locks, features);
  return rc == MLT_OK ? mlt_buf_adds(b, "SET LOCAL lock_timeout TO DEFAULT; ") : rc;
}

enum mlt_rc mlt_pg_check_head(const PGresult *res, const char *head, struct mlt_err *err) {
  int rows = PQntuples(res);
  const char *found = rows == 1 ? PQgetvalue(res, 0, 0) : NULL;
  if (found && strcmp(found, head) == 0)
    return MLT_OK;
  if (!found)
    return mlt_err_set(err, MLT_SCHEMA,
                       "table alembic_version has %d rows where it must have one, revision %s",
                       rows, head);
  enum mlt_rc rc = mlt_err_set(
      err, MLT_SCHEMA,
      "MLflow's schema was upgraded while the import ran: it was at revision %s and is at %s", head,
      found);
  mlt_err_hint(err, "run it again: it looks at the new schema first");
  return rc;
}

/* Runs the statements, and rolls back if one fails. *out: the result of the last. */
static enum mlt_rc run_begin(struct mlt_pg *pg, struct mlt_buf *sql, enum mlt_rc built,
                             PGresult **out, struct mlt_err *err) {
  const char *text = built == MLT_OK ? mlt_buf_cstr(sql) : NULL;
  if (!text)
    return mlt_pg_buf_failed(built == MLT_OK ? MLT_NOMEM : built, err);
  enum mlt_rc rc = mlt_pg_command(pg, text, out, err);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(pg, err, "SELECT, INSERT ON ALL TABLES IN");
    mlt_pg_rollback(pg);
  }
  return rc;
}

enum mlt_rc mlt_pg_begin_write(struct mlt_pg *pg, const struct mlt_pg_locks *locks,
                               const char *head, uint32_t features, struct mlt_err *err) {
  PGresult *res = NULL;
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = mlt_pg_add_begin(pg, &sql, false);
  if (rc == MLT_OK)
    rc = mlt_pg_add_locks(pg, &sql, locks, features);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(&sql, "SELECT version_num, pg_current_xact_id() FROM %s.alembic_version",
                        pg->quoted);
  pg->xid[0] = '\0';
  pg->committing = false;
  rc = run_begin(pg, &sql, rc, &res, err);
  if (rc == MLT_OK) {
    if (PQntuples(res) == 1)
      (void)snprintf(pg->xid, sizeof pg->xid, "%s", PQgetvalue(res, 0, 1));
    rc = mlt_pg_check_head(res, head, err);
    if (rc == MLT_OK && pg->trust_runs)
      rc = mlt_pg_trust_begin(pg, err);
    if (rc != MLT_OK)
      mlt_pg_rollback(pg);
  }
  PQclear(res);
  mlt_buf_free(&sql);
  return rc;
}

/* Only changes to the tables themselves stand in our way. Should one of those deadlock with us, the
   first to wait for deadlock_timeout (1 s) gives way: that must be us, not MLflow's upgrade. */
static const struct mlt_pg_locks row_locks = {.timeout_ms = 800};

/* Who has nothing to write for a while may lose the connection, to idle_session_timeout or a
   restart. That costs nothing: no transaction is open, and a new connection does as well. */
static enum mlt_rc begin_anew(struct mlt_pg *pg, const char *head, uint32_t features,
                              struct mlt_err *err) {
  struct mlt_err failed = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_pg_begin_write(pg, &row_locks, head, features, &failed);
  if (PQstatus(pg->conn) == CONNECTION_BAD) {
    PQreset(pg->conn);
    if (PQstatus(pg->conn) == CONNECTION_OK)
      return mlt_pg_begin_write(pg, &row_locks, head, features, err);
  }
  if (rc != MLT_OK && err && err->rc == MLT_OK)
    *err = failed;
  return rc;
}

enum mlt_rc mlt_pg_begin(struct mlt_pg *pg, bool read_only, const char *head, uint32_t features,
                         struct mlt_err *err) {
  if (!read_only)
    return begin_anew(pg, head, features, err);
  struct mlt_buf sql;
  pg->xid[0] = '\0'; /* nothing that could be lost */
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = run_begin(pg, &sql, mlt_pg_add_begin(pg, &sql, true), NULL, err);
  mlt_buf_free(&sql);
  return rc;
}

enum mlt_rc mlt_pg_commit(struct mlt_pg *pg, struct mlt_err *err) {
  PGresult *res;
  pg->committing = pg->xid[0];
  enum mlt_rc rc = mlt_pg_command(pg, "COMMIT", &res, err);
  pg->committing = pg->committing && rc == MLT_UNAVAILABLE;
  if (rc == MLT_OK && strcmp(PQcmdStatus(res), "COMMIT") != 0)
    /* A COMMIT of a failed transaction succeeds, as a ROLLBACK. */
    rc = mlt_err_set(err, MLT_INTERNAL,
                     "the transaction had failed before: the server rolled it back");
  if (pg->committing)
    mlt_err_prefix(err, "while committing, so that the last batch may be in or not");
  PQclear(res);
  return rc;
}

void mlt_pg_rollback(struct mlt_pg *pg) {
  if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
    PQclear(PQexec(pg->conn, "ROLLBACK"));
}

/* Runs the script; its results come one a statement, so the failing one can be counted. */
static enum mlt_rc run_script(struct mlt_pg *pg, const char *script, struct mlt_err *err) {
  if (!PQsendQuery(pg->conn, script))
    return mlt_pg_fail(pg, NULL, err);
  enum mlt_rc rc = MLT_OK;
  size_t statement = 0;
  for (PGresult *res; (res = PQgetResult(pg->conn)); PQclear(res)) {
    ExecStatusType status = PQresultStatus(res);
    statement++;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || rc != MLT_OK)
      continue;
    rc = mlt_pg_fail(pg, res, err);
    mlt_err_prefix(err, "statement %zu of the schema script", statement);
  }
  return rc;
}

enum mlt_rc mlt_pg_run_ddl(struct mlt_pg *pg, const char *script, struct mlt_err *err) {
  enum mlt_rc rc = mlt_pg_command(pg, "BEGIN", NULL, err);
  if (rc == MLT_OK)
    rc = run_script(pg, script, err);
  if (rc == MLT_OK)
    rc = mlt_pg_commit(pg, err);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(pg, err, "CREATE ON");
    mlt_pg_rollback(pg);
  }
  pg->types_known = false;
  return rc;
}
