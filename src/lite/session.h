/* Internal to lite/: recording what a write transaction changes, for the ledger. */
#ifndef MLT_LITE_SESSION_H
#define MLT_LITE_SESSION_H

#include "lite/store.h"

/* Begins anew, if changes are to be kept at all (db->keep_for). */
enum mlt_rc mlt_lite_session_begin(struct mlt_lite *db, struct mlt_err *err) MLT_NODISCARD;
void mlt_lite_session_end(struct mlt_lite *db);
/* Rows that go in meanwhile are not recorded. */
void mlt_lite_session_pause(struct mlt_lite *db, bool paused);
/* A row that has gone into a table that is copied; SQLite records most of them by itself. */
enum mlt_rc mlt_lite_session_add(struct mlt_lite *db, const struct mlt_shape *shape,
                                 const struct mlt_value *row, struct mlt_err *err) MLT_NODISCARD;
/* What was recorded so far (lite/changeset.h); of nothing nothing. To be freed with sqlite3_free.
 */
enum mlt_rc mlt_lite_session_changes(struct mlt_lite *db, void **out, int *n,
                                     struct mlt_err *err) MLT_NODISCARD;

#endif
