#include "lines/out.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/rules.h"

enum {
  FULL = 256 << 10, /* give out what is there before the next line */
  ROOM = 4 << 10    /* for what ends a line that was held just below its limit */
};

void mlt_out_init(struct mlt_line_out *o, mlt_lines_out take, void *ctx) {
  *o = (struct mlt_line_out){.take = take, .ctx = ctx};
  mlt_buf_init(&o->buf, FULL + MLT_LINE_MAX + ROOM);
}

void mlt_out_free(struct mlt_line_out *o) {
  mlt_buf_free(&o->buf);
}

enum mlt_rc mlt_out_flush(struct mlt_line_out *o, struct mlt_err *err) {
  enum mlt_rc rc = o->buf.len ? o->take(o->ctx, o->buf.p, o->buf.len, err) : MLT_OK;
  mlt_buf_clear(&o->buf);
  return rc;
}

void mlt_out_refuse(struct mlt_line_out *o, const char *code, const char *field, const char *fmt,
                    ...) {
  va_list ap;
  if (o->failed != MLT_OK)
    return;
  o->failed = MLT_REJECTED;
  o->fault->code = code;
  o->fault->type = o->type;
  o->fault->field = mlt_str_c(field);
  va_start(ap, fmt);
  (void)vsnprintf(o->fault->reason, sizeof o->fault->reason, fmt, ap);
  va_end(ap);
}

/* ---- text ---- */

static void failed(struct mlt_line_out *o, enum mlt_rc rc) {
  if (rc == MLT_TOOBIG)
    mlt_out_refuse(o, "too-long", NULL, "as a line it has more than %d MiB",
                   (int)(MLT_LINE_MAX >> 20));
  else if (rc != MLT_OK && o->failed == MLT_OK)
    o->failed = mlt_err_nomem(o->err);
}

static void add(struct mlt_line_out *o, const char *p, size_t n) {
  failed(o, mlt_buf_add(&o->buf, p, n));
}

/* What stands for a byte in a string of JSON: 0 itself, 'u' \u00HH, else \ and that. */
static const char escapes[256] = {'u', 'u', 'u', 'u', 'u', 'u',         'u',          'u', 'b',
                                  't', 'n', 'u', 'f', 'r', 'u',         'u',          'u', 'u',
                                  'u', 'u', 'u', 'u', 'u', 'u',         'u',          'u', 'u',
                                  'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\'};

size_t mlt_out_quoted(struct mlt_str s) {
  size_t n = 2 + s.len;
  for (size_t i = 0; i < s.len; i++) {
    char e = escapes[(unsigned char)s.p[i]];
    n += e == 'u' ? 5 : e != 0;
  }
  return n;
}

static void add_quoted(struct mlt_line_out *o, struct mlt_str s) {
  static const char hex[] = "0123456789abcdef";
  enum mlt_rc rc = mlt_buf_reserve(&o->buf, mlt_out_quoted(s));
  if (rc != MLT_OK) {
    failed(o, rc);
    return;
  }
  char *to = o->buf.p + o->buf.len;
  *to++ = '"';
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.p[i];
    char e = escapes[c];
    if (e)
      *to++ = '\\';
    *to++ = e ? e : (char)c;
    if (e == 'u') {
      *to++ = '0';
      *to++ = '0';
      *to++ = hex[c >> 4];
      *to++ = hex[c & 15];
    }
  }
  *to++ = '"';
  o->buf.len = (size_t)(to - o->buf.p);
}

static const char *name_of(const struct mlt_line_out *o, int at) {
  return mlt_line_fields(o->type)[at].name;
}

static void add_name(struct mlt_line_out *o, int at) {
  add(o, ",", 1);
  add_quoted(o, mlt_str_c(name_of(o, at)));
  add(o, ":", 1);
}

const char *mlt_out_bad_text(struct mlt_str s) {
  if (!s.p || !mlt_rule_text(s))
    return NULL;
  return memchr(s.p, '\0', s.len) ? "nul-byte" : "bad-utf8";
}

static void add_text(struct mlt_line_out *o, const char *field, struct mlt_str s) {
  const char *bad = mlt_out_bad_text(s);
  if (bad)
    mlt_out_refuse(o, bad, field, "its %s %s", field, mlt_rule_text(s));
  else
    add_quoted(o, s);
}

/* ---- numbers ---- */

enum mlt_rc mlt_out_add_number(struct mlt_buf *b, double d) {
  if (!isfinite(d))
    return mlt_buf_adds(b, isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  enum mlt_rc rc = mlt_buf_reserve(b, MLT_DOUBLE_TEXT);
  if (rc == MLT_OK)
    b->len += mlt_text_double(b->p + b->len, d);
  return rc;
}

enum mlt_rc mlt_out_add_int(struct mlt_buf *b, int64_t n) {
  enum mlt_rc rc = mlt_buf_reserve(b, MLT_INT_TEXT);
  if (rc == MLT_OK)
    b->len += mlt_text_int(b->p + b->len, n);
  return rc;
}

/* ---- lines ---- */

void mlt_out_begin(struct mlt_line_out *o, enum mlt_line_type type, struct mlt_line_fault *fault,
                   struct mlt_err *err) {
  o->fault = fault;
  o->err = err;
  o->failed = o->buf.len < FULL ? MLT_OK : mlt_out_flush(o, err);
  o->start = o->buf.len;
  o->type = type;
  add(o, "{\"type\":", 8);
  add_quoted(o, mlt_str_c(mlt_line_word(type)));
}

void mlt_out_put_text(struct mlt_line_out *o, int at, struct mlt_str s) {
  if (!s.p && mlt_line_fields(o->type)[at].required)
    mlt_out_refuse(o, "missing", name_of(o, at), "it has no %s", name_of(o, at));
  if (!s.p)
    return;
  add_name(o, at);
  add_text(o, name_of(o, at), s);
}

void mlt_out_put_word(struct mlt_line_out *o, int at, const char *word) {
  mlt_out_put_text(o, at, mlt_str_c(word));
}

void mlt_out_put_int(struct mlt_line_out *o, int at, int64_t n) {
  add_name(o, at);
  failed(o, mlt_out_add_int(&o->buf, n));
}

void mlt_out_put_opt_int(struct mlt_line_out *o, int at, struct mlt_opt_i64 n) {
  if (n.has)
    mlt_out_put_int(o, at, n.v);
}

void mlt_out_put_number(struct mlt_line_out *o, int at, double d) {
  add_name(o, at);
  failed(o, mlt_out_add_number(&o->buf, d));
}

void mlt_out_put_true(struct mlt_line_out *o, int at) {
  add_name(o, at);
  add(o, "true", 4);
}

void mlt_out_put_list(struct mlt_line_out *o, int at, struct mlt_str p) {
  add_name(o, at);
  add(o, "[", 1);
  add(o, p.p, p.len);
  add(o, "]", 1);
}

void mlt_out_put_texts(struct mlt_line_out *o, int at, const struct mlt_kv *v, size_t n) {
  add_name(o, at);
  for (size_t i = 0; i < n; i++) {
    add(o, i ? "," : "{", 1);
    add_text(o, "key", v[i].key);
    add(o, ":", 1);
    if (v[i].value.p)
      add_text(o, "value", v[i].value);
    else
      add(o, "null", 4);
  }
  add(o, "}", 1);
}

bool mlt_out_fits(const struct mlt_line_out *o, size_t more) {
  size_t n = o->buf.len - o->start;
  return more <= MLT_LINE_MAX && n <= MLT_LINE_MAX - more;
}

enum mlt_rc mlt_out_hold(struct mlt_line_out *o) {
  if (o->failed == MLT_OK && !mlt_out_fits(o, ROOM / 2))
    failed(o, MLT_TOOBIG);
  if (o->failed != MLT_OK)
    o->buf.len = o->start;
  return o->failed;
}

enum mlt_rc mlt_out_end(struct mlt_line_out *o) {
  add(o, "}\n", 2);
  if (o->failed == MLT_OK && !mlt_out_fits(o, 0))
    failed(o, MLT_TOOBIG);
  if (o->failed != MLT_OK)
    o->buf.len = o->start;
  return o->failed;
}
