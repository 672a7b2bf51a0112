/* A connection that was lost, and what became of its transaction. A COMMIT whose answer is lost is
   never guessed: the server is asked for the transaction, as long as its id can only mean ours. */
#include <stdio.h>
#include <string.h>

#include "pg/internal.h"
#include "pg/sqlstate.h"
#include "sql.h"

bool mlt_pg_is_lost(const struct mlt_err *err) {
  return err->rc == MLT_UNAVAILABLE && mlt_pg_sqlstate_is_passing(err->sqlstate);
}

/* What the server does not tell stays empty, and then nothing is concluded from ids. */
static enum mlt_rc read_history(struct mlt_pg *pg, struct mlt_pg_history *out, bool *standby,
                                struct mlt_err *err) {
  PGresult *res;
  struct mlt_err failed = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_history, 0, NULL, &res, &failed);
  *out = (struct mlt_pg_history){.forgets = true};
  *standby = false;
  if (rc == MLT_OK) {
    *standby = PQgetisnull(res, 0, 0);
    (void)snprintf(out->server, sizeof out->server, "%s", PQgetvalue(res, 0, 0));
    (void)snprintf(out->ids, sizeof out->ids, "%s", PQgetvalue(res, 0, 1));
    out->forgets = PQgetvalue(res, 0, 2)[0] == 't';
    PQclear(res);
  } else if (PQstatus(pg->conn) == CONNECTION_BAD) {
    if (err && err->rc == MLT_OK)
      *err = failed;
    return rc;
  }
  return MLT_OK;
}

enum mlt_rc mlt_pg_remember_server(struct mlt_pg *pg, struct mlt_err *err) {
  bool standby;
  return read_history(pg, &pg->history, &standby, err);
}

/* PQreset keeps the SQLSTATE to itself, too, but prints it in verbose messages. */
static enum mlt_rc connect_again(struct mlt_pg *pg, struct mlt_err *err) {
  char text[900], sqlstate[6] = "";
  (void)PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
  PQreset(pg->conn);
  (void)PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
  if (PQstatus(pg->conn) == CONNECTION_OK)
    return MLT_OK;
  mlt_pg_one_line(text, sizeof text, PQerrorMessage(pg->conn));
  char *location = strstr(text, "; LOCATION:");
  if (location)
    *location = '\0';
  enum mlt_rc rc = MLT_UNAVAILABLE;
  if (mlt_pg_sqlstate_find(PQerrorMessage(pg->conn), sqlstate) == 0)
    rc = mlt_pg_sqlstate_rc(sqlstate);
  if (rc == MLT_TEMPFAIL) /* no connection left */
    rc = MLT_UNAVAILABLE;
  (void)mlt_err_set(err, rc, "%s", text);
  if (err)
    memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
  return rc;
}

/* MLT_AGAIN: its session is just being ended. */
static enum mlt_rc ask_for_transaction(struct mlt_pg *pg, enum mlt_fate_known *fate,
                                       struct mlt_err *err) {
  PGresult *res;
  const char *params[] = {pg->xid};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_fate, 1, params, &res, err);
  if (rc != MLT_OK)
    return rc;
  const char *state = PQgetvalue(res, 0, 0);
  if (strcmp(state, "in progress") == 0)
    rc = MLT_AGAIN;
  else if (strcmp(state, "committed") == 0)
    *fate = MLT_KNOWN_IN;
  else if (strcmp(state, "aborted") == 0)
    *fate = MLT_KNOWN_OUT;
  PQclear(res);
  return rc;
}

/* A standby becomes a primary, if somebody promotes it. */
static enum mlt_rc is_standby(struct mlt_err *err) {
  enum mlt_rc rc =
      mlt_err_set(err, MLT_UNAVAILABLE, "the server that answers is a standby, or still recovers");
  if (err)
    memcpy(err->sqlstate, "57P03", 6);
  return rc;
}

/* Batches that were committed long before may be gone: only the whole import tells which. */
static enum mlt_rc may_have_lost_commits(const char *how, struct mlt_err *err) {
  enum mlt_rc rc = mlt_err_set(err, MLT_TEMPFAIL, "%s: what was committed before may be lost", how);
  mlt_err_hint(err, "run it again: it adds what is missing");
  return rc;
}

static enum mlt_rc ask_server(struct mlt_pg *pg, enum mlt_fate_known *fate, struct mlt_err *err) {
  struct mlt_pg_history now, *before = &pg->history;
  bool standby;
  enum mlt_rc rc = read_history(pg, &now, &standby, err);
  if (rc != MLT_OK)
    return rc;
  if (standby)
    return is_standby(err);
  if (strcmp(now.server, before->server) != 0)
    return may_have_lost_commits("another server answers, as after a failover", err);
  if (strcmp(now.ids, before->ids) == 0)
    return pg->xid[0] ? ask_for_transaction(pg, fate, err) : MLT_OK;
  if (before->forgets)
    return may_have_lost_commits("the server restarted, and synchronous_commit is off", err);
  *before = now;
  return MLT_OK;
}

enum mlt_rc mlt_pg_reconnect(struct mlt_pg *pg, enum mlt_fate_known *fate, struct mlt_err *err) {
  *fate = pg->committing ? MLT_KNOWN_UNKNOWN : MLT_KNOWN_OUT;
  enum mlt_rc rc = PQstatus(pg->conn) == CONNECTION_OK ? MLT_OK : connect_again(pg, err);
  if (rc == MLT_OK && pg->history.server[0])
    rc = ask_server(pg, fate, err);
  if (rc == MLT_OK) {
    pg->committing = false;
    pg->xid[0] = '\0';
  }
  return rc;
}
