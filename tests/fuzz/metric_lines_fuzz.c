/* mlt_lines and the numbers of a line: the same bytes give the same lines however they are cut.
   The first byte says into what pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "source/metric_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mix_line(uint64_t h, enum mlt_rc rc, const struct mlt_line *line) {
  struct mlt_point p = {0};
  struct mlt_logged_model_metric m = {.step = 0};
  struct mlt_line_fault fault;
  h = mix(mix(h, &rc, sizeof rc), &line->number, sizeof line->number);
  h = mix(h, &line->blank, sizeof line->blank);
  if (rc != MLT_OK || line->blank)
    return h;
  bool point = mlt_line_point(line->text, &p, &fault);
  bool metric = mlt_line_model_metric(line->text, &m, &fault);
  if (metric && (!point || p.step != m.step || !m.run_id.p))
    abort();
  if (!metric && !fault.reason[0])
    abort();
  return mix(mix(h, line->text.p, line->text.len), &p.timestamp, sizeof p.timestamp);
}

static uint64_t read_in_pieces(struct mlt_lines *l, const uint8_t *data, size_t size,
                               size_t piece) {
  uint64_t h = MIX_NOTHING;
  struct mlt_line line;
  mlt_lines_reset(l);
  for (size_t at = 0;;) {
    enum mlt_rc rc = mlt_lines_next(l, &line);
    if (rc == MLT_END)
      return h;
    if (rc != MLT_AGAIN) {
      h = mix_line(h, rc, &line);
      continue;
    }
    size_t room, n = size - at < piece ? size - at : piece;
    char *p = mlt_lines_room(l, &room);
    if (room < n)
      abort();
    memcpy(p, data + at, n);
    at += n;
    mlt_lines_fed(l, n);
    if (n == 0)
      mlt_lines_eof(l);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_lines l; /* kept, as a source does */
  if (size == 0 || (!l.buf && mlt_lines_init(&l, NULL) != MLT_OK))
    return 0;
  /* A line that is not whole is looked at again with every piece: few of them for a long one. */
  size_t piece = data[0] + 1 + size / 128;
  uint64_t whole = read_in_pieces(&l, data + 1, size - 1, MLT_LINE_MAX);
  uint64_t pieces = read_in_pieces(&l, data + 1, size - 1, piece);
  if (whole != pieces)
    abort();
  return 0;
}
