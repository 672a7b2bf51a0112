/* PostgreSQL as a store of MLflow rows: transactions, bulk insert by binary COPY, streamed select.
   Named operations only: no caller outside pg/ writes SQL for PostgreSQL. One thread uses a
   connection. Errors carry err->sqlstate and are classed by it (never by text): MLT_UNAVAILABLE
   connection failures (08, 57P01-03), MLT_NOPERM 28***, 42501, MLT_SCHEMA 42P01, 42703, 23502,
   MLT_TEMPFAIL for what a retry of the whole transaction may mend (23505 unique violation by
   another writer, 40001, 40P01, 55P03, 57014), MLT_DATA 22***, 23514, 23503. */
#ifndef MLT_PG_STORE_H
#define MLT_PG_STORE_H

#include <signal.h>

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/pace.h"
#include "model/preflight.h"
#include "model/row.h"
#include "model/row_sum.h"
#include "schema/catalog.h"

struct mlt_pg;

/* conninfo: what PQconnectdb takes; libpq's environment and files apply. Refuses servers before 14
   (MLT_UNAVAILABLE) and databases whose encoding is not UTF8 (MLT_SCHEMA). */
enum mlt_rc mlt_pg_open(struct mlt_pg **out, const char *conninfo, const char *application_name,
                        struct mlt_err *err);
/* Would such a connection go over a network to a server whose name nobody checks (no
   sslmode=verify-full)? Connects to nothing; a service file is not looked into. */
bool mlt_pg_is_unverified(const char *conninfo);
void mlt_pg_close(struct mlt_pg *pg); /* NULL is fine */
/* From now on rows are sent as fast as the pacer (borrowed, outlives the connection) lets them. */
void mlt_pg_set_pacer(struct mlt_pg *pg, struct mlt_pacer *pacer);
/* From now on, once *cancelled is not 0, a statement that goes on for more than half a second is
   ended (MLT_CANCELLED): one that waits for somebody's lock, an index that is being built.
   Borrowed, outlives the connection. */
void mlt_pg_set_cancelled(struct mlt_pg *pg, const volatile sig_atomic_t *cancelled);
/* What an import is going to do. */
struct mlt_pg_use {
  bool merges, may_merge; /* rows of runs that are there are added to; if some have grown */
  bool trusts;            /* mlt_pg_trust_runs */
  bool copies;            /* rows of tables that are copied may come */
  unsigned connections;   /* at once */
};
/* The look before the first write; nothing is written. May the role do all of that? MLT_NOPERM with
   every GRANT that is missing, and for a standby or where all is read-only. *out takes what was
   found, also then; its arena is given. */
enum mlt_rc mlt_pg_preflight(struct mlt_pg *pg, const struct mlt_pg_use *use,
                             struct mlt_preflight *out, struct mlt_err *err) MLT_NODISCARD;
struct mlt_pg_grants {
  const char *role;
  bool merges; /* runs that are there are added to */
  bool trusts; /* mlt_pg_trust_runs */
};
/* Writes the GRANTs that give a role what loading takes, and nothing else, for psql. Names are
   quoted. out is made here; to be freed in every case. */
enum mlt_rc mlt_pg_grants(struct mlt_pg *pg, const struct mlt_pg_grants *g, struct mlt_buf *out,
                          struct mlt_err *err);
/* From now on params, tags, metrics and latest_metrics take rows without checking that their runs
   exist (SET LOCAL session_replication_role, around those COPYs alone): the caller has inserted the
   runs in the same transaction, or holds them (mlt_pg_hold_runs). MLT_NOPERM if the role may not do
   that, MLT_SCHEMA if a trigger or constraint of the user's on these tables would not work; the
   latter is looked at again in every transaction. */
enum mlt_rc mlt_pg_trust_runs(struct mlt_pg *pg, struct mlt_err *err);
/* Keeps runs that exist from being deleted until the transaction ends, as the check of the foreign
   key would: FOR KEY SHARE, in the order of run_uuid. runs: distinct. MLT_TEMPFAIL if one of them
   is not there any more. */
enum mlt_rc mlt_pg_hold_runs(struct mlt_pg *pg, const struct mlt_str *runs, size_t n,
                             struct mlt_err *err);
/* What mlt_pg_reconnect tells of a transaction must hold for this server. To be called once, before
   the first write transaction. MLT_UNAVAILABLE. */
enum mlt_rc mlt_pg_remember_server(struct mlt_pg *pg, struct mlt_err *err);
/* Is this the error of a connection that was lost, or of a server that is just not there? */
bool mlt_pg_is_lost(const struct mlt_err *err);
/* After such an error: tries once to connect again, and asks for the write transaction that was
   open. MLT_OK: the connection is good, no transaction open, and *fate says what became of that
   one; it is not known where the server restarted since, as its ids may have been given to others.
   MLT_AGAIN: the transaction is about to end, ask again. An error for which mlt_pg_is_lost() holds:
   not yet. MLT_TEMPFAIL: another server answers, or one that may have lost earlier commits. Waits
   for connect_timeout at most. */
enum mlt_rc mlt_pg_reconnect(struct mlt_pg *pg, enum mlt_fate_known *fate, struct mlt_err *err);
/* Could a timeout that somebody set (for the server, the database, the role, the connection) end a
   load that is one long transaction? Then why says which. */
bool mlt_pg_too_short_for_rebuild(const struct mlt_pg *pg, char *why, size_t why_cap);

/* Reads the catalogs of current_schema(): every table's name, and columns and indexes of those in
 * model/tables.def. */
enum mlt_rc mlt_pg_catalog(struct mlt_pg *pg, struct mlt_arena *arena, struct mlt_catalog *out,
                           struct mlt_err *err);
/* Runs a script of MLflow's DDL (schema/schema.h) in one transaction. */
enum mlt_rc mlt_pg_run_ddl(struct mlt_pg *pg, const char *script, struct mlt_err *err);

/* Begins a transaction. Write: takes ROW EXCLUSIVE on the tables we write (those the features
   bring), then reads alembic_version and returns MLT_SCHEMA if it is not `head` any more;
   MLT_TEMPFAIL if somebody changes those tables just now. Connects again if the connection was lost
   while nothing was asked of it (idle_session_timeout, a restart).
   Read-only: READ ONLY, REPEATABLE READ. */
enum mlt_rc mlt_pg_begin(struct mlt_pg *pg, bool read_only, const char *head, uint32_t features,
                         struct mlt_err *err);
enum mlt_rc mlt_pg_commit(struct mlt_pg *pg, struct mlt_err *err);
void mlt_pg_rollback(struct mlt_pg *pg); /* harmless outside a transaction */

/* Inserts rows by binary COPY, columns whose feature is not in `features` left out. The server's
   row count is compared with rows->n. Nothing is inserted for n = 0. Where statement_timeout is set
   the rows go in by several COPYs, each well below it. MLT_CANCELLED while pacing. */
enum mlt_rc mlt_pg_insert(struct mlt_pg *pg, const struct mlt_rows *rows, uint32_t features,
                          struct mlt_err *err);
/* Tables that are copied (schema/copied.h): as mlt_pg_insert. */
enum mlt_rc mlt_pg_insert_copied(struct mlt_pg *pg, const struct mlt_copied_rows *rows,
                                 struct mlt_err *err) MLT_NODISCARD;
/* As mlt_pg_select: the rows whose column `by`, which is of text, is one of the keys. */
enum mlt_rc mlt_pg_select_copied(struct mlt_pg *pg, const struct mlt_shape *shape, unsigned by,
                                 const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                 struct mlt_err *err) MLT_NODISCARD;
/* Writers of the same runs one after the other: inside a write transaction, waits until no other
   writer has any of these runs (distinct) to itself, and has them until the transaction ends. To be
   called before anything is written, so that nobody waits for us meanwhile. From here on every wait
   for somebody else's row is short (MLT_TEMPFAIL, sqlstate 55P03): MLflow is the one to go on. */
enum mlt_rc mlt_pg_lock_runs(struct mlt_pg *pg, const struct mlt_str *runs, size_t n,
                             struct mlt_err *err);
/* Adds rows to a table that may hold them, by way of a temporary table. But for points, which
   bring no key, rows are written in the order of (run_uuid, key). */
enum mlt_rc mlt_pg_merge(struct mlt_pg *pg, const struct mlt_merge *merge, uint32_t features,
                         struct mlt_merged *out, struct mlt_err *err);
/* Streams the rows that match, in no particular order, in bounded memory. Keys must be distinct.
   Where experiments or registered models have workspaces, those of the default one alone are seen,
   but for an experiment asked for by its id. The connection is busy meanwhile: fn must not use it.
   When fn ends the select, the transaction can only be rolled back. */
enum mlt_rc mlt_pg_select(struct mlt_pg *pg, enum mlt_table table, const struct mlt_where *where,
                          uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err);
/* What the rows of these runs (distinct) come to in params, tags, metrics or latest_metrics:
   computed by the server, no row is moved. */
enum mlt_rc mlt_pg_sum_rows(struct mlt_pg *pg, enum mlt_table table, const struct mlt_str *runs,
                            size_t n, mlt_row_sum_fn fn, void *ctx,
                            struct mlt_err *err) MLT_NODISCARD;
/* Inserts one experiment (values as model/columns.def). wanted >= 0: with that id if it is free.
   Else, and when it is taken, with the next id of the sequence, which is first moved ahead of every
   id in the table if it lags. *id is the id it got; row's own experiment_id is ignored. An
   artifact_location of NULL stays NULL, but with a root that is not NULL it is what MLflow makes of
   that root (model/rules.h). MLT_TEMPFAIL if the name came into being meanwhile. */
enum mlt_rc mlt_pg_insert_experiment(struct mlt_pg *pg, const struct mlt_value *row, int64_t wanted,
                                     const char *root, int64_t *id, struct mlt_err *err);

/* A session of an import into this database, as far as the role may see it. Strings live during the
   call. */
struct mlt_pg_session {
  int64_t pid;
  struct mlt_str
      doing; /* "COPY", or the phase of an index build; absent: nothing that is counted */
  struct mlt_str table; /* into or of which */
  uint64_t rows, bytes; /* of the COPY at hand */
  uint64_t done, total; /* blocks or rows of the phase; total 0: it has none */
};
typedef enum mlt_rc (*mlt_pg_session_fn)(void *ctx, const struct mlt_pg_session *session,
                                         struct mlt_err *err);
/* What the server says about sessions of mltrack's imports (pg_stat_progress_copy, ...), also of
   what they have not committed. fn must not use pg. */
enum mlt_rc mlt_pg_sessions(struct mlt_pg *pg, mlt_pg_session_fn fn, void *ctx,
                            struct mlt_err *err) MLT_NODISCARD;

/* In every workspace. apply: does it; else only looks. */
enum mlt_rc mlt_pg_rewrite(struct mlt_pg *pg, const struct mlt_rewrite *r, bool apply,
                           struct mlt_rewritten *out, struct mlt_err *err) MLT_NODISCARD;

#endif
