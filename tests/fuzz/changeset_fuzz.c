/* Changesets: what is taken for whole, SQLite reads to its end; what is no changeset is refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lite/changeset.h"
#include "lite/db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sqlite3_changeset_iter *it = NULL;
  if (!mlt_lite_changeset_whole(data, size) || size > INT32_MAX)
    return 0;
  void *copy = malloc(size + 1);
  if (!copy)
    abort();
  memcpy(copy, data, size);
  int code = sqlite3changeset_start(&it, (int)size, copy);
  /* Each record is two bytes or more. */
  for (size_t n = 0; code == SQLITE_OK && sqlite3changeset_next(it) == SQLITE_ROW; n++)
    if (n > size)
      abort();
  (void)sqlite3changeset_finalize(it);
  free(copy);
  return 0;
}
