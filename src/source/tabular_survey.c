/* The first look through a file: which runs it holds, when they began and ended, where their rows
   are. Rows that belong to no run are reported here; what is wrong with others is found again, and
   reported, when their points are made. */
#include "source/tabular.h"

#include <string.h>

static enum mlt_rc add_run(struct mlt_tab *s, struct mlt_str name, size_t *index,
                           struct mlt_err *err) {
  uint64_t found;
  if (s->last_run < s->runs.n && mlt_str_eq(s->runs.v[s->last_run].name, name)) {
    *index = s->last_run;
    return MLT_OK;
  }
  if (mlt_map_get(s->run_index, name, &found)) {
    *index = s->last_run = (size_t)found;
    return MLT_OK;
  }
  struct mlt_tab_run run = {.extent = SIZE_MAX, .last_extent = SIZE_MAX};
  if (s->runs.n == MLT_TAB_RUNS)
    return mlt_err_set(err, MLT_DATA, "'%.*s' holds more than %d runs", MLT_STR_ARG(s->flat.path),
                       MLT_TAB_RUNS);
  if (!MLT_VEC_ROOM(s->runs) || mlt_arena_str(s->arena, name, &run.name) != 0 ||
      mlt_map_put(s->run_index, name, s->runs.n) < 0)
    return mlt_err_nomem(err);
  *index = s->runs.n;
  s->runs.v[s->runs.n++] = run;
  return MLT_OK;
}

/* The row at hand is one of this run's. */
static enum mlt_rc extend(struct mlt_tab *s, struct mlt_tab_run *run, struct mlt_err *err) {
  struct mlt_tab_extent *last =
      run->last_extent == SIZE_MAX ? NULL : &s->extents.v[run->last_extent];
  if (last && s->offset - last->end <= s->gap) {
    last->end = s->end;
    return MLT_OK;
  }
  if (!MLT_VEC_ROOM(s->extents))
    return mlt_err_nomem(err);
  size_t at = s->extents.n++;
  if (run->last_extent == SIZE_MAX)
    run->extent = at;
  else
    s->extents.v[run->last_extent].next = at;
  run->last_extent = at;
  s->extents.v[at] = (struct mlt_tab_extent){s->offset, s->end, s->line, SIZE_MAX};
  if (s->extents.n == MLT_TAB_EXTENTS)
    s->gap = UINT64_MAX;
  return MLT_OK;
}

static void see_time(struct mlt_tab *s, struct mlt_tab_run *run) {
  int64_t ms;
  if (s->sheet.time == MLT_NO_COLUMN)
    return;
  const struct mlt_cell *cell = mlt_tab_cell(s, s->sheet.time);
  if (!cell || mlt_cell_absent(cell->text) || !mlt_sheet_time(&s->sheet, cell, &ms))
    return;
  run->first = run->timed && run->first < ms ? run->first : ms;
  run->last = run->timed && run->last > ms ? run->last : ms;
  run->timed = true;
}

static enum mlt_rc no_run(struct mlt_tab *s, struct mlt_record *rec) {
  struct mlt_str column = s->sheet.columns.v[s->sheet.run].name;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = "bad-row",
                                         .place = {.line = s->line, .field = column}},
                       "the row names no run in UTF-8 (column '%.*s')", MLT_STR_ARG(column));
}

/* A row of a table with a column of runs. MLT_AGAIN: go on with the next. */
static enum mlt_rc see_row(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_cell *name = mlt_tab_cell(s, s->sheet.run);
  size_t index;
  if (!name || !name->text.len || mlt_utf8_invalid(name->text) >= 0 ||
      memchr(name->text.p, '\0', name->text.len))
    return no_run(s, rec);
  enum mlt_rc rc = add_run(s, name->text, &index, err);
  if (rc == MLT_OK)
    rc = extend(s, &s->runs.v[index], err);
  if (rc != MLT_OK)
    return rc;
  see_time(s, &s->runs.v[index]);
  return MLT_AGAIN;
}

static enum mlt_rc begin(struct mlt_tab *s, struct mlt_err *err) {
  size_t index;
  s->note = 1;
  s->gap = MLT_TAB_GAP;
  s->runs.n = s->extents.n = 0;
  mlt_map_clear(s->run_index);
  mlt_arena_reset(s->arena);
  enum mlt_rc rc = mlt_tab_rewind(s, err);
  if (rc == MLT_OK && !mlt_tab_by_run(s))
    rc = add_run(s, s->flat.run_name, &index, err);
  return rc;
}

static void end(struct mlt_tab *s) {
  for (size_t i = 0; i < s->runs.n; i++) {
    struct mlt_tab_run *run = &s->runs.v[i];
    if (!run->timed) {
      run->first = s->born;
      run->last = s->changed;
    }
  }
  s->row_time = s->born;
}

/* MLT_AGAIN: go on; MLT_OK: a note; MLT_END. */
static enum mlt_rc see_next(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  bool by_run = mlt_tab_by_run(s);
  if (!by_run && s->sheet.time == MLT_NO_COLUMN)
    return MLT_END; /* nothing more is to be learnt */
  enum mlt_rc rc = mlt_tab_row(s, err);
  if (err->rc != MLT_OK)
    return rc;
  if (rc == MLT_DATA || rc == MLT_TOOBIG)
    return by_run ? mlt_tab_row_fault(s, rec) : MLT_AGAIN;
  if (rc != MLT_OK)
    return rc;
  if (by_run)
    return see_row(s, rec, err);
  see_time(s, &s->runs.v[0]);
  return MLT_AGAIN;
}

enum mlt_rc mlt_tab_survey(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = s->note ? MLT_OK : begin(s, err);
  if (rc != MLT_OK)
    return rc;
  do
    rc = see_next(s, rec, err);
  while (rc == MLT_AGAIN);
  if (rc == MLT_END)
    end(s);
  return rc;
}
