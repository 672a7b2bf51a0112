/* Opening and closing a SQLite file, and running single statements on it. Owns the connection and
   its cached statements. What a file must hold is not judged here (schema/). */
#include "lite/db.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "lite/session.h"

enum {
  CACHE_BYTES = 64 * 1024 * 1024,
  BUSY_TIMEOUT_MS = 20000 /* MLflow's own */,
  OLDEST_SQLITE = 3031000,
  MAX_NAME = 65536
};

void mlt_lite_busy_timeout(struct mlt_lite *db, int milliseconds) {
  (void)sqlite3_busy_timeout(db->handle, milliseconds);
}

enum mlt_rc mlt_lite_exec(struct mlt_lite *db, const char *sql, const char *what,
                          struct mlt_err *err) {
  if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
    return MLT_OK;
  return mlt_lite_fail(db, err, "%s", what);
}

enum mlt_rc mlt_lite_prepare(struct mlt_lite *db, const char *sql, sqlite3_stmt **out,
                             struct mlt_err *err) {
  if (sqlite3_prepare_v2(db->handle, sql, -1, out, NULL) == SQLITE_OK)
    return MLT_OK;
  return mlt_lite_fail(db, err, "cannot prepare a statement");
}

enum mlt_rc mlt_lite_step(struct mlt_lite *db, sqlite3_stmt *stmt, const char *what,
                          struct mlt_err *err) {
  switch (sqlite3_step(stmt)) {
  case SQLITE_ROW:
    return MLT_OK;
  case SQLITE_DONE:
    return MLT_END;
  default:
    return mlt_lite_fail(db, err, "%s", what);
  }
}

enum mlt_rc mlt_lite_must_be_writable(const struct mlt_lite *db, struct mlt_err *err) {
  if (!db->reader && sqlite3_db_readonly(db->handle, "main") != 1)
    return MLT_OK;
  (void)mlt_err_set(err, MLT_NOPERM, "%s: no permission to write the database", db->path);
  mlt_err_hint(err, "Make the file and its folder writable for this user.");
  return MLT_NOPERM;
}

bool mlt_lite_has(enum mlt_column c, uint32_t features) {
  const struct mlt_column_info *info = mlt_column_info(c);
  uint32_t needed = info->feature | mlt_table_feature(info->table);
  return (needed & ~features) == 0;
}

/* The name for sqlite3_open_v2: never "", ":memory:" or "file:..." by accident. */
static enum mlt_rc plain_name(struct mlt_buf *out, const char *path) {
  if (path[0] != '/') {
    enum mlt_rc rc = mlt_buf_adds(out, "./");
    if (rc != MLT_OK)
      return rc;
  }
  return mlt_buf_adds(out, path);
}

/* The same as a URI whose reader takes no locks and looks for no -wal file. */
static enum mlt_rc immutable_name(struct mlt_buf *out, const char *path) {
  enum mlt_rc rc = mlt_buf_adds(out, path[0] == '/' ? "file://" : "file:./");
  for (const char *p = path; rc == MLT_OK && *p; p++) {
    unsigned char c = (unsigned char)*p;
    bool plain = c == '/' || c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
                 (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    rc = mlt_buf_printf(out, plain ? "%c" : "%%%02X", c);
  }
  return rc == MLT_OK ? mlt_buf_adds(out, "?immutable=1") : rc;
}

static void disconnect(struct mlt_lite *db) {
  (void)sqlite3_close_v2(db->handle);
  db->handle = NULL;
}

/* Opens the file and reads its first page, so that what is no database is refused here. */
static int connect_with(struct mlt_lite *db, const char *name, int flags, const char *vfs) {
  int rc = sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX, vfs);
  if (!db->handle)
    return SQLITE_NOMEM;
  if (rc != SQLITE_OK)
    return rc;
  (void)sqlite3_extended_result_codes(db->handle, 1);
  mlt_lite_busy_timeout(db, BUSY_TIMEOUT_MS);
  /* A file may come from anybody: its views and triggers get no function with side effects. */
  (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  /* A missing "column" is an error, not the string 'column'. */
  (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  return sqlite3_exec(db->handle, "PRAGMA schema_version", NULL, NULL, NULL);
}

int mlt_lite_connect(struct mlt_lite *db, const char *name, int flags) {
  return connect_with(db, name, flags, NULL);
}

/* Read-only media: a file in WAL mode cannot be read there, as its -shm file cannot be made.
   Without a -wal and -journal file everything is in the database file itself and it may be read as
   it is. */
static bool may_read_as_immutable(const struct mlt_lite *db, int code) {
  if (!db->handle || ((code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY))
    return false;
  const char *file = sqlite3_db_filename(db->handle, "main");
  return file && *file && access(file, R_OK) == 0 &&
         access(sqlite3_filename_wal(file), F_OK) != 0 &&
         access(sqlite3_filename_journal(file), F_OK) != 0;
}

static int connect_immutable(struct mlt_lite *db) {
  struct mlt_buf name;
  mlt_buf_init(&name, MAX_NAME);
  const char *text = immutable_name(&name, db->path) == MLT_OK ? mlt_buf_cstr(&name) : NULL;
  disconnect(db);
  db->immutable = true;
  int code =
      text ? mlt_lite_connect(db, text, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) : SQLITE_NOMEM;
  mlt_buf_free(&name);
  return code;
}

static bool has_wal_file(const struct mlt_lite *db) {
  const char *file = db->handle ? sqlite3_db_filename(db->handle, "main") : NULL;
  return file && *file && access(sqlite3_filename_wal(file), F_OK) == 0;
}

/* A read-only connection to a file in WAL mode makes -wal and -shm files and cannot remove them:
   they would bar a server of another user. One that may write removes them when it closes last. */
static int connect_to_read(struct mlt_lite *db, const char *name) {
  char wal[PATH_MAX];
  int n = snprintf(wal, sizeof wal, "%s-wal", name);
  bool had_wal = n >= (int)sizeof wal || access(wal, F_OK) == 0;
  int code = mlt_lite_connect(db, name, SQLITE_OPEN_READONLY);
  if (may_read_as_immutable(db, code))
    return connect_immutable(db);
  if (code != SQLITE_OK || had_wal || !has_wal_file(db) || access(db->path, W_OK) != 0)
    return code;
  disconnect(db);
  code = mlt_lite_connect(db, name, SQLITE_OPEN_READWRITE);
  return code == SQLITE_OK ? sqlite3_exec(db->handle, "PRAGMA query_only = ON", NULL, NULL, NULL)
                           : code;
}

static int connect_by_mode(struct mlt_lite *db, enum mlt_lite_mode mode) {
  struct mlt_buf name;
  mlt_buf_init(&name, MAX_NAME);
  int code = SQLITE_NOMEM;
  const char *text = plain_name(&name, db->path) == MLT_OK ? mlt_buf_cstr(&name) : NULL;
  if (text && mode == MLT_LITE_READ)
    code = connect_to_read(db, text);
  else if (text)
    code = mlt_lite_connect(
        db, text, SQLITE_OPEN_READWRITE | (mode == MLT_LITE_CREATE ? SQLITE_OPEN_CREATE : 0));
  mlt_buf_free(&name);
  return code;
}

/* What stat(2) knows better than SQLite, which says "unable to open database file" to all of it. */
static enum mlt_rc check_path(const char *path, enum mlt_lite_mode mode, struct mlt_err *err) {
  struct stat st;
  if (path[0] == '\0')
    return mlt_err_set(err, MLT_NOINPUT, "the path of the database is empty");
  if (stat(path, &st) != 0)
    return mode == MLT_LITE_CREATE ? MLT_OK : mlt_err_errno(err, errno, "%s", path);
  if (S_ISREG(st.st_mode))
    return MLT_OK;
  (void)mlt_err_set(err, MLT_NOINPUT, "%s: is %s, not a database file", path,
                    S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
  mlt_err_hint(err, "Give the path of MLflow's database file (often mlflow.db).");
  return MLT_NOINPUT;
}

static bool folder_exists(const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash)
    return true;
  char *folder = mlt_strdup(path);
  if (!folder)
    return true;
  folder[slash - path + 1] = '\0';
  struct stat st;
  bool exists = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
  mlt_free(folder);
  return exists;
}

static enum mlt_rc cannot_open(const struct mlt_lite *db, enum mlt_lite_mode mode, int code,
                               struct mlt_err *err) {
  if (code == SQLITE_NOMEM)
    return mlt_err_nomem(err);
  if ((code & 0xff) != SQLITE_CANTOPEN || mode != MLT_LITE_CREATE || access(db->path, F_OK) == 0)
    return mlt_lite_fail(db, err, "cannot open the database");
  /* SQLite's errno is no help: after EACCES it tries once more and reports that ENOENT. */
  bool missing = !folder_exists(db->path);
  (void)mlt_err_set(err, MLT_CANTCREAT, "%s: cannot create the database: its folder %s", db->path,
                    missing ? "is missing" : "is not writable");
  mlt_err_hint(err, missing ? "Make the folder first." : "Make the folder writable for this user.");
  return MLT_CANTCREAT;
}

static enum mlt_rc check_library(struct mlt_err *err) {
  if (sqlite3_libversion_number() >= OLDEST_SQLITE)
    return MLT_OK;
  (void)mlt_err_set(err, MLT_SCHEMA, "libsqlite3 %s is too old for MLflow's tables",
                    sqlite3_libversion());
  mlt_err_hint(err, "Install libsqlite3 3.31 or newer.");
  return MLT_SCHEMA;
}

enum mlt_rc mlt_lite_set_cache(struct mlt_lite *db, size_t bytes, struct mlt_err *err) {
  char sql[64];
  (void)snprintf(sql, sizeof sql, "PRAGMA cache_size = -%zu", bytes / 1024);
  return mlt_lite_exec(db, sql, "cannot set the size of the cache", err);
}

/* A larger page cache than SQLite's 2 MB: the text-led indexes of metrics and params are filled all
 * over. */
static enum mlt_rc prepare_for_writing(struct mlt_lite *db, struct mlt_err *err) {
  enum mlt_rc rc = mlt_lite_must_be_writable(db, err);
  return rc == MLT_OK ? mlt_lite_set_cache(db, CACHE_BYTES, err) : rc;
}

static struct mlt_lite *new_connection(const char *path, struct mlt_err *err) {
  struct mlt_lite *db = mlt_calloc(1, sizeof *db);
  if (db)
    db->path = mlt_strdup(path);
  if (db && db->path)
    return db;
  mlt_lite_close(db);
  (void)mlt_err_nomem(err);
  return NULL;
}

enum mlt_rc mlt_lite_open(struct mlt_lite **out, const char *path, enum mlt_lite_mode mode,
                          struct mlt_err *err) {
  *out = NULL;
  enum mlt_rc rc = check_library(err);
  if (rc == MLT_OK)
    rc = check_path(path, mode, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_lite *db = new_connection(path, err);
  if (!db)
    return MLT_NOMEM;
  db->reader = mode == MLT_LITE_READ;
  int code = connect_by_mode(db, mode);
  rc = code == SQLITE_OK ? MLT_OK : cannot_open(db, mode, code, err);
  if (rc == MLT_OK && mode != MLT_LITE_READ)
    rc = prepare_for_writing(db, err);
  if (rc != MLT_OK) {
    mlt_lite_close(db);
    return rc;
  }
  *out = db;
  return MLT_OK;
}

enum mlt_rc mlt_lite_open_memory(struct mlt_lite **out, struct mlt_err *err) {
  enum mlt_rc rc = check_library(err);
  struct mlt_lite *db = rc == MLT_OK ? new_connection("(memory)", err) : NULL;
  if (!db)
    return rc == MLT_OK ? MLT_NOMEM : rc;
  int code = mlt_lite_connect(db, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY);
  if (code != SQLITE_OK) {
    rc = cannot_open(db, MLT_LITE_WRITE, code, err);
    mlt_lite_close(db);
    return rc;
  }
  *out = db;
  return MLT_OK;
}

enum mlt_rc mlt_lite_open_unshared(struct mlt_lite **out, const char *file, const char *path,
                                   struct mlt_err *err) {
  struct mlt_buf name;
  enum mlt_rc rc = check_library(err);
  struct mlt_lite *db = rc == MLT_OK ? new_connection(path, err) : NULL;
  if (!db)
    return rc == MLT_OK ? MLT_NOMEM : rc;
  mlt_buf_init(&name, MAX_NAME);
  const char *text = plain_name(&name, file) == MLT_OK ? mlt_buf_cstr(&name) : NULL;
  int code = text ? connect_with(db, text, SQLITE_OPEN_READWRITE, "unix-none") : SQLITE_NOMEM;
  mlt_buf_free(&name);
  if (code != SQLITE_OK) {
    rc = cannot_open(db, MLT_LITE_WRITE, code, err);
    mlt_lite_close(db);
    return rc;
  }
  *out = db;
  return MLT_OK;
}

void mlt_lite_close(struct mlt_lite *db) {
  if (!db)
    return;
  for (size_t i = 0; i < MLT_T_COUNT; i++)
    (void)sqlite3_finalize(db->insert[i].stmt);
  mlt_lite_session_end(db);
  disconnect(db);
  mlt_free(db->path);
  mlt_free(db);
}
