/* What the files of pg/ share: the connection, statements, errors. Nobody outside pg/ includes it.
   A PGresult handed out belongs to the caller (PQclear). */
#ifndef MLT_PG_INTERNAL_H
#define MLT_PG_INTERNAL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/buf.h"
#include "model/tables.h"
#include "pg/store.h"

/* Limits of our session that somebody set, in milliseconds; 0: none. */
struct mlt_pg_timeouts {
  uint32_t statement, transaction, idle_in_transaction, lock;
};

/* Rows of one kind of statement, of which none may take as long as statement_timeout. */
struct mlt_pg_portion {
  double started; /* the statement at hand */
  size_t rows;    /* the most that the next may have; 0: none was made yet */
};

/* sql/pg_history.sql */
struct mlt_pg_history {
  char server[64]; /* empty: not known, or a standby */
  char ids[80];
  bool forgets;
};

struct mlt_pg {
  PGconn *conn;
  char *schema; /* current_schema() when the connection was opened */
  char *quoted; /* the same as an identifier: every table name is written behind it */
  char *version;
  char *encoding;
  bool types_known;
  Oid types[MLT_C_COUNT]; /* 0: the database has no such column */
  struct mlt_pg_timeouts timeouts;
  struct mlt_pacer *pacer; /* borrowed; NULL: as fast as it goes */
  struct mlt_pg_portion copies, merges;
  const volatile sig_atomic_t *cancelled; /* borrowed; NULL: statements are waited for */
  double cancel_at; /* when the statement at hand is ended; 0: nobody has asked for that yet */
  int64_t keep_for; /* the import for which merges keep what they replace; 0: for none */
  bool goes_on;     /* what the ledger writes is part of the transaction that was open */
  bool trust_runs;  /* mlt_pg_trust_runs was called: foreign keys to runs are not checked */
  char xid[24];     /* of the last write transaction; empty: there was none */
  bool committing;  /* its COMMIT was sent, and not answered yet */
  struct mlt_pg_history history;
};

/* Types of the server we read or write; the numbers are fixed in its pg_type.dat. */
enum mlt_pg_oid {
  MLT_OID_BOOL = 16,
  MLT_OID_I8 = 20,
  MLT_OID_I2 = 21,
  MLT_OID_I4 = 23,
  MLT_OID_TEXT = 25,
  MLT_OID_JSON = 114,
  MLT_OID_F8 = 701,
  MLT_OID_TEXT_ARRAY = 1009,
  MLT_OID_BPCHAR = 1042,
  MLT_OID_VARCHAR = 1043,
};

/* error.c */
/* Records the failure that res tells of, or, where res is NULL or has no code, the connection's. */
enum mlt_rc mlt_pg_fail(struct mlt_pg *pg, const PGresult *res, struct mlt_err *err);
/* If a privilege is missing, names the GRANT: `what` stands before the schema ("SELECT ON ALL
 * TABLES IN"). */
void mlt_pg_hint_grant(struct mlt_pg *pg, struct mlt_err *err, const char *what);
/* Likewise the GRANT for temporary tables. */
void mlt_pg_hint_temporary(struct mlt_pg *pg, struct mlt_err *err);
/* One line: line breaks of server messages become "; ". */
void mlt_pg_one_line(char *out, size_t cap, const char *text);

/* exec.c */
/* Runs one statement with n text parameters. *out: its result, or NULL on error. */
enum mlt_rc mlt_pg_query(struct mlt_pg *pg, const char *sql, int n, const char *const *params,
                         PGresult **out, struct mlt_err *err);
/* Likewise with parameters of given types (0: the server's guess) and formats. */
enum mlt_rc mlt_pg_query_typed(struct mlt_pg *pg, const char *sql, int n, const Oid *types,
                               const char *const *params, const int *lengths, const int *formats,
                               PGresult **out, struct mlt_err *err);
/* Runs several statements at once, without parameters; *out (may be NULL) is the last one's result.
 */
enum mlt_rc mlt_pg_command(struct mlt_pg *pg, const char *sql, PGresult **out, struct mlt_err *err);
/* PQgetResult; ends the statement when the import is to stop. */
PGresult *mlt_pg_result(struct mlt_pg *pg);
/* Asks the server to end the statement at hand: its result will say so. */
void mlt_pg_cancel(struct mlt_pg *pg);
/* Fills pg->types, once. */
enum mlt_rc mlt_pg_types(struct mlt_pg *pg, struct mlt_err *err);
/* Our tables' names and alembic_version as an array literal. */
extern const char mlt_pg_table_names[];
/* An out-of-memory or too-big return of a buffer, as an error. */
enum mlt_rc mlt_pg_buf_failed(enum mlt_rc rc, struct mlt_err *err);

/* insert.c */
/* COPYs rows into the table `into` (as SQL; NULL: their own), which has the columns of theirs. Only
   rows for their own table keep the pace. */
enum mlt_rc mlt_pg_copy(struct mlt_pg *pg, const struct mlt_rows *rows, const char *into,
                        uint32_t features, struct mlt_err *err);

/* txn.c */
struct mlt_pg_locks {
  unsigned timeout_ms; /* for each wait */
  uint32_t exclusive;  /* bits by enum mlt_table: ACCESS EXCLUSIVE instead of ROW EXCLUSIVE */
};
/* mlt_pg_begin for a writer, with other locks. */
enum mlt_rc mlt_pg_begin_write(struct mlt_pg *pg, const struct mlt_pg_locks *locks,
                               const char *head, uint32_t features, struct mlt_err *err);
/* Appends the statements that begin a transaction. */
enum mlt_rc mlt_pg_add_begin(struct mlt_pg *pg, struct mlt_buf *b, bool read_only);
/* MLT_SCHEMA unless res is one row with this revision. */
enum mlt_rc mlt_pg_check_head(const PGresult *res, const char *head, struct mlt_err *err);
/* Appends the statements that take the locks. */
enum mlt_rc mlt_pg_add_locks(struct mlt_pg *pg, struct mlt_buf *b, const struct mlt_pg_locks *locks,
                             uint32_t features);

/* timeouts.c */
enum mlt_rc mlt_pg_read_timeouts(struct mlt_pg *pg, struct mlt_err *err);
/* If one of them may have ended a statement or session with this SQLSTATE: what to do about it. */
void mlt_pg_hint_timeout(const struct mlt_pg *pg, const char *sqlstate, struct mlt_err *err);
/* Called around every statement that writes rows, so that none takes as long as statement_timeout:
   no more rows go into one that is long; another follows. */
void mlt_pg_portion_begins(const struct mlt_pg *pg, struct mlt_pg_portion *p);
bool mlt_pg_portion_is_full(const struct mlt_pg *pg, const struct mlt_pg_portion *p, size_t rows);
void mlt_pg_portion_ended(const struct mlt_pg *pg, struct mlt_pg_portion *p, size_t rows,
                          bool well);

/* trust.c */
/* May the role have foreign keys unchecked? MLT_NOPERM. */
enum mlt_rc mlt_pg_trust_role(struct mlt_pg *pg, struct mlt_err *err);
/* At the begin of a write transaction: nothing stands against trusting, and the other tables are
 * checked. */
enum mlt_rc mlt_pg_trust_begin(struct mlt_pg *pg, struct mlt_err *err);
/* May rows of this table go in unchecked? */
bool mlt_pg_is_trusted(const struct mlt_pg *pg, enum mlt_table table);
/* The statements around an INSERT or COPY of such rows, in the same command string. */
extern const char mlt_pg_unchecked[], mlt_pg_checked[];

/* select.c: a field of a binary result that is not NULL, text borrowed; false if it is of a type we
 * do not read. */
bool mlt_pg_value(const PGresult *res, int row, int field, struct mlt_value *out);

/* experiment.c: moves the sequence ahead of the greatest id, if it is behind. */
enum mlt_rc mlt_pg_sequence_repair(struct mlt_pg *pg, uint64_t *moved, struct mlt_err *err);

/* columns.c */
/* The columns of a table that `features` bring, in order. Returns how many. */
unsigned mlt_pg_columns(enum mlt_table table, uint32_t features, enum mlt_column *out);
/* Appends "schema".table */
enum mlt_rc mlt_pg_add_table(struct mlt_pg *pg, struct mlt_buf *b, enum mlt_table table);
/* Appends "a", "b", "c" */
enum mlt_rc mlt_pg_add_columns(struct mlt_buf *b, const enum mlt_column *columns, unsigned n);

#endif
