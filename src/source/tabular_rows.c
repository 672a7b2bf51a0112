/* Rows of the file at hand, whichever its format: cells with the columns they belong to. */
#include "source/tabular.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "source/beneath.h"

bool mlt_tab_by_run(const struct mlt_tab *s) {
  return s->sheet.run != MLT_NO_COLUMN;
}

void mlt_tab_close_file(struct mlt_tab *s) {
  if (s->fd >= 0)
    (void)close(s->fd);
  s->fd = -1;
  mlt_json_free(s->doc);
  s->doc = NULL;
}

static enum mlt_rc go(struct mlt_tab *s, uint64_t offset, struct mlt_err *err) {
  s->in_row = false;
  s->cell = 0;
  if (lseek(s->fd, (off_t)offset, SEEK_SET) < 0)
    return mlt_err_errno(err, errno, "cannot read '%.*s'", MLT_STR_ARG(s->flat.path));
  return MLT_OK;
}

enum mlt_rc mlt_tab_rewind(struct mlt_tab *s, struct mlt_err *err) {
  mlt_csv_reset(&s->csv, s->csv.delimiter);
  mlt_json_rows_reset(&s->json, s->format == MLT_TAB_HISTORY);
  s->rows = 0;
  s->until = UINT64_MAX;
  s->sheet.at.n = 0; /* the header comes again */
  return go(s, 0, err);
}

enum mlt_rc mlt_tab_go_to(struct mlt_tab *s, const struct mlt_tab_extent *e, struct mlt_err *err) {
  mlt_csv_seek(&s->csv, e->offset, e->line);
  s->until = e->end;
  return go(s, e->offset, err);
}

const struct mlt_cell *mlt_tab_cell(const struct mlt_tab *s, size_t column) {
  if (s->format == MLT_TAB_CSV) {
    for (size_t i = 0; i < s->cells.n; i++)
      if (s->cells.v[i].column == column)
        return &s->cells.v[i];
    return NULL;
  }
  for (size_t i = s->cells.n;
       i-- > 0;) /* of two fields of one name the last counts, as in Python */
    if (s->cells.v[i].column == column)
      return &s->cells.v[i];
  return NULL;
}

/* Not much behind the rows that are wanted: extents may be many and short. */
static size_t wanted(const struct mlt_tab *s, size_t room) {
  uint64_t at = s->csv.offset + (s->csv.end - s->csv.start);
  uint64_t n = s->until > at ? s->until - at : 0;
  n = n < MLT_BENEATH_PAGE ? MLT_BENEATH_PAGE : n;
  return n < room ? (size_t)n : room;
}

static enum mlt_rc feed(struct mlt_tab *s, struct mlt_err *err) {
  size_t room;
  bool csv = s->format == MLT_TAB_CSV;
  char *p = csv ? mlt_csv_room(&s->csv, &room) : mlt_json_rows_room(&s->json, &room);
  ssize_t n = mlt_file_read(s->fd, p, csv ? wanted(s, room) : room);
  if (n < 0)
    return mlt_err_errno(err, (int)-n, "cannot read '%.*s'", MLT_STR_ARG(s->flat.path));
  s->progress.bytes_done += (uint64_t)n;
  if (csv && n)
    mlt_csv_fed(&s->csv, (size_t)n);
  else if (csv)
    mlt_csv_eof(&s->csv);
  else if (n)
    mlt_json_rows_fed(&s->json, (size_t)n);
  else
    mlt_json_rows_eof(&s->json);
  return MLT_OK;
}

static enum mlt_rc fault(struct mlt_tab *s, enum mlt_rc rc, const char *fmt, ...) MLT_PRINTF(3, 4);
static enum mlt_rc fault(struct mlt_tab *s, enum mlt_rc rc, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(s->flat.reason, sizeof s->flat.reason, fmt, ap);
  va_end(ap);
  return rc;
}

enum mlt_rc mlt_tab_row_fault(struct mlt_tab *s, struct mlt_record *rec) {
  char why[sizeof s->flat.reason];
  (void)snprintf(why, sizeof why, "%s", s->flat.reason);
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = "bad-row",
                                         .place.line = s->line},
                       "%s", why);
}

/* ---- CSV ---- */

static enum mlt_rc next_fields(struct mlt_tab *s, struct mlt_csv_row *row, struct mlt_err *err) {
  enum mlt_rc rc;
  while ((rc = mlt_csv_next(&s->csv, row)) == MLT_AGAIN)
    if ((rc = feed(s, err)) != MLT_OK)
      return rc;
  s->line = row->line;
  s->offset = row->offset;
  s->end = s->csv.offset;
  if (rc == MLT_TOOBIG)
    return fault(s, rc, "the row is longer than %d bytes, or has more than %d fields",
                 MLT_CSV_ROW_MAX, MLT_CSV_FIELDS);
  return rc == MLT_DATA ? fault(s, rc, "a quote that is opened here is never closed") : rc;
}

static enum mlt_rc take_header(struct mlt_tab *s, const struct mlt_csv_row *row,
                               struct mlt_err *err) {
  for (size_t i = 0; i < row->n; i++)
    if (mlt_utf8_invalid(row->fields[i]) >= 0 || memchr(row->fields[i].p, '\0', row->fields[i].len))
      return fault(s, MLT_DATA, "the header is no UTF-8 text");
  enum mlt_rc rc = mlt_sheet_header(&s->sheet, row->fields, row->n, err);
  return rc == MLT_TOOBIG ? fault(s, MLT_DATA, "there are more than %d columns", MLT_SHEET_COLUMNS)
                          : rc;
}

static enum mlt_rc take_fields(struct mlt_tab *s, const struct mlt_csv_row *row,
                               struct mlt_err *err) {
  s->cells.n = 0;
  for (size_t i = 0; i < row->n; i++) {
    if (!MLT_VEC_ROOM(s->cells))
      return mlt_err_nomem(err);
    s->cells.v[s->cells.n++] = (struct mlt_cell){s->sheet.at.v[i], row->fields[i], false};
  }
  return MLT_OK;
}

static enum mlt_rc csv_row(struct mlt_tab *s, struct mlt_err *err) {
  struct mlt_csv_row row;
  for (;;) {
    enum mlt_rc rc = next_fields(s, &row, err);
    if (rc != MLT_OK)
      return rc;
    bool again = s->sheet.at.n && mlt_sheet_is_header(&s->sheet, row.fields, row.n);
    if (s->sheet.at.n && !again)
      break;
    /* Rows of runs are found by where they are: their columns may not move. */
    if (again && mlt_tab_by_run(s))
      continue;
    rc = take_header(s, &row, err);
    if (rc != MLT_OK || !s->has_header)
      return rc;
  }
  if (row.n != s->sheet.at.n)
    return fault(s, MLT_DATA, "the row has %zu field%s, the header %zu", row.n,
                 row.n == 1 ? "" : "s", s->sheet.at.n);
  return take_fields(s, &row, err);
}

/* ---- JSON ---- */

struct leaves {
  struct mlt_tab *s;
  struct mlt_err *err;
};

static enum mlt_rc take_leaf(void *ctx, struct mlt_str path, enum mlt_json_kind kind,
                             struct mlt_str text) {
  struct leaves *l = ctx;
  struct mlt_tab *s = l->s;
  size_t column;
  if (kind == MLT_JSON_NULL)
    return MLT_OK;
  enum mlt_rc rc = mlt_sheet_column(&s->sheet, path, &column, l->err);
  if (rc != MLT_OK)
    return rc;
  if (!MLT_VEC_ROOM(s->cells))
    return MLT_NOMEM;
  s->cells.v[s->cells.n++] = (struct mlt_cell){column, text, kind != MLT_JSON_NUMBER};
  return MLT_OK;
}

static enum mlt_rc take_object(struct mlt_tab *s, struct mlt_str row, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  struct leaves l = {s, err};
  mlt_json_free(s->doc);
  s->cells.n = 0;
  s->doc = mlt_json_parse(row, &why);
  if (!s->doc)
    return why.rc == MLT_NOMEM ? mlt_err_nomem(err)
                               : fault(s, MLT_DATA, "no JSON object: %s", why.msg);
  /* Ray repeats its parameters in every row. */
  enum mlt_rc rc = mlt_json_leaves(s->doc, s->lines ? NULL : "config", "/", take_leaf, &l);
  if (rc == MLT_DATA)
    return fault(s, rc, "a JSON value that is no object");
  if (rc == MLT_TOOBIG)
    return fault(s, rc, "more than %d different fields, or names of more than 4096 bytes",
                 MLT_SHEET_COLUMNS);
  return rc == MLT_NOMEM ? mlt_err_nomem(err) : rc;
}

static enum mlt_rc json_row(struct mlt_tab *s, struct mlt_err *err) {
  struct mlt_str row;
  enum mlt_rc rc;
  while ((rc = mlt_json_rows_next(&s->json, &row, &s->line)) == MLT_AGAIN)
    if ((rc = feed(s, err)) != MLT_OK)
      return rc;
  if (rc == MLT_TOOBIG)
    return fault(s, rc, "the row is longer than %d bytes", MLT_JSON_ROW_MAX);
  if (rc == MLT_DATA)
    return fault(s, rc, "the file ends before the document does");
  return rc == MLT_OK ? take_object(s, row, err) : rc;
}

enum mlt_rc mlt_tab_row(struct mlt_tab *s, struct mlt_err *err) {
  enum mlt_rc rc = s->format == MLT_TAB_CSV ? csv_row(s, err) : json_row(s, err);
  if (rc == MLT_OK && s->has_header)
    s->rows++;
  return rc;
}
