/* Is a blob a changeset of SQLite's, from end to end? SQLite's own reader goes on for ever when one
   is cut off in some places (3.40), so it is given none that is not. */
#ifndef MLT_LITE_CHANGESET_H
#define MLT_LITE_CHANGESET_H

#include <stdbool.h>
#include <stddef.h>

/* The format is told at the head of SQLite's sqlite3session.c. Of an empty one: true. */
bool mlt_lite_changeset_whole(const void *blob, size_t size);

#endif
