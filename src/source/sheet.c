/* See sheet.h. */
#include "source/sheet.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "model/rules.h"

enum mlt_rc mlt_sheet_init(struct mlt_sheet *t, struct mlt_err *err) {
  *t = (struct mlt_sheet){.arena = mlt_arena_new(), .index = mlt_map_new()};
  return t->arena && t->index ? MLT_OK : mlt_err_nomem(err);
}

void mlt_sheet_free(struct mlt_sheet *t) {
  mlt_arena_free(t->arena);
  mlt_map_free(t->index);
  mlt_free(t->columns.v);
  mlt_free(t->at.v);
  *t = (struct mlt_sheet){.is_long = false};
}

void mlt_sheet_reset(struct mlt_sheet *t, const struct mlt_sheet_opts *opts) {
  mlt_arena_reset(t->arena);
  mlt_map_clear(t->index);
  t->opts = *opts;
  t->columns.n = t->at.n = 0;
  t->headers = 0;
  t->is_long = t->iso = t->time_settled = t->guessed = false;
  t->unit = opts->unit;
  t->step = t->time = t->run = t->key = t->value = t->twice = MLT_NO_COLUMN;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct mlt_str trim(struct mlt_str s) {
  while (s.len && is_blank(s.p[0]))
    s = (struct mlt_str){s.p + 1, s.len - 1};
  while (s.len && is_blank(s.p[s.len - 1]))
    s.len--;
  return s;
}

static bool is_word(struct mlt_str s, const char *word) {
  return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

static bool is_one_of(struct mlt_str s, const char *const *words) {
  for (; *words; words++)
    if (is_word(s, *words))
      return true;
  return false;
}

/* pandas writes its index as a column without a name. */
static enum mlt_role default_role(const struct mlt_sheet *t, struct mlt_str name) {
  return t->is_long || !name.len ? MLT_ROLE_UNUSED : MLT_ROLE_METRIC;
}

enum mlt_rc mlt_sheet_column(struct mlt_sheet *t, struct mlt_str name, size_t *column,
                             struct mlt_err *err) {
  uint64_t found;
  if (mlt_map_get(t->index, name, &found)) {
    *column = (size_t)found;
    return MLT_OK;
  }
  if (t->columns.n == MLT_SHEET_COLUMNS)
    return MLT_TOOBIG;
  if (!MLT_VEC_ROOM(t->columns))
    return mlt_err_nomem(err);
  struct mlt_sheet_column *c = &t->columns.v[t->columns.n];
  *c = (struct mlt_sheet_column){.role = default_role(t, name), .key = MLT_NO_COLUMN};
  if (mlt_arena_str(t->arena, name, &c->name) != 0 || mlt_map_put(t->index, name, t->columns.n) < 0)
    return mlt_err_nomem(err);
  *column = t->columns.n++;
  return MLT_OK;
}

enum mlt_rc mlt_sheet_header(struct mlt_sheet *t, const struct mlt_str *names, size_t n,
                             struct mlt_err *err) {
  t->at.n = 0;
  t->headers++;
  for (size_t i = 0; i < n; i++) {
    size_t column;
    enum mlt_rc rc = mlt_sheet_column(t, trim(names[i]), &column, err);
    if (rc != MLT_OK)
      return rc;
    struct mlt_sheet_column *c = &t->columns.v[column];
    if (c->header == t->headers) {
      t->twice = c->name.len && t->twice == MLT_NO_COLUMN ? column : t->twice;
      column = MLT_NO_COLUMN;
    }
    c->header = t->headers;
    if (!MLT_VEC_ROOM(t->at))
      return mlt_err_nomem(err);
    t->at.v[t->at.n++] = column;
  }
  return MLT_OK;
}

/* ---- roles ---- */

static size_t find(const struct mlt_sheet *t, const char *const *words) {
  for (; *words; words++)
    for (size_t i = 0; i < t->columns.n; i++)
      if (is_word(t->columns.v[i].name, *words))
        return i;
  return MLT_NO_COLUMN;
}

/* The first of the words that is a column; or the one that the user named, exactly. */
static bool find_field(const struct mlt_sheet *t, const char *named, const char *const *words,
                       size_t *column, const char **missing) {
  uint64_t found;
  *column = MLT_NO_COLUMN;
  if (!named) {
    *column = find(t, words);
    return true;
  }
  if (mlt_map_get(t->index, mlt_str_c(named), &found))
    *column = (size_t)found;
  else
    *missing = named;
  return *column != MLT_NO_COLUMN;
}

static const char *const step_words[] = {
    "step",       "global_step", "global step",        "_step",       "steps", "iteration",
    "iterations", "iter",        "training_iteration", "num_updates", "batch", "epoch",
    "epochs",     "round",       "generation",         NULL};
static const char *const sure_times[] = {"timestamp", "wall_time",    "wall time",
                                         "walltime",  "_timestamp",   "time_stamp",
                                         "unix_time", "timestamp_ms", NULL};
static const char *const time_words[] = {
    "timestamp",    "wall_time", "wall time", "walltime",   "_timestamp", "time_stamp", "unix_time",
    "timestamp_ms", "datetime",  "ts",        "created_at", "time",       "date",       NULL};
static const char *const run_words[] = {"run", "run_id", "run_name", "run_uuid", NULL};
static const char *const key_words[] = {"key", "metric", "metric_name", "tag", NULL};
static const char *const value_words[] = {"value", "metric_value", NULL};

static void set_role(struct mlt_sheet *t, size_t column, enum mlt_role role) {
  if (column != MLT_NO_COLUMN)
    t->columns.v[column].role = role;
}

bool mlt_sheet_roles(struct mlt_sheet *t, const char **missing) {
  t->key = find(t, key_words);
  t->value = find(t, value_words);
  t->is_long = t->key != MLT_NO_COLUMN && t->value != MLT_NO_COLUMN;
  for (size_t i = 0; i < t->columns.n; i++)
    t->columns.v[i].role = default_role(t, t->columns.v[i].name);
  if (!find_field(t, t->opts.step_field, step_words, &t->step, missing) ||
      !find_field(t, t->opts.time_field, time_words, &t->time, missing))
    return false;
  if (!t->is_long) {
    t->key = t->value = MLT_NO_COLUMN;
  } else {
    t->run = find(t, run_words);
    set_role(t, t->run, MLT_ROLE_RUN);
    set_role(t, t->key, MLT_ROLE_KEY);
    set_role(t, t->value, MLT_ROLE_VALUE);
  }
  set_role(t, t->time, MLT_ROLE_TIME);
  set_role(t, t->step, MLT_ROLE_STEP);
  return true;
}

bool mlt_sheet_is_log(const struct mlt_sheet *t) {
  return t->step != MLT_NO_COLUMN && (t->is_long || t->columns.n > 1);
}

/* Digits and perhaps a point: what tells quickly that nearly every row is none of names. */
static bool is_plain_number(struct mlt_str s) {
  size_t digits = 0, points = 0;
  while (digits + points < s.len && points < 2) {
    char c = s.p[digits + points];
    if (c >= '0' && c <= '9')
      digits++;
    else if (c == '.')
      points++;
    else
      return false;
  }
  return digits && points < 2;
}

bool mlt_sheet_is_header(const struct mlt_sheet *t, const struct mlt_str *fields, size_t n) {
  size_t step = t->is_long ? t->key : t->step;
  bool has_step = step == MLT_NO_COLUMN && n == t->at.n;
  for (size_t i = n; i-- > 0;)
    if (is_plain_number(fields[i]))
      return false;
  for (size_t i = 0; i < n; i++) {
    struct mlt_str name = trim(fields[i]);
    uint64_t column;
    bool known = mlt_map_get(t->index, name, &column);
    if (step == MLT_NO_COLUMN && !known)
      return false;
    if (known && column == step)
      has_step = true;
    double d;
    if (!name.len || mlt_parse_double(name, &d))
      return false;
  }
  return has_step;
}

/* ---- cells ---- */

bool mlt_cell_absent(struct mlt_str text) {
  static const char *const words[] = {"NA", "N/A", "<NA>", "None", "null", NULL};
  text = trim(text);
  if (!text.len)
    return true;
  char c = text.p[0]; /* nearly all cells are numbers */
  return (c == 'N' || c == 'n' || c == '<') && is_one_of(text, words);
}

/* "nan(...)" of C, "1.#INF" and its like of Microsoft's C; "NaN", "Inf" are Python's, too. */
static bool c_word(struct mlt_str s, double *out) {
  static const char *const nans[] = {"1.#nan", "1.#qnan", "1.#snan", "1.#ind", NULL};
  bool negative = s.len && s.p[0] == '-';
  if (negative || (s.len && s.p[0] == '+'))
    s = (struct mlt_str){s.p + 1, s.len - 1};
  if (is_word(s, "1.#inf")) {
    *out = negative ? -INFINITY : INFINITY;
    return true;
  }
  *out = NAN;
  return is_one_of(s, nans) ||
         (s.len > 4 && strncasecmp(s.p, "nan(", 4) == 0 && s.p[s.len - 1] == ')');
}

bool mlt_cell_number(const struct mlt_cell *cell, double *out) {
  struct mlt_str s = trim(cell->text);
  if (mlt_parse_double(s, out))
    return !cell->is_text || !isfinite(*out);
  return c_word(s, out);
}

/* Digits only: beyond 64 bits it is no step, though the double next to it may be. */
static bool is_integer(struct mlt_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (!strchr("+-0123456789_ ", s.p[i]))
      return false;
  return true;
}

bool mlt_cell_step(const struct mlt_cell *cell, int64_t *out, bool *fraction) {
  double d;
  *fraction = false;
  if (cell->is_text)
    return false;
  if (mlt_parse_i64(cell->text, out))
    return true;
  if (is_integer(cell->text) || !mlt_parse_double(cell->text, &d))
    return false;
  *fraction = isfinite(d) && d != trunc(d);
  if (*fraction || !(d >= -0x1p63 && d < 0x1p63))
    return false;
  *out = (int64_t)d;
  return true;
}

/* The first second that a column named "time" is believed to mean: 1973. */
static const double PLAUSIBLE = 1e8;

static void settle_time(struct mlt_sheet *t, const struct mlt_cell *cell) {
  struct mlt_sheet_column *c = &t->columns.v[t->time];
  int64_t ms;
  bool zoned;
  double d = 0;
  bool sure = t->opts.time_field || t->is_long || is_one_of(c->name, sure_times);
  t->time_settled = true;
  if (mlt_time_iso(cell->text, &ms, &zoned)) {
    t->iso = true;
    t->guessed = !zoned;
    return;
  }
  bool number = !cell->is_text && mlt_parse_double(cell->text, &d) && isfinite(d);
  if (!(number && (sure || d >= PLAUSIBLE)) && !t->opts.time_field && !t->is_long) {
    c->role = MLT_ROLE_METRIC;
    t->time = MLT_NO_COLUMN;
    return;
  }
  if (t->unit == MLT_TIME_AUTO) {
    t->unit = is_word(c->name, "timestamp_ms") ? MLT_TIME_MS : mlt_time_guess(d);
    t->guessed = true;
  }
}

bool mlt_sheet_time(struct mlt_sheet *t, const struct mlt_cell *cell, int64_t *ms) {
  bool zoned;
  if (!t->time_settled)
    settle_time(t, cell);
  if (t->time == MLT_NO_COLUMN)
    return false;
  bool read = t->iso ? mlt_time_iso(cell->text, ms, &zoned)
                     : !cell->is_text && mlt_time_number(cell->text, t->unit, ms);
  return read && *ms >= 0; /* MLflow takes no other */
}
