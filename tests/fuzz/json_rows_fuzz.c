/* mlt_json_rows and what reads its rows: the same bytes give the same rows however they are cut,
   and any row is refused or walked through. The first byte says which kind and into what pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "base/json_read.h"
#include "source/json_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum mlt_rc leaf(void *ctx, struct mlt_str path, enum mlt_json_kind kind,
                        struct mlt_str text) {
  uint64_t *h = ctx;
  *h = mix(mix(mix(*h, path.p, path.len), &kind, sizeof kind), text.p, text.len);
  return MLT_OK;
}

static uint64_t mix_row(uint64_t h, enum mlt_rc rc, struct mlt_str row, uint64_t line) {
  struct mlt_err err = MLT_ERR_INIT;
  h = mix(mix(h, &rc, sizeof rc), &line, sizeof line);
  if (rc != MLT_OK)
    return h;
  struct mlt_json *j = mlt_json_parse(row, &err);
  if (!j && !err.msg[0])
    abort();
  if (j && mlt_json_leaves(j, "config", "/", leaf, &h) == MLT_NOMEM)
    abort();
  mlt_json_free(j);
  return mix(h, row.p, row.len);
}

static uint64_t rows(struct mlt_json_rows *r, const uint8_t *data, size_t size, size_t piece) {
  uint64_t h = MIX_NOTHING, line;
  struct mlt_str row;
  for (size_t at = 0;;) {
    enum mlt_rc rc = mlt_json_rows_next(r, &row, &line);
    if (rc == MLT_END)
      return h;
    if (rc != MLT_AGAIN) {
      h = mix_row(h, rc, row, line);
      continue;
    }
    size_t room, n = size - at < piece ? size - at : piece;
    char *p = mlt_json_rows_room(r, &room);
    if (room < n)
      abort();
    memcpy(p, data + at, n);
    at += n;
    if (n)
      mlt_json_rows_fed(r, n);
    else
      mlt_json_rows_eof(r);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_json_rows r;
  if (size == 0 || (!r.buf && mlt_json_rows_init(&r, NULL) != MLT_OK))
    return 0;
  bool history = data[0] & 1;
  mlt_json_rows_reset(&r, history);
  uint64_t whole = rows(&r, data + 1, size - 1, MLT_JSON_ROW_MAX);
  mlt_json_rows_reset(&r, history);
  if (rows(&r, data + 1, size - 1, (size_t)(data[0] >> 1) + 1) != whole)
    abort();
  return 0;
}
