/* What stands on a table, and whether it can be made again. Only little of that is known from rules
   (sql/pg_rebuild_tables.sql); the rest is found out by rehearsal: while the table is empty, take
   everything away, make it again, compare the catalogs before and after, roll back to a savepoint.
   Missing privileges, objects that depend on a key and properties nobody thought of show up there,
   before a row is loaded. */
#include <stdio.h>
#include <string.h>

#include "pg/rebuild_intern.h"
#include "pg/sqlstate.h"
#include "sql.h"

enum { STATEMENTS_MAX = 1024 * 1024, DROPS = 0, MAKES = 1 }; /* the columns of a plan */

enum mlt_rc mlt_pg_rebuild_refused(struct mlt_err *err, struct mlt_pg_refusal *why) {
  if (!mlt_pg_sqlstate_is_refusal(err->sqlstate))
    return err->rc;
  (void)snprintf(why->text, sizeof why->text, "%s", err->msg);
  mlt_err_clear(err);
  return MLT_OK;
}

static struct mlt_pg_rebuild_table *find_table(struct mlt_pg_rebuild *r, const char *name) {
  for (unsigned i = 0; i < MLT_REBUILD_TABLES; i++)
    if (strcmp(mlt_table_name(r->tables[i].table), name) == 0)
      return &r->tables[i];
  return NULL;
}

static void refuse(struct mlt_pg_rebuild_table *t, const char *reason, struct mlt_pg_refusal *why) {
  t->suitable = false;
  if (t->table == MLT_T_METRICS)
    (void)snprintf(why->text, sizeof why->text, "table %s: %s", mlt_table_name(t->table), reason);
}

static void take_obstacles(struct mlt_pg_rebuild *r, const PGresult *res,
                           struct mlt_pg_refusal *why) {
  for (int i = 0; i < PQntuples(res); i++) {
    struct mlt_pg_rebuild_table *t = find_table(r, PQgetvalue(res, i, 0));
    (void)snprintf(t ? t->oid : r->runs_oid, sizeof r->runs_oid, "%s", PQgetvalue(res, i, 1));
    if (t && !PQgetisnull(res, i, 2))
      refuse(t, PQgetvalue(res, i, 2), why);
  }
}

static enum mlt_rc look_for_rows(struct mlt_pg_rebuild *r, struct mlt_pg_rebuild_table *t,
                                 struct mlt_pg_refusal *why, struct mlt_err *err) {
  char sql[256];
  PGresult *res;
  (void)snprintf(sql, sizeof sql, "SELECT EXISTS (SELECT FROM %s.%s)", r->pg->quoted,
                 mlt_table_name(t->table));
  enum mlt_rc rc = mlt_pg_command(r->pg, sql, &res, err);
  if (rc == MLT_OK && PQgetvalue(res, 0, 0)[0] == 't')
    refuse(t, "it holds rows", why);
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_rebuild_look(struct mlt_pg_rebuild *r, struct mlt_pg_refusal *why,
                                struct mlt_err *err) {
  PGresult *res;
  const char *params[] = {r->pg->schema, "{metrics,latest_metrics,params,tags,runs}"};
  enum mlt_rc rc = mlt_pg_query(r->pg, mlt_sql_pg_rebuild_tables, 2, params, &res, err);
  if (rc == MLT_OK)
    take_obstacles(r, res, why);
  PQclear(res);
  for (unsigned i = 0; i < MLT_REBUILD_TABLES && rc == MLT_OK && !why->text[0]; i++)
    if (r->tables[i].suitable)
      rc = look_for_rows(r, &r->tables[i], why, err);
  return rc;
}

static enum mlt_rc read_state(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                              PGresult **out, struct mlt_err *err) {
  const char *params[] = {t->oid};
  return mlt_pg_query(r->pg, mlt_sql_pg_rebuild_state, 1, params, out, err);
}

/* Both are sorted by name, in the order of bytes. */
const char *mlt_pg_rebuild_difference(const PGresult *before, const PGresult *after) {
  int n = PQntuples(before), m = PQntuples(after);
  for (int i = 0; i < n || i < m; i++) {
    const char *old = i < n ? PQgetvalue(before, i, 0) : NULL;
    const char *new = i < m ? PQgetvalue(after, i, 0) : NULL;
    int order = !old ? 1 : !new ? -1 : strcmp(old, new);
    if (order != 0)
      return order < 0 ? old : new;
    if (strcmp(PQgetvalue(before, i, 1), PQgetvalue(after, i, 1)) != 0)
      return old;
  }
  return NULL;
}

static enum mlt_rc add_statements(struct mlt_buf *b, const PGresult *plan, int column) {
  enum mlt_rc rc = MLT_OK;
  for (int i = 0; i < PQntuples(plan) && rc == MLT_OK; i++)
    if (!PQgetisnull(plan, i, column) &&
        (rc = mlt_buf_adds(b, PQgetvalue(plan, i, column))) == MLT_OK)
      rc = mlt_buf_adds(b, "; ");
  return rc;
}

enum step { DROP, MAKE, REHEARSE };

static enum mlt_rc run_step(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                            enum step step, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENTS_MAX);
  enum mlt_rc rc = step == REHEARSE ? mlt_buf_adds(&sql, "SAVEPOINT mltrack; ") : MLT_OK;
  if (rc == MLT_OK && step != MAKE)
    rc = add_statements(&sql, t->plan, DROPS);
  if (rc == MLT_OK && step != DROP)
    rc = add_statements(&sql, t->plan, MAKES);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  if (text)
    rc = mlt_pg_command(r->pg, text, NULL, err);
  else
    rc = mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  mlt_buf_free(&sql);
  return rc;
}

/* Gives the object that is not as it was, or an empty text. */
static enum mlt_rc compare(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                           char *object, size_t cap, struct mlt_err *err) {
  PGresult *now;
  enum mlt_rc rc = read_state(r, t, &now, err);
  if (rc == MLT_OK) {
    const char *name = mlt_pg_rebuild_difference(t->state, now);
    (void)snprintf(object, cap, "%s", name ? name : "");
  }
  PQclear(now);
  return rc;
}

static enum mlt_rc rehearse(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                            struct mlt_pg_refusal *why, struct mlt_err *err) {
  char object[256] = "";
  enum mlt_rc rc = run_step(r, t, REHEARSE, err);
  if (rc == MLT_OK)
    rc = compare(r, t, object, sizeof object, err);
  mlt_err_prefix(err, "table %s", mlt_table_name(t->table));
  if (rc != MLT_OK)
    rc = mlt_pg_rebuild_refused(err, why);
  else if (object[0])
    (void)snprintf(why->text, sizeof why->text,
                   "table %s: %s has a property that cannot be made again",
                   mlt_table_name(t->table), object);
  if (rc == MLT_OK)
    rc = mlt_pg_command(r->pg, "ROLLBACK TO SAVEPOINT mltrack; RELEASE SAVEPOINT mltrack", NULL,
                        err);
  return rc;
}

enum mlt_rc mlt_pg_rebuild_prepare(struct mlt_pg_rebuild *r, struct mlt_pg_rebuild_table *t,
                                   struct mlt_pg_refusal *why, struct mlt_err *err) {
  const char *params[] = {t->oid, r->runs_oid};
  enum mlt_rc rc = mlt_pg_query(r->pg, mlt_sql_pg_rebuild_plan, 2, params, &t->plan, err);
  if (rc == MLT_OK)
    rc = read_state(r, t, &t->state, err);
  if (rc == MLT_OK)
    rc = rehearse(r, t, why, err);
  if (rc == MLT_OK && !why->text[0])
    rc = run_step(r, t, DROP, err);
  return rc;
}

enum mlt_rc mlt_pg_rebuild_make(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                                struct mlt_err *err) {
  char object[256] = "";
  enum mlt_rc rc = run_step(r, t, MAKE, err);
  if (rc == MLT_OK)
    rc = compare(r, t, object, sizeof object, err);
  if (rc == MLT_OK && object[0])
    rc = mlt_err_set(err, MLT_INTERNAL, "%s is not as it was before the load", object);
  return rc;
}
