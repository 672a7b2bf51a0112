/* The least that a role needs, as a script: names come from model/, the catalog and the user, who
   may call a role anything. */
#include <string.h>

#include "pg/internal.h"
#include "sql.h"

enum { SCRIPT_MAX = 256 * 1024 };

/* Statements are gathered here; the first failure stays. */
struct script {
  struct mlt_pg *pg;
  const struct mlt_catalog *catalog;
  struct mlt_buf *out;
  char *role; /* quoted */
  enum mlt_rc rc;
};

static void add(struct script *s, const char *text) {
  if (s->rc == MLT_OK)
    s->rc = mlt_buf_adds(s->out, text);
}

static void end(struct script *s) {
  add(s, " TO ");
  add(s, s->role);
  add(s, ";\n");
}

static const enum mlt_table updated[] = {MLT_T_EXPERIMENT_TAGS, MLT_T_RUNS, MLT_T_TAGS,
                                         MLT_T_LATEST_METRICS};

static bool is_updated(enum mlt_table t) {
  for (size_t i = 0; i < sizeof updated / sizeof *updated; i++)
    if (updated[i] == t)
      return true;
  return false;
}

static void grant_tables(struct script *s, const char *rights, bool only_updated) {
  const char *before = "";
  add(s, rights);
  for (unsigned t = 0; t < MLT_T_ALL; t++) {
    const char *name = mlt_table_name((enum mlt_table)t);
    if (!mlt_cat_table(s->catalog, name) || (only_updated && !is_updated((enum mlt_table)t)))
      continue;
    add(s, before);
    add(s, s->pg->quoted);
    add(s, ".");
    add(s, name);
    before = ",\n  ";
  }
  end(s);
}

static void grant_one(struct script *s, const char *rights, const char *on) {
  add(s, rights);
  add(s, on);
  end(s);
}

static enum mlt_rc grant_sequences(struct script *s, struct mlt_err *err) {
  PGresult *res;
  const char *params[] = {s->pg->schema, mlt_pg_table_names};
  enum mlt_rc rc = mlt_pg_query(s->pg, mlt_sql_pg_grants_sequences, 2, params, &res, err);
  if (rc != MLT_OK)
    return rc;
  for (int i = 0; i < PQntuples(res); i++)
    grant_one(s, "GRANT USAGE, UPDATE ON SEQUENCE ", PQgetvalue(res, i, 0));
  PQclear(res);
  return MLT_OK;
}

/* The ledger's schema, if it is there. */
static enum mlt_rc grant_ledger(struct script *s, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(s->pg, "SELECT pg_catalog.to_regnamespace('mltrack') IS NOT NULL",
                                0, NULL, &res, err);
  if (rc != MLT_OK)
    return rc;
  if (PQgetvalue(res, 0, 0)[0] == 't') {
    grant_one(s, "GRANT USAGE ON SCHEMA ", "mltrack");
    grant_one(s, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ", "mltrack");
    grant_one(s, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA ", "mltrack");
  }
  PQclear(res);
  return MLT_OK;
}

static void grant_trust(struct script *s) {
  if (PQserverVersion(s->pg->conn) >= 150000)
    grant_one(s, "GRANT SET ON PARAMETER ", "session_replication_role");
  else
    add(s, "-- --trust-runs needs a superuser before PostgreSQL 15\n");
}

static enum mlt_rc write_script(struct script *s, const struct mlt_pg_grants *g, char *database,
                                struct mlt_err *err) {
  add(s, "-- CREATE ROLE ");
  add(s, s->role);
  add(s, " LOGIN;\n");
  grant_one(s, "GRANT CONNECT, TEMPORARY ON DATABASE ", database);
  grant_one(s, "GRANT USAGE ON SCHEMA ", s->pg->quoted);
  add(s, "GRANT SELECT ON ");
  add(s, s->pg->quoted);
  grant_one(s, ".", "alembic_version");
  grant_tables(s, "GRANT SELECT, INSERT ON\n  ", false);
  if (g->merges)
    grant_tables(s, "GRANT UPDATE ON\n  ", true);
  else if (g->trusts) { /* to hold runs that are there */
    add(s, "GRANT UPDATE ON ");
    add(s, s->pg->quoted);
    grant_one(s, ".", mlt_table_name(MLT_T_RUNS));
  }
  enum mlt_rc rc = grant_sequences(s, err);
  if (rc == MLT_OK && g->trusts)
    grant_trust(s);
  return rc == MLT_OK ? grant_ledger(s, err) : rc;
}

enum mlt_rc mlt_pg_grants(struct mlt_pg *pg, const struct mlt_catalog *catalog,
                          const struct mlt_pg_grants *g, struct mlt_buf *out, struct mlt_err *err) {
  const char *name = PQdb(pg->conn);
  char *role = PQescapeIdentifier(pg->conn, g->role, strlen(g->role));
  char *database = PQescapeIdentifier(pg->conn, name, strlen(name));
  struct script s = {.pg = pg, .catalog = catalog, .out = out, .role = role};
  mlt_buf_init(out, SCRIPT_MAX);
  enum mlt_rc rc = role && database ? write_script(&s, g, database, err) : mlt_err_nomem(err);
  if (rc == MLT_OK && s.rc != MLT_OK)
    rc = mlt_pg_buf_failed(s.rc, err);
  PQfreemem(role);
  PQfreemem(database);
  return rc;
}
