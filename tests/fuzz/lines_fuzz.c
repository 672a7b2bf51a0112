/* mlt_line_read: any line is taken or refused with a code and a reason; what it gives is valid text
   and lies where it should; a line that is taken means the same with its blanks changed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mix.h"
#include "lines/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mix_text(uint64_t h, struct mlt_str s) {
  if (s.p && (mlt_utf8_invalid(s) >= 0 || memchr(s.p, '\0', s.len)))
    abort();
  return mix(mix(h, s.p, s.p ? s.len : 0), &s.len, sizeof s.len);
}

static uint64_t mix_value(uint64_t h, const struct mlt_line_field *field,
                          const struct mlt_line_value *v) {
  h = mix_text(mix(h, &v->integer, sizeof v->integer), v->text);
  if (field->kind == MLT_LINE_NUMBER)
    h = mix(h, &v->number, sizeof v->number);
  for (size_t i = 0; i < v->n; i++) {
    if (field->kind == MLT_LINE_TEXTS)
      h = mix_text(mix_text(h, v->texts[i].key), v->texts[i].value);
    if (field->kind == MLT_LINE_NUMBERS_BY_KEY)
      h = mix_text(h, v->keys[i]);
    if (field->kind == MLT_LINE_INTEGERS)
      h = mix(h, &v->integers[i], sizeof v->integers[i]);
    else if (field->kind != MLT_LINE_TEXTS)
      h = mix(h, &v->numbers[i], sizeof v->numbers[i]);
  }
  return h;
}

static uint64_t read_line(struct mlt_line_reader *r, struct mlt_str text) {
  static struct mlt_line line;
  static struct mlt_line_fault fault;
  enum mlt_rc rc = mlt_line_read(r, text, &line, &fault);
  if (rc == MLT_DATA && (!fault.code || !*fault.reason || fault.type > MLT_LINE_COUNT))
    abort();
  if (rc != MLT_OK)
    return mix(MIX_NOTHING, fault.code, fault.code ? strlen(fault.code) : 0);
  uint64_t h = mix(MIX_NOTHING, &line.type, sizeof line.type);
  const struct mlt_line_field *fields = mlt_line_fields(line.type);
  for (size_t i = 0; fields[i].name; i++) {
    if (fields[i].required && !line.v[i].has)
      abort();
    h = line.v[i].has ? mix_value(h, &fields[i], &line.v[i]) : h;
  }
  return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_line_reader *r;
  if (!r && !(r = mlt_line_reader_new()))
    return 0;
  struct mlt_str text = {(const char *)data, size};
  uint64_t h = read_line(r, text);
  char *padded = malloc(size + 2);
  if (!padded)
    return 0;
  padded[0] = ' ';
  if (size)
    memcpy(padded + 1, data, size);
  padded[size + 1] = '\r';
  if (read_line(r, (struct mlt_str){padded, size + 2}) != h)
    abort();
  free(padded);
  return 0;
}
