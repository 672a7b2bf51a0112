/* Whether a server is who it says it is: libpq's default takes whoever answers. */
#include <stdlib.h>
#include <string.h>

#include "pg/internal.h"

static bool is_local(const char *host, size_t n) {
  static const char *const names[] = {"localhost", "::1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == n && memcmp(host, names[i], n) == 0)
      return true;
  return n == 0 || *host == '/' || *host == '@' || (n > 4 && memcmp(host, "127.", 4) == 0);
}

/* One host, or several with commas. */
static bool any_is_remote(const char *hosts) {
  for (const char *h = hosts; h; h = strchr(h, ',')) {
    h += *h == ',';
    if (!is_local(h, strcspn(h, ",")))
      return true;
  }
  return false;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword, const char *env) {
  for (const PQconninfoOption *o = options; o && o->keyword; o++)
    if (strcmp(o->keyword, keyword) == 0 && o->val)
      return o->val;
  const char *v = getenv(env);
  return v ? v : "";
}

bool mlt_pg_is_unverified(const char *conninfo) {
  PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
  const char *host = value_of(options, "host", "PGHOST");
  const char *address = value_of(options, "hostaddr", "PGHOSTADDR");
  bool remote = any_is_remote(*host ? host : address);
  bool verified = strcmp(value_of(options, "sslmode", "PGSSLMODE"), "verify-full") == 0;
  PQconninfoFree(options);
  return remote && !verified;
}
