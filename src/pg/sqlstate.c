/* The one table behind every decision on a server error. Codes: PostgreSQL manual, appendix A. */
#include "pg/sqlstate.h"

#include <stddef.h>
#include <string.h>

struct sqlstate_class {
  const char *prefix; /* whole code, or its first two characters; the first match counts */
  enum mlt_rc rc;
  const char *hint;
};

static const struct sqlstate_class classes[] = {
    {"08", MLT_UNAVAILABLE, NULL},
    {"57P01", MLT_UNAVAILABLE, "an administrator ended the connection; run it again"},
    {"57P02", MLT_UNAVAILABLE, "the server is recovering from a crash; run it again in a moment"},
    {"57P03", MLT_UNAVAILABLE, "the server is starting or stopping; run it again in a moment"},
    {"57P04", MLT_UNAVAILABLE, "the database was dropped"},
    {"57P05", MLT_UNAVAILABLE, "raise idle_session_timeout for this role"},
    {"25P03", MLT_UNAVAILABLE, "raise idle_in_transaction_session_timeout for this role"},
    {"25P04", MLT_UNAVAILABLE, "raise transaction_timeout for this role"},
    {"3D000", MLT_UNAVAILABLE, NULL},
    {"28P01", MLT_NOPERM, "check the user name and the password (PGPASSWORD, ~/.pgpass)"},
    {"28", MLT_NOPERM, "check the user name and the server's pg_hba.conf"},
    {"42501", MLT_NOPERM, NULL},
    {"25006", MLT_NOPERM,
     "the server is a standby (target_session_attrs=read-write finds the primary) or "
     "default_transaction_read_only is on"},
    {"42P01", MLT_SCHEMA, NULL},
    {"42703", MLT_SCHEMA, NULL},
    {"42704", MLT_SCHEMA, NULL},
    {"42804", MLT_SCHEMA, NULL},
    {"42809", MLT_SCHEMA, NULL},
    {"42P07", MLT_SCHEMA, "the schema is not empty"},
    {"42710", MLT_SCHEMA, "the schema is not empty"},
    {"42723", MLT_SCHEMA, "the schema is not empty"},
    {"3F000", MLT_SCHEMA, NULL},
    {"23502", MLT_SCHEMA, NULL},
    {"0A000", MLT_SCHEMA, NULL},
    {"23505", MLT_TEMPFAIL, "another program wrote the same rows at the same time; run it again"},
    {"40", MLT_TEMPFAIL, NULL},
    {"55P03", MLT_TEMPFAIL, "another transaction holds the tables; run it again later"},
    {"57014", MLT_TEMPFAIL, "somebody cancelled the statement; running again is safe"},
    {"53100", MLT_TEMPFAIL, "free disk space on the server, then run it again"},
    {"53300", MLT_TEMPFAIL, "all the server's connections are in use; run it again later"},
    {"53", MLT_TEMPFAIL, NULL},
    {"22", MLT_DATA, NULL},
    {"23", MLT_DATA, NULL},
    {"P0", MLT_DATA, "a trigger or function of this database refused the rows"},
};

static const struct sqlstate_class *find(const char *sqlstate) {
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (strncmp(sqlstate, classes[i].prefix, strlen(classes[i].prefix)) == 0)
      return &classes[i];
  return NULL;
}

enum mlt_rc mlt_pg_sqlstate_rc(const char *sqlstate) {
  const struct sqlstate_class *c = find(sqlstate);
  return c ? c->rc : MLT_PROTOCOL;
}

bool mlt_pg_sqlstate_is_contention(const char *sqlstate) {
  static const char *const codes[] = {"23505", "40001", "40P01", "55P03"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(sqlstate, codes[i]) == 0)
      return true;
  return false;
}

bool mlt_pg_sqlstate_is_passing(const char *sqlstate) {
  /* 25P04, transaction_timeout, would strike again; a database that was dropped stays so. */
  static const char *const codes[] = {"08", "57P01", "57P02", "57P03", "57P05", "25P03", "53"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strncmp(sqlstate, codes[i], strlen(codes[i])) == 0)
      return true;
  return !sqlstate[0];
}

bool mlt_pg_sqlstate_is_refusal(const char *sqlstate) {
  return sqlstate[0] && mlt_pg_sqlstate_rc(sqlstate) != MLT_UNAVAILABLE &&
         strncmp(sqlstate, "53", 2) != 0 && strcmp(sqlstate, "57014") != 0;
}

const char *mlt_pg_sqlstate_hint(const char *sqlstate) {
  const struct sqlstate_class *c = find(sqlstate);
  return c ? c->hint : NULL;
}

int mlt_pg_sqlstate_find(const char *verbose_message, char out[6]) {
  static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  /* libpq writes "SEVERITY:  SQLSTATE: text", with two blanks, in every language. FATAL has five
     letters as well, but every SQLSTATE has a digit. */
  for (const char *p = strstr(verbose_message, ":  "); p; p = strstr(p + 1, ":  ")) {
    if (strspn(p + 3, set) == 5 && p[8] == ':' && strcspn(p + 3, "0123456789") < 5) {
      memcpy(out, p + 3, 5);
      out[5] = '\0';
      return 0;
    }
  }
  return -1;
}
