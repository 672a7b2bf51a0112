/* The runs of a file: each with its tags and parameters, and its rows made into points. */
#include "source/tabular.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- notes ---- */

/* What people see of a cell is cut. */
static int shown(struct mlt_str text) {
  return text.len > 40 ? 40 : (int)text.len;
}

static bool has_nul(struct mlt_str text) {
  return text.len && memchr(text.p, '\0', text.len);
}

static enum mlt_rc reject_cell(struct mlt_tab *s, struct mlt_record *rec, struct mlt_str field,
                               const char *code, struct mlt_str text, const char *why) {
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = code,
                                         .place = {.line = s->line, .field = field}},
                       "'%.*s' is '%.*s', which is %s", MLT_STR_ARG(field), shown(text),
                       text.p ? text.p : "", has_nul(text) ? "followed by a NUL byte" : why);
}

/* The whole row is lost: as many points as it has numbers. */
static enum mlt_rc reject_row(struct mlt_tab *s, struct mlt_record *rec, size_t column,
                              const char *code, const char *why) {
  struct mlt_str field = s->sheet.columns.v[column].name;
  const struct mlt_cell *cell = mlt_tab_cell(s, column);
  uint64_t n = 0;
  for (size_t i = 0; i < s->cells.n && !s->sheet.is_long; i++) {
    double d;
    size_t c = s->cells.v[i].column;
    n += c != MLT_NO_COLUMN && s->sheet.columns.v[c].role == MLT_ROLE_METRIC &&
         mlt_cell_number(&s->cells.v[i], &d);
  }
  struct mlt_note note = {.kind = MLT_NOTE_REJECT,
                          .table = MLT_T_METRICS,
                          .code = code,
                          .rows = n,
                          .place = {.line = s->line, .field = field}};
  if (!cell || mlt_cell_absent(cell->text))
    return mlt_flat_note(&s->flat, rec, note, "the row has no %.*s", MLT_STR_ARG(field));
  return mlt_flat_note(&s->flat, rec, note, "'%.*s' is '%.*s', which is %s", MLT_STR_ARG(field),
                       shown(cell->text), cell->text.p,
                       has_nul(cell->text) ? "followed by a NUL byte" : why);
}

/* ---- a row's step and time ---- */

static const char whole[] = "not a whole number of 64 bits";

/* MLT_AGAIN: the row is good. MLT_OK: it is not, *rec says why. */
static enum mlt_rc take_step(struct mlt_tab *s, struct mlt_record *rec) {
  bool fraction;
  s->row_step = (int64_t)s->rows - 1;
  if (s->sheet.step == MLT_NO_COLUMN)
    return MLT_AGAIN;
  const struct mlt_cell *cell = mlt_tab_cell(s, s->sheet.step);
  if (!cell || mlt_cell_absent(cell->text) || !mlt_cell_step(cell, &s->row_step, &fraction))
    return reject_row(s, rec, s->sheet.step, "bad-step", whole);
  return MLT_AGAIN;
}

static enum mlt_rc take_time(struct mlt_tab *s, struct mlt_record *rec) {
  if (s->sheet.time == MLT_NO_COLUMN)
    return MLT_AGAIN;
  const struct mlt_cell *cell = mlt_tab_cell(s, s->sheet.time);
  if (!cell || mlt_cell_absent(cell->text) || !mlt_sheet_time(&s->sheet, cell, &s->row_time))
    return reject_row(s, rec, s->sheet.time, "bad-time", "no time since 1970");
  return MLT_AGAIN;
}

static bool is_this_run(const struct mlt_tab *s) {
  if (!mlt_tab_by_run(s))
    return true;
  const struct mlt_cell *name = mlt_tab_cell(s, s->sheet.run);
  return name && mlt_str_eq(name->text, s->flat.run_name);
}

/* Where one extent of the run ends the next is gone to. */
static enum mlt_rc stay_in_extent(struct mlt_tab *s, struct mlt_err *err) {
  const struct mlt_tab_extent *e = &s->extents.v[s->extent];
  if (s->csv.offset < e->end)
    return MLT_OK;
  if (e->next == SIZE_MAX)
    return MLT_END;
  s->extent = e->next;
  return mlt_tab_go_to(s, &s->extents.v[s->extent], err);
}

/* Lines of JSON are gone through once for each run. */
static bool has_extents(const struct mlt_tab *s) {
  return mlt_tab_by_run(s) && s->format == MLT_TAB_CSV;
}

/* The next row of the run. MLT_AGAIN: there it is; MLT_OK: a note; MLT_END. */
static enum mlt_rc next_row(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = has_extents(s) ? stay_in_extent(s, err) : MLT_OK;
    if (rc == MLT_OK)
      rc = mlt_tab_row(s, err);
    if (rc == MLT_DATA || rc == MLT_TOOBIG) {
      if (err->rc != MLT_OK)
        return rc;
      if (mlt_tab_by_run(s))
        continue; /* the survey has told */
      return mlt_tab_row_fault(s, rec);
    }
    if (rc != MLT_OK)
      return rc;
    if (!is_this_run(s))
      continue;
    s->cell = 0;
    rc = take_step(s, rec);
    if (rc == MLT_AGAIN)
      rc = take_time(s, rec);
    s->in_row = rc == MLT_AGAIN;
    return rc;
  }
}

/* ---- cells ---- */

static enum mlt_rc too_many(struct mlt_tab *s, struct mlt_record *rec, struct mlt_str name) {
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){.kind = MLT_NOTE_REJECT,
                        .table = MLT_T_METRICS,
                        .code = "too-many-metrics",
                        .place = {.line = s->line, .field = name}},
      "the run has more than %d metrics, or the name of this one is longer than %d "
      "bytes",
      MLT_GATHER_KEYS, MLT_GATHER_KEY_MAX);
}

static enum mlt_rc renamed(struct mlt_tab *s, struct mlt_record *rec, struct mlt_str raw,
                           const struct mlt_gather_key *k) {
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_CHANGED,
                                         .table = MLT_T_METRICS,
                                         .code = "renamed",
                                         .place = {.line = s->line, .field = raw}},
                       "metric '%.*s' is stored as '%.*s': MLflow does not take that name",
                       MLT_STR_ARG(raw), MLT_STR_ARG(k->name));
}

static const char *misfit(enum mlt_key_fit fit) {
  return fit == MLT_KEY_TAKEN ? "another metric has the same name in MLflow"
                              : "it cannot be the name of a metric";
}

/* A column of numbers that began with text. */
static enum mlt_rc text_before(struct mlt_tab *s, struct mlt_sheet_column *c,
                               struct mlt_record *rec) {
  char times[64] = "";
  if (c->texts > 1)
    (void)snprintf(times, sizeof times, " and %" PRIu64 " times in all", c->texts);
  struct mlt_note n = {.kind = MLT_NOTE_REJECT,
                       .table = MLT_T_METRICS,
                       .code = "bad-value",
                       .rows = c->texts,
                       .place = {.line = c->first_text, .field = c->name}};
  c->texts = 0;
  return mlt_flat_note(&s->flat, rec, n,
                       "'%.*s' holds text here%s, numbers from line %" PRIu64 " on",
                       MLT_STR_ARG(c->name), times, s->line);
}

static enum mlt_rc reject_key(struct mlt_tab *s, struct mlt_record *rec, struct mlt_str key,
                              enum mlt_key_fit fit) {
  struct mlt_str field = s->sheet.columns.v[s->sheet.key].name;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = "bad-key",
                                         .place = {.line = s->line, .field = field}},
                       "'%.*s' is '%.*s': %s", MLT_STR_ARG(field), shown(key), key.p, misfit(fit));
}

/* A wide table's number. MLT_AGAIN: taken. */
static enum mlt_rc take_number(struct mlt_tab *s, struct mlt_sheet_column *c, double value,
                               struct mlt_record *rec, struct mlt_err *err) {
  bool added = false, begins = !c->numbers;
  c->numbers = true;
  if (begins && c->texts) /* this cell comes again */
    return text_before(s, c, rec);
  if (c->key == MLT_NO_COLUMN) {
    enum mlt_rc rc = mlt_gather_key(&s->gather, c->name, &c->key, &added, err);
    if (rc != MLT_OK && rc != MLT_TOOBIG)
      return rc;
    if (rc == MLT_TOOBIG) {
      s->cell++;
      return too_many(s, rec, c->name);
    }
  }
  const struct mlt_gather_key *k = &s->gather.keys.v[c->key];
  if (added && k->fit == MLT_KEY_RENAMED)
    return renamed(s, rec, c->name, k); /* this cell comes again */
  if (k->fit > MLT_KEY_RENAMED) {
    c->first_text = c->texts++ ? c->first_text : s->line; /* told at the end of the run */
    return MLT_AGAIN;
  }
  mlt_gather_add(&s->gather, c->key, s->row_time, s->row_step, value);
  return MLT_AGAIN;
}

static enum mlt_rc wide_cell(struct mlt_tab *s, const struct mlt_cell *cell, struct mlt_record *rec,
                             struct mlt_err *err) {
  struct mlt_sheet_column *c = &s->sheet.columns.v[cell->column];
  double value;
  if (c->role != MLT_ROLE_METRIC || mlt_cell_absent(cell->text))
    return MLT_AGAIN;
  if (mlt_cell_number(cell, &value))
    return take_number(s, c, value, rec, err);
  if (!c->numbers) {
    c->first_text = c->texts++ ? c->first_text : s->line;
    return MLT_AGAIN;
  }
  s->cell++;
  return reject_cell(s, rec, c->name, "bad-value", cell->text, "not a number");
}

static enum mlt_rc wide_row(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  for (; s->cell < s->cells.n; s->cell++) {
    const struct mlt_cell *cell = &s->cells.v[s->cell];
    if (mlt_gather_full(&s->gather))
      return MLT_AGAIN;
    enum mlt_rc rc = cell->column == MLT_NO_COLUMN ? MLT_AGAIN : wide_cell(s, cell, rec, err);
    if (rc != MLT_AGAIN)
      return rc;
  }
  s->in_row = false;
  return MLT_AGAIN;
}

static enum mlt_rc long_row(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_cell *key = mlt_tab_cell(s, s->sheet.key);
  const struct mlt_cell *cell = mlt_tab_cell(s, s->sheet.value);
  struct mlt_str value_name = s->sheet.columns.v[s->sheet.value].name;
  double value;
  size_t index;
  bool added;
  s->in_row = false;
  if (!key || !key->text.len)
    return reject_row(s, rec, s->sheet.key, "bad-key", "");
  if (!cell || mlt_cell_absent(cell->text))
    return reject_row(s, rec, s->sheet.value, "bad-value", "");
  if (!mlt_cell_number(cell, &value))
    return reject_cell(s, rec, value_name, "bad-value", cell->text, "not a number");
  enum mlt_rc rc = mlt_gather_key(&s->gather, key->text, &index, &added, err);
  if (rc == MLT_TOOBIG)
    return too_many(s, rec, key->text);
  if (rc != MLT_OK)
    return rc;
  const struct mlt_gather_key *k = &s->gather.keys.v[index];
  if (k->fit > MLT_KEY_RENAMED)
    return reject_key(s, rec, key->text, k->fit);
  mlt_gather_add(&s->gather, index, s->row_time, s->row_step, value);
  return added && k->fit == MLT_KEY_RENAMED ? renamed(s, rec, key->text, k) : MLT_AGAIN;
}

/* ---- a run's steps ---- */

static enum mlt_rc give(struct mlt_tab *s, struct mlt_record *rec) {
  struct mlt_points points;
  if (!mlt_gather_next(&s->gather, &points))
    return MLT_AGAIN;
  mlt_flat_points(&s->flat, rec, points);
  return MLT_OK;
}

static enum mlt_rc run_points(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = MLT_AGAIN;
    if (mlt_gather_full(&s->gather) || s->gather.giving != SIZE_MAX)
      rc = give(s, rec);
    if (rc == MLT_AGAIN && !s->in_row)
      rc = next_row(s, rec, err);
    if (rc == MLT_AGAIN)
      rc = s->sheet.is_long ? long_row(s, rec, err) : wide_row(s, rec, err);
    if (rc != MLT_AGAIN)
      return rc;
  }
}

static enum mlt_rc run_rest(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return s->gather.n && give(s, rec) == MLT_OK ? MLT_OK : MLT_END;
}

static enum mlt_rc run_begin(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  if (s->note++)
    return MLT_END;
  const struct mlt_tab_run *run = &s->runs.v[s->run];
  s->flat.run_name = run->name;
  s->flat.start_time = run->first;
  s->flat.end_time = run->last;
  mlt_gather_reset(&s->gather);
  s->extent = run->extent;
  enum mlt_rc rc =
      has_extents(s) ? mlt_tab_go_to(s, &s->extents.v[s->extent], err) : mlt_tab_rewind(s, err);
  return rc == MLT_OK ? mlt_flat_run(&s->flat, rec, err) : rc;
}

static enum mlt_rc run_tags(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return mlt_flat_tag(&s->flat, rec) ? MLT_OK : MLT_END;
}

static enum mlt_rc run_params(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return mlt_flat_param(&s->flat, &s->params, rec) ? MLT_OK : MLT_END;
}

/* Columns whose name is none for MLflow, one by one. */
static enum mlt_rc run_misfits(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  while (s->note < s->sheet.columns.n) {
    const struct mlt_sheet_column *c = &s->sheet.columns.v[s->note++];
    if (c->key == MLT_NO_COLUMN || !c->texts || !c->numbers)
      continue;
    return mlt_flat_note(&s->flat, rec,
                         (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                           .table = MLT_T_METRICS,
                                           .code = "bad-key",
                                           .rows = c->texts,
                                           .place = {.line = c->first_text, .field = c->name}},
                         "column '%.*s': %s", MLT_STR_ARG(c->name),
                         misfit(s->gather.keys.v[c->key].fit));
  }
  return MLT_END;
}

static bool left_out(const struct mlt_sheet_column *c) {
  return c->role == MLT_ROLE_UNUSED || (c->role == MLT_ROLE_METRIC && !c->numbers && c->texts);
}

static enum mlt_rc run_texts(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  char names[768] = "";
  size_t n = 0, len = 0;
  if (s->note++ || s->run + 1 < s->runs.n)
    return MLT_END;
  for (size_t i = 0; i < s->sheet.columns.n; i++) {
    const struct mlt_sheet_column *c = &s->sheet.columns.v[i];
    if (!left_out(c))
      continue;
    if (len < sizeof names)
      len += (size_t)snprintf(names + len, sizeof names - len, "%s%.*s", n ? ", " : "",
                              (int)(c->name.len ? (c->name.len > 100 ? 100 : c->name.len) : 9),
                              c->name.len ? c->name.p : "(unnamed)");
    n++;
  }
  if (!n)
    return MLT_END;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){
          .kind = MLT_NOTE_CHANGED, .table = MLT_T_METRICS, .code = "columns-left-out", .rows = n},
      "%zu column%s not imported, for want of numbers or a name: %s", n, n == 1 ? "" : "s", names);
}

static enum mlt_rc run_end(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  mlt_flat_end(&s->flat, rec);
  s->progress.runs_done++;
  return MLT_OK;
}

enum mlt_rc mlt_tab_runs(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_tab_step steps[] = {run_begin, run_tags,    run_params, run_points,
                                       run_rest,  run_misfits, run_texts,  run_end};
  enum { END = sizeof steps / sizeof *steps - 1 };
  while (s->run < s->runs.n) {
    size_t at = s->run_step;
    enum mlt_rc rc = steps[at](s, rec, err);
    if (rc == MLT_END) {
      s->run_step = at + 1;
      s->note = 0;
    }
    if (rc == MLT_OK && at == END) {
      s->run_step = 0;
      s->run++;
    }
    if (rc != MLT_END)
      return rc;
  }
  return MLT_END;
}
