/* See types.h. SQLite's rule: https://www.sqlite.org/datatype3.html, section 3.1. */
#include "schema/types.h"

#include <string.h>

static const char *const names[] = {
    [MLT_TYPE_I4] = "integer",
    [MLT_TYPE_I8] = "bigint",
    [MLT_TYPE_F8] = "double precision",
    [MLT_TYPE_BOOL] = "boolean",
    [MLT_TYPE_TEXT] = "character varying or text",
};

const char *mlt_type_name(enum mlt_coltype type) {
  return names[type];
}

static bool pg_fits(const char *type, enum mlt_coltype want) {
  if (want == MLT_TYPE_TEXT)
    return strcmp(type, "character varying") == 0 || strcmp(type, "text") == 0;
  return strcmp(type, names[want]) == 0;
}

static char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* strcasestr would ask the locale: in Turkish "int" has no "INT". */
static bool contains(const char *type, const char *word) {
  for (; *type; type++) {
    size_t i = 0;
    while (word[i] && ascii_upper(type[i]) == word[i])
      i++;
    if (!word[i])
      return true;
  }
  return false;
}

enum affinity { INTEGER, TEXT, BLOB, REAL, NUMERIC };

static enum affinity affinity_of(const char *type) {
  static const struct {
    const char *word;
    enum affinity affinity;
  } rules[] = {{"INT", INTEGER}, {"CHAR", TEXT}, {"CLOB", TEXT}, {"TEXT", TEXT},
               {"BLOB", BLOB},   {"REAL", REAL}, {"FLOA", REAL}, {"DOUB", REAL}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (contains(type, rules[i].word))
      return rules[i].affinity;
  return *type ? NUMERIC : BLOB;
}

static bool sqlite_fits(const char *type, enum mlt_coltype want) {
  enum affinity a = affinity_of(type);
  switch (want) {
  case MLT_TYPE_I4:
  case MLT_TYPE_I8:
    return a == INTEGER;
  case MLT_TYPE_BOOL:
    return a == NUMERIC || a == INTEGER;
  case MLT_TYPE_F8:
    return a == REAL;
  case MLT_TYPE_TEXT:
    return a == TEXT;
  }
  return false;
}

bool mlt_type_fits(enum mlt_target_kind kind, const char *type, enum mlt_coltype want) {
  return kind == MLT_TARGET_PG ? pg_fits(type, want) : sqlite_fits(type, want);
}
