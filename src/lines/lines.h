/* JSON lines, version 1 (README, "JSON lines"): one object a line, a line one call to MLflow's
   store. What types there are and which fields they have stands in lines.def; here are the reader,
   which takes one line apart, and the writer, which makes lines of records. No I/O. One thread at a
   time uses a reader or writer. */
#ifndef MLT_LINES_LINES_H
#define MLT_LINES_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "model/record.h"

enum {
  MLT_LINE_MAX = 16 << 20,  /* bytes of a line, without its end */
  MLT_LINE_ITEMS = 1 << 18, /* elements of a list, members of an object */
  MLT_LINE_VERSION = 1
};

enum mlt_line_type {
#define MLT_LINE(type, word) MLT_LINE_##type,
#define MLT_FIELD(type, name, kind, required)
#include "lines/lines.def"
#undef MLT_LINE
#undef MLT_FIELD
  MLT_LINE_COUNT
};

/* What a field may hold. null is as if the field were absent. */
enum mlt_line_kind {
  MLT_LINE_TEXT,           /* a string */
  MLT_LINE_STATUS,         /* a run's: "FINISHED" and so on */
  MLT_LINE_STAGE,          /* "active", "deleted" */
  MLT_LINE_MODEL_STATUS,   /* a logged model's: "READY" and so on */
  MLT_LINE_INTEGER,        /* of 64 bits, written without fraction or exponent */
  MLT_LINE_TIME,           /* likewise: milliseconds since 1970-01-01 UTC */
  MLT_LINE_NUMBER,         /* or "NaN", "Infinity", "-Infinity" */
  MLT_LINE_FLAG,           /* true, false */
  MLT_LINE_TEXTS,          /* an object of strings; null there: a key without a value */
  MLT_LINE_NUMBERS_BY_KEY, /* an object of numbers */
  MLT_LINE_INTEGERS,       /* a list of integers */
  MLT_LINE_NUMBERS         /* a list of numbers */
};

struct mlt_line_field {
  const char *name; /* NULL: behind the last */
  enum mlt_line_kind kind;
  bool required;
};

enum { MLT_LINE_FIELDS = 20 }; /* more than any type has */

/* Where a type's field stands in the tables below: MLT_AT_METRIC_value and so on. */
enum mlt_line_at {
#define MLT_LINE(type, word) MLT_AT_##type = -1, /* begins to count anew */
#define MLT_FIELD(type, name, kind, required) MLT_AT_##type##_##name,
#include "lines/lines.def"
#undef MLT_LINE
#undef MLT_FIELD
};

const char *mlt_line_word(enum mlt_line_type t);                        /* "metric" */
bool mlt_line_type_parse(struct mlt_str word, enum mlt_line_type *out); /* exact */
const struct mlt_line_field *mlt_line_fields(enum mlt_line_type t);     /* MLT_LINE_FIELDS */

/* The words of MLT_LINE_MODEL_STATUS: struct mlt_logged_model.status; NULL if not one. */
const char *mlt_model_status_name(int status);
bool mlt_model_status_parse(struct mlt_str name, int *status);

/* ---- reading ---- */

struct mlt_line_value {
  bool has;
  struct mlt_str text; /* TEXT */
  int64_t integer;     /* INTEGER, TIME; STATUS: enum mlt_run_status; MODEL_STATUS; FLAG and STAGE:
                          1 is true and deleted */
  double number;       /* NUMBER, as it stands: NaN and infinities not mapped */
  size_t n;            /* of what follows; 0 for {} and [] */
  const struct mlt_kv *texts; /* TEXTS */
  const struct mlt_str *keys; /* NUMBERS_BY_KEY */
  const double *numbers;      /* NUMBERS_BY_KEY, NUMBERS */
  const int64_t *integers;    /* INTEGERS */
};

struct mlt_line {
  enum mlt_line_type type;
  struct mlt_line_value v[MLT_LINE_FIELDS]; /* by enum mlt_line_at */
};

/* Why a line is refused. code is one of: "bad-json", "not-an-object", "bad-utf8", "no-type",
   "unknown-type", "unknown-field", "duplicate-field", "missing-field", "wrong-kind", "bad-number"
   (an integer that has a fraction or more than 64 bits, a number that no double holds),
   "bad-text" (a NUL, a lone surrogate), "bad-value" (a word that is none of those allowed, columns
   of unequal length), "too-long" (more than MLT_LINE_ITEMS of something). */
struct mlt_line_fault {
  const char *code;
  enum mlt_line_type type; /* as far as it is known; MLT_LINE_COUNT: it is not */
  struct mlt_str field;    /* may be absent */
  char reason[512];
};

struct mlt_line_reader;

struct mlt_line_reader *mlt_line_reader_new(void); /* NULL when out of memory */
void mlt_line_reader_free(struct mlt_line_reader *r);
/* Takes one line, without its end, apart. Strings of *out point into it or into the reader: valid
   until the next call. MLT_DATA: it is refused, *fault says why, with strings that live as long,
   and *out holds what was read before it was. Also MLT_NOMEM. Blank lines are the caller's to leave
   out, and so is whether lines follow each other as they must. */
enum mlt_rc mlt_line_read(struct mlt_line_reader *r, struct mlt_str line, struct mlt_line *out,
                          struct mlt_line_fault *fault) MLT_NODISCARD;

/* ---- writing ---- */

/* Takes bytes of whole lines, line ends included. */
typedef enum mlt_rc (*mlt_lines_out)(void *ctx, const char *p, size_t n, struct mlt_err *err);

struct mlt_lines_writer;

/* NULL when out of memory. complete: the header says that every run comes complete, so that the
   records may hold no run that is not MLT_RUN_WHOLE. */
struct mlt_lines_writer *mlt_lines_writer_new(mlt_lines_out out, void *ctx, bool complete);
void mlt_lines_writer_free(struct mlt_lines_writer *w); /* NULL is fine */
/* One record in the order that model/record.h promises; the header comes before the first. What
   has no line of its own (INPUT_TAG, EXPERIMENT_TAG and the like) is held until it can be written,
   and so are points, that lines may hold many. NOTE and WINDOW_END write nothing. MLT_REJECTED: the
   record cannot be a line, *fault says why, and nothing that belongs to it may follow but the END
   of what it opened: "bad-utf8", "nul-byte", "too-long", "missing", "bad-status",
   "experiment-duplicate", "experiment-rejected" (or never given), "duplicate". Else what `out`
   returned, or MLT_NOMEM. */
enum mlt_rc mlt_lines_write(struct mlt_lines_writer *w, const struct mlt_record *rec,
                            struct mlt_line_fault *fault, struct mlt_err *err) MLT_NODISCARD;
/* Gives out what is held: after the last record. */
enum mlt_rc mlt_lines_finish(struct mlt_lines_writer *w, struct mlt_err *err) MLT_NODISCARD;

#endif
