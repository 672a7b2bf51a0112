/* See changeset.h. */
#include "lite/changeset.h"

#include <stdint.h>
#include <string.h>

enum { DELETE = 9, INSERT = 18, UPDATE = 23 };         /* SQLITE_DELETE and so on */
enum { UNDEFINED, INTEGER, FLOAT, TEXT, BLOB, NULL_ }; /* kinds of values */
enum { NUMBER_BYTES = 8, VARINT_BYTES = 9, MOST_COLUMNS = 32767 };

struct reader {
  const unsigned char *p, *end;
};

static bool take(struct reader *r, uint64_t n) {
  if ((uint64_t)(r->end - r->p) < n)
    return false;
  r->p += n;
  return true;
}

/* SQLite's: seven bits a byte, the highest first; a ninth byte has eight. */
static bool varint(struct reader *r, uint64_t *out) {
  *out = 0;
  for (int i = 1; i <= VARINT_BYTES && r->p < r->end; i++) {
    unsigned char byte = *r->p++;
    if (i == VARINT_BYTES) {
      *out = *out << 8 | byte;
      return true;
    }
    *out = *out << 7 | (byte & 0x7f);
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

static bool value(struct reader *r) {
  uint64_t n;
  if (r->p == r->end)
    return false;
  switch (*r->p++) {
  case UNDEFINED:
  case NULL_:
    return true;
  case INTEGER:
  case FLOAT:
    return take(r, NUMBER_BYTES);
  case TEXT:
  case BLOB:
    return varint(r, &n) && n <= INT32_MAX && take(r, n);
  default:
    return false;
  }
}

/* Which operation, whether a trigger did it, and the row: of an update before and after. */
static bool change(struct reader *r, uint64_t columns) {
  unsigned char op = *r->p;
  if (!take(r, 2) || (op != DELETE && op != INSERT && op != UPDATE))
    return false;
  for (uint64_t i = 0; i < (op == UPDATE ? 2 * columns : columns); i++)
    if (!value(r))
      return false;
  return true;
}

/* 'T', the number of columns, a byte for each that says whether it is of the key, the name. */
static bool table(struct reader *r, uint64_t *columns) {
  if (*r->p != 'T' || !take(r, 1) || !varint(r, columns) || *columns < 1 ||
      *columns > MOST_COLUMNS || !take(r, *columns))
    return false;
  const unsigned char *end = memchr(r->p, '\0', (size_t)(r->end - r->p));
  return end && end > r->p && take(r, (uint64_t)(end - r->p) + 1);
}

void mlt_lite_changeset_mark(unsigned char out[MLT_CHANGESET_MARK], size_t size) {
  uint64_t rest = size;
  out[0] = '\0';
  for (size_t i = MLT_CHANGESET_MARK; i-- > 1; rest >>= 8)
    out[i] = (unsigned char)rest;
}

bool mlt_lite_changeset_whole(const void *blob, size_t size) {
  unsigned char mark[MLT_CHANGESET_MARK];
  if (size < sizeof mark)
    return false;
  struct reader r = {blob, (const unsigned char *)blob + (size - sizeof mark)};
  uint64_t columns = 0;
  mlt_lite_changeset_mark(mark, size - sizeof mark);
  if (memcmp(r.end, mark, sizeof mark) != 0)
    return false;
  while (r.p < r.end)
    if (*r.p == 'T' ? !table(&r, &columns) : !columns || !change(&r, columns))
      return false;
  return true;
}
