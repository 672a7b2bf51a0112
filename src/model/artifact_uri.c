/* utils/uri.py: append_to_uri_path, on top of what urllib.parse makes of a URI. Splitting only
   moves borders between slices of the location; nothing is decoded or copied before the end. */
#include "model/rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct uri {
  struct mlt_str scheme, netloc, path, params, query, fragment; /* absent or empty alike */
};

struct writer {
  char *out;
  size_t cap, len;
};

static void put(struct writer *w, struct mlt_str s) {
  for (size_t i = 0; i < s.len; i++, w->len++)
    if (w->len + 1 < w->cap)
      w->out[w->len] = s.p[i];
}

static void put_lower(struct writer *w, struct mlt_str s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.p[i];
    if (c >= 'A' && c <= 'Z')
      c = (char)(c - 'A' + 'a');
    put(w, (struct mlt_str){&c, 1});
  }
}

static struct mlt_str tail(struct mlt_str s, size_t from) {
  return (struct mlt_str){s.p + from, s.len - from};
}

/* Cuts *s at the first of `chars` (kept if `keep`) and returns what followed. */
static struct mlt_str cut_at(struct mlt_str *s, const char *chars, bool keep) {
  for (size_t i = 0; i < s->len; i++)
    if (s->p[i] && strchr(chars, s->p[i])) {
      struct mlt_str rest = tail(*s, keep ? i : i + 1);
      s->len = i;
      return rest;
    }
  return (struct mlt_str){"", 0};
}

static bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_char(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

/* Takes "scheme:" off the front of *s, if it is there. */
static struct mlt_str take_scheme(struct mlt_str *s) {
  size_t n = 0;
  while (n < s->len && is_scheme_char(s->p[n]))
    n++;
  if (n == 0 || n == s->len || s->p[n] != ':' || !is_alpha(s->p[0]))
    return MLT_STR_NULL;
  struct mlt_str scheme = {s->p, n};
  *s = tail(*s, n + 1);
  return scheme;
}

static bool in_list(struct mlt_str scheme, const char *const *list) {
  for (; *list; list++)
    if (strlen(*list) == scheme.len && strncasecmp(*list, scheme.p, scheme.len) == 0)
      return true;
  return false;
}

static bool uses_params(struct mlt_str scheme) {
  static const char *const list[] = {"ftp",   "hdl",  "prospero", "http",  "imap", "https",
                                     "shttp", "rtsp", "rtsps",    "rtspu", "sip",  "sips",
                                     "mms",   "sftp", "tel",      NULL};
  return in_list(scheme, list);
}

static bool uses_netloc(struct mlt_str scheme) {
  static const char *const list[] = {
      "ftp",     "http",  "gopher", "nntp",     "telnet",  "imap",  "wais",  "file",  "mms",
      "https",   "shttp", "snews",  "prospero", "rtsp",    "rtsps", "rtspu", "rsync", "svn",
      "svn+ssh", "sftp",  "nfs",    "git",      "git+ssh", "ws",    "wss",   NULL};
  return in_list(scheme, list);
}

/* Parameters follow the first ';' of the last part of the path. */
static struct mlt_str take_params(struct mlt_str *path) {
  const char *slash = path->len ? memrchr(path->p, '/', path->len) : NULL;
  size_t start = slash ? (size_t)(slash - path->p) : 0;
  struct mlt_str last = tail(*path, start);
  struct mlt_str params = cut_at(&last, ";", false);
  path->len = start + last.len;
  return params;
}

static struct uri split(struct mlt_str s) {
  struct uri u = {0};
  while (s.len && (unsigned char)s.p[0] <= ' ')
    s = tail(s, 1);
  u.scheme = take_scheme(&s);
  if (mlt_str_starts(s, "//")) {
    u.netloc = tail(s, 2);
    s = cut_at(&u.netloc, "/?#", true);
  }
  u.fragment = cut_at(&s, "#", false);
  u.query = cut_at(&s, "?", false);
  u.path = s;
  if (uses_params(u.scheme))
    u.params = take_params(&u.path);
  return u;
}

static void put_joined(struct writer *w, struct mlt_str prefix, struct mlt_str run_id) {
  put(w, prefix);
  if (prefix.len) {
    while (run_id.len && run_id.p[0] == '/')
      run_id = tail(run_id, 1);
    if (prefix.p[prefix.len - 1] != '/')
      put(w, MLT_STR_LIT("/"));
  }
  put(w, run_id);
  if (run_id.len && run_id.p[run_id.len - 1] != '/')
    put(w, MLT_STR_LIT("/"));
  put(w, MLT_STR_LIT("artifacts"));
}

/* urllib.parse.urlunparse with the longer path. A relative path loses its scheme while it is put
 * together, so no "//" comes between. */
static void put_uri(struct writer *w, const struct uri *u, struct mlt_str run_id) {
  bool rooted = mlt_str_starts(u->path, "/");
  put_lower(w, u->scheme);
  put(w, MLT_STR_LIT(":"));
  bool double_slash = mlt_str_starts(u->path, "//");
  if (u->netloc.len || (rooted && uses_netloc(u->scheme) && !double_slash)) {
    put(w, MLT_STR_LIT("//"));
    put(w, u->netloc);
    if (!rooted && !(u->path.len == 0 && mlt_str_starts(run_id, "/")))
      put(w, MLT_STR_LIT("/"));
  }
  put_joined(w, u->path, run_id);
  const struct {
    const char *mark;
    struct mlt_str text;
  } rest[] = {{";", u->params}, {"?", u->query}, {"#", u->fragment}};
  for (size_t i = 0; i < 3; i++)
    if (rest[i].text.len) {
      put(w, mlt_str_c(rest[i].mark));
      put(w, rest[i].text);
    }
}

size_t mlt_rule_artifact_uri(char *out, size_t cap, struct mlt_str location,
                             struct mlt_str run_id) {
  struct writer w = {out, cap, 0};
  struct uri u = split(location);
  if (u.scheme.len)
    put_uri(&w, &u, run_id);
  else
    put_joined(&w, location, run_id);
  if (cap)
    out[w.len < cap ? w.len : cap - 1] = '\0';
  return w.len;
}

size_t mlt_rule_artifact_location(char *out, size_t cap, const char *root, int64_t id) {
  int n = snprintf(out, cap, "%s/%" PRId64, root, id);
  return n < 0 ? 0 : (size_t)n;
}
