/* What the server lets a session do for how long. mltrack never changes these settings: it makes
   its statements short enough, and goes another way where one could end a load. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "pg/internal.h"
#include "sql.h"

/* More than a rebuild of some 200 million points takes. */
static const uint32_t ROOMY_MS = 60 * 60 * 1000;

static void take(struct mlt_pg_timeouts *t, const char *name, uint32_t ms) {
  if (strcmp(name, "statement_timeout") == 0)
    t->statement = ms;
  else if (strcmp(name, "transaction_timeout") == 0)
    t->transaction = ms;
  else if (strcmp(name, "idle_in_transaction_session_timeout") == 0)
    t->idle_in_transaction = ms;
  else
    t->lock = ms;
}

enum mlt_rc mlt_pg_read_timeouts(struct mlt_pg *pg, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_timeouts, 0, NULL, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++)
    take(&pg->timeouts, PQgetvalue(res, i, 0), (uint32_t)strtoul(PQgetvalue(res, i, 1), NULL, 10));
  PQclear(res);
  return rc;
}

bool mlt_pg_too_short_for_rebuild(const struct mlt_pg *pg, char *why, size_t why_cap) {
  const struct mlt_pg_timeouts *t = &pg->timeouts;
  const struct {
    const char *name, *what;
    uint32_t ms;
  } limits[] = {
      {"statement_timeout", "could end the build of an index", t->statement},
      {"transaction_timeout", "could end a load that is one transaction", t->transaction},
      {"idle_in_transaction_session_timeout", "could strike while the source is read",
       t->idle_in_transaction},
  };
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    if (limits[i].ms > 0 && limits[i].ms < ROOMY_MS) {
      (void)snprintf(why, why_cap, "%s of %" PRIu32 " ms %s", limits[i].name, limits[i].ms,
                     limits[i].what);
      return true;
    }
  return false;
}

void mlt_pg_hint_timeout(const struct mlt_pg *pg, const char *sqlstate, struct mlt_err *err) {
  const char *user = PQuser(pg->conn);
  if (strcmp(sqlstate, "57014") == 0 && pg->timeouts.statement > 0)
    mlt_err_hint(err,
                 "statement_timeout is %" PRIu32 " ms here: if that ended it, raise it (ALTER ROLE "
                 "\"%s\" SET statement_timeout = ...); running again is safe",
                 pg->timeouts.statement, user);
  else if (strcmp(sqlstate, "25P04") == 0)
    mlt_err_hint(err,
                 "transaction_timeout is %" PRIu32 " ms here: raise it (ALTER ROLE \"%s\" SET "
                 "transaction_timeout = ...), or commit more often (--load append --batch-rows N)",
                 pg->timeouts.transaction, user);
  else if (strcmp(sqlstate, "25P03") == 0)
    mlt_err_hint(err,
                 "idle_in_transaction_session_timeout is %" PRIu32 " ms here: raise it (ALTER ROLE "
                 "\"%s\" SET ...), or load without long transactions (--load append)",
                 pg->timeouts.idle_in_transaction, user);
}

/* ---- the length of a statement ---- */

/* A statement's time goes on after its last row has been sent: for what the server had not read
   yet, and for the foreign keys, which are checked at the end and cost as much as all the rest. So
   sending aims at an eighth of statement_timeout and is stopped at a quarter. */
enum { AIM = 8, STOP = 4, FIRST_ROWS = 1000, GROWTH = 4 };

void mlt_pg_portion_begins(const struct mlt_pg *pg, struct mlt_pg_portion *p) {
  p->started = mlt_clock_seconds();
  if (pg->timeouts.statement > 0 && p->rows == 0)
    p->rows = FIRST_ROWS;
}

bool mlt_pg_portion_is_full(const struct mlt_pg *pg, const struct mlt_pg_portion *p, size_t rows) {
  if (pg->timeouts.statement == 0)
    return false;
  double limit = (double)pg->timeouts.statement / 1000 / STOP;
  return rows >= p->rows || mlt_clock_seconds() - p->started > limit;
}

void mlt_pg_portion_ended(const struct mlt_pg *pg, struct mlt_pg_portion *p, size_t rows,
                          bool well) {
  double aim = (double)pg->timeouts.statement / 1000 / AIM;
  double took = mlt_clock_seconds() - p->started;
  if (pg->timeouts.statement == 0 || rows == 0)
    return;
  if (well && took < aim && rows < p->rows)
    return; /* the table had no more: that says little about more rows */
  double factor = well ? aim / (took > 0.001 ? took : 0.001) : 1.0 / GROWTH;
  double next = (double)rows * (factor > GROWTH ? GROWTH : factor);
  p->rows = next < 1 ? 1 : (size_t)next;
}
