#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

enum { MESSAGE_MAX = 16 * 1024 };

static struct mlt_log_setup setup = {.program = "mltrack", .level = MLT_LOG_WARN};

static const struct {
  const char *name, *label, *color;
} levels[] = {
    [MLT_LOG_ERROR] = {"error", "error: ", "\033[1;31m"},
    [MLT_LOG_WARN] = {"warning", "warning: ", "\033[33m"},
    [MLT_LOG_INFO] = {"info", "", ""},
    [MLT_LOG_DEBUG] = {"debug", "", "\033[2m"},
};

struct message {
  enum mlt_log_level level;
  const char *text, *hint; /* hint may be NULL */
  const struct mlt_log_field *fields;
  size_t n;
};

void mlt_log_init(const struct mlt_log_setup *s) {
  setup = *s;
}

static atomic_bool line_open;

void mlt_log_line_open(bool open) {
  line_open = open;
}

static FILE *stream(void) {
  return setup.out ? setup.out : stderr;
}

/* RFC 3339, UTC, milliseconds. */
static void timestamp(char *out, size_t size) {
  int64_t ms = mlt_clock_wall_ms();
  time_t seconds = (time_t)(ms / 1000);
  struct tm tm;
  char date[32];
  if (!gmtime_r(&seconds, &tm) || !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm))
    date[0] = '\0';
  (void)snprintf(out, size, "%s.%03dZ", date, (int)(ms % 1000));
}

/* --- Text --- */

/* Masked, then made harmless for a terminal. What does not fit is left out. */
static void add_clean(struct mlt_buf *b, struct mlt_str s) {
  struct mlt_buf masked;
  mlt_buf_init(&masked, MESSAGE_MAX);
  if (mlt_text_mask(&masked, s) == MLT_OK)
    (void)!mlt_text_escape(b, mlt_buf_str(&masked));
  mlt_buf_free(&masked);
}

static void add(struct mlt_buf *b, const char *s) {
  (void)!mlt_buf_adds(b, s);
}

static void add_field(struct mlt_buf *b, const struct mlt_log_field *f) {
  char number[MLT_DOUBLE_TEXT];
  add(b, f->key);
  add(b, "=");
  switch (f->kind) {
  case MLT_FIELD_STR:
    add_clean(b, f->s);
    return;
  case MLT_FIELD_INT:
    (void)snprintf(number, sizeof number, "%jd", (intmax_t)f->i);
    break;
  case MLT_FIELD_UINT:
    (void)snprintf(number, sizeof number, "%ju", (uintmax_t)f->u);
    break;
  case MLT_FIELD_DOUBLE:
    mlt_text_double(number, f->d);
    break;
  }
  add(b, number);
}

static void add_label(struct mlt_buf *b, enum mlt_log_level level) {
  bool color = setup.color && levels[level].color[0];
  add(b, setup.program);
  add(b, ": ");
  add(b, color ? levels[level].color : "");
  add(b, levels[level].label);
  add(b, color ? "\033[0m" : "");
}

static void write_text(const struct message *m) {
  struct mlt_buf b;
  mlt_buf_init(&b, MESSAGE_MAX);
  if (atomic_exchange(&line_open, false))
    add(&b, MLT_LOG_WIPE);
  add_label(&b, m->level);
  add_clean(&b, mlt_str_c(m->text));
  for (size_t i = 0; i < m->n; i++) {
    add(&b, i ? ", " : " (");
    add_field(&b, &m->fields[i]);
  }
  add(&b, m->n ? ")" : "");
  if (m->hint) {
    add(&b, "\n  ");
    add_clean(&b, mlt_str_c(m->hint));
  }
  b.max++; /* kept free for the end of the line */
  add(&b, "\n");
  if (b.p)
    (void)fwrite(b.p, 1, b.len, stream());
  else /* no memory, which is what there is to say */
    (void)fprintf(stream(), "%s: %s\n", setup.program, m->text);
  mlt_buf_free(&b);
}

/* --- JSON --- */

static void set_clean(struct mlt_json *j, const char *key, struct mlt_str s) {
  struct mlt_buf b;
  mlt_buf_init(&b, MESSAGE_MAX);
  if (!s.p)
    mlt_json_set_null(j, key);
  else if (mlt_text_mask(&b, s) == MLT_OK)
    mlt_json_set_str(j, key, mlt_buf_str(&b));
  mlt_buf_free(&b);
}

static void set_field(struct mlt_json *j, const struct mlt_log_field *f) {
  switch (f->kind) {
  case MLT_FIELD_STR:
    set_clean(j, f->key, f->s);
    break;
  case MLT_FIELD_INT:
    mlt_json_set_i64(j, f->key, f->i);
    break;
  case MLT_FIELD_UINT:
    mlt_json_set_u64(j, f->key, f->u);
    break;
  case MLT_FIELD_DOUBLE:
    mlt_json_set_double(j, f->key, f->d);
    break;
  }
}

static void write_json(const struct message *m) {
  char when[64];
  if (atomic_exchange(&line_open, false))
    (void)fputs(MLT_LOG_WIPE, stream());
  struct mlt_json *j = mlt_json_object();
  timestamp(when, sizeof when);
  mlt_json_set_cstr(j, "time", when);
  mlt_json_set_cstr(j, "level", levels[m->level].name);
  set_clean(j, "message", mlt_str_c(m->text));
  if (m->hint)
    set_clean(j, "hint", mlt_str_c(m->hint));
  for (size_t i = 0; i < m->n; i++)
    set_field(j, &m->fields[i]);
  (void)!mlt_json_write(stream(), j, false, NULL);
  mlt_json_free(j);
}

static void write_message(const struct message *m) {
  if (m->level > setup.level)
    return;
  if (setup.json)
    write_json(m);
  else
    write_text(m);
}

void mlt_log_fields(enum mlt_log_level level, const char *text, const struct mlt_log_field *fields,
                    size_t n) {
  write_message(&(struct message){level, text, NULL, fields, n});
}

void mlt_log_err(const struct mlt_err *err) {
  const struct mlt_log_field fields[] = {MLT_KV_CSTR("code", mlt_rc_name(err->rc)),
                                         MLT_KV_CSTR("sqlstate", err->sqlstate)};
  size_t n = err->sqlstate[0] ? 2 : 1;
  const char *hint = err->hint[0] ? err->hint : NULL;
  write_message(&(struct message){MLT_LOG_ERROR, err->msg, hint, fields, setup.json ? n : 0});
}

static bool environment_set(const char *name) {
  const char *v = getenv(name);
  return v && *v && strcmp(v, "0") != 0;
}

bool mlt_color_wanted(const char *when, FILE *out) {
  const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
  if (strcmp(when, "auto") != 0)
    return strcmp(when, "always") == 0;
  if (no_color && *no_color)
    return false;
  if (environment_set("CLICOLOR_FORCE"))
    return true;
  return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
}
