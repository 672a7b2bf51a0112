/* The least that a role needs, as a script. The user may call a role anything. */
#include <string.h>

#include "pg/rights.h"

enum { SCRIPT_MAX = 256 * 1024 };

static enum mlt_rc add_trust(struct mlt_pg *pg, struct mlt_buf *out, const char *role) {
  if (PQserverVersion(pg->conn) < 150000)
    return mlt_buf_adds(out, "-- --trust-runs needs a superuser before PostgreSQL 15\n");
  return mlt_buf_printf(out, "GRANT SET ON PARAMETER session_replication_role TO %s;\n", role);
}

enum mlt_rc mlt_pg_grants(struct mlt_pg *pg, const struct mlt_pg_grants *g, struct mlt_buf *out,
                          struct mlt_err *err) {
  PGresult *needs = NULL;
  unsigned purposes = MLT_FOR_LOAD | MLT_FOR_NUMBERING | MLT_FOR_LEDGER;
  purposes |= g->merges ? MLT_FOR_MERGING : g->trusts ? MLT_FOR_TRUSTING : 0;
  char *role = PQescapeIdentifier(pg->conn, g->role, strlen(g->role));
  mlt_buf_init(out, SCRIPT_MAX);
  enum mlt_rc rc = role ? mlt_pg_needs(pg, true, &needs, err) : mlt_pg_fail(pg, NULL, err);
  if (rc != MLT_OK)
    goto out;
  rc = mlt_buf_printf(out, "-- CREATE ROLE %s LOGIN;\n", role);
  if (rc == MLT_OK)
    rc = mlt_pg_add_grants(out, needs, MLT_NEED_RIGHTS, purposes, role, ",\n  ");
  if (rc == MLT_OK && g->trusts)
    rc = add_trust(pg, out, role);
  rc = rc == MLT_OK ? MLT_OK : mlt_pg_buf_failed(rc, err);
out:
  PQclear(needs);
  PQfreemem(role);
  return rc;
}
