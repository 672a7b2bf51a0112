/* The ledger: what imports leave in the target about themselves, in tables of our own (migrations/)
   that MLflow and alembic do not know. An import has a row, committed before its first; every batch
   that writes anything has one in the transaction of its rows, with the runs it wrote. So after a
   crash the ledger says exactly what is in.

   This header is the contract of pg/ledger.c and lite/ledger.c, and what both share. `db` is the
   connection. One thread uses it. */
#ifndef MLT_LEDGER_LEDGER_H
#define MLT_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/tables.h"

enum { MLT_LEDGER_VERSION = 1, MLT_WORKER_MAX = 300, MLT_IDENTITY_HEX = 64 };

/* The format of what is no import, but a repair of mltrack-verify's: what it made follows from
   other rows, so it is not undone. */
#define MLT_LEDGER_REPAIR "repair"

/* Who imports what. Strings are borrowed. */
struct mlt_ledger_source {
  const char *source;   /* as given, for people: no password in it */
  const char *format;   /* the word for --format */
  const char *identity; /* of its content (mlt_ledger_identity); NULL: it cannot be told */
  const char *options;  /* JSON */
  const char *version;  /* mltrack's */
  bool restart;         /* an unfinished import of this source is not continued */
};

/* What came of it. */
struct mlt_ledger_state {
  int64_t id;       /* of the import; 0: no ledger is kept */
  bool resumed;     /* it was begun before, and goes on */
  bool made;        /* the ledger's tables were not there */
  int64_t beside;   /* another import of this source that seems to be at work; 0: none */
  char why[600];    /* why none is kept; empty: it is, or it was not asked for */
  char remedy[600]; /* how to mend that */
};

/* A run that a batch has written. */
struct mlt_ledger_run {
  struct mlt_str id;
  bool created;    /* it was not there */
  uint64_t digest; /* of its rows, if it was created */
};

/* What a batch has written. */
struct mlt_ledger_batch {
  int64_t import_id;
  uint64_t inserted[MLT_T_ALL], updated[MLT_T_ALL];
  const struct mlt_ledger_run *runs; /* each once */
  size_t n_runs;
};

/* An import as it stands in the ledger; strings live during the call. Times are ISO 8601, UTC. */
struct mlt_ledger_import {
  int64_t id;
  struct mlt_str source, format, state, started_at, ended_at, error, options, version, head, worker;
  double idle, age; /* seconds since the worker's last sign of life, since it began */
  uint64_t recent;  /* rows of the last minute, while it is running */
  uint64_t runs, created, batches; /* runs it wrote to, those of them that it created */
  uint64_t inserted[MLT_T_ALL], updated[MLT_T_ALL];
};
typedef enum mlt_rc (*mlt_ledger_import_fn)(void *ctx, const struct mlt_ledger_import *import,
                                            struct mlt_err *err);
struct mlt_ledger_batch_row {
  int64_t seq;
  struct mlt_str committed_at;
  uint64_t runs, rows;
};
typedef enum mlt_rc (*mlt_ledger_batch_fn)(void *ctx, const struct mlt_ledger_batch_row *batch,
                                           struct mlt_err *err);

/* An import that has not ended; idle: seconds since the last sign of life. */
typedef enum mlt_rc (*mlt_ledger_unfinished_fn)(void *ctx, int64_t id, struct mlt_str worker,
                                                double idle, struct mlt_err *err);
typedef enum mlt_rc (*mlt_ledger_run_fn)(void *ctx, struct mlt_str run, uint64_t digest,
                                         struct mlt_err *err);

/* What undoing an import came to. */
struct mlt_undone {
  uint64_t removed[MLT_T_ALL];  /* rows */
  uint64_t restored[MLT_T_ALL]; /* rows that the import had changed, and latest metrics */
};
/* What is left, and why: a run, an experiment, ... as a whole. table: where its own row is. */
typedef enum mlt_rc (*mlt_ledger_left_fn)(void *ctx, enum mlt_table table, struct mlt_str what,
                                          struct mlt_str why, struct mlt_err *err);

enum mlt_ledger_access {
  MLT_LEDGER_READ,
  MLT_LEDGER_WRITE, /* one at a time */
  MLT_LEDGER_MAKE,  /* likewise; tables that are missing are made, older ones brought up to date */
};

struct mlt_ledger_ops {
  /* Begins a transaction of its own, or goes on with the one that is open, which is then left to
     who began it. *there: the tables are. READ of a database without them: MLT_OK, and nothing else
     may be asked. What the role may not read, write or make: MLT_NOPERM, with the statement that
     mends it as the hint. MLT_SCHEMA: a newer mltrack made them. After these two a transaction that
     was open can go on. */
  enum mlt_rc (*begin)(void *db, enum mlt_ledger_access access, bool *there, bool *made,
                       struct mlt_err *err);
  enum mlt_rc (*commit)(void *db, struct mlt_err *err);
  void (*rollback)(void *db);
  /* Imports of this source that have not ended well, newest first. fn must not use db. */
  enum mlt_rc (*unfinished)(void *db, const char *identity, mlt_ledger_unfinished_fn fn, void *ctx,
                            struct mlt_err *err);
  enum mlt_rc (*add)(void *db, const struct mlt_ledger_source *s, const char *worker,
                     const char *head, int64_t *id, struct mlt_err *err);
  /* Has this process go on with it. */
  enum mlt_rc (*take)(void *db, int64_t id, const char *worker, struct mlt_err *err);
  /* How it ended. One that ended well and wrote nothing is forgotten (*forgotten). error: NULL if
     there was none. */
  enum mlt_rc (*end)(void *db, int64_t id, const char *state, const char *error, bool *forgotten,
                     struct mlt_err *err);
  /* In the transaction of the batch's rows, after them. */
  enum mlt_rc (*batch)(void *db, const struct mlt_ledger_batch *b, struct mlt_err *err);
  /* Those of these runs that the import has created, with their digests. */
  enum mlt_rc (*created)(void *db, int64_t import_id, const struct mlt_str *runs, size_t n,
                         mlt_ledger_run_fn fn, void *ctx, struct mlt_err *err);
  /* From now on what an undo needs is kept beside what is written: rows of others that are changed;
     in SQLite all but the rows of runs that are created. 0: not any more. */
  enum mlt_rc (*keep)(void *db, int64_t import_id, struct mlt_err *err);
  /* Newest first; id 0: all. */
  enum mlt_rc (*imports)(void *db, int64_t id, mlt_ledger_import_fn fn, void *ctx,
                         struct mlt_err *err);
  enum mlt_rc (*batches)(void *db, int64_t id, mlt_ledger_batch_fn fn, void *ctx,
                         struct mlt_err *err);
  /* How it stands: its state, and who works or worked on it. MLT_NOINPUT: there is none. */
  enum mlt_rc (*state)(void *db, int64_t id, char state[16], char worker[MLT_WORKER_MAX],
                       double *idle, struct mlt_err *err);
  /* Removes what the import wrote and nobody has touched since; what others have changed, added to
     or refer to stays, a run that it created as a whole. Rows of others that it changed become what
     they were; latest metrics are found anew by MLflow's rule. In the transaction begun. fn must
     not use db. */
  enum mlt_rc (*undo)(void *db, int64_t id, uint32_t features, struct mlt_undone *out,
                      mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err);
};

/* ---- what both databases share ---- */

/* Begins an import, or goes on with one: in a transaction of its own. What stands in the way of
   keeping a ledger is no error but said in *out, except MLT_SCHEMA (a newer ledger), MLT_NOMEM and
   a connection that was lost. */
enum mlt_rc mlt_ledger_open(const struct mlt_ledger_ops *ops, void *db,
                            const struct mlt_ledger_source *s, const char *head,
                            struct mlt_ledger_state *out, struct mlt_err *err) MLT_NODISCARD;
/* Ends it, likewise; state: "done" or "failed". */
enum mlt_rc mlt_ledger_end(const struct mlt_ledger_ops *ops, void *db,
                           struct mlt_ledger_state *state, const char *how, const char *error,
                           struct mlt_err *err) MLT_NODISCARD;

/* What tells a source from another: its format and, of a file, its size, beginning and end; of a
   folder, the names in it and in its folders; of anything else (a database) its name. It decides
   which unfinished import is continued, no more: runs are counted present only if their own digest
   agrees. False: it cannot be told (standard input, a file that cannot be read). */
bool mlt_ledger_identity(char out[MLT_IDENTITY_HEX + 1], const char *format, const char *path);

/* An import's id as people give it: a number from 1 on without leading zeros. MLT_USAGE. */
enum mlt_rc mlt_ledger_id(const char *text, int64_t *out, struct mlt_err *err) MLT_NODISCARD;
/* This process, so that others can tell whether it still runs. */
void mlt_worker_name(char out[MLT_WORKER_MAX]);
/* Is the process of this name, another than this one, at work? One that cannot be looked at from
   here is taken for it until it has been silent (idle, seconds) for a minute. */
bool mlt_worker_at_work(struct mlt_str name, double idle);

/* Rows of the statements sql/..._ledger_imports.sql, one an import and table, as imports. Columns:
   enum below. NULLs are absent. */
enum {
  MLT_LEDGER_ID,
  MLT_LEDGER_SOURCE,
  MLT_LEDGER_FORMAT,
  MLT_LEDGER_STATE,
  MLT_LEDGER_STARTED,
  MLT_LEDGER_ENDED,
  MLT_LEDGER_ERROR,
  MLT_LEDGER_OPTIONS,
  MLT_LEDGER_RELEASE,
  MLT_LEDGER_HEAD,
  MLT_LEDGER_WORKER,
  MLT_LEDGER_IDLE,
  MLT_LEDGER_RUNS,
  MLT_LEDGER_CREATED,
  MLT_LEDGER_BATCHES,
  MLT_LEDGER_AGE,
  MLT_LEDGER_RECENT,
  MLT_LEDGER_TABLE,
  MLT_LEDGER_INSERTED,
  MLT_LEDGER_UPDATED,
  MLT_LEDGER_FIELDS
};
struct mlt_ledger_gather {
  mlt_ledger_import_fn fn;
  void *ctx;
  struct mlt_arena *arena; /* of the import at hand */
  bool any;
  struct mlt_ledger_import import;
};
enum mlt_rc mlt_ledger_gather_row(struct mlt_ledger_gather *g,
                                  const struct mlt_str field[MLT_LEDGER_FIELDS],
                                  struct mlt_err *err) MLT_NODISCARD;
/* After the last row; rc: what reading them came to. */
enum mlt_rc mlt_ledger_gather_end(struct mlt_ledger_gather *g, enum mlt_rc rc,
                                  struct mlt_err *err) MLT_NODISCARD;

#endif
