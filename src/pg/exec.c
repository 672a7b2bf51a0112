/* Statements in one place: sent, checked, their results handed over. No statement is prepared by
   name and no session state is set, so that PgBouncer may move us between servers at every COMMIT.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pg/internal.h"
#include "sql.h"

enum { LOOK_MS = 100 };
static const double CANCEL_SECONDS = 0.5;

/* alembic_version first, so that each of our names can bring its own comma. */
const char mlt_pg_table_names[] = "{alembic_version"
#define MLT_TABLE(name, sql, feature, in_workspace) "," sql
#include "model/tables.def"
#undef MLT_TABLE
#define MLT_COPIED(name, sql, group, home, owner, owned_by, identity, other) "," sql
#include "model/copied.def"
#undef MLT_COPIED
                                  "}";

static enum mlt_rc take_result(struct mlt_pg *pg, PGresult *res, PGresult **out,
                               struct mlt_err *err) {
  ExecStatusType status = PQresultStatus(res);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_IN) {
    enum mlt_rc rc = mlt_pg_fail(pg, res, err);
    PQclear(res);
    return rc;
  }
  if (out)
    *out = res;
  else
    PQclear(res);
  return MLT_OK;
}

void mlt_pg_cancel(struct mlt_pg *pg) {
  char ignored[256];
  PGcancel *c = PQgetCancel(pg->conn);
  if (c)
    (void)PQcancel(c, ignored, sizeof ignored);
  PQfreeCancel(c);
}

/* The first half second is for what would soon have been done; then it is asked again and again, as
   a request that comes between two statements has no effect. */
static void look_for_cancel(struct mlt_pg *pg) {
  if (!*pg->cancelled)
    return;
  double now = mlt_clock_seconds();
  bool due = pg->cancel_at > 0 && now >= pg->cancel_at;
  if (due)
    mlt_pg_cancel(pg);
  if (due || pg->cancel_at <= 0)
    pg->cancel_at = now + CANCEL_SECONDS;
}

PGresult *mlt_pg_result(struct mlt_pg *pg) {
  struct pollfd f = {.fd = PQsocket(pg->conn), .events = POLLIN};
  while (pg->cancelled && PQisBusy(pg->conn)) {
    int n = poll(&f, 1, LOOK_MS);
    if (n > 0 ? !PQconsumeInput(pg->conn) : n < 0 && errno != EINTR)
      break; /* PQgetResult says what is wrong */
    if (n <= 0)
      look_for_cancel(pg);
  }
  return PQgetResult(pg->conn);
}

static bool has_code(const PGresult *res) {
  return PQresultErrorField(res, PG_DIAG_SQLSTATE) != NULL;
}

/* The last result of what was sent, as PQexec gives it; but when the server ends a session, the one
   in which it says why, not that of the connection found closed after it. */
static PGresult *last_result(struct mlt_pg *pg, int sent) {
  PGresult *last = NULL, *res;
  while (sent && (res = mlt_pg_result(pg))) {
    if (last && has_code(last)) {
      PQclear(res);
      continue;
    }
    PQclear(last);
    last = res;
    if (PQresultStatus(res) == PGRES_COPY_IN)
      break;
  }
  return last;
}

enum mlt_rc mlt_pg_query(struct mlt_pg *pg, const char *sql, int n, const char *const *params,
                         PGresult **out, struct mlt_err *err) {
  *out = NULL;
  int sent = PQsendQueryParams(pg->conn, sql, n, NULL, params, NULL, NULL, 0);
  return take_result(pg, last_result(pg, sent), out, err);
}

enum mlt_rc mlt_pg_query_typed(struct mlt_pg *pg, const char *sql, int n, const Oid *types,
                               const char *const *params, const int *lengths, const int *formats,
                               PGresult **out, struct mlt_err *err) {
  *out = NULL;
  int sent = PQsendQueryParams(pg->conn, sql, n, types, params, lengths, formats, 0);
  return take_result(pg, last_result(pg, sent), out, err);
}

enum mlt_rc mlt_pg_command(struct mlt_pg *pg, const char *sql, PGresult **out,
                           struct mlt_err *err) {
  if (out)
    *out = NULL;
  return take_result(pg, last_result(pg, PQsendQuery(pg->conn, sql)), out, err);
}

enum mlt_rc mlt_pg_buf_failed(enum mlt_rc rc, struct mlt_err *err) {
  if (rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  return mlt_err_set(err, rc, "a statement or row is longer than PostgreSQL takes (1 GiB)");
}

static void note_type(struct mlt_pg *pg, const char *table, const char *column, const char *type) {
  for (unsigned i = 0; i < MLT_C_COUNT; i++) {
    const struct mlt_column_info *info = mlt_column_info((enum mlt_column)i);
    if (strcmp(info->name, column) == 0 && strcmp(mlt_table_name(info->table), table) == 0)
      pg->types[i] = (Oid)strtoul(type, NULL, 10);
  }
}

enum mlt_rc mlt_pg_types(struct mlt_pg *pg, struct mlt_err *err) {
  if (pg->types_known)
    return MLT_OK;
  PGresult *res;
  const char *params[] = {pg->schema, mlt_pg_table_names};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_columns, 2, params, &res, err);
  if (rc != MLT_OK)
    return rc;
  for (int i = 0; i < PQntuples(res); i++)
    note_type(pg, PQgetvalue(res, i, 0), PQgetvalue(res, i, 1), PQgetvalue(res, i, 6));
  PQclear(res);
  pg->types_known = true;
  return MLT_OK;
}
