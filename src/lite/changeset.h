/* A batch's record of what it changed: a changeset of SQLite's, and a mark that says how long it
   is, because a changeset that is cut off between two records is one, too. Is a blob such a record,
   from end to end? SQLite's own reader goes on for ever when a changeset is cut off in some places
   (3.40), so it is given none that is not. */
#ifndef MLT_LITE_CHANGESET_H
#define MLT_LITE_CHANGESET_H

#include <stdbool.h>
#include <stddef.h>

/* What stands behind the changeset: a byte that begins no record, and its size, the highest byte
   first. */
enum { MLT_CHANGESET_MARK = 9 };
void mlt_lite_changeset_mark(unsigned char out[MLT_CHANGESET_MARK], size_t size);
/* The format of the rest is told at the head of SQLite's sqlite3session.c. */
bool mlt_lite_changeset_whole(const void *blob, size_t size);

#endif
