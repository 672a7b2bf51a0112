/* The inside of a connection, shared by the files of lite/ and their unit tests. Everybody else
   includes lite/store.h. */
#ifndef MLT_LITE_DB_H
#define MLT_LITE_DB_H

/* for the session extension's part of sqlite3.h */
#define SQLITE_ENABLE_SESSION
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include <sqlite3.h>
#include "base/buf.h"
#include "lite/store.h"

struct mlt_lite {
  sqlite3 *handle;
  char *path;               /* as the caller gave it: for messages */
  bool reader;              /* opened with MLT_LITE_READ */
  bool immutable;           /* nobody can write the file: no locks are taken */
  bool query_only;          /* inside a read-only transaction */
  bool indexes_aside;       /* lite/build.h: the large tables have none yet */
  bool takes_odd;           /* mlt_lite_take_odd */
  double locked_at;         /* when the write transaction in progress began; 0: none */
  double held;              /* seconds in write transactions since the last pause */
  int64_t keep_for;         /* the import whose changes are recorded; 0: none */
  bool goes_on;             /* what the ledger writes is part of the transaction that was open */
  sqlite3_session *session; /* lite/session.h; NULL: nothing is recorded */
  struct {
    bool looked, generated[MLT_T_ALL]; /* tables with generated columns: known, are these */
    struct mlt_buf buf;                /* what went into them */
    enum mlt_table table;              /* of its last rows; MLT_T_ALL: none */
    unsigned n, at[MLT_MAX_COLUMNS];   /* its columns, and where in a row of the shape they are */
  } recorded;
  struct {
    sqlite3_stmt *stmt;
    uint32_t features; /* that stmt was made for */
  } insert[MLT_T_COUNT];
};

/* How long a statement waits for another process' lock; mlt_lite_open sets MLflow's 20 s. */
void mlt_lite_busy_timeout(struct mlt_lite *db, int milliseconds);

/* Describes SQLite's last error as "path: what: SQLite's words", with its class and hint. */
enum mlt_rc mlt_lite_fail(const struct mlt_lite *db, struct mlt_err *err, const char *what, ...)
    MLT_PRINTF(3, 4);
/* The class of an extended result code; os_error tells the kinds of SQLITE_CANTOPEN apart. */
enum mlt_rc mlt_lite_class(int code, int os_error, const char **hint);

/* Opens a file of ours that nobody else knows: without locks. `path` is what messages call it. */
enum mlt_rc mlt_lite_open_unshared(struct mlt_lite **out, const char *file, const char *path,
                                   struct mlt_err *err) MLT_NODISCARD;

enum mlt_rc mlt_lite_exec(struct mlt_lite *db, const char *sql, const char *what,
                          struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_lite_prepare(struct mlt_lite *db, const char *sql, sqlite3_stmt **out,
                             struct mlt_err *err) MLT_NODISCARD;
/* MLT_OK with a row, MLT_END after the last one. */
enum mlt_rc mlt_lite_step(struct mlt_lite *db, sqlite3_stmt *stmt, const char *what,
                          struct mlt_err *err) MLT_NODISCARD;

/* Opens db->handle and reads the first page. Returns SQLite's code. */
int mlt_lite_connect(struct mlt_lite *db, const char *name, int flags);

/* The value at column i as one of the type; false when it is of another kind and cannot be
 * converted without loss, or when out of memory. */
bool mlt_lite_value(sqlite3_stmt *stmt, int i, enum mlt_coltype type, struct mlt_value *v);
/* One that it refuses, as text, to be shown; absent when out of memory. */
struct mlt_str mlt_lite_odd(sqlite3_stmt *stmt, int i);
/* Binds a value to parameter i without a copy: SQLite's result code. */
int mlt_lite_bind(sqlite3_stmt *stmt, int i, const struct mlt_value *v);

/* SQLite opens a file that it may not write read-only, and begins "write" transactions on it,
 * without a word. */
enum mlt_rc mlt_lite_must_be_writable(const struct mlt_lite *db, struct mlt_err *err);

/* Whether the database has this column at these features (its own and its table's). */
bool mlt_lite_has(enum mlt_column c, uint32_t features);

#endif
