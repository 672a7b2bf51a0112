/* What PostgreSQL says about the state of MLflow's tables, beyond their shape. Errors as in
   pg/store.h. */
#ifndef MLT_PG_HEALTH_H
#define MLT_PG_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include "pg/store.h"
#include "schema/repairs.h"

/* The sequence that numbers experiments. known: there is one, and we may look at it. */
struct mlt_pg_sequence {
  bool known;
  int64_t last; /* the number it gave last; one less than it starts with if it gave none */
  int64_t max;  /* the greatest id in the table */
};

enum mlt_rc mlt_pg_sequence(struct mlt_pg *pg, struct mlt_pg_sequence *out, struct mlt_err *err);

/* Constraints of the schema's tables that are NOT VALID. Strings are valid during the call. */
enum mlt_rc mlt_pg_unvalidated(struct mlt_pg *pg,
                               void (*fn)(void *ctx, const char *table, const char *constraint),
                               void *ctx, struct mlt_err *err);

/* Inside a write transaction. before_ms: of MLT_REPAIR_STALE, runs that have been silent since.
   out is zeroed but for its map. LATEST keeps others from writing metrics until the transaction
   ends, or they would be compared with points that nobody has seen; MLT_TEMPFAIL if they do not let
   it. SEQUENCE never goes backwards, and is not undone by a rollback. */
enum mlt_rc mlt_pg_repair(struct mlt_pg *pg, enum mlt_repair what, int64_t before_ms,
                          struct mlt_repaired *out, struct mlt_err *err);

#endif
