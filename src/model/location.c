#include "model/location.h"

#include <string.h>
#include <strings.h>

static const char DOTS[] = "has a component \"..\"";

static struct mlt_str tail(struct mlt_str s, size_t from) {
  return (struct mlt_str){s.p + from, s.len - from};
}

static bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_slash(char c) {
  return c == '/' || c == '\\';
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "C:/a", "C:\a", "\\server\share" */
static bool is_windows(struct mlt_str s) {
  if (s.len >= 2 && s.p[0] == '\\' && s.p[1] == '\\')
    return true;
  return s.len >= 3 && is_alpha(s.p[0]) && s.p[1] == ':' && is_slash(s.p[2]);
}

/* Length of "scheme" in "scheme:...", 0 if there is none. One letter is a drive. */
static size_t scheme_length(struct mlt_str s) {
  size_t n = 0;
  while (n < s.len && (is_alpha(s.p[n]) || (n && strchr("0123456789+-.", s.p[n]) && s.p[n])))
    n++;
  return n > 1 && n < s.len && s.p[n] == ':' ? n : 0;
}

static bool scheme_is(struct mlt_str s, size_t n, const char *name) {
  return strlen(name) == n && strncasecmp(s.p, name, n) == 0;
}

/* ---- writing it down in one form ---- */

static const char *put(struct mlt_location *l, struct mlt_str s) {
  if (l->len + s.len > MLT_LOCATION_MAX)
    return "is too long";
  memcpy(l->text + l->len, s.p, s.len);
  l->len += s.len;
  return NULL;
}

/* Decodes what Python's urllib.parse.unquote does: "%" before two digits, nothing else. */
static struct mlt_str decode(char *out, struct mlt_str s) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++) {
    int high = s.p[i] == '%' && i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
    if (low >= 0)
      i += 2;
    out[n++] = low >= 0 ? (char)(high * 16 + low) : s.p[i];
  }
  return (struct mlt_str){out, n};
}

/* Component by component, a "/" before each but the first of a path that is not rooted. */
static const char *put_path(struct mlt_location *l, struct mlt_str path, bool rooted, bool back) {
  const char *wrong = NULL;
  for (size_t at = 0; at < path.len && !wrong;) {
    size_t end = at;
    while (end < path.len && path.p[end] != '/' && !(back && path.p[end] == '\\'))
      end++;
    struct mlt_str part = {path.p + at, end - at};
    at = end + 1;
    if (part.len == 0 || mlt_str_is(part, "."))
      continue;
    if (mlt_str_is(part, ".."))
      return DOTS;
    if (rooted || l->len)
      wrong = put(l, MLT_STR_LIT("/"));
    if (!wrong)
      wrong = put(l, part);
  }
  return wrong;
}

static const char *put_windows(struct mlt_location *l, struct mlt_str path) {
  l->kind = MLT_LOCATION_WINDOWS;
  if (path.p[0] == '\\') {
    const char *wrong = put(l, MLT_STR_LIT("/"));
    if (!wrong)
      wrong = put_path(l, path, true, true);
    return wrong || l->len > 1 ? wrong : "names no share";
  }
  char drive[] = {path.p[0], ':'};
  if (drive[0] >= 'a')
    drive[0] = (char)(drive[0] - 'a' + 'A');
  const char *wrong = put(l, (struct mlt_str){drive, 2});
  return wrong ? wrong : put_path(l, tail(path, 2), true, true);
}

static const char *put_local(struct mlt_location *l, struct mlt_str path) {
  bool rooted = path.len && path.p[0] == '/';
  l->kind = rooted ? MLT_LOCATION_LOCAL : MLT_LOCATION_RELATIVE;
  return put_path(l, path, rooted, false);
}

static const char *put_file(struct mlt_location *l, struct mlt_str rest) {
  char decoded[MLT_LOCATION_MAX];
  if (mlt_str_starts(rest, "//")) {
    rest = tail(rest, 2);
    const char *slash = memchr(rest.p, '/', rest.len);
    size_t host = slash ? (size_t)(slash - rest.p) : rest.len;
    struct mlt_str name = {rest.p, host};
    if (host && !mlt_str_is(name, "localhost") && !mlt_str_is(name, "127.0.0.1"))
      return "names a file on another host";
    rest = tail(rest, host);
  }
  for (size_t i = 0; i < rest.len; i++)
    if (rest.p[i] == '?' || rest.p[i] == '#')
      rest.len = i;
  struct mlt_str path = decode(decoded, rest);
  if (path.len && path.p[0] == '/' && is_windows(tail(path, 1)))
    return put_windows(l, tail(path, 1));
  return put_local(l, path);
}

/* A scheme, a host if there is one, a path. */
static const char *put_uri(struct mlt_location *l, struct mlt_str uri, size_t scheme) {
  for (size_t i = 0; i < scheme; i++)
    l->text[l->len++] = (char)(uri.p[i] | 0x20 * (uri.p[i] >= 'A' && uri.p[i] <= 'Z'));
  struct mlt_str rest = tail(uri, scheme + 1);
  const char *wrong = put(l, MLT_STR_LIT(":"));
  if (!wrong && mlt_str_starts(rest, "//") && rest.len > 2 && rest.p[2] != '/') {
    const char *slash = memchr(rest.p + 2, '/', rest.len - 2);
    struct mlt_str host = {rest.p, slash ? (size_t)(slash - rest.p) : rest.len};
    rest = tail(rest, host.len);
    wrong = mlt_str_is(host, "//..") ? DOTS : put(l, host);
  }
  return wrong ? wrong : put_path(l, rest, true, false);
}

static const char *parse(struct mlt_location *l, struct mlt_str uri) {
  char decoded[MLT_LOCATION_MAX];
  size_t scheme = scheme_length(uri);
  if (is_windows(uri))
    return put_windows(l, uri);
  if (!scheme)
    return put_local(l, decode(decoded, uri));
  if (scheme_is(uri, scheme, "file"))
    return put_file(l, tail(uri, scheme + 1));
  l->kind = MLT_LOCATION_REMOTE;
  if (scheme_is(uri, scheme, "mlflow-artifacts"))
    l->kind = MLT_LOCATION_SERVED;
  else if (scheme_is(uri, scheme, "runs") || scheme_is(uri, scheme, "models"))
    l->kind = MLT_LOCATION_REFERENCE;
  return put_uri(l, uri, scheme);
}

const char *mlt_location_parse(struct mlt_location *out, struct mlt_str uri) {
  out->kind = MLT_LOCATION_REMOTE;
  out->len = 0;
  out->text[0] = '\0';
  if (!uri.len)
    return "is empty";
  if (uri.len > MLT_LOCATION_MAX)
    return "is too long";
  const char *wrong = parse(out, uri);
  if (!wrong && memchr(out->text, '\0', out->len))
    wrong = "has a NUL character in it";
  out->text[out->len] = '\0';
  return wrong;
}

/* ---- comparing ---- */

bool mlt_location_below(const struct mlt_location *l, const struct mlt_location *prefix,
                        struct mlt_str *rest) {
  if (l->kind != prefix->kind || l->len < prefix->len ||
      memcmp(l->text, prefix->text, prefix->len) != 0)
    return false;
  *rest = tail(mlt_location_str(l), prefix->len);
  if (rest->len == 0)
    return true;
  if (prefix->len == 0 && l->kind == MLT_LOCATION_RELATIVE)
    return true;
  if (rest->p[0] != '/')
    return false;
  *rest = tail(*rest, 1);
  return rest->len && rest->p[0] != '/'; /* "mlflow-artifacts:" is not above "...://host" */
}

bool mlt_location_up(struct mlt_location *l, unsigned levels) {
  size_t n = l->len;
  for (; levels; levels--) {
    const char *slash = n ? memrchr(l->text, '/', n) : NULL;
    if (!slash || (slash > l->text && slash[-1] == '/'))
      return false;
    n = (size_t)(slash - l->text);
  }
  l->len = n;
  l->text[n] = '\0';
  return true;
}

static const char artifacts[] = "/artifacts";
enum { ARTIFACTS = sizeof artifacts - 1 };

bool mlt_location_is_of(const struct mlt_location *l, struct mlt_str id) {
  size_t n = id.len + ARTIFACTS;
  if (!id.len || l->len <= n || l->text[l->len - n - 1] != '/')
    return false;
  const char *end = l->text + l->len - n;
  return memcmp(end, id.p, id.len) == 0 && memcmp(end + id.len, artifacts, ARTIFACTS) == 0;
}

/* 32 hexadecimal digits, "m-" before those of a logged model. */
static bool is_id(struct mlt_str s) {
  enum { DIGITS = 32 };
  if (mlt_str_starts(s, "m-"))
    s = tail(s, 2);
  for (size_t i = 0; i < s.len; i++)
    if (hex_digit(s.p[i]) < 0)
      return false;
  return s.len == DIGITS;
}

bool mlt_location_owner(struct mlt_str uri, struct mlt_str expected, struct mlt_str *id,
                        struct mlt_str *rest) {
  for (size_t at = 0; at + ARTIFACTS <= uri.len; at++) {
    size_t end = at + ARTIFACTS;
    if (memcmp(uri.p + at, artifacts, ARTIFACTS) != 0 || (end < uri.len && uri.p[end] != '/'))
      continue;
    const char *slash = at ? memrchr(uri.p, '/', at) : NULL;
    if (!slash)
      continue;
    *id = (struct mlt_str){slash + 1, (size_t)(uri.p + at - slash - 1)};
    *rest = tail(uri, end);
    if (id->len && ((expected.p && mlt_str_eq(*id, expected)) || is_id(*id)))
      return true;
  }
  return false;
}
