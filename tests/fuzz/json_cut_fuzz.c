/* mlt_cut: fed whole or byte by byte it gives the same events; what it takes whole lies between
   brackets; it never goes on behind an error. The first byte says what is taken and skipped. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "base/json_cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
  struct mlt_cut cut;
  const uint8_t *p;
  size_t left, piece;
};

static void feed(struct feed *f) {
  size_t room, n = f->left < f->piece ? f->left : f->piece;
  char *to = mlt_cut_room(&f->cut, &room);
  if (!to)
    exit(0);
  n = n < room ? n : room;
  memcpy(to, f->p, n);
  mlt_cut_fed(&f->cut, n);
  f->p += n;
  f->left -= n;
  if (!n)
    mlt_cut_eof(&f->cut);
}

static uint64_t mix_text(uint64_t h, struct mlt_str s) {
  return mix(mix(h, s.p, s.len), &s.len, sizeof s.len);
}

static enum mlt_rc whole(struct feed *f, unsigned how, uint64_t *h) {
  struct mlt_str raw = MLT_STR_LIT("[]");
  enum mlt_rc rc;
  while ((rc = how == 1 ? mlt_cut_take(&f->cut, &raw) : mlt_cut_skip(&f->cut)) == MLT_AGAIN)
    feed(f);
  if (rc == MLT_OK && (raw.len < 2 || !strchr("{[", raw.p[0]) || !strchr("}]", raw.p[raw.len - 1])))
    abort();
  *h = rc == MLT_OK ? mix_text(*h, raw) : *h;
  return rc;
}

static uint64_t events(const uint8_t *data, size_t size, size_t piece, unsigned how) {
  struct mlt_err err = MLT_ERR_INIT;
  struct feed f = {.p = data, .left = size, .piece = piece};
  struct mlt_cut_event ev;
  uint64_t h = MIX_NOTHING, opened = 0;
  enum mlt_rc rc = mlt_cut_init(&f.cut, &err);
  while (rc == MLT_OK) {
    while ((rc = mlt_cut_next(&f.cut, &ev)) == MLT_AGAIN)
      feed(&f);
    if (rc != MLT_OK)
      break;
    h = mix_text(mix_text(h, ev.key), ev.raw) + ev.kind;
    if (ev.kind == MLT_CUT_OPEN && (how >> ++opened % 6 & 1))
      rc = whole(&f, 1 + (how >> 6 & 1), &h);
  }
  if (rc != MLT_END && rc != MLT_TOOBIG && (rc != MLT_DATA || !f.cut.reason))
    abort();
  h = h * 31 + (uint64_t)rc + f.cut.line;
  mlt_cut_free(&f.cut);
  return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  if (events(data + 1, size - 1, size, data[0]) != events(data + 1, size - 1, 1, data[0]))
    abort();
  return 0;
}
