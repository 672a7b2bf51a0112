/* The contract of a source: something that holds runs, read as a stream of records
   (model/record.h). One thread at a time uses an instance; the runs may be read by
   several instances side by side. A source never writes, never follows links out of its root, holds
   memory bounded by one record (a chunk of points), and never stops at one bad thing: what it
   cannot read it reports as MLT_REC_NOTE (REJECT with path, line, reason) and goes on. Errors are
   for the source as a whole (vanished, out of memory). To add a format: one file that fills
   mlt_source_ops, one row in source/all.c. */
#ifndef MLT_SOURCE_SOURCE_H
#define MLT_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/uri.h"
#include "model/record.h"

struct mlt_source; /* each format's own */

struct mlt_source_opts {           /* strings are borrowed for the life of the source, or NULL */
  const char *path;                /* as the user gave it: a path, or a database's URI */
  const struct mlt_target *target; /* where the records go, so that a database is not read into
                                      itself (MLT_USAGE); NULL: not said */
  /* for formats that are bare metrics and do not say these themselves; others leave them alone, and
     pipeline/choice.h chooses by experiment and run from those that have skip() */
  const char *experiment; /* its name; NULL: the name of the file or folder */
  const char *run; /* its name, where there is one run; NULL: the name of its file or folder */
  const char *step_field, *time_field; /* which columns; NULL: found by name */
  const char *time_unit;               /* "s", "ms", "us", "ns"; NULL or "auto": guessed */
  /* For a source that adds to runs: how much a window gathers at most. */
  uint64_t window_rows;  /* 0: as the source likes */
  double window_seconds; /* what came from a pipe so long ago is given out; 0: when it is full */
  bool whole_runs; /* each run once, with all that is said of it: everything is read, and sorted by
                      run, before the first comes */
};

/* How far an instance has come, for the progress line. runs_total is 0 when not known; a source
   that has twins knows it when it gives the first run, and twins leave it 0. */
struct mlt_source_progress {
  uint64_t runs_done, runs_total;
  uint64_t bytes_done;
};

/* What the size of the source's files tells of the rows in them: of event files and the like, which
   hold more than rows, nothing. */
enum mlt_source_holds {
  MLT_HOLDS_OTHER,
  MLT_HOLDS_TEXT,  /* one file of rows as text */
  MLT_HOLDS_ROWS,  /* one file of rows as a database has them */
  MLT_HOLDS_STORE, /* a folder of files of rows as text, and folders "artifacts" */
};

struct mlt_source_ops {
  const char *name;        /* the word for --format */
  const char *description; /* one line for --help */
  enum mlt_source_holds holds;
  bool tells_all; /* what it tells of an experiment and of the registry is all there is of them */
  /* Does this path look like the format? 0 = no, 100 = certainly. Must not print or keep anything
   * open. Required. */
  int (*probe)(const char *path);
  /* MLT_NOINPUT / MLT_NOPERM / MLT_DATA when it cannot be read as this format; says what was
   * expected. Required. */
  enum mlt_rc (*open)(struct mlt_source **out, const struct mlt_source_opts *opts,
                      struct mlt_err *err);
  /* Next record; strings valid until the next call. MLT_END after the last. MLT_AGAIN, once, by a
     source that has twins, when none of its runs is left to be taken: what comes next is to be read
     when the twins are at their end. Required. */
  enum mlt_rc (*next)(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err);
  /* Another instance that reads runs of the same source at the same time, in a thread of its own:
     those that are left are handed out between them, each to one of them, so that all together give
     what one alone would. It gives MLT_END when none is left. To be called when the first RUN has
     been given, of a source that is no twin itself; twins are closed before it. NULL: the format
     has one reader. */
  enum mlt_rc (*twin)(struct mlt_source *s, struct mlt_source **out, struct mlt_err *err);
  /* Cheap; may be called at any time between next() calls. Required. */
  void (*progress)(const struct mlt_source *s, struct mlt_source_progress *out);
  /* Does it add to runs: does it give MLT_RUN_BEGUN, MLT_RUN_MORE and windows? Such a source has no
     twins. NULL: never. */
  bool (*adds)(const struct mlt_source *s);
  /* Before the first next(): rows of tables that are as in the target, whose shapes these are
     (MLT_COPIED_COUNT of them), are wanted as MLT_REC_COPIED. NULL: the format has none. */
  void (*copies)(struct mlt_source *s, const struct mlt_shape *target);
  /* Right after a RUN, LOGGED_MODEL or REGISTERED_MODEL, which `kind` is: nothing of it is wanted,
     nor its END; not to be read at all is best. NULL: experiments and runs are not what the source
     has, but what is made of it. */
  void (*skip)(struct mlt_source *s, enum mlt_rec_kind kind);
  /* NULL is fine, also after any failure. Required. */
  void (*close)(struct mlt_source *s);
};

/* source/all.c: every format, NULL-terminated. */
extern const struct mlt_source_ops *const mlt_sources[];
/* By --format word; NULL if there is none. */
const struct mlt_source_ops *mlt_source_by_name(const char *name);
/* The format that claims path most firmly; NULL if none does (err says what was tried). */
const struct mlt_source_ops *mlt_source_detect(const char *path, struct mlt_err *err);

/* Opens opts->path as the format of that name; NULL or "auto": detected. *ops is set as soon as it
   is known, also when opening fails. MLT_USAGE: there is no such format. */
enum mlt_rc mlt_source_open(struct mlt_source **out, const struct mlt_source_ops **ops,
                            const char *format, const struct mlt_source_opts *opts,
                            struct mlt_err *err) MLT_NODISCARD;

#endif
