/* mlt_csv: the same bytes give the same rows however they are cut, and reading on at a row gives
   what follows it. The first byte says into what pieces, and the delimiter. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "source/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mix_row(uint64_t h, enum mlt_rc rc, const struct mlt_csv_row *row) {
  h = mix(mix(mix(h, &rc, sizeof rc), &row->line, sizeof row->line), &row->offset,
          sizeof row->offset);
  for (size_t i = 0; rc == MLT_OK && i < row->n; i++)
    h = mix(mix(h, row->fields[i].p, row->fields[i].len), &row->fields[i].len,
            sizeof row->fields[i].len);
  return h;
}

static uint64_t rows(struct mlt_csv *c, const uint8_t *data, size_t size, size_t piece) {
  uint64_t h = MIX_NOTHING;
  struct mlt_csv_row row;
  for (size_t at = 0;;) {
    enum mlt_rc rc = mlt_csv_next(c, &row);
    if (rc == MLT_END)
      return h;
    if (rc != MLT_AGAIN) {
      h = mix_row(h, rc, &row);
      continue;
    }
    size_t room, n = size - at < piece ? size - at : piece;
    char *p = mlt_csv_room(c, &room);
    if (room < n)
      abort();
    memcpy(p, data + at, n);
    at += n;
    if (n)
      mlt_csv_fed(c, n);
    else
      mlt_csv_eof(c);
  }
}

/* The first row is taken, then the rest read from where it ends. */
static void check_seek(struct mlt_csv *c, const uint8_t *data, size_t size, char delimiter) {
  struct mlt_csv_row row;
  size_t room;
  if (size > MLT_CSV_ROW_MAX)
    return;
  mlt_csv_reset(c, delimiter);
  memcpy(mlt_csv_room(c, &room), data, size);
  mlt_csv_fed(c, size);
  mlt_csv_eof(c);
  if (mlt_csv_next(c, &row) != MLT_OK || c->offset > size)
    return;
  uint64_t offset = c->offset, line = c->line;
  uint64_t rest = rows(c, data, 0, 1);
  mlt_csv_seek(c, offset, line);
  if (offset && rows(c, data + offset, size - (size_t)offset, MLT_CSV_ROW_MAX) != rest)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_csv c; /* kept, as a source does */
  if (size == 0 || (!c.buf && mlt_csv_init(&c, NULL) != MLT_OK))
    return 0;
  size_t piece = (size_t)(data[0] & 63) + 1;
  char delimiter = "\0,\t;"[data[0] >> 6];
  mlt_csv_reset(&c, delimiter);
  uint64_t whole = rows(&c, data + 1, size - 1, MLT_CSV_ROW_MAX);
  mlt_csv_reset(&c, delimiter);
  if (rows(&c, data + 1, size - 1, piece) != whole)
    abort();
  check_seek(&c, data + 1, size - 1, delimiter);
  return 0;
}
