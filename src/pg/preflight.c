/* The look before the first write: rights all at once, and what bounds the sessions of the role. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/rights.h"
#include "sql.h"

enum { TEXT_MAX = 64 * 1024, DECIMAL = 10 };

/* Columns of sql/pg_limits.sql. */
enum { IS_STANDBY, IS_READ_ONLY, FREE, VALID_UNTIL, EXPIRES_SOON, ROLE };

static bool is_true(const PGresult *res, int field) {
  return PQgetvalue(res, 0, field)[0] == 't';
}

static enum mlt_rc keep(struct mlt_preflight *p, const char *text, const char **out,
                        struct mlt_err *err) {
  *out = mlt_arena_cstr(p->arena, text);
  return *out ? MLT_OK : mlt_err_nomem(err);
}

/* ---- what bounds the sessions ---- */

static enum mlt_rc take_limits(struct mlt_pg *pg, const PGresult *res, struct mlt_preflight *p,
                               struct mlt_err *err) {
  p->standby = is_true(res, IS_STANDBY);
  p->read_only = is_true(res, IS_READ_ONLY);
  p->connections_free =
      PQgetisnull(res, 0, FREE) ? -1 : strtoll(PQgetvalue(res, 0, FREE), NULL, DECIMAL);
  p->statement_timeout = pg->timeouts.statement;
  p->transaction_timeout = pg->timeouts.transaction;
  p->idle_in_transaction_timeout = pg->timeouts.idle_in_transaction;
  p->lock_timeout = pg->timeouts.lock;
  enum mlt_rc rc = keep(p, PQgetvalue(res, 0, ROLE), &p->role, err);
  if (rc == MLT_OK && !PQgetisnull(res, 0, VALID_UNTIL))
    rc = keep(p, PQgetvalue(res, 0, VALID_UNTIL), &p->valid_until, err);
  return rc;
}

static enum mlt_rc warn_of_limits(const PGresult *res, struct mlt_preflight *p,
                                  struct mlt_err *err) {
  char text[200], mend[200];
  enum mlt_rc rc = MLT_OK;
  if (is_true(res, EXPIRES_SOON)) {
    (void)snprintf(text, sizeof text,
                   "the password of role %.80s is valid until %s: a connection that is lost later "
                   "cannot be made again",
                   p->role, p->valid_until);
    (void)snprintf(mend, sizeof mend, "ALTER ROLE %.80s VALID UNTIL 'infinity'", p->role);
    rc = mlt_preflight_warn(p, "password-expires", text, mend, err);
  }
  if (rc == MLT_OK && p->connections_free >= 0 && p->connections_free + 1 < p->connections) {
    (void)snprintf(text, sizeof text, "%lld of %u connections (--jobs) can be had here",
                   (long long)p->connections_free + 1, p->connections);
    rc = mlt_preflight_warn(p, "few-connections", text,
                            "the import goes on with those; others can have none meanwhile", err);
  }
  return rc;
}

static enum mlt_rc refuse_read_only(const struct mlt_preflight *p, struct mlt_err *err) {
  if (!p->standby && !p->read_only)
    return MLT_OK;
  enum mlt_rc rc =
      mlt_err_set(err, MLT_NOPERM,
                  p->standby ? "the server is a standby, which takes no rows"
                             : "nothing can be written here: default_transaction_read_only is on");
  (void)snprintf(err->sqlstate, sizeof err->sqlstate, "25006");
  if (p->standby)
    mlt_err_hint(err, "name the primary; or all hosts, and target_session_attrs=read-write");
  else
    mlt_err_hint(err, "ALTER ROLE %s SET default_transaction_read_only = off (or ALTER DATABASE)",
                 p->role);
  return rc;
}

static enum mlt_rc look_at_limits(struct mlt_pg *pg, struct mlt_preflight *p, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_limits, 0, NULL, &res, err);
  if (rc == MLT_OK && PQntuples(res) != 1)
    rc = mlt_err_set(err, MLT_PROTOCOL, "the server does not know the role of its session");
  if (rc == MLT_OK)
    rc = take_limits(pg, res, p, err);
  if (rc == MLT_OK)
    rc = refuse_read_only(p, err);
  if (rc == MLT_OK)
    rc = warn_of_limits(res, p, err);
  PQclear(res);
  return rc;
}

/* ---- rights ---- */

/* The GRANTs that are missing for these purposes; NULL: none. */
static enum mlt_rc find_lacking(const PGresult *needs, unsigned purposes, struct mlt_preflight *p,
                                const char **out, struct mlt_err *err) {
  struct mlt_buf text;
  mlt_buf_init(&text, TEXT_MAX);
  enum mlt_rc rc = mlt_pg_add_grants(&text, needs, MLT_NEED_LACKING, purposes, p->role, ", ");
  if (rc == MLT_OK && text.len)
    rc = mlt_buf_cstr(&text) ? keep(p, text.p, out, err) : MLT_NOMEM;
  mlt_buf_free(&text);
  return rc == MLT_NOMEM || rc == MLT_TOOBIG ? mlt_err_nomem(err) : rc;
}

/* As one line. */
static void join(char *out, size_t cap, const char *statements) {
  (void)snprintf(out, cap, "%s", statements);
  for (char *p = out; (p = strchr(p, '\n')); p++)
    *p = p[1] ? ' ' : '\0';
}

static enum mlt_rc refuse(struct mlt_pg *pg, const struct mlt_preflight *p, struct mlt_err *err) {
  char grants[sizeof err->hint];
  if (!p->lacking)
    return MLT_OK;
  join(grants, sizeof grants, p->lacking);
  enum mlt_rc rc =
      mlt_err_set(err, MLT_NOPERM, "role %s lacks rights that this import takes", p->role);
  (void)snprintf(err->sqlstate, sizeof err->sqlstate, "42501");
  mlt_err_hint(err,
               "%.1800s `mltrack-bulk grants --role %.80s` prints all that is needed, and no more",
               grants, PQuser(pg->conn));
  return rc;
}

static enum mlt_rc warn_of_rights(struct mlt_preflight *p, struct mlt_err *err) {
  char grants[sizeof err->hint];
  if (!p->may_lack)
    return MLT_OK;
  join(grants, sizeof grants, p->may_lack);
  return mlt_preflight_warn(
      p, "may-lack-rights",
      "the role lacks rights that an import takes now and then: for runs that are "
      "there already, or a sequence that lags behind",
      grants, err);
}

static enum mlt_rc look_at_rights(struct mlt_pg *pg, const struct mlt_pg_use *use,
                                  struct mlt_preflight *p, struct mlt_err *err) {
  PGresult *needs;
  unsigned must = MLT_FOR_LOAD, may = MLT_FOR_NUMBERING;
  if (use->merges)
    must |= MLT_FOR_MERGING;
  else
    may |= use->may_merge ? MLT_FOR_MERGING : use->trusts ? MLT_FOR_TRUSTING : 0;
  enum mlt_rc rc = mlt_pg_needs(pg, use->copies, &needs, err);
  if (rc == MLT_OK) {
    p->rights = (size_t)PQntuples(needs);
    rc = find_lacking(needs, must, p, &p->lacking, err);
  }
  if (rc == MLT_OK)
    rc = find_lacking(needs, may, p, &p->may_lack, err);
  PQclear(needs);
  return rc;
}

/* Whether the role may set a parameter shows when it does; it is asked last, as it has an error of
   its own. */
static enum mlt_rc look_at_trust(struct mlt_pg *pg, struct mlt_preflight *p, struct mlt_err *err) {
  struct mlt_err failed = MLT_ERR_INIT;
  struct mlt_buf text;
  enum mlt_rc rc = mlt_pg_trust_role(pg, &failed);
  if (rc != MLT_NOPERM || !p->lacking || PQserverVersion(pg->conn) < 150000) {
    if (rc != MLT_OK && !p->lacking)
      *err = failed;
    return p->lacking ? MLT_OK : rc;
  }
  mlt_buf_init(&text, TEXT_MAX);
  rc = mlt_buf_printf(&text, "%sGRANT SET ON PARAMETER session_replication_role TO %s;\n",
                      p->lacking, p->role);
  rc = rc == MLT_OK && mlt_buf_cstr(&text) ? keep(p, text.p, &p->lacking, err) : mlt_err_nomem(err);
  mlt_buf_free(&text);
  return rc;
}

enum mlt_rc mlt_pg_preflight(struct mlt_pg *pg, const struct mlt_pg_use *use,
                             struct mlt_preflight *out, struct mlt_err *err) {
  out->connections = use->connections;
  enum mlt_rc rc = look_at_limits(pg, out, err);
  if (rc == MLT_OK)
    rc = look_at_rights(pg, use, out, err);
  if (rc == MLT_OK && use->trusts)
    rc = look_at_trust(pg, out, err);
  if (rc == MLT_OK)
    rc = refuse(pg, out, err);
  return rc == MLT_OK ? warn_of_rights(out, err) : rc;
}
