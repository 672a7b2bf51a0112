/* What the columns of a table of metrics mean, found by their names, and what its cells say.

   Long form: a metric's name (key, metric, tag) and its value each in a column; step, and perhaps
   run and timestamp, beside them. Wide form: a column for each metric and one for the step, found
   by name in the order step, global_step, iteration, ..., epoch; perhaps one for the time. A column
   named for time is one only if its first value can be: Ultralytics' "time" counts seconds since
   the start and is a metric. No I/O. Strings are copied. */
#ifndef MLT_SOURCE_SHEET_H
#define MLT_SOURCE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "source/time_text.h"

enum { MLT_SHEET_COLUMNS = 65536 };
#define MLT_NO_COLUMN SIZE_MAX

enum mlt_role {
  MLT_ROLE_METRIC,
  MLT_ROLE_STEP,
  MLT_ROLE_TIME,
  MLT_ROLE_RUN,   /* long form only */
  MLT_ROLE_KEY,   /* likewise */
  MLT_ROLE_VALUE, /* likewise */
  MLT_ROLE_UNUSED /* long form: any other */
};

struct mlt_sheet_opts { /* NULL or AUTO: as found */
  const char *step_field, *time_field;
  enum mlt_time_unit unit;
};

struct mlt_sheet_column {
  struct mlt_str name;
  enum mlt_role role;
  bool numbers;        /* it has held one */
  uint64_t texts;      /* cells that were none, while it has held no number */
  uint64_t first_text; /* line of the first of them */
  size_t key;          /* the caller's */
  uint32_t header;     /* the header row that named it last */
};

struct mlt_sheet {
  struct mlt_sheet_opts opts;
  struct mlt_arena *arena;
  struct mlt_map *index; /* name -> column */
  MLT_VEC(struct mlt_sheet_column) columns;
  MLT_VEC(size_t)
  at; /* by position in a row: the column; MLT_NO_COLUMN for a name that came before */
  uint32_t headers; /* seen so far */
  bool is_long;
  size_t step, time, run, key, value; /* MLT_NO_COLUMN: there is none */
  size_t twice;                       /* the first that a header has named twice; likewise */
  enum mlt_time_unit unit;            /* AUTO: not known yet, or ISO 8601 */
  bool iso, time_settled, guessed;
};

struct mlt_cell {
  size_t column;
  struct mlt_str text;
  bool is_text; /* JSON: a string, never a number but nan and infinities */
};

enum mlt_rc mlt_sheet_init(struct mlt_sheet *t, struct mlt_err *err) MLT_NODISCARD;
void mlt_sheet_free(struct mlt_sheet *t);
void mlt_sheet_reset(struct mlt_sheet *t, const struct mlt_sheet_opts *opts);

/* The column of this name, made if need be as a metric. MLT_TOOBIG: there are too many. */
enum mlt_rc mlt_sheet_column(struct mlt_sheet *t, struct mlt_str name, size_t *column,
                             struct mlt_err *err) MLT_NODISCARD;
/* Takes a header row: fills t->at. Names lose the blanks around them. */
enum mlt_rc mlt_sheet_header(struct mlt_sheet *t, const struct mlt_str *names, size_t n,
                             struct mlt_err *err) MLT_NODISCARD;
/* Finds the roles of the columns there are. False: a field that the options name is not there; its
   name is left in *missing. */
bool mlt_sheet_roles(struct mlt_sheet *t, const char **missing);
/* Is it a table of metrics, or any other? */
bool mlt_sheet_is_log(const struct mlt_sheet *t);
/* Is this row the header again, perhaps with other columns? */
bool mlt_sheet_is_header(const struct mlt_sheet *t, const struct mlt_str *fields, size_t n);

/* A cell without a value: blank, NA (also Keras' own), N/A, None, null. */
bool mlt_cell_absent(struct mlt_str text);
/* A number as Python, R or C write it, their spellings of nan and infinities included. */
bool mlt_cell_number(const struct mlt_cell *cell, double *out);
/* A whole number of 64 bits, perhaps written with a fraction of zeros ("3.0"). *fraction: it is a
   number, but not a whole one. */
bool mlt_cell_step(const struct mlt_cell *cell, int64_t *out, bool *fraction);
/* The time in a cell of the column t->time, as milliseconds. The first one settles what the column
   means: it may turn out to be a metric, and t->time is then MLT_NO_COLUMN. */
bool mlt_sheet_time(struct mlt_sheet *t, const struct mlt_cell *cell, int64_t *ms);

#endif
