/* What loading takes of a role: one table of it (sql/pg_needs.sql), for the script of
   `mltrack-bulk grants` and for the look before the first write. Nobody outside pg/ includes it. */
#ifndef MLT_PG_RIGHTS_H
#define MLT_PG_RIGHTS_H

#include "pg/internal.h"

/* What for, as bits. */
enum mlt_pg_purpose {
  MLT_FOR_LOAD = 1,
  MLT_FOR_NUMBERING = 2, /* a sequence that lags behind is moved ahead */
  MLT_FOR_MERGING = 4,   /* runs that are there are added to */
  MLT_FOR_TRUSTING = 8,  /* mlt_pg_trust_runs */
  MLT_FOR_LEDGER = 16,
};
/* Columns of the result. */
enum mlt_pg_need {
  MLT_NEED_PURPOSE,
  MLT_NEED_KIND,
  MLT_NEED_OBJECT,
  MLT_NEED_RIGHTS,
  MLT_NEED_LACKING
};

/* copies: rows of tables that are copied may come, too. */
enum mlt_rc mlt_pg_needs(struct mlt_pg *pg, bool copies, PGresult **out, struct mlt_err *err);
/* Appends GRANTs, one for each stretch of objects that take the same, of the column RIGHTS or
   LACKING of those needs that have one of these purposes. role: quoted. between: stands between the
   objects of one statement. */
enum mlt_rc mlt_pg_add_grants(struct mlt_buf *out, const PGresult *needs, enum mlt_pg_need column,
                              unsigned purposes, const char *role,
                              const char *between) MLT_NODISCARD;

#endif
