/* Opening and closing. What the user gave in the connection string always wins over our defaults;
   libpq's environment variables, password file and service file work as in psql. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "pg/internal.h"
#include "pg/sqlstate.h"
#include "sql.h"

enum { OLDEST_SERVER = 140000, DIAGNOSE_MS = 3000 };

struct params {
  int n;
  const char *keys[12], *values[12]; /* NULL-terminated */
};

static void add(struct params *p, const char *key, const char *value) {
  p->keys[p->n] = key;
  p->values[p->n++] = value;
}

/* What we set where nobody else has: a network that swallows packets is noticed within about a
   minute. */
static const struct {
  const char *key, *env, *value;
} defaults[] = {
    {"connect_timeout", "PGCONNECT_TIMEOUT", "30"},
    {"keepalives_idle", NULL, "30"},
    {"keepalives_interval", NULL, "10"},
    {"keepalives_count", NULL, "3"},
    {"tcp_user_timeout", NULL, "60000"},
};

/* What the service says, if one is named: an object with all its settings, as libpq reads the file,
   which is only done for a connection. This one is to a socket that cannot be, with a password so
   that none is looked for. NULL: there is none, or it cannot be read, which connecting tells. */
static PQconninfoOption *read_service(const char *conninfo) {
  struct params p = {0};
  if (!strstr(conninfo, "service") && !getenv("PGSERVICE"))
    return NULL;
  add(&p, "dbname", conninfo);
  add(&p, "host", "/dev/null/mltrack");
  add(&p, "hostaddr", "");
  add(&p, "port", "5432");
  add(&p, "password", "none");
  PGconn *conn = PQconnectStartParams(p.keys, p.values, 1);
  PQconninfoOption *options = conn ? PQconninfo(conn) : NULL;
  PQfinish(conn);
  return options;
}

static bool says(const PQconninfoOption *options, const char *key) {
  for (; options && options->keyword; options++)
    if (strcmp(options->keyword, key) == 0)
      return options->val && *options->val;
  return false;
}

/* Of a keyword given twice libpq takes the last. What stands before the connection string is a
   default, then; but one that would also beat the service. */
static void fill(struct params *p, const char *conninfo, const char *application_name) {
  PQconninfoOption *service = read_service(conninfo);
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
    if (!says(service, defaults[i].key) && !(defaults[i].env && getenv(defaults[i].env)))
      add(p, defaults[i].key, defaults[i].value);
  PQconninfoFree(service);
  add(p, "fallback_application_name", application_name);
  add(p, "dbname", conninfo);
  add(p, "client_encoding", "UTF8");
}

/* libpq says what it cannot parse, and that may be part of a password. */
static enum mlt_rc check_conninfo(const char *conninfo, struct mlt_err *err) {
  char *why = NULL, text[256] = "";
  PQconninfoOption *options = PQconninfoParse(conninfo, &why);
  if (options || (!strpbrk(conninfo, "=") && !strstr(conninfo, "://"))) {
    PQconninfoFree(options);
    PQfreemem(why);
    return MLT_OK; /* without a keyword it is a database's name */
  }
  if (why && !strstr(conninfo, "password") && !strchr(conninfo, '@'))
    mlt_pg_one_line(text, sizeof text, why);
  PQfreemem(why);
  enum mlt_rc rc = mlt_err_set(err, MLT_USAGE, "the connection string is not valid%s%s",
                               text[0] ? ": " : "", text);
  mlt_err_hint(err, "postgresql://user@host:5432/dbname or host=... dbname=... user=...");
  return rc;
}

static int64_t now_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for what libpq asks; false when the time is over. */
static bool wait_for(PGconn *conn, PostgresPollingStatusType what, int64_t deadline) {
  struct pollfd f = {.fd = PQsocket(conn),
                     .events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT};
  for (;;) {
    int64_t left = deadline - now_ms();
    int n = left > 0 ? poll(&f, 1, (int)left) : 0;
    if (n >= 0 || errno != EINTR)
      return n > 0;
  }
}

/* libpq keeps the SQLSTATE of a failed connection to itself but prints it in verbose messages,
   which only a connection made step by step can be asked for. So the failed attempt is made once
   more, to tell a wrong password from a server that is starting. */
static int diagnose(const struct params *p, char sqlstate[6]) {
  PGconn *conn = PQconnectStartParams(p->keys, p->values, 1);
  if (!conn)
    return -1;
  (void)PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
  int64_t deadline = now_ms() + DIAGNOSE_MS;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(conn) != CONNECTION_BAD &&
         (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) &&
         wait_for(conn, status, deadline))
    status = PQconnectPoll(conn);
  int found = mlt_pg_sqlstate_find(PQerrorMessage(conn), sqlstate);
  PQfinish(conn);
  return found;
}

static enum mlt_rc connect_failed(PGconn *conn, const struct params *p, struct mlt_err *err) {
  char text[900], sqlstate[6] = "";
  mlt_pg_one_line(text, sizeof text, PQerrorMessage(conn));
  if (PQconnectionNeedsPassword(conn))
    memcpy(sqlstate, "28P01", sizeof sqlstate);
  else if (diagnose(p, sqlstate) != 0) {
    enum mlt_rc rc = mlt_err_set(err, MLT_UNAVAILABLE, "%s", text);
    mlt_err_hint(err,
                 "is PostgreSQL running there, and do host and port fit? (psql \"...\" tells too)");
    return rc;
  }
  enum mlt_rc rc = mlt_err_set(err, mlt_pg_sqlstate_rc(sqlstate), "%s", text);
  if (err)
    memcpy(err->sqlstate, sqlstate, sizeof sqlstate);
  if (strcmp(sqlstate, "3D000") == 0)
    mlt_err_hint(err, "create it first: createdb %s", PQdb(conn));
  const char *hint = mlt_pg_sqlstate_hint(sqlstate);
  if (hint)
    mlt_err_hint(err, "%s", hint);
  return rc;
}

static void ignore_notice(void *ctx, const PGresult *res) {
  (void)ctx;
  (void)res;
}

static enum mlt_rc connect(struct mlt_pg *pg, const char *conninfo, const char *application_name,
                           struct mlt_err *err) {
  struct params p = {0};
  enum mlt_rc rc = check_conninfo(conninfo, err);
  if (rc != MLT_OK)
    return rc;
  fill(&p, conninfo, application_name);
  pg->conn = PQconnectdbParams(p.keys, p.values, 1);
  if (!pg->conn)
    return mlt_err_nomem(err);
  if (PQstatus(pg->conn) != CONNECTION_OK)
    return connect_failed(pg->conn, &p, err);
  (void)PQsetNoticeReceiver(pg->conn, ignore_notice, NULL); /* a library does not print */
  if (PQserverVersion(pg->conn) < OLDEST_SERVER)
    return mlt_err_set(err, MLT_UNAVAILABLE, "PostgreSQL %d is too old: mltrack needs 14 or newer",
                       PQserverVersion(pg->conn) / 10000);
  return MLT_OK;
}

static enum mlt_rc keep(const PGresult *res, int field, char **out, struct mlt_err *err) {
  *out = mlt_strdup(PQgetvalue(res, 0, field));
  return *out ? MLT_OK : mlt_err_nomem(err);
}

static enum mlt_rc no_schema(struct mlt_pg *pg, const PGresult *res, struct mlt_err *err) {
  enum mlt_rc rc;
  if (PQgetisnull(res, 0, 3)) {
    rc = mlt_err_set(err, MLT_SCHEMA, "no schema of the search_path exists in database %s",
                     PQdb(pg->conn));
    mlt_err_hint(err, "CREATE SCHEMA first, or correct options=-csearch_path=... in the target");
    return rc;
  }
  rc = mlt_err_set(err, MLT_NOPERM, "role %s may not use schema %s", PQgetvalue(res, 0, 4),
                   PQgetvalue(res, 0, 3));
  mlt_err_hint(err,
               "GRANT USAGE ON SCHEMA %s TO %s; `mltrack-bulk grants --role %s` prints all that "
               "is needed, and no more",
               PQgetvalue(res, 0, 3), PQgetvalue(res, 0, 4), PQuser(pg->conn));
  return rc;
}

static enum mlt_rc read_session(struct mlt_pg *pg, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_session, 0, NULL, &res, err);
  if (rc != MLT_OK)
    return rc;
  if (PQgetisnull(res, 0, 0)) {
    rc = no_schema(pg, res, err);
    goto out;
  }
  if ((rc = keep(res, 0, &pg->schema, err)) != MLT_OK ||
      (rc = keep(res, 1, &pg->encoding, err)) != MLT_OK ||
      (rc = keep(res, 2, &pg->version, err)) != MLT_OK)
    goto out;
  pg->version[strcspn(pg->version, " ")] = '\0'; /* without the packager's name */
  pg->quoted = PQescapeIdentifier(pg->conn, pg->schema, strlen(pg->schema));
  if (!pg->quoted)
    rc = mlt_pg_fail(pg, NULL, err);
  else if (strcmp(pg->encoding, "UTF8") != 0) {
    rc = mlt_err_set(err, MLT_SCHEMA, "database %s is encoded in %s; MLflow's texts need UTF8",
                     PQdb(pg->conn), pg->encoding);
    mlt_err_hint(err, "createdb --encoding UTF8 --template template0 NAME");
  }
out:
  PQclear(res);
  return rc;
}

enum mlt_rc mlt_pg_open(struct mlt_pg **out, const char *conninfo, const char *application_name,
                        struct mlt_err *err) {
  *out = NULL;
  struct mlt_pg *pg = mlt_calloc(1, sizeof *pg);
  if (!pg)
    return mlt_err_nomem(err);
  enum mlt_rc rc = connect(pg, conninfo, application_name, err);
  if (rc == MLT_OK)
    rc = read_session(pg, err);
  if (rc == MLT_OK)
    rc = mlt_pg_read_timeouts(pg, err);
  if (rc == MLT_OK)
    *out = pg;
  else
    mlt_pg_close(pg);
  return rc;
}

void mlt_pg_set_pacer(struct mlt_pg *pg, struct mlt_pacer *pacer) {
  pg->pacer = pacer;
}

void mlt_pg_set_cancelled(struct mlt_pg *pg, const volatile sig_atomic_t *cancelled) {
  pg->cancelled = cancelled;
}

void mlt_pg_close(struct mlt_pg *pg) {
  if (!pg)
    return;
  PQfinish(pg->conn);
  PQfreemem(pg->quoted);
  mlt_free(pg->schema);
  mlt_free(pg->version);
  mlt_free(pg->encoding);
  mlt_free(pg);
}
