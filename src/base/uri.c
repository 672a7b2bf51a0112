/* Target URIs. PostgreSQL URIs are taken apart and put together again as libpq keywords, because
   the same text means slightly different things to libpq and SQLAlchemy: raw '@' and '/' in a
   password, host lists, driver-only keys. Where they differ we follow SQLAlchemy, which is what
   MLflow's users have tried their URIs with. */
#include "base/uri.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

enum { URI_MAX = 64 * 1024 };

static bool starts(const char *s, const char *prefix) {
  return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ends(const char *s, const char *suffix) {
  size_t n = strlen(s), k = strlen(suffix);
  return n > k && strcmp(s + n - k, suffix) == 0;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* --- Percent-encoding --- */

static int hex(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Adds s decoded once; what is no escape stays, as in Python. NUL is refused. */
static enum mlt_rc add_decoded(struct mlt_buf *b, struct mlt_str s, bool plus_is_space,
                               struct mlt_err *err) {
  enum mlt_rc rc = mlt_buf_reserve(b, s.len);
  for (size_t i = 0; rc == MLT_OK && i < s.len; i++) {
    char c = s.p[i] == '+' && plus_is_space ? ' ' : s.p[i];
    int high = c == '%' && s.len - i > 2 ? hex(s.p[i + 1]) : -1;
    int low = high >= 0 ? hex(s.p[i + 2]) : -1;
    if (low >= 0) {
      c = (char)(high * 16 + low);
      i += 2;
    }
    if (!c)
      return mlt_err_set(err, MLT_USAGE, "the database URI contains %%00");
    rc = mlt_buf_add(b, &c, 1);
  }
  return rc == MLT_OK ? rc : mlt_err_set(err, rc, "the database URI cannot be kept");
}

/* --- PostgreSQL: the parts of a URI --- */

enum { MAX_KEYS = 64 };

struct pair {
  struct mlt_str key;
  struct mlt_buf value;
};

/* Keywords of a connection, in order; one of a kind. */
struct parts {
  struct pair v[MAX_KEYS];
  size_t n;
  struct mlt_buf hosts, ports; /* of the URI's ?host= keys, comma-separated */
  struct mlt_buf dropped;
  bool driver;     /* SQLAlchemy's form, "+driver" named */
  bool query_port; /* ?port= was there */
  struct mlt_err *err;
};

/* What libpq takes, up to PostgreSQL 18. client_encoding is left out: we speak UTF-8. */
static const char *const keywords[] = {"host",
                                       "hostaddr",
                                       "port",
                                       "dbname",
                                       "user",
                                       "password",
                                       "passfile",
                                       "service",
                                       "servicefile",
                                       "require_auth",
                                       "channel_binding",
                                       "connect_timeout",
                                       "options",
                                       "application_name",
                                       "fallback_application_name",
                                       "keepalives",
                                       "keepalives_idle",
                                       "keepalives_interval",
                                       "keepalives_count",
                                       "tcp_user_timeout",
                                       "gssencmode",
                                       "sslmode",
                                       "sslnegotiation",
                                       "sslcompression",
                                       "sslcert",
                                       "sslkey",
                                       "sslkeylogfile",
                                       "sslpassword",
                                       "sslcertmode",
                                       "sslrootcert",
                                       "sslcrl",
                                       "sslcrldir",
                                       "sslsni",
                                       "requiressl",
                                       "requirepeer",
                                       "ssl_min_protocol_version",
                                       "ssl_max_protocol_version",
                                       "min_protocol_version",
                                       "max_protocol_version",
                                       "krbsrvname",
                                       "gsslib",
                                       "gssdelegation",
                                       "target_session_attrs",
                                       "load_balance_hosts"};

_Static_assert(sizeof keywords / sizeof keywords[0] <= MAX_KEYS, "every keyword needs a slot");

static const char *find_keyword(struct mlt_str s) {
  for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
    if (mlt_str_is(s, keywords[i]))
      return keywords[i];
  return NULL;
}

static struct mlt_str find(const struct parts *p, const char *key) {
  for (size_t i = 0; i < p->n; i++)
    if (mlt_str_is(p->v[i].key, key))
      return mlt_buf_str(&p->v[i].value);
  return MLT_STR_NULL;
}

/* The value buffer of key, emptied: a later value replaces an earlier one. keywords[] bounds how
   many there can be. */
static struct mlt_buf *slot(struct parts *p, const char *key) {
  for (size_t i = 0; i < p->n; i++)
    if (mlt_str_is(p->v[i].key, key)) {
      mlt_buf_clear(&p->v[i].value);
      return &p->v[i].value;
    }
  p->v[p->n].key = mlt_str_c(key);
  mlt_buf_init(&p->v[p->n].value, URI_MAX);
  return &p->v[p->n++].value;
}

static enum mlt_rc set(struct parts *p, const char *key, struct mlt_str s, bool plus_is_space) {
  return add_decoded(slot(p, key), s, plus_is_space, p->err);
}

static void parts_free(struct parts *p) {
  for (size_t i = 0; i < p->n; i++)
    mlt_buf_free(&p->v[i].value);
  mlt_buf_free(&p->hosts);
  mlt_buf_free(&p->ports);
  mlt_buf_free(&p->dropped);
}

static struct mlt_str upto(const char *from, const char *to) {
  return (struct mlt_str){from, (size_t)(to - from)};
}

static bool port_ok(struct mlt_str s) {
  unsigned v = 0;
  if (s.len > 5)
    return false;
  for (size_t i = 0; i < s.len; i++) {
    if (!is_digit(s.p[i]))
      return false;
    v = v * 10 + (unsigned)(s.p[i] - '0');
  }
  return s.len == 0 || (v >= 1 && v <= 65535);
}

static enum mlt_rc bad_port(const struct parts *p, struct mlt_str port) {
  mlt_err_set(p->err, MLT_USAGE, "'%.*s' is not a port number from 1 to 65535", MLT_STR_ARG(port));
  mlt_err_hint(p->err, "write '@', ':', '/' and '%%' in a password as %%40, %%3A, %%2F and %%25");
  return MLT_USAGE;
}

/* Splits "host", "host:port" or "[v6]:port"; false if something else follows the bracket. */
static bool split_host(struct mlt_str s, struct mlt_str *host, struct mlt_str *port) {
  const char *end = s.p + s.len;
  const char *close = s.len && s.p[0] == '[' ? memchr(s.p, ']', s.len) : NULL;
  const char *after = close ? close + 1 : memchr(s.p, ':', s.len);
  if (!after)
    after = end;
  *host = close ? upto(s.p + 1, close) : upto(s.p, after);
  *port = upto(after < end ? after + 1 : end, end);
  return after == end || *after == ':';
}

/* One host onto the two lists. */
static enum mlt_rc add_host(struct parts *p, struct mlt_str s, bool first) {
  struct mlt_str host, port;
  if (!split_host(s, &host, &port) || !port_ok(port))
    return bad_port(p, port);
  enum mlt_rc rc = first ? MLT_OK : mlt_buf_adds(&p->hosts, ",");
  if (rc == MLT_OK && !first)
    rc = mlt_buf_adds(&p->ports, ",");
  if (rc == MLT_OK)
    rc = add_decoded(&p->hosts, host, false, p->err);
  return rc == MLT_OK ? mlt_buf_add(&p->ports, port.p, port.len) : rc;
}

/* Moves the two lists to the keywords host and port. Ports of nothing but commas (the default port
   for each) matter only where they replace the port before the query. */
static enum mlt_rc take_hosts(struct parts *p, bool replace_port) {
  enum mlt_rc rc = MLT_OK;
  bool ports = replace_port && p->ports.len;
  for (size_t i = 0; i < p->ports.len; i++)
    ports |= p->ports.p[i] != ',';
  if (p->hosts.len)
    rc = mlt_buf_add(slot(p, "host"), p->hosts.p, p->hosts.len);
  if (rc == MLT_OK && ports)
    rc = mlt_buf_add(slot(p, "port"), p->ports.p, p->ports.len);
  mlt_buf_clear(&p->hosts);
  mlt_buf_clear(&p->ports);
  return rc;
}

static enum mlt_rc parse_hosts(struct parts *p, struct mlt_str s) {
  enum mlt_rc rc = MLT_OK;
  const char *end = s.p + s.len;
  for (const char *from = s.p; rc == MLT_OK;) {
    const char *comma = memchr(from, ',', (size_t)(end - from));
    rc = add_host(p, upto(from, comma ? comma : end), from == s.p);
    if (!comma)
      break;
    from = comma + 1;
  }
  return rc == MLT_OK ? take_hosts(p, false) : rc;
}

/* Is the colon at s followed by a port, not by a password? */
static bool colon_is_port(const char *colon) {
  const char *c = colon + 1;
  while (is_digit(*c))
    c++;
  return !*c || *c == '/' || *c == '?' || *c == ',';
}

/* Takes "user[:password]@" off *s. Like SQLAlchemy, a password reaches to the first '@' and may
   hold
   '/', a user name reaches to the last '@' before. */
static enum mlt_rc parse_user(struct parts *p, const char **s) {
  const char *end = *s + strcspn(*s, ":/?");
  bool password = *end == ':' && !colon_is_port(end);
  const char *at = password ? strchr(end, '@') : NULL;
  password = at != NULL; /* else the colon belongs to the host */
  for (const char *c = *s; !password && c < end; c++)
    at = *c == '@' ? c : at;
  if (!at)
    return MLT_OK;
  enum mlt_rc rc = set(p, "user", upto(*s, password ? end : at), false);
  if (rc == MLT_OK && password)
    rc = set(p, "password", upto(end + 1, at), false);
  *s = at + 1;
  return rc;
}

/* SQLAlchemy's asyncpg and JDBC write ssl=... */
static enum mlt_rc set_ssl(struct parts *p, struct mlt_str value) {
  bool yes = mlt_str_is(value, "true") || mlt_str_is(value, "True");
  return set(p, "sslmode", yes ? MLT_STR_LIT("require") : value, false);
}

/* A list or a socket's folder holds no ports. */
static enum mlt_rc add_plain_hosts(struct parts *p, struct mlt_str hosts, bool first) {
  enum mlt_rc rc = first ? MLT_OK : mlt_buf_adds(&p->hosts, ",");
  if (rc == MLT_OK && !first)
    rc = mlt_buf_adds(&p->ports, ",");
  for (size_t i = 0; rc == MLT_OK && i < hosts.len; i++)
    if (hosts.p[i] == ',')
      rc = mlt_buf_adds(&p->ports, ",");
  return rc == MLT_OK ? mlt_buf_add(&p->hosts, hosts.p, hosts.len) : rc;
}

/* ?host=a:1&host=b:2 adds up; everything else replaces. */
static enum mlt_rc add_query_host(struct parts *p, struct mlt_str value) {
  struct mlt_buf b;
  mlt_buf_init(&b, URI_MAX);
  enum mlt_rc rc = add_decoded(&b, value, p->driver, p->err);
  struct mlt_str host = mlt_buf_str(&b);
  bool plain = mlt_str_starts(host, "/") || memchr(host.p, ',', host.len);
  if (rc == MLT_OK)
    rc = (plain ? add_plain_hosts : add_host)(p, host, p->hosts.len == 0);
  mlt_buf_free(&b);
  return rc;
}

static enum mlt_rc drop(struct mlt_buf *dropped, struct mlt_str key) {
  enum mlt_rc rc = dropped->len ? mlt_buf_adds(dropped, ", ") : MLT_OK;
  return rc == MLT_OK ? mlt_buf_add(dropped, key.p, key.len) : rc;
}

static enum mlt_rc add_query_pair(struct parts *p, struct mlt_str key, struct mlt_str value) {
  const char *keyword = find_keyword(key);
  if (value.len == 0)
    return MLT_OK; /* as if it were not there, in both worlds */
  if (mlt_str_is(key, "host"))
    return add_query_host(p, value);
  p->query_port |= mlt_str_is(key, "port");
  if (mlt_str_is(key, "ssl"))
    return set_ssl(p, value);
  return keyword ? set(p, keyword, value, p->driver) : drop(&p->dropped, key);
}

static enum mlt_rc parse_query(struct parts *p, const char *s) {
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && *s) {
    const char *end = s + strcspn(s, "&");
    const char *equals = memchr(s, '=', (size_t)(end - s));
    rc = add_query_pair(p, upto(s, equals ? equals : end), upto(equals ? equals + 1 : end, end));
    s = end + (*end == '&');
  }
  return rc == MLT_OK ? take_hosts(p, !p->query_port) : rc;
}

/* s stands behind "postgresql://". */
static enum mlt_rc parse_pg(struct parts *p, const char *s) {
  enum mlt_rc rc = parse_user(p, &s);
  const char *path = s + strcspn(s, "/?");
  const char *query = path + strcspn(path, "?");
  if (rc == MLT_OK)
    rc = parse_hosts(p, upto(s, path));
  if (rc == MLT_OK && query - path > 1)
    rc = set(p, "dbname", upto(path + 1, query), false);
  return rc == MLT_OK && *query ? parse_query(p, query + 1) : rc;
}

/* --- PostgreSQL: the results --- */

static char *steal(struct mlt_buf *b) {
  return mlt_buf_cstr(b) ? mlt_strdup(b->p) : NULL;
}

static enum mlt_rc add_quoted(struct mlt_buf *b, struct mlt_str s) {
  enum mlt_rc rc = mlt_buf_adds(b, "'");
  for (size_t i = 0; rc == MLT_OK && i < s.len; i++) {
    if (s.p[i] == '\'' || s.p[i] == '\\')
      rc = mlt_buf_adds(b, "\\");
    if (rc == MLT_OK)
      rc = mlt_buf_add(b, &s.p[i], 1);
  }
  return rc == MLT_OK ? mlt_buf_adds(b, "'") : rc;
}

static enum mlt_rc write_conninfo(const struct parts *p, char **out) {
  struct mlt_buf b;
  enum mlt_rc rc = MLT_OK;
  mlt_buf_init(&b, 4 * URI_MAX);
  for (size_t i = 0; rc == MLT_OK && i < p->n; i++) {
    rc = mlt_buf_printf(&b, "%s%s=", i ? " " : "", p->v[i].key.p);
    if (rc == MLT_OK)
      rc = add_quoted(&b, mlt_buf_str(&p->v[i].value));
  }
  if (rc == MLT_OK && !(*out = steal(&b)))
    rc = MLT_NOMEM;
  mlt_buf_free(&b);
  return rc;
}

/* "postgresql://user@host:port/dbname": what tells one database from another. */
static enum mlt_rc write_display(const struct parts *p, char **out) {
  static const struct {
    const char *key, *before, *after;
  } shown[] = {{"user", "", "@"}, {"host", "", ""}, {"port", ":", ""}, {"dbname", "/", ""}};
  struct mlt_buf b;
  mlt_buf_init(&b, 4 * URI_MAX);
  enum mlt_rc rc = mlt_buf_adds(&b, "postgresql://");
  for (size_t i = 0; rc == MLT_OK && i < sizeof shown / sizeof shown[0]; i++) {
    struct mlt_str s = find(p, shown[i].key);
    bool v6 = s.p && strcmp(shown[i].key, "host") == 0 && memchr(s.p, ':', s.len);
    if (v6)
      rc = mlt_buf_printf(&b, "[%.*s]", MLT_STR_ARG(s));
    else if (s.p)
      rc = mlt_buf_printf(&b, "%s%.*s%s", shown[i].before, MLT_STR_ARG(s), shown[i].after);
  }
  if (rc == MLT_OK && !(*out = steal(&b)))
    rc = MLT_NOMEM;
  mlt_buf_free(&b);
  return rc;
}

static enum mlt_rc pg_uri(struct mlt_target *out, const char *rest, bool driver,
                          struct mlt_err *err) {
  struct parts p = {.driver = driver, .err = err};
  mlt_buf_init(&p.hosts, URI_MAX);
  mlt_buf_init(&p.ports, URI_MAX);
  mlt_buf_init(&p.dropped, URI_MAX);
  out->kind = MLT_TARGET_PG;
  enum mlt_rc rc = parse_pg(&p, rest);
  if (rc == MLT_OK)
    rc = write_conninfo(&p, &out->conninfo);
  if (rc == MLT_OK)
    rc = write_display(&p, &out->display);
  if (rc == MLT_OK && p.dropped.len && !(out->dropped = steal(&p.dropped)))
    rc = MLT_NOMEM;
  parts_free(&p);
  return rc;
}

static enum mlt_rc pg_keywords(struct mlt_target *out, const char *s) {
  struct mlt_buf b;
  mlt_buf_init(&b, URI_MAX);
  out->kind = MLT_TARGET_PG;
  enum mlt_rc rc = mlt_text_mask(&b, mlt_str_c(s));
  out->conninfo = mlt_strdup(s);
  if (rc == MLT_OK)
    out->display = steal(&b);
  mlt_buf_free(&b);
  return rc == MLT_OK && !(out->conninfo && out->display) ? MLT_NOMEM : rc;
}

static bool is_keywords(const char *s) {
  s += strspn(s, " \t\n");
  size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz_");
  const char *next = s + n + strspn(s + n, " \t\n");
  return *next == '=' && (find_keyword(upto(s, s + n)) || starts(s, "client_encoding"));
}

/* --- SQLite --- */

static enum mlt_rc sqlite_path(struct mlt_target *out, struct mlt_str path, bool encoded,
                               struct mlt_err *err) {
  struct mlt_buf b;
  enum mlt_rc rc = MLT_OK;
  out->kind = MLT_TARGET_SQLITE;
  mlt_buf_init(&b, URI_MAX);
  rc = encoded ? add_decoded(&b, path, false, err) : mlt_buf_add(&b, path.p, path.len);
  if (rc == MLT_OK && !(out->path = steal(&b)))
    rc = MLT_NOMEM;
  mlt_buf_clear(&b);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(&b, "sqlite:///%s", out->path);
  if (rc == MLT_OK && !(out->display = steal(&b)))
    rc = MLT_NOMEM;
  mlt_buf_free(&b);
  return rc;
}

/* The keys of a SQLite URI's query are for Python's driver: none is for us. */
static enum mlt_rc drop_query(struct mlt_target *out, const char *query) {
  struct mlt_buf b;
  enum mlt_rc rc = MLT_OK;
  mlt_buf_init(&b, URI_MAX);
  for (const char *s = query; rc == MLT_OK && *s;) {
    size_t key = strcspn(s, "=&"), all = strcspn(s, "&");
    if (key)
      rc = drop(&b, (struct mlt_str){s, key});
    s += all + (s[all] == '&');
  }
  if (rc == MLT_OK && b.len && !(out->dropped = steal(&b)))
    rc = MLT_NOMEM;
  mlt_buf_free(&b);
  return rc;
}

/* s stands behind "sqlite:". */
static enum mlt_rc sqlite_uri(struct mlt_target *out, const char *s, struct mlt_err *err) {
  const char *path = starts(s, "///") ? s + 3 : "";
  struct mlt_str file = upto(path, path + strcspn(path, "?"));
  if (starts(s, "//") && s[2] && s[2] != '/' && s[2] != '?') {
    mlt_err_set(err, MLT_USAGE, "a SQLite URI has no host");
    mlt_err_hint(err, "write sqlite:///FILE, or sqlite:////FILE for an absolute path");
    return MLT_USAGE;
  }
  if (file.len == 0 || mlt_str_is(file, ":memory:") || mlt_str_starts(file, "file:")) {
    mlt_err_set(err, MLT_USAGE,
                "the URI names no file: a database in memory ends with the program");
    mlt_err_hint(err, "write sqlite:///FILE, or sqlite:////FILE for an absolute path");
    return MLT_USAGE;
  }
  enum mlt_rc rc = sqlite_path(out, file, true, err);
  return rc == MLT_OK && path[file.len] ? drop_query(out, path + file.len + 1) : rc;
}

/* --- Everything --- */

static enum mlt_rc refuse(const char *uri, struct mlt_err *err) {
  static const struct {
    const char *prefix, *what, *hint;
  } known[] = {
      {"http:", "is a server",
       "give the database that the server writes to (its --backend-store-uri)"},
      {"https:", "is a server",
       "give the database that the server writes to (its --backend-store-uri)"},
      {"file:", "is a file store", "a file store can be a source, not a target"},
      {"databricks", "is no database mltrack can write to", "targets are SQLite and PostgreSQL"},
      {"mysql", "is not supported", "targets are SQLite and PostgreSQL"},
      {"mssql", "is not supported", "targets are SQLite and PostgreSQL"},
  };
  struct mlt_buf b;
  mlt_buf_init(&b, URI_MAX);
  const char *shown = mlt_text_mask(&b, mlt_str_c(uri)) == MLT_OK ? mlt_buf_cstr(&b) : NULL;
  const char *what = "is not a database URI";
  const char *hint = "write sqlite:///FILE, postgresql://USER@HOST/DBNAME, or libpq keywords";
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (starts(uri, known[i].prefix)) {
      what = known[i].what;
      hint = known[i].hint;
    }
  mlt_err_set(err, MLT_USAGE, "'%s' %s", shown ? shown : "the target", what);
  mlt_err_hint(err, "%s", hint);
  mlt_buf_free(&b);
  return MLT_USAGE;
}

/* Behind "dialect" or "dialect+driver" and a colon; NULL if uri does not begin so. */
static const char *behind_scheme(const char *uri, const char *dialect, bool *driver) {
  const char *s = uri + strlen(dialect);
  if (!starts(uri, dialect))
    return NULL;
  *driver = *s == '+';
  if (*driver)
    s += 1 + strspn(s + 1, "abcdefghijklmnopqrstuvwxyz0123456789_");
  return *s == ':' ? s + 1 : NULL;
}

static enum mlt_rc parse(struct mlt_target *out, const char *uri, struct mlt_err *err) {
  const char *rest;
  bool driver;
  if (starts(uri, "mltrack+"))
    uri += strlen("mltrack+");
  if ((rest = behind_scheme(uri, "sqlite", &driver)) && !starts(uri, "sqlite+pysqlcipher"))
    return sqlite_uri(out, rest, err);
  if (((rest = behind_scheme(uri, "postgresql", &driver)) ||
       (rest = behind_scheme(uri, "postgres", &driver))) &&
      starts(rest, "//"))
    return pg_uri(out, rest + 2, driver, err);
  if (is_keywords(uri))
    return pg_keywords(out, uri);
  if (!strstr(uri, "://") && (ends(uri, ".db") || ends(uri, ".sqlite") || ends(uri, ".sqlite3")))
    return sqlite_path(out, mlt_str_c(uri), false, err);
  return refuse(uri, err);
}

enum mlt_rc mlt_target_parse(struct mlt_target *out, const char *uri, struct mlt_err *err) {
  *out = (struct mlt_target){0};
  enum mlt_rc rc = parse(out, uri, err);
  if (rc == MLT_OK)
    return rc;
  mlt_target_free(out);
  if (rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  return mlt_err_set(err, rc, "the database URI is too long");
}

void mlt_target_free(struct mlt_target *t) {
  mlt_free(t->conninfo);
  mlt_free(t->path);
  mlt_free(t->display);
  mlt_free(t->dropped);
  *t = (struct mlt_target){0};
}

static bool is_database(const char *uri) {
  static const char *const dialects[] = {"postgresql", "postgres", "sqlite", "mysql", "mssql"};
  bool driver;
  if (starts(uri, "mltrack+"))
    uri += strlen("mltrack+");
  for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
    if (behind_scheme(uri, dialects[i], &driver))
      return true;
  return false;
}

static const char *real_env(const char *name) {
  return getenv(name);
}

const char *mlt_target_default(const char *flag, const char *(*env)(const char *),
                               const char **origin) {
  static const char *const names[] = {"MLTRACK_STORE_URI", "MLFLOW_BACKEND_STORE_URI",
                                      "MLFLOW_TRACKING_URI"};
  const char *(*get)(const char *) = env ? env : real_env;
  if (flag) {
    *origin = "--to";
    return flag;
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *v = get(names[i]);
    bool tracking = i == 2; /* may name a server or a folder as well */
    if (v && *v && (!tracking || is_database(v))) {
      *origin = names[i];
      return v;
    }
  }
  *origin = "default";
  return "sqlite:///mlflow.db";
}

const char *mlt_target_artifact_root(const struct mlt_target *t, char out[PATH_MAX]) {
  char folder[PATH_MAX], real[PATH_MAX];
  if (t->kind == MLT_TARGET_PG)
    return "mlflow-artifacts:";
  const char *slash = strrchr(t->path, '/');
  int n = snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - t->path) + 1 : 1,
                   slash ? t->path : ".");
  if (n >= PATH_MAX || !realpath(folder, real))
    return "mlruns";
  (void)snprintf(out, PATH_MAX, "%s/mlruns", strcmp(real, "/") == 0 ? "" : real);
  return out;
}
