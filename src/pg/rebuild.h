/* Loading empty tables faster: their indexes and constraints are taken away, rows go in by COPY,
   and everything is made again exactly as it was - in the one transaction of the load, so that a
   crash, a kill or a rollback at any moment leaves the tables as they were. For metrics this costs
   a third of keeping three indexes and a foreign key live.

   Needs ownership of the tables and ACCESS EXCLUSIVE locks on them and on runs (which is what
   dropping a foreign key to it takes): readers wait for the load to end. Refused, with the reason,
   where it would not be exact or safe: metrics holds rows, has a trigger, a rule, row security,
   partitions, inheritance, is published for logical replication, is referenced by a foreign key or
   by a view or function that needs its key, an event trigger would fire, the role does not own it,
   or an index or constraint cannot be made again exactly. The last is found out by trying it on the
   empty table. One of the other tables with such an obstacle, or with rows, is loaded with its
   indexes live. */
#ifndef MLT_PG_REBUILD_H
#define MLT_PG_REBUILD_H

#include <stdbool.h>
#include <stdint.h>
#include "pg/store.h"

struct mlt_pg_rebuild;

/* Why a rebuild is not possible; empty as long as it is. */
struct mlt_pg_refusal {
  char text[512]; /* one sentence */
  bool passing;   /* others are in the way just now: trying again may do */
};

struct mlt_pg_rebuild_opts {
  const char *head; /* as for mlt_pg_begin */
  uint32_t features;
  /* How long to wait for each lock. Readers queue behind a waiting lock, and a wait longer than the
     server's deadlock_timeout (1 s) can make another session the victim of a deadlock. */
  unsigned lock_timeout_ms;
  unsigned workers;   /* parallel workers of each index build; 0 = the server's setting */
  unsigned memory_mb; /* maintenance_work_mem of the builds; 0 = the server's setting */
};

/* Begins the write transaction (as mlt_pg_begin) and prepares those of metrics, latest_metrics,
   params and tags that are empty; metrics must be. MLT_OK with *out set: load, then
   mlt_pg_rebuild_finish, then mlt_pg_commit; until then a select on these tables has no index. Rows
   in the order of (run_uuid, key, step) over the whole load, not only within a batch, save a fifth
   of the builds.
   MLT_OK with *out NULL: not possible, *why says so, no transaction is open.
   Errors as mlt_pg_begin. */
enum mlt_rc mlt_pg_rebuild_begin(struct mlt_pg *pg, const struct mlt_pg_rebuild_opts *opts,
                                 struct mlt_pg_rebuild **out, struct mlt_pg_refusal *why,
                                 struct mlt_err *err) MLT_NODISCARD;
/* For a dry run: would it be refused, as far as that can be seen without a lock? *why is empty if
   not. err may not be NULL. */
enum mlt_rc mlt_pg_rebuild_refusal(struct mlt_pg *pg, struct mlt_pg_refusal *why,
                                   struct mlt_err *err) MLT_NODISCARD;
/* Makes indexes, primary keys, foreign keys and all their properties again. The transaction stays
   open; on an error the caller rolls back, which restores everything. MLT_DATA if a row is there
   twice or its run is missing. */
enum mlt_rc mlt_pg_rebuild_finish(struct mlt_pg_rebuild *r, struct mlt_err *err) MLT_NODISCARD;
/* Were this table's indexes taken away? Then it was empty when the load began. */
bool mlt_pg_rebuild_has(const struct mlt_pg_rebuild *r, enum mlt_table table);
void mlt_pg_rebuild_free(struct mlt_pg_rebuild *r); /* NULL is fine */

#endif
