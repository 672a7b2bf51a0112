/* SQLite's result codes as ours, each with the sentence that says how to mend it: one table. Knows
   nothing of statements. */
#include <errno.h>
#include <stdio.h>

#include "lite/db.h"

static const char busy_hint[] =
    "Another process holds the database's lock. Let it finish or stop it, then run again: running "
    "again is safe.";
/* Whoever writes has the file to himself, and has looked for the rows by their runs. */
static const char unique_hint[] =
    "Rows that belong to nothing are in the way, as they stay where rows were deleted without "
    "foreign keys: `sqlite3 FILE 'PRAGMA foreign_key_check'` lists them.";
static const char damaged_hint[] =
    "Check it with `sqlite3 FILE 'PRAGMA integrity_check'`, or restore a backup.";

static const char schema_hint[] =
    "See what differs from MLflow's tables with `mltrack-bulk schema check`.";

/* Extended codes first, then primary ones: a code that is not listed has the class of its primary
 * code. */
static const struct {
  int code;
  enum mlt_rc rc;
  const char *hint;
} classes[] = {
    {SQLITE_CONSTRAINT_UNIQUE, MLT_CONFLICT, unique_hint},
    {SQLITE_CONSTRAINT_PRIMARYKEY, MLT_CONFLICT, unique_hint},
    {SQLITE_CONSTRAINT_ROWID, MLT_CONFLICT, unique_hint},
    {SQLITE_IOERR_NOMEM, MLT_NOMEM, NULL},
    {SQLITE_READONLY_ROLLBACK, MLT_NOPERM,
     "Its last writer was interrupted. Open the file once with write permission to roll that "
     "back."},
    {SQLITE_BUSY, MLT_TEMPFAIL, busy_hint},
    {SQLITE_LOCKED, MLT_TEMPFAIL, busy_hint},
    {SQLITE_PROTOCOL, MLT_TEMPFAIL, busy_hint},
    {SQLITE_CONSTRAINT, MLT_DATA, NULL},
    {SQLITE_MISMATCH, MLT_DATA, NULL},
    {SQLITE_NOTADB, MLT_DATA, "Give the path of MLflow's database file (often mlflow.db)."},
    {SQLITE_CORRUPT, MLT_DATA, damaged_hint},
    {SQLITE_FORMAT, MLT_DATA, damaged_hint},
    {SQLITE_TOOBIG, MLT_TOOBIG, NULL},
    {SQLITE_READONLY, MLT_NOPERM, "Make the file and its folder writable for this user."},
    {SQLITE_PERM, MLT_NOPERM, NULL},
    {SQLITE_AUTH, MLT_NOPERM, NULL},
    {SQLITE_FULL, MLT_IO, "Make room on its disk, then run again: nothing half-written stays."},
    {SQLITE_IOERR, MLT_IO, NULL},
    {SQLITE_NOLFS, MLT_IO, NULL},
    {SQLITE_INTERRUPT, MLT_CANCELLED, NULL},
    {SQLITE_NOMEM, MLT_NOMEM, NULL},
    /* A table or column that is not there is SQLite's generic error. */
    {SQLITE_ERROR, MLT_SCHEMA, schema_hint},
    {SQLITE_SCHEMA, MLT_SCHEMA, schema_hint},
};

enum mlt_rc mlt_lite_class(int code, int os_error, const char **hint) {
  *hint = NULL;
  if ((code & 0xff) == SQLITE_CANTOPEN)
    return mlt_errno_class(os_error);
  for (int exact = 1; exact >= 0; exact--) {
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
      if (classes[i].code != (exact ? code : (code & 0xff)))
        continue;
      *hint = classes[i].hint;
      return classes[i].rc;
    }
  }
  return MLT_INTERNAL;
}

enum mlt_rc mlt_lite_fail(const struct mlt_lite *db, struct mlt_err *err, const char *what, ...) {
  char doing[512];
  va_list ap;
  va_start(ap, what);
  (void)vsnprintf(doing, sizeof doing, what, ap);
  va_end(ap);
  const char *hint;
  enum mlt_rc rc =
      mlt_lite_class(sqlite3_extended_errcode(db->handle), sqlite3_system_errno(db->handle), &hint);
  if (!err || err->rc != MLT_OK)
    return rc;
  (void)mlt_err_set(err, rc, "%s: %s: %s", db->path, doing, sqlite3_errmsg(db->handle));
  if (hint)
    mlt_err_hint(err, "%s", hint);
  return rc;
}
