/* What rebuild.c and rebuild_catalog.c share: the tables of one rebuild and what is known of them.
 */
#ifndef MLT_PG_REBUILD_INTERN_H
#define MLT_PG_REBUILD_INTERN_H

#include "pg/internal.h"
#include "pg/rebuild.h"

enum { MLT_REBUILD_TABLES = 4 };

struct mlt_pg_rebuild_table {
  enum mlt_table table;
  bool suitable;   /* empty, and nothing known forbids; never true again once false */
  char oid[12];    /* as text, for parameters */
  PGresult *plan;  /* sql/pg_rebuild_plan.sql */
  PGresult *state; /* sql/pg_rebuild_state.sql, before anything was taken away */
};

struct mlt_pg_rebuild {
  struct mlt_pg *pg;
  struct mlt_pg_rebuild_opts opts;
  char runs_oid[12];
  struct mlt_pg_rebuild_table tables[MLT_REBUILD_TABLES]; /* metrics first */
};

/* If the server would not do something but is well, that is a refusal: takes it out of *err and
   returns MLT_OK. Else returns err->rc. */
enum mlt_rc mlt_pg_rebuild_refused(struct mlt_err *err, struct mlt_pg_refusal *why);
/* Looks at the tables that are suitable so far; a refusal if metrics is not any more. */
enum mlt_rc mlt_pg_rebuild_look(struct mlt_pg_rebuild *r, struct mlt_pg_refusal *why,
                                struct mlt_err *err);
/* Takes away what slows t down, after proving that it can be made again. On a refusal t is as it
   was. */
enum mlt_rc mlt_pg_rebuild_prepare(struct mlt_pg_rebuild *r, struct mlt_pg_rebuild_table *t,
                                   struct mlt_pg_refusal *why, struct mlt_err *err);
/* Makes it again and compares the result. */
enum mlt_rc mlt_pg_rebuild_make(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                                struct mlt_err *err);
/* The first object that two results of pg_rebuild_state.sql differ in, or NULL. */
const char *mlt_pg_rebuild_difference(const PGresult *before, const PGresult *after);

#endif
