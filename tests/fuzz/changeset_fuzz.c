/* Changesets, as given and with the mark of a whole one behind: what is taken for whole, SQLite
   reads to its end; what is no changeset is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lite/changeset.h"
#include "lite/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_to_its_end(unsigned char *record, size_t size) {
  sqlite3_changeset_iter *it = NULL;
  if (!mlt_lite_changeset_whole(record, size))
    return;
  int code = sqlite3changeset_start(&it, (int)(size - MLT_CHANGESET_MARK), record);
  /* Each record is two bytes or more. */
  for (size_t n = 0; code == SQLITE_OK && sqlite3changeset_next(it) == SQLITE_ROW; n++)
    if (n > size)
      abort();
  (void)sqlite3changeset_finalize(it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *copy = malloc(size + MLT_CHANGESET_MARK);
  if (!copy)
    abort();
  memcpy(copy, data, size);
  read_to_its_end(copy, size);
  mlt_lite_changeset_mark(copy + size, size);
  read_to_its_end(copy, size + MLT_CHANGESET_MARK);
  free(copy);
  return 0;
}
