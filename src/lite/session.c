/* What a transaction changes, as SQLite's session extension records it: every row but those of runs
   that are created, which go in unrecorded (lite/insert.c), as there are many and their digests say
   enough. */
#include "lite/session.h"

#include "lite/db.h"

void mlt_lite_session_end(struct mlt_lite *db) {
  if (db->session)
    sqlite3session_delete(db->session);
  db->session = NULL;
}

enum mlt_rc mlt_lite_session_begin(struct mlt_lite *db, struct mlt_err *err) {
  mlt_lite_session_end(db);
  if (!db->keep_for)
    return MLT_OK;
  int code = sqlite3session_create(db->handle, "main", &db->session);
  for (int t = 0; code == SQLITE_OK && t < MLT_T_ALL; t++)
    code = sqlite3session_attach(db->session, mlt_table_name((enum mlt_table)t));
  return code == SQLITE_OK ? MLT_OK : mlt_err_nomem(err);
}

void mlt_lite_session_pause(struct mlt_lite *db, bool paused) {
  if (db->session)
    (void)sqlite3session_enable(db->session, !paused);
}
