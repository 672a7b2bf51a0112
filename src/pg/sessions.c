/* What the server says about imports that are at work. */
#include <stdlib.h>

#include "pg/internal.h"
#include "sql.h"

static struct mlt_str text(const PGresult *res, int row, int field) {
  return PQgetisnull(res, row, field) ? MLT_STR_NULL : mlt_str_c(PQgetvalue(res, row, field));
}

static uint64_t number(const PGresult *res, int row, int field) {
  enum { DECIMAL = 10 };
  return strtoull(PQgetvalue(res, row, field), NULL, DECIMAL);
}

enum mlt_rc mlt_pg_sessions(struct mlt_pg *pg, mlt_pg_session_fn fn, void *ctx,
                            struct mlt_err *err) {
  enum { PID, DOING, TABLE, ROWS, BYTES, DONE, TOTAL };
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_sessions, 0, NULL, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    const struct mlt_pg_session s = {.pid = (int64_t)number(res, i, PID),
                                     .doing = text(res, i, DOING),
                                     .table = text(res, i, TABLE),
                                     .rows = number(res, i, ROWS),
                                     .bytes = number(res, i, BYTES),
                                     .done = number(res, i, DONE),
                                     .total = number(res, i, TOTAL)};
    rc = fn(ctx, &s, err);
  }
  PQclear(res);
  return rc;
}
