/* The rights that loading runs takes, looked up before the first row: a batch of experiments must
   not be in when the first of their runs is refused. */
#include <stdio.h>

#include "pg/internal.h"
#include "sql.h"

static const char added_to[] = "{experiments,experiment_tags,runs,params,tags,metrics,"
                               "latest_metrics,datasets,inputs,input_tags}";
static const char updated[] = "{runs,tags,latest_metrics}";

static enum mlt_rc look(struct mlt_pg *pg, const char *tables, const char *rights,
                        const char *grant, struct mlt_err *err) {
  PGresult *res;
  const char *params[] = {pg->schema, tables, rights};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_rights, 3, params, &res, err);
  if (rc == MLT_OK && PQntuples(res) > 0) {
    const char *table = PQgetvalue(res, 0, 0), *lacking = PQgetvalue(res, 0, 1);
    rc = mlt_err_set(err, MLT_NOPERM, "table %s: role \"%s\" has no right to %s", table,
                     PQuser(pg->conn), lacking);
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "42501");
    mlt_err_hint(
        err,
        "GRANT %s SCHEMA %s TO \"%s\"; `mltrack-bulk grants --role %s` prints all that is needed, and no more",
        grant, pg->quoted, PQuser(pg->conn), PQuser(pg->conn));
  }
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_check_rights(struct mlt_pg *pg, bool merges, struct mlt_err *err) {
  const char *grant =
      merges ? "SELECT, INSERT, UPDATE ON ALL TABLES IN" : "SELECT, INSERT ON ALL TABLES IN";
  enum mlt_rc rc = look(pg, added_to, "{SELECT,INSERT}", grant, err);
  return rc == MLT_OK && merges ? look(pg, updated, "{UPDATE}", grant, err) : rc;
}
