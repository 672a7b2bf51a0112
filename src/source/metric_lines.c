/* See metric_lines.h. The numbers themselves are model/rules.h's. */
#include "source/metric_lines.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/rules.h"

enum mlt_rc mlt_lines_init(struct mlt_lines *l, struct mlt_err *err) {
  *l = (struct mlt_lines){.buf = mlt_alloc(2 * (size_t)MLT_LINE_MAX)};
  return l->buf ? MLT_OK : mlt_err_nomem(err);
}

void mlt_lines_free(struct mlt_lines *l) {
  mlt_free(l->buf);
  l->buf = NULL;
}

void mlt_lines_reset(struct mlt_lines *l) {
  *l = (struct mlt_lines){.buf = l->buf};
}

char *mlt_lines_room(struct mlt_lines *l, size_t *n) {
  if (l->start) {
    memmove(l->buf, l->buf + l->start, l->end - l->start);
    l->end -= l->start;
    l->start = 0;
  }
  *n = 2 * (size_t)MLT_LINE_MAX - l->end;
  return l->buf + l->end;
}

void mlt_lines_fed(struct mlt_lines *l, size_t n) {
  l->end += n;
}

void mlt_lines_eof(struct mlt_lines *l) {
  l->eof = true;
}

static bool ends_line(char c) {
  return c >= '\n' && c <= '\r'; /* \n \v \f \r */
}

static bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

/* The bytes from start to the next end of line, and what they and their terminator take up. */
static enum mlt_rc raw_line(const struct mlt_lines *l, struct mlt_str *text, size_t *taken) {
  const char *p = l->buf + l->start, *end = l->buf + l->end, *q = p;
  while (q < end && !ends_line(*q))
    q++;
  *text = (struct mlt_str){p, (size_t)(q - p)};
  *taken = text->len;
  if (q == end)
    return !l->eof ? MLT_AGAIN : text->len ? MLT_OK : MLT_END;
  if (*q == '\r' && q + 1 == end && !l->eof)
    return MLT_AGAIN; /* half of a CRLF, perhaps */
  *taken += *q == '\r' && q + 1 < end && q[1] == '\n' ? 2 : 1;
  return MLT_OK;
}

static struct mlt_str strip(struct mlt_str s) {
  while (s.len && is_blank(s.p[0]))
    s = (struct mlt_str){s.p + 1, s.len - 1};
  while (s.len && is_blank(s.p[s.len - 1]))
    s.len--;
  return s;
}

/* MLT_OK, or MLT_TOOBIG when the end of a line that was too long has come. */
static enum mlt_rc whole_line(struct mlt_lines *l, struct mlt_str *text, size_t *taken) {
  enum mlt_rc rc = raw_line(l, text, taken);
  if (rc == MLT_AGAIN && text->len >= MLT_LINE_MAX) {
    l->skipping = true;
    l->start = l->end - (l->buf[l->end - 1] == '\r' ? 1 : 0);
  }
  if (rc == MLT_OK && text->len >= MLT_LINE_MAX)
    l->skipping = true;
  if (l->skipping && rc == MLT_END)
    rc = MLT_OK;
  if (l->skipping && rc == MLT_OK) {
    l->skipping = false;
    return MLT_TOOBIG;
  }
  return rc;
}

enum mlt_rc mlt_lines_next(struct mlt_lines *l, struct mlt_line *out) {
  for (;;) {
    size_t taken;
    *out = (struct mlt_line){.number = l->number + 1};
    enum mlt_rc rc = whole_line(l, &out->text, &taken);
    if (rc == MLT_AGAIN || rc == MLT_END)
      return rc;
    out->text = strip(out->text);
    bool blank = rc == MLT_OK && !out->text.len;
    if (!blank && l->blanks) { /* they come first; this line is read again after them */
      if (rc == MLT_TOOBIG)
        l->skipping = true;
      *out = (struct mlt_line){.number = l->first_blank, .blank = l->blanks};
      l->blanks = 0;
      return MLT_OK;
    }
    l->start += taken;
    l->number++;
    if (!blank)
      return rc;
    if (!l->blanks++)
      l->first_blank = l->number;
  }
}

enum { MAX_FIELDS = 7 };

/* Fields between single spaces, as split(" "): two spaces hold an empty field. Returns how many
   there are; the first MAX_FIELDS are kept. */
static size_t split(struct mlt_str line, struct mlt_str *fields) {
  size_t n = 0;
  const char *p = line.p, *end = line.p + line.len;
  for (;;) {
    const char *q = memchr(p, ' ', (size_t)(end - p));
    if (n < MAX_FIELDS)
      fields[n] = (struct mlt_str){p, (size_t)((q ? q : end) - p)};
    n++;
    if (!q)
      return n;
    p = q + 1;
  }
}

/* Input may hold anything: what people see is cut and printable. */
static bool bad_field(struct mlt_line_fault *fault, const char *field, struct mlt_str text,
                      const char *why) {
  char shown[41];
  size_t n = text.len < sizeof shown - 1 ? text.len : sizeof shown - 1;
  for (size_t i = 0; i < n; i++)
    shown[i] = text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?';
  shown[n] = '\0';
  fault->field = field;
  (void)snprintf(fault->reason, sizeof fault->reason, "%s '%s%s' is %s", field, shown,
                 text.len > n ? "..." : "", why);
  return false;
}

static bool bad_count(struct mlt_line_fault *fault, size_t n, const char *expected) {
  fault->field = "line";
  (void)snprintf(fault->reason, sizeof fault->reason, "the line has %zu field%s where %s", n,
                 n == 1 ? "" : "s", expected);
  return false;
}

static bool numbers(const struct mlt_str *fields, size_t n, struct mlt_point *out,
                    struct mlt_line_fault *fault) {
  static const char whole[] = "not a whole number of 64 bits";
  if (!mlt_parse_i64(fields[0], &out->timestamp))
    return bad_field(fault, "timestamp", fields[0], whole);
  if (!mlt_parse_double(fields[1], &out->value))
    return bad_field(fault, "value", fields[1], "not a number");
  out->step = 0;
  if (n > 2 && !mlt_parse_i64(fields[2], &out->step))
    return bad_field(fault, "step", fields[2], whole);
  return true;
}

bool mlt_line_point(struct mlt_str line, struct mlt_point *out, struct mlt_line_fault *fault) {
  struct mlt_str fields[MAX_FIELDS];
  size_t n = split(line, fields);
  if (n < 2)
    return bad_count(fault, n, "\"timestamp value step\" is expected");
  return numbers(fields, n, out, fault);
}

bool mlt_line_model_metric(struct mlt_str line, struct mlt_logged_model_metric *out,
                           struct mlt_line_fault *fault) {
  struct mlt_str fields[MAX_FIELDS];
  struct mlt_point p;
  size_t n = split(line, fields);
  if (n != 4 && n != 6)
    return bad_count(fault, n,
                     "\"timestamp value step run_id\" is expected, perhaps with a dataset's name "
                     "and digest");
  if (!numbers(fields, n, &p, fault))
    return false;
  out->timestamp = p.timestamp;
  out->value = p.value;
  out->step = p.step;
  out->run_id = fields[3];
  out->dataset_name = n == 6 ? fields[4] : MLT_STR_NULL;
  out->dataset_digest = n == 6 ? fields[5] : MLT_STR_NULL;
  return true;
}
