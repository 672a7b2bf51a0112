/* See json_cut.h. An event that the bytes at hand do not hold whole is looked at again from its
   beginning when there are more; only take and skip, which may be long, remember how far they came.
 */
#include "base/json_cut.h"

#include <string.h>

#include "base/mem.h"

enum mlt_rc mlt_cut_init(struct mlt_cut *c, struct mlt_err *err) {
  *c = (struct mlt_cut){.buf = mlt_alloc(2 * MLT_CUT_CHUNK), .cap = 2 * MLT_CUT_CHUNK};
  mlt_cut_reset(c);
  return c->buf ? MLT_OK : mlt_err_nomem(err);
}

void mlt_cut_free(struct mlt_cut *c) {
  mlt_free(c->buf);
  c->buf = NULL;
}

void mlt_cut_reset(struct mlt_cut *c) {
  *c = (struct mlt_cut){.buf = c->buf, .cap = c->cap, .line = 1};
}

char *mlt_cut_room(struct mlt_cut *c, size_t *n) {
  if (c->start) {
    memmove(c->buf, c->buf + c->start, c->end - c->start);
    c->at -= c->start;
    c->end -= c->start;
    c->opened -= c->start;
    c->scan -= c->start;
    c->start = 0;
  }
  if (c->cap - c->end < MLT_CUT_CHUNK) {
    char *more = mlt_realloc(c->buf, c->cap * 2);
    if (!more)
      return NULL;
    c->buf = more;
    c->cap *= 2;
  }
  *n = c->cap - c->end;
  return c->buf + c->end;
}

void mlt_cut_fed(struct mlt_cut *c, size_t n) {
  c->end += n;
}

void mlt_cut_eof(struct mlt_cut *c) {
  c->eof = true;
}

void mlt_cut_whole(struct mlt_cut *c, struct mlt_str text) {
  *c = (struct mlt_cut){
      .buf = (char *)(uintptr_t)text.p, .cap = text.len, .end = text.len, .line = 1, .eof = true};
}

static enum mlt_rc bad(struct mlt_cut *c, const char *reason) {
  c->reason = reason;
  return MLT_DATA;
}

/* The bytes at hand end within something. */
static enum mlt_rc more(struct mlt_cut *c) {
  if (c->eof)
    return bad(c, "it ends before the document does");
  return c->end - c->start >= MLT_CUT_MAX ? MLT_TOOBIG : MLT_AGAIN;
}

struct place {
  size_t at;
  uint64_t line;
};

/* Passes blanks; false when the bytes at hand end. */
static bool blanks(const struct mlt_cut *c, struct place *p) {
  for (; p->at < c->end; p->at++) {
    char b = c->buf[p->at];
    if (b == '\n')
      p->line++;
    else if (b != ' ' && b != '\t' && b != '\r')
      return true;
  }
  return false;
}

/* p is on the quote that begins it; then behind the one that ends it. */
static enum mlt_rc string(struct mlt_cut *c, struct place *p, bool *escaped) {
  for (size_t i = p->at + 1; i < c->end; i++) {
    char b = c->buf[i];
    if (b == '"') {
      p->at = i + 1;
      return MLT_OK;
    }
    if ((unsigned char)b < ' ')
      return bad(c, "a string holds a control character that is not escaped");
    if (b == '\\') {
      *escaped = true;
      i++;
    }
  }
  return more(c);
}

static enum mlt_rc key(struct mlt_cut *c, struct place *p, struct mlt_cut_event *out) {
  size_t begin = p->at;
  if (c->buf[begin] != '"')
    return bad(c, "the key of a member is missing");
  enum mlt_rc rc = string(c, p, &out->escaped);
  if (rc != MLT_OK)
    return rc;
  out->key = (struct mlt_str){c->buf + begin + 1, p->at - begin - 2};
  if (!blanks(c, p))
    return more(c);
  if (c->buf[p->at] != ':')
    return bad(c, "there is no ':' behind the key of a member");
  p->at++;
  return blanks(c, p) ? MLT_OK : more(c);
}

static bool ends_word(char ch) {
  switch (ch) {
  case ',':
  case ']':
  case '}':
  case ':':
  case ' ':
  case '\t':
  case '\r':
  case '\n':
  case '"':
  case '[':
  case '{':
    return true;
  default:
    return false;
  }
}

/* A number or literal goes on until something that cannot belong to it. */
static enum mlt_rc word(struct mlt_cut *c, struct place *p) {
  size_t begin = p->at;
  while (p->at < c->end && !ends_word(c->buf[p->at]))
    p->at++;
  if (p->at == c->end && !c->eof)
    return more(c);
  return p->at > begin ? MLT_OK : bad(c, "a value is missing");
}

static enum mlt_rc value(struct mlt_cut *c, struct place *p, struct mlt_cut_event *out) {
  size_t begin = p->at;
  char first = c->buf[begin];
  bool escaped = false;
  out->kind = MLT_CUT_VALUE;
  if (first == '{' || first == '[') {
    if (c->depth == MLT_JSON_DEPTH)
      return bad(c, "it is nested too deeply");
    out->kind = MLT_CUT_OPEN;
    out->list = first == '[';
    c->opened = begin;
    c->scan = ++p->at;
    c->scan_depth = 1;
    c->in_string = c->after_backslash = false;
    c->in_list[c->depth++] = out->list;
    c->expect = MLT_CUT_AT_FIRST;
    return MLT_OK;
  }
  enum mlt_rc rc = first == '"' ? string(c, p, &escaped) : word(c, p);
  out->raw = (struct mlt_str){c->buf + begin, p->at - begin};
  if (rc == MLT_OK)
    c->expect = MLT_CUT_AT_NEXT;
  return rc;
}

static bool closes(const struct mlt_cut *c, char b) {
  return c->depth && b == (c->in_list[c->depth - 1] ? ']' : '}');
}

static enum mlt_rc event(struct mlt_cut *c, struct place *p, struct mlt_cut_event *out) {
  if (!blanks(c, p))
    return c->eof && !c->depth && c->expect == MLT_CUT_AT_NEXT ? MLT_END : more(c);
  if (c->expect == MLT_CUT_AT_NEXT && !c->depth)
    return bad(c, "there is something behind the document");
  if (c->expect != MLT_CUT_AT_VALUE && closes(c, c->buf[p->at])) {
    out->kind = MLT_CUT_CLOSE;
    p->at++;
    c->depth--;
    c->expect = MLT_CUT_AT_NEXT;
    return MLT_OK;
  }
  if (c->expect == MLT_CUT_AT_NEXT) {
    if (c->buf[p->at++] != ',')
      return bad(c, "there is no ',' between two values");
    if (!blanks(c, p))
      return more(c);
  }
  enum mlt_rc rc = c->depth && !c->in_list[c->depth - 1] ? key(c, p, out) : MLT_OK;
  return rc == MLT_OK ? value(c, p, out) : rc;
}

enum mlt_rc mlt_cut_next(struct mlt_cut *c, struct mlt_cut_event *out) {
  *out = (struct mlt_cut_event){.kind = MLT_CUT_CLOSE};
  c->start = c->at;
  struct place p = {c->at, c->line};
  enum mlt_rc rc = event(c, &p, out);
  if (rc == MLT_OK)
    c->at = p.at;
  if (rc != MLT_AGAIN)
    c->line = p.line;
  return rc;
}

/* Goes on to the end of what was opened. */
static enum mlt_rc scan(struct mlt_cut *c) {
  for (; c->scan < c->end; c->scan++) {
    char b = c->buf[c->scan];
    if (c->after_backslash)
      c->after_backslash = false;
    else if (c->in_string) {
      c->after_backslash = b == '\\';
      c->in_string = b != '"';
    } else if (b == '"')
      c->in_string = true;
    else if (b == '\n')
      c->line++;
    else if (b == '{' || b == '[')
      c->scan_depth++;
    else if ((b == '}' || b == ']') && --c->scan_depth == 0) {
      if (!closes(c, b))
        return bad(c, "a list ends like an object, or an object like a list");
      c->at = ++c->scan;
      c->depth--;
      c->expect = MLT_CUT_AT_NEXT;
      return MLT_OK;
    }
  }
  return more(c);
}

enum mlt_rc mlt_cut_take(struct mlt_cut *c, struct mlt_str *raw) {
  enum mlt_rc rc = scan(c);
  if (rc == MLT_OK)
    *raw = (struct mlt_str){c->buf + c->opened, c->at - c->opened};
  return rc;
}

enum mlt_rc mlt_cut_skip(struct mlt_cut *c) {
  c->start = c->at = c->scan;
  enum mlt_rc rc = scan(c);
  c->start = c->at = c->scan;
  return rc;
}
