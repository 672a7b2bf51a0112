/* Classes of SQLSTATEs, and what a user can do about one. Pure tables: no connection, no text
   matching. */
#ifndef MLT_PG_SQLSTATE_H
#define MLT_PG_SQLSTATE_H

#include <stdbool.h>

#include "base/err.h"

/* The class of a five-character SQLSTATE (pg/store.h); MLT_PROTOCOL for one that has none. */
enum mlt_rc mlt_pg_sqlstate_rc(const char *sqlstate);
/* One sentence, or NULL. */
const char *mlt_pg_sqlstate_hint(const char *sqlstate);
/* Another transaction was in the way: a lock was not to be had, a deadlock, the same row written at
   the same time. */
bool mlt_pg_sqlstate_is_contention(const char *sqlstate);
/* The session or the server is gone, but another may be had soon. True for an empty code, which a
   closed connection has. */
bool mlt_pg_sqlstate_is_passing(const char *sqlstate);
/* The server would not do the statement, but is well and was not told to stop: another way may go.
   False for an empty code. */
bool mlt_pg_sqlstate_is_refusal(const char *sqlstate);
/* Finds the SQLSTATE in the verbose message of a failed connection ("FATAL:  28P01: ..."). Returns
   0, or -1 when there is none: the server was not reached. */
int mlt_pg_sqlstate_find(const char *verbose_message, char out[6]);

#endif
