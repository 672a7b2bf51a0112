/* See csv.h. The end of a row is looked for first, then the row is split in place: so a row that is
   not all there yet is left as it is. */
#include "source/csv.h"

#include <string.h>

#include "base/mem.h"

enum { BUFFER = 2 * MLT_CSV_ROW_MAX };

enum mlt_rc mlt_csv_init(struct mlt_csv *c, struct mlt_err *err) {
  *c = (struct mlt_csv){.line = 1, .buf = mlt_alloc(BUFFER)};
  c->fields = mlt_reallocarray(NULL, MLT_CSV_FIELDS, sizeof *c->fields);
  return c->buf && c->fields ? MLT_OK : mlt_err_nomem(err);
}

void mlt_csv_free(struct mlt_csv *c) {
  mlt_free(c->buf);
  mlt_free(c->fields);
  *c = (struct mlt_csv){.line = 1};
}

void mlt_csv_reset(struct mlt_csv *c, char delimiter) {
  *c = (struct mlt_csv){.line = 1, .delimiter = delimiter, .buf = c->buf, .fields = c->fields};
}

void mlt_csv_seek(struct mlt_csv *c, uint64_t offset, uint64_t line) {
  mlt_csv_reset(c, c->delimiter);
  c->offset = offset;
  c->line = line;
}

char *mlt_csv_room(struct mlt_csv *c, size_t *n) {
  memmove(c->buf, c->buf + c->start, c->end - c->start);
  c->end -= c->start;
  c->start = 0;
  *n = BUFFER - c->end;
  return c->buf + c->end;
}

void mlt_csv_fed(struct mlt_csv *c, size_t n) {
  c->end += n;
}

void mlt_csv_eof(struct mlt_csv *c) {
  c->eof = true;
}

static void consume(struct mlt_csv *c, size_t n) {
  c->start += n;
  c->offset += n;
}

static bool ends_line(char ch) {
  return ch == '\n' || ch == '\r';
}

/* Bytes of the line end at p: 0 when it may be half a CRLF. */
static size_t terminator(const struct mlt_csv *c, const char *p) {
  const char *end = c->buf + c->end;
  if (*p == '\n')
    return 1;
  if (p + 1 == end)
    return c->eof ? 1 : 0;
  return p[1] == '\n' ? 2 : 1;
}

static const char *line_end(const char *p, const char *end) {
  const char *nl = memchr(p, '\n', (size_t)(end - p));
  const char *cr = memchr(p, '\r', (size_t)((nl ? nl : end) - p));
  return cr ? cr : nl;
}

static char most_frequent(const char *p, const char *end) {
  static const char candidates[] = {',', '\t', ';', '|'};
  size_t counts[sizeof candidates] = {0}, best = 0;
  bool quoted = false;
  for (; p < end; p++) {
    quoted ^= *p == '"';
    for (size_t i = 0; i < sizeof candidates && !quoted; i++)
      counts[i] += *p == candidates[i];
  }
  for (size_t i = 1; i < sizeof candidates; i++)
    if (counts[i] > counts[best])
      best = i;
  return candidates[best];
}

/* The first line end that is not in a quoted field, which begins behind a delimiter. NULL: not
   there; *quoted then says whether a quote is open. */
static const char *row_end(const struct mlt_csv *c, char delimiter, bool *quoted) {
  const char *p = c->buf + c->start, *end = c->buf + c->end;
  bool at_field = true;
  *quoted = false;
  while (p < end) {
    if (at_field && *p == '"') {
      *quoted = true;
      for (p++; (p = memchr(p, '"', (size_t)(end - p)));) {
        if (p + 1 < end && p[1] == '"')
          p += 2;
        else
          break;
      }
      if (!p)
        return NULL;
      p++;
      *quoted = false;
      at_field = false;
      continue;
    }
    if (ends_line(*p))
      return p;
    at_field = *p == delimiter;
    p++;
  }
  return NULL;
}

/* Takes one field at *p, unquoting it in place; *p is left at what ends it. */
static struct mlt_str take_field(char **p, const char *end, char delimiter) {
  char *from = *p, *to = *p, *q = *p;
  if (q == end || *q != '"') {
    char *found = memchr(q, delimiter, (size_t)(end - q));
    *p = found ? found : q + (end - q);
    return (struct mlt_str){from, (size_t)(*p - from)};
  }
  for (q++; q < end; *to++ = *q++) {
    if (*q != '"')
      continue;
    q++;
    if (q == end || *q != '"')
      break;
  }
  while (q < end && *q != delimiter)
    *to++ = *q++;
  *p = q;
  return (struct mlt_str){from, (size_t)(to - from)};
}

static enum mlt_rc split(struct mlt_csv *c, const char *end, struct mlt_csv_row *row) {
  char *p = c->buf + c->start;
  for (row->n = 0;;) {
    if (row->n == MLT_CSV_FIELDS)
      return MLT_TOOBIG;
    c->fields[row->n++] = take_field(&p, end, c->delimiter);
    if (p >= end)
      return MLT_OK;
    p++;
  }
}

static void count_lines(struct mlt_csv *c, const char *p, const char *end) {
  for (; p < end; p++)
    if (*p == '\n' || (*p == '\r' && !(p + 1 < end && p[1] == '\n')))
      c->line++;
}

static void skip_bom(struct mlt_csv *c) {
  if (c->offset == 0 && c->end - c->start >= 3 && memcmp(c->buf + c->start, "\xef\xbb\xbf", 3) == 0)
    consume(c, 3);
}

/* Gives up the row at hand: goes on behind its first line end. */
static enum mlt_rc skip_line(struct mlt_csv *c) {
  const char *p = c->buf + c->start, *end = c->buf + c->end;
  const char *nl = line_end(p, end);
  size_t n = nl ? terminator(c, nl) : 0;
  c->skipping = !n && !c->eof;
  consume(c, n ? (size_t)(nl - p) + n : nl ? (size_t)(nl - p) : c->end - c->start);
  if (c->skipping)
    return MLT_AGAIN;
  c->line += n > 0;
  return MLT_OK;
}

/* Empty lines are passed over. MLT_OK: the first byte of a row is there. */
static enum mlt_rc find_row(struct mlt_csv *c) {
  if (c->offset == 0 && c->end - c->start < 3 && !c->eof)
    return MLT_AGAIN;
  skip_bom(c);
  while (c->start < c->end && ends_line(c->buf[c->start])) {
    size_t n = terminator(c, c->buf + c->start);
    if (!n)
      return MLT_AGAIN;
    consume(c, n);
    c->line++;
  }
  if (c->start < c->end)
    return MLT_OK;
  return c->eof ? MLT_END : MLT_AGAIN;
}

static enum mlt_rc give_up(struct mlt_csv *c, enum mlt_rc why) {
  return skip_line(c) == MLT_OK ? why : MLT_AGAIN;
}

/* Where the row at hand ends: *length without and *n with its line end. MLT_TOOBIG, MLT_DATA: it is
   to be given up. */
static enum mlt_rc measure(struct mlt_csv *c, size_t *length, size_t *n) {
  const char *p = c->buf + c->start, *end = c->buf + c->end;
  const char *first = line_end(p, end);
  if (!first && !c->eof && c->end - c->start < MLT_CSV_ROW_MAX)
    return MLT_AGAIN;
  char delimiter = c->delimiter ? c->delimiter : most_frequent(p, first ? first : end);
  bool quoted = false;
  bool plain = first && !memchr(p, '"', (size_t)(first - p));
  const char *stop = plain ? first : row_end(c, delimiter, &quoted);
  *length = (size_t)((stop ? stop : end) - p);
  if (*length >= MLT_CSV_ROW_MAX)
    return MLT_TOOBIG;
  if (!stop && c->eof)
    *n = *length;
  else if (stop && terminator(c, stop))
    *n = *length + terminator(c, stop);
  else
    return MLT_AGAIN;
  if (quoted)
    return MLT_DATA;
  c->delimiter = delimiter;
  return MLT_OK;
}

enum mlt_rc mlt_csv_next(struct mlt_csv *c, struct mlt_csv_row *row) {
  size_t length, n;
  *row = (struct mlt_csv_row){.fields = c->fields, .line = c->line};
  if (c->skipping)
    return give_up(c, MLT_TOOBIG);
  enum mlt_rc rc = find_row(c);
  row->line = c->line;
  row->offset = c->offset;
  if (rc == MLT_OK)
    rc = measure(c, &length, &n);
  if (rc == MLT_TOOBIG || rc == MLT_DATA)
    return give_up(c, rc);
  if (rc != MLT_OK)
    return rc;
  const char *p = c->buf + c->start;
  count_lines(c, p, p + length);
  rc = split(c, p + length, row);
  c->line += n > length;
  consume(c, n);
  return rc;
}
