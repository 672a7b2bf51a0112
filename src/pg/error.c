/* From libpq's results and connection states to struct mlt_err. Classes come from the SQLSTATE
   alone (sqlstate.c); text is for people. Never prints connection parameters. */
#include <stdio.h>
#include <string.h>

#include "pg/internal.h"
#include "pg/sqlstate.h"

void mlt_pg_one_line(char *out, size_t cap, const char *text) {
  size_t n = 0;
  while (*text && n + 3 < cap) {
    size_t blanks = strspn(text, "\r\n\t ");
    bool breaks = blanks > strcspn(text, "\r\n");
    text += blanks;
    if (blanks && *text && n > 0) {
      if (breaks)
        out[n++] = ';';
      out[n++] = ' ';
    }
    if (*text)
      out[n++] = *text++;
  }
  out[n] = '\0';
}

/* "primary (detail; context)": the context's first line says which COPY row and column. */
static void describe(const PGresult *res, char *out, size_t cap) {
  const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
  const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
  const char *context = PQresultErrorField(res, PG_DIAG_CONTEXT);
  char text[1024];
  int n = snprintf(text, sizeof text, "%s", primary ? primary : PQresultErrorMessage(res));
  if (n > 0 && (size_t)n < sizeof text && (detail || context))
    (void)snprintf(text + n, sizeof text - (size_t)n, " (%s%s%.*s)", detail ? detail : "",
                   detail && context ? "; " : "", context ? (int)strcspn(context, "\n") : 0,
                   context ? context : "");
  mlt_pg_one_line(out, cap, text);
}

/* Neither the server nor the connection says more than text. */
static enum mlt_rc fail_without_code(const struct mlt_pg *pg, struct mlt_err *err) {
  char text[1024];
  mlt_pg_one_line(text, sizeof text, PQerrorMessage(pg->conn));
  if (PQstatus(pg->conn) != CONNECTION_BAD)
    return mlt_err_set(err, MLT_PROTOCOL, "PostgreSQL: %s", text[0] ? text : "unexpected answer");
  enum mlt_rc rc = mlt_err_set(err, MLT_UNAVAILABLE, "the connection to PostgreSQL was lost: %s",
                               text[0] ? text : "no reason known");
  mlt_err_hint(err, "run it again: what was committed stays, the rest was rolled back");
  return rc;
}

enum mlt_rc mlt_pg_fail(struct mlt_pg *pg, const PGresult *res, struct mlt_err *err) {
  char text[1024];
  const char *sqlstate = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
  if (!sqlstate)
    return fail_without_code(pg, err);
  describe(res, text, sizeof text);
  bool first = err && err->rc == MLT_OK;
  if (pg->cancelled && *pg->cancelled && strcmp(sqlstate, "57014") == 0)
    return mlt_err_set(err, MLT_CANCELLED, "interrupted");
  enum mlt_rc rc = mlt_err_set(err, mlt_pg_sqlstate_rc(sqlstate), "%s", text);
  if (first) {
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    mlt_pg_hint_timeout(pg, sqlstate, err);
    const char *hint = mlt_pg_sqlstate_hint(sqlstate);
    if (hint)
      mlt_err_hint(err, "%s", hint);
  }
  return rc;
}

void mlt_pg_hint_grant(struct mlt_pg *pg, struct mlt_err *err, const char *what) {
  if (!err || strcmp(err->sqlstate, "42501") != 0)
    return;
  const char *user = PQuser(pg->conn);
  mlt_err_hint(err, "GRANT USAGE ON SCHEMA %s TO \"%s\"; GRANT %s SCHEMA %s TO \"%s\"", pg->quoted,
               user, what, pg->quoted, user);
}

void mlt_pg_hint_temporary(struct mlt_pg *pg, struct mlt_err *err) {
  if (err && strcmp(err->sqlstate, "42501") == 0)
    mlt_err_hint(err, "GRANT TEMPORARY ON DATABASE \"%s\" TO \"%s\"", PQdb(pg->conn),
                 PQuser(pg->conn));
}
