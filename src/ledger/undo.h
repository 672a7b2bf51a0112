/* Which of the rows that an import wrote may go: what pg/undo.c and lite/undo.c share. Both gather
   the rows that are the import's and untouched since in temporary tables, of which this takes away
   those that something refers to which stays, until there are no more of them:

     mltrack_r (run_uuid, created, why)  runs that the import wrote to, whether it created them, and
                                         why one that it created must stay
     mltrack_go (tab, id)                rows that may go; a run stands for all of its rows. tab is
                                         an enum mlt_table, id what tells a row from the others */
#ifndef MLT_LEDGER_UNDO_H
#define MLT_LEDGER_UNDO_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "model/tables.h"

enum { MLT_UNDO_SQL_MAX = 8 * 1024 };

/* What differs between the databases. */
struct mlt_undo_db {
  void *ctx;          /* for the functions */
  const char *tables; /* what comes before the name of a table of MLflow's, as "public". */
  const char *temp;   /* before that of a temporary one */
  const char *row;    /* the column that tells a row from the others of its table */
  bool (*has)(void *ctx, enum mlt_table table);
  /* *rows (may be NULL): how many it was about. */
  enum mlt_rc (*run)(void *ctx, const char *sql, uint64_t *rows, struct mlt_err *err);
  /* Appends the condition that row p of the table, which is not runs, came with the import. */
  void (*came)(enum mlt_table table, char *out, size_t size);
};

/* A statement as printf has it. */
enum mlt_rc mlt_undo_format(char sql[MLT_UNDO_SQL_MAX], const char *fmt, va_list ap,
                            struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_undo_settle(const struct mlt_undo_db *db, struct mlt_err *err) MLT_NODISCARD;

/* Tables whose rows are named when they stay; what: an expression for the name of row t. */
struct mlt_undo_named {
  enum mlt_table table;
  const char *what;
};
extern const struct mlt_undo_named mlt_undo_named[];
extern const size_t mlt_undo_named_n;
/* Why they do, as PostgreSQL and SQLite alike say it. */
#define MLT_UNDO_REFERRED "something that stays refers to it, or it is part of that"
#define MLT_UNDO_CHANGED "somebody has changed it since"
#define MLT_UNDO_AGAIN "its value was changed again"

#endif
