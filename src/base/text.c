#include "base/text.h"

#include <string.h>
#include <strings.h>

enum { PRINT_MAX = 64 * 1024 };

static bool is_control(uint32_t cp) {
  bool c0_c1 = cp < 0x20 || (cp >= 0x7F && cp < 0xA0);
  bool direction = (cp >= 0x200E && cp <= 0x200F) || (cp >= 0x202A && cp <= 0x202E) ||
                   (cp >= 0x2066 && cp <= 0x2069);
  bool line_end = cp == 0x2028 || cp == 0x2029;
  return c0_c1 || direction || line_end;
}

static enum mlt_rc add_escaped(struct mlt_buf *b, uint32_t cp) {
  switch (cp) {
  case '\n':
    return mlt_buf_adds(b, "\\n");
  case '\r':
    return mlt_buf_adds(b, "\\r");
  case '\t':
    return mlt_buf_adds(b, "\\t");
  default:
    return mlt_buf_printf(b, cp < 0x80 ? "\\x%02x" : "\\u{%04x}", (unsigned)cp);
  }
}

/* The valid UTF-8 at the head of s; then *bad tells whether a bad byte follows. */
static struct mlt_str valid_head(struct mlt_str s, bool *bad) {
  ptrdiff_t at = mlt_utf8_invalid(s);
  *bad = at >= 0;
  return *bad ? (struct mlt_str){s.p, (size_t)at} : s;
}

static enum mlt_rc escape_valid(struct mlt_buf *b, struct mlt_str s) {
  size_t from = 0;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < s.len;) {
    uint32_t cp;
    size_t n = mlt_utf8_next((struct mlt_str){s.p + i, s.len - i}, &cp);
    if (is_control(cp)) {
      rc = mlt_buf_add(b, s.p + from, i - from);
      if (rc == MLT_OK)
        rc = add_escaped(b, cp);
      from = i + n;
    }
    i += n;
  }
  return rc == MLT_OK && from < s.len ? mlt_buf_add(b, s.p + from, s.len - from) : rc;
}

enum mlt_rc mlt_text_escape(struct mlt_buf *b, struct mlt_str s) {
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && s.len) {
    bool bad;
    struct mlt_str head = valid_head(s, &bad);
    rc = escape_valid(b, head);
    if (rc == MLT_OK && bad)
      rc = mlt_buf_printf(b, "\\x%02x", (unsigned char)s.p[head.len]);
    s.p += head.len + bad;
    s.len -= head.len + bad;
  }
  return rc;
}

void mlt_text_print(FILE *out, struct mlt_str s) {
  struct mlt_buf b;
  mlt_buf_init(&b, PRINT_MAX);
  bool cut = mlt_text_escape(&b, s) != MLT_OK;
  (void)fwrite(b.p, 1, b.len, out);
  if (cut)
    (void)fputs("...", out);
  mlt_buf_free(&b);
}

enum mlt_rc mlt_text_repair(struct mlt_buf *b, struct mlt_str s) {
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && s.len) {
    bool bad;
    struct mlt_str head = valid_head(s, &bad);
    rc = mlt_buf_add(b, head.p, head.len);
    if (rc == MLT_OK && bad)
      rc = mlt_buf_adds(b, "\xEF\xBF\xBD");
    s.p += head.len + bad;
    s.len -= head.len + bad;
  }
  return rc;
}

/* --- Passwords --- */

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* s[i..) begins the password of a URI's user part: "//user:" lies just before. Its end, or i. */
static size_t uri_password_end(struct mlt_str s, size_t i) {
  size_t at = i;
  for (size_t k = i; k < s.len && !is_space(s.p[k]) && !strchr("/?#\"'", s.p[k]); k++)
    if (s.p[k] == '@')
      at = k; /* the last @ of the authority: an unescaped one may be in the password */
  return at;
}

/* Length of "//user:" at s[i..), 0 if that is not there. */
static size_t uri_user(struct mlt_str s, size_t i) {
  if (s.len - i < 3 || s.p[i] != '/' || s.p[i + 1] != '/')
    return 0;
  for (size_t k = i + 2; k < s.len && !is_space(s.p[k]) && !strchr("/?#@\"'", s.p[k]); k++)
    if (s.p[k] == ':')
      return k + 1 - i;
  return 0;
}

static size_t keyword(struct mlt_str s, size_t i) {
  static const char *const words[] = {"password", "sslpassword"};
  for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
    size_t n = strlen(words[w]);
    if (s.len - i <= n || strncasecmp(s.p + i, words[w], n) != 0)
      continue;
    size_t k = i + n;
    while (k < s.len && is_space(s.p[k]))
      k++;
    if (k < s.len && s.p[k] == '=') {
      for (k++; k < s.len && is_space(s.p[k]);)
        k++;
      return k - i;
    }
  }
  return 0;
}

/* End of the value of password= at s[i..): quoted with \ escapes, or up to a separator. */
static size_t value_end(struct mlt_str s, size_t i) {
  bool quoted = i < s.len && s.p[i] == '\'';
  for (size_t k = i + quoted; k < s.len; k++) {
    if (s.p[k] == '\\' && k + 1 < s.len)
      k++;
    else if (quoted && s.p[k] == '\'')
      return k + 1;
    else if (!quoted && (is_space(s.p[k]) || s.p[k] == '&' || s.p[k] == '"'))
      return k;
  }
  return s.len;
}

/* A secret that begins soon after s[i]: bytes to keep, then bytes to hide. */
static bool find_secret(struct mlt_str s, size_t i, size_t *keep, size_t *hide) {
  *keep = uri_user(s, i);
  if (*keep) {
    *hide = uri_password_end(s, i + *keep) - (i + *keep);
    return *hide > 0;
  }
  *keep = keyword(s, i);
  *hide = *keep ? value_end(s, i + *keep) - (i + *keep) : 0;
  return *hide > 0;
}

enum mlt_rc mlt_text_mask(struct mlt_buf *b, struct mlt_str s) {
  enum mlt_rc rc = MLT_OK;
  size_t from = 0;
  for (size_t i = 0; rc == MLT_OK && i < s.len; i++) {
    size_t keep, hide;
    if (!find_secret(s, i, &keep, &hide))
      continue;
    rc = mlt_buf_add(b, s.p + from, i + keep - from);
    if (rc == MLT_OK)
      rc = mlt_buf_adds(b, "***");
    from = i + keep + hide;
    i = from - 1;
  }
  return rc == MLT_OK && from < s.len ? mlt_buf_add(b, s.p + from, s.len - from) : rc;
}
