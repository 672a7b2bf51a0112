/* What a table's names and cells mean, and files of parameters: anything is refused or understood,
   and what is understood stays within its limits. The first byte says what the rest is. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/params.h"
#include "source/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_params(struct mlt_str text, bool yaml) {
  static struct mlt_params p;
  struct mlt_err err = MLT_ERR_INIT;
  if (!p.arena && mlt_params_init(&p, NULL) != MLT_OK)
    return;
  mlt_params_clear(&p);
  enum mlt_rc rc = yaml ? mlt_params_yaml(&p, text, &err) : mlt_params_json(&p, text, &err);
  if ((rc == MLT_OK) == (err.msg[0] != '\0') || p.list.n > MLT_PARAMS_MAX)
    abort();
  for (size_t i = 0; i < p.list.n; i++)
    if (!p.list.v[i].key.len || !p.list.v[i].value.p)
      abort();
}

static void read_cell(struct mlt_sheet *t, struct mlt_str text, bool is_text) {
  struct mlt_cell cell = {0, text, is_text};
  int64_t i, ms;
  double d;
  bool fraction;
  if (mlt_cell_number(&cell, &d) && is_text && isfinite(d))
    abort();
  if (mlt_cell_step(&cell, &i, &fraction) && fraction)
    abort();
  if (t->time != MLT_NO_COLUMN && mlt_sheet_time(t, &cell, &ms) && !t->time_settled)
    abort();
}

/* Lines: names of columns, until an empty one; then cells. */
static void read_sheet(struct mlt_str text) {
  static struct mlt_sheet t;
  struct mlt_str names[64];
  size_t n = 0;
  const char *missing;
  bool header = true;
  if (!t.arena && mlt_sheet_init(&t, NULL) != MLT_OK)
    return;
  mlt_sheet_reset(&t, &(struct mlt_sheet_opts){NULL, NULL, MLT_TIME_AUTO});
  while (text.len) {
    const char *nl = memchr(text.p, '\n', text.len);
    struct mlt_str line = {text.p, nl ? (size_t)(nl - text.p) : text.len};
    size_t taken = line.len + (nl != NULL);
    text = (struct mlt_str){text.p + taken, text.len - taken};
    if (header && line.len && n < 64) {
      names[n++] = line;
      continue;
    }
    if (header &&
        (mlt_sheet_header(&t, names, n, NULL) != MLT_OK || !mlt_sheet_roles(&t, &missing)))
      return;
    header = false;
    if (mlt_sheet_is_log(&t) && t.step == MLT_NO_COLUMN)
      abort();
    (void)mlt_sheet_is_header(&t, names, n);
    read_cell(&t, line, text.len & 1);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  struct mlt_str rest = {(const char *)data + 1, size - 1};
  if (data[0] % 3 == 2)
    read_sheet(rest);
  else
    read_params(rest, data[0] % 3);
  return 0;
}
