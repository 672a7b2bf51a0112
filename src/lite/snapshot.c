/* One moment of a file that others go on writing. */
#include <string.h>

#include "base/mem.h"
#include "lite/db.h"
#include "lite/read.h"

/* A reader of a file in WAL mode keeps nobody from writing. */
static enum mlt_rc is_wal(struct mlt_lite *db, bool *wal, struct mlt_err *err) {
  sqlite3_stmt *stmt = NULL;
  enum mlt_rc rc = mlt_lite_prepare(db, "PRAGMA journal_mode", &stmt, err);
  if (rc == MLT_OK)
    rc = mlt_lite_step(db, stmt, "cannot ask for the journal mode", err);
  if (rc == MLT_OK)
    *wal = mlt_str_is(mlt_str_c((const char *)sqlite3_column_text(stmt, 0)), "wal");
  (void)sqlite3_finalize(stmt);
  return rc;
}

static enum mlt_rc copy_failed(struct mlt_lite *from, struct mlt_lite *to, int code,
                               struct mlt_err *err) {
  (void)mlt_lite_fail(to, err, "cannot copy the database aside");
  if ((code & 0xff) == SQLITE_FULL || (code & 0xff) == SQLITE_IOERR)
    mlt_err_hint(err,
                 "It is copied to a temporary file first, so that a server is not kept from "
                 "writing: set SQLITE_TMPDIR to a folder with room for %s.",
                 from->path);
  return err ? err->rc : MLT_IO;
}

/* All pages in one go, under one shared lock. */
static enum mlt_rc copy_pages(struct mlt_lite *from, struct mlt_lite *to, struct mlt_err *err) {
  sqlite3_backup *b = sqlite3_backup_init(to->handle, "main", from->handle, "main");
  if (!b)
    return mlt_lite_fail(to, err, "cannot copy the database aside");
  (void)sqlite3_backup_step(b, -1);
  int code = sqlite3_backup_finish(b);
  return code == SQLITE_OK ? MLT_OK : copy_failed(from, to, code, err);
}

/* An empty name is SQLite's word for a temporary database: a file of its own, deleted at once. */
static enum mlt_rc open_temporary(struct mlt_lite **out, const char *path, struct mlt_err *err) {
  struct mlt_lite *db = mlt_calloc(1, sizeof *db);
  *out = db;
  if (db)
    db->path = mlt_strdup(path);
  if (!db || !db->path)
    return mlt_err_nomem(err);
  if (mlt_lite_connect(db, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) != SQLITE_OK)
    return mlt_lite_fail(db, err, "cannot make a temporary copy");
  return mlt_lite_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
                       "cannot make a temporary copy", err);
}

static enum mlt_rc copy_aside(struct mlt_lite **db, struct mlt_err *err) {
  struct mlt_lite *copy = NULL;
  enum mlt_rc rc = open_temporary(&copy, (*db)->path, err);
  if (rc == MLT_OK)
    rc = copy_pages(*db, copy, err);
  if (rc != MLT_OK) {
    mlt_lite_close(copy);
    return rc;
  }
  mlt_lite_close(*db);
  copy->reader = true;
  *db = copy;
  return MLT_OK;
}

enum mlt_rc mlt_lite_hold(struct mlt_lite *db, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_exec(db, "PRAGMA cache_size = -32768; PRAGMA query_only = ON; BEGIN",
                                 "cannot begin to read", err);
  /* BEGIN alone takes no snapshot: the first read does */
  return rc == MLT_OK ? mlt_lite_exec(db, "SELECT count(*) FROM sqlite_master",
                                      "cannot read the database", err)
                      : rc;
}

enum mlt_rc mlt_lite_snapshot(struct mlt_lite **db, struct mlt_err *err) {
  bool wal = false;
  enum mlt_rc rc = is_wal(*db, &wal, err);
  if (rc == MLT_OK && !wal && !(*db)->immutable)
    rc = copy_aside(db, err);
  return rc == MLT_OK ? mlt_lite_hold(*db, err) : rc;
}
