/* See json_rows.h. */
#include "source/json_rows.h"

#include <string.h>

#include "base/mem.h"

enum { BUFFER = 2 * MLT_JSON_ROW_MAX };

enum mlt_rc mlt_json_rows_init(struct mlt_json_rows *r, struct mlt_err *err) {
  *r = (struct mlt_json_rows){.line = 1, .buf = mlt_alloc(BUFFER)};
  return r->buf ? MLT_OK : mlt_err_nomem(err);
}

void mlt_json_rows_free(struct mlt_json_rows *r) {
  mlt_free(r->buf);
  r->buf = NULL;
}

void mlt_json_rows_reset(struct mlt_json_rows *r, bool history) {
  *r = (struct mlt_json_rows){.line = 1, .history = history, .buf = r->buf};
}

char *mlt_json_rows_room(struct mlt_json_rows *r, size_t *n) {
  memmove(r->buf, r->buf + r->start, r->end - r->start);
  r->end -= r->start;
  r->at -= r->start;
  r->start = 0;
  *n = BUFFER - r->end;
  return r->buf + r->end;
}

void mlt_json_rows_fed(struct mlt_json_rows *r, size_t n) {
  r->end += n;
}

void mlt_json_rows_eof(struct mlt_json_rows *r) {
  r->eof = true;
}

static bool is_blank(struct mlt_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!s.p[i] || !strchr(" \t\r", s.p[i]))
      return false;
  return true;
}

static enum mlt_rc next_line(struct mlt_json_rows *r, struct mlt_str *row, uint64_t *line) {
  for (;;) {
    const char *p = r->buf + r->start, *nl = memchr(r->buf + r->at, '\n', r->end - r->at);
    size_t n = (size_t)((nl ? nl : r->buf + r->end) - p);
    bool too_long = r->skipping || n >= MLT_JSON_ROW_MAX;
    r->at = r->end;
    if (!nl && !r->eof) {
      r->skipping = too_long;
      r->start = too_long ? r->end : r->start;
      return MLT_AGAIN;
    }
    if (!nl && n == 0 && !r->skipping)
      return MLT_END;
    *row = (struct mlt_str){p, n};
    *line = r->line++;
    r->start = r->at = r->start + n + (nl != NULL);
    r->skipping = false;
    if (too_long || !is_blank(*row))
      return too_long ? MLT_TOOBIG : MLT_OK;
  }
}

static void take_string_byte(struct mlt_json_rows *r, char c) {
  if (r->escaped)
    r->escaped = false;
  else if (c == '\\')
    r->escaped = true;
  else if (c == '"')
    r->in_string = false;
  if (r->in_string && r->depth == 1 && r->key_len < sizeof r->key)
    r->key[r->key_len++] = c;
}

static bool at_history(const struct mlt_json_rows *r) {
  return mlt_str_is((struct mlt_str){r->key, r->key_len}, "log_history");
}

static void open_level(struct mlt_json_rows *r, char c, size_t i) {
  r->depth++;
  if (c == '[' && r->depth == 2 && at_history(r))
    r->in_history = true;
  if (c == '{' && r->depth == 3 && r->in_history) {
    r->in_row = true;
    r->start = i;
    r->row_line = r->line;
  }
}

/* True when the row that began at start ends with this byte. */
static bool close_level(struct mlt_json_rows *r) {
  if (r->depth)
    r->depth--;
  if (r->depth == 1)
    r->in_history = false;
  return r->in_row && r->depth == 2;
}

static bool take_byte(struct mlt_json_rows *r, size_t i) {
  char c = r->buf[i];
  r->line += c == '\n';
  if (r->in_string) {
    take_string_byte(r, c);
  } else if (c == '"') {
    r->in_string = true;
    if (r->depth == 1)
      r->key_len = 0;
  } else if (c == '{' || c == '[') {
    open_level(r, c, i);
  } else if (c == '}' || c == ']') {
    return close_level(r);
  }
  return false;
}

static enum mlt_rc end_row(struct mlt_json_rows *r, struct mlt_str *row, uint64_t *line) {
  size_t n = r->at - r->start;
  *row = (struct mlt_str){r->buf + r->start, n};
  *line = r->row_line;
  enum mlt_rc rc = r->skipping || n >= MLT_JSON_ROW_MAX ? MLT_TOOBIG : MLT_OK;
  r->in_row = r->skipping = false;
  r->start = r->at;
  return rc;
}

static enum mlt_rc next_element(struct mlt_json_rows *r, struct mlt_str *row, uint64_t *line) {
  while (r->at < r->end)
    if (take_byte(r, r->at++))
      return end_row(r, row, line);
  if (r->in_row && r->end - r->start >= MLT_JSON_ROW_MAX)
    r->skipping = true;
  if (!r->in_row || r->skipping)
    r->start = r->end;
  if (!r->eof)
    return MLT_AGAIN;
  if (!r->depth)
    return MLT_END;
  *line = r->in_row ? r->row_line : r->line;
  r->in_row = r->in_string = false;
  r->depth = 0;
  return MLT_DATA;
}

/* Passes a byte order mark; false when more bytes are needed to see it. */
static bool begin(struct mlt_json_rows *r) {
  static const char mark[] = {'\xef', '\xbb', '\xbf'};
  if (r->end - r->start < sizeof mark && !r->eof)
    return false;
  if (r->end - r->start >= sizeof mark && memcmp(r->buf + r->start, mark, sizeof mark) == 0)
    r->start = r->at = r->start + sizeof mark;
  r->begun = true;
  return true;
}

enum mlt_rc mlt_json_rows_next(struct mlt_json_rows *r, struct mlt_str *row, uint64_t *line) {
  *row = MLT_STR_NULL;
  *line = r->line;
  if (!r->begun && !begin(r))
    return MLT_AGAIN;
  return r->history ? next_element(r, row, line) : next_line(r, row, line);
}
