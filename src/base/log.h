/* What a program says on standard error: text for people or JSON lines (--log-format), with levels.
   The library's lower layers do not log: they return errors. Data may be hostile: control
   characters and bad UTF-8 are escaped, and passwords in connection strings masked, in this one
   place. Thread-safe: a message is one write. */
#ifndef MLT_BASE_LOG_H
#define MLT_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "base/str.h"
#include "base/text.h"

enum mlt_log_level { MLT_LOG_ERROR, MLT_LOG_WARN, MLT_LOG_INFO, MLT_LOG_DEBUG };

struct mlt_log_setup {
  const char *program;      /* text messages begin with it */
  enum mlt_log_level level; /* what is said at most */
  bool json;
  bool color;
  FILE *out; /* NULL = stderr */
};

void mlt_log_init(const struct mlt_log_setup *setup);

/* A field of a message; made by the macros below, in a list that ends by itself. */
struct mlt_log_field {
  const char *key;
  enum { MLT_FIELD_STR, MLT_FIELD_INT, MLT_FIELD_UINT, MLT_FIELD_DOUBLE } kind;
  struct mlt_str s;
  int64_t i;
  uint64_t u;
  double d;
};
#define MLT_KV_STR(k, v) ((struct mlt_log_field){.key = (k), .kind = MLT_FIELD_STR, .s = (v)})
#define MLT_KV_CSTR(k, v) MLT_KV_STR(k, mlt_str_c(v))
#define MLT_KV_INT(k, v) ((struct mlt_log_field){.key = (k), .kind = MLT_FIELD_INT, .i = (v)})
#define MLT_KV_UINT(k, v) ((struct mlt_log_field){.key = (k), .kind = MLT_FIELD_UINT, .u = (v)})
#define MLT_KV_DOUBLE(k, v) ((struct mlt_log_field){.key = (k), .kind = MLT_FIELD_DOUBLE, .d = (v)})

void mlt_log_fields(enum mlt_log_level level, const char *text, const struct mlt_log_field *fields,
                    size_t n);
/* mlt_log(MLT_LOG_WARN, "index is missing", MLT_KV_CSTR("table", name), MLT_KV_UINT("rows", n)) */
#define mlt_log(level, text, ...)                                                                  \
  mlt_log_fields((level), (text), (const struct mlt_log_field[]){__VA_ARGS__},                     \
                 sizeof((const struct mlt_log_field[]){__VA_ARGS__}) /                             \
                     sizeof(struct mlt_log_field))
/* An error: its message, and the hint below it (text) or beside it (JSON). */
void mlt_log_err(const struct mlt_err *err);

/* A progress line, which has no end, stands where messages go: the next one wipes it first. */
void mlt_log_line_open(bool open);
#define MLT_LOG_WIPE "\r\033[K"

/* Whether to colour what goes to out: when is "always", "never" or "auto" (NO_COLOR and
   CLICOLOR_FORCE honoured, a terminal that is not dumb). */
bool mlt_color_wanted(const char *when, FILE *out);

#endif
