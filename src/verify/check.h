/* For those who write checks. A check is one file and one row in all.c; it reads the database by
   mlt_verify_read, whose SQL is in schema/verify_reads.def, and tells what it finds by
   mlt_verify_found. What is found is no error: a check returns one only where it cannot go on, and
   then no further check runs.

   Checks run one after another in the thread of mlt_verify_run. Threads that a check starts itself
   may call what is marked (any thread), and have ended when it returns. */
#ifndef MLT_VERIFY_CHECK_H
#define MLT_VERIFY_CHECK_H

#include "schema/reads.h"
#include "schema/schema.h"
#include "verify/verify.h"

/* Bits of enum mlt_verify_mode. */
enum {
  MLT_IN_QUICK = 1 << MLT_VERIFY_QUICK,
  MLT_IN_FULL = 1 << MLT_VERIFY_FULL,
  MLT_IN_SAMPLE = 1 << MLT_VERIFY_SAMPLE,
  MLT_IN_ALL = MLT_IN_QUICK | MLT_IN_FULL | MLT_IN_SAMPLE
};

struct mlt_check_ops {
  const char *name; /* "latest-metrics" */
  unsigned modes;   /* MLT_IN_ bits */
  bool of_runs;     /* it heeds mlt_verify_has_run; else it is left out when runs were chosen */
  /* Why it does not apply, a static sentence; NULL if it does. May be NULL: it always does. */
  const char *(*left_out)(const struct mlt_verify_opts *o);
  enum mlt_rc (*run)(struct mlt_verify *v, struct mlt_err *err);
};

extern const struct mlt_check_ops *const mlt_checks[];
extern const size_t mlt_checks_count;

const struct mlt_verify_opts *mlt_verify_options(const struct mlt_verify *v); /* any thread */
const struct mlt_schema *mlt_verify_schema(const struct mlt_verify *v);       /* any thread */
const struct mlt_catalog *mlt_verify_catalog(const struct mlt_verify *v);     /* any thread */

/* A column of the row's table, of a read that gives them. */
static inline const struct mlt_value *mlt_row_at(const struct mlt_read_row *row,
                                                 enum mlt_column c) {
  unsigned n;
  return &row->v[c - mlt_table_columns(mlt_column_info(c)->table, &n)];
}

/* A row, valid during the call. */
typedef enum mlt_rc (*mlt_verify_row_fn)(void *ctx, const struct mlt_read_row *row,
                                         struct mlt_err *err);

/* Gives fn every row of a read. `of` is the read of the same rows that takes ids of runs: it is the
   one used where runs were chosen, so that one run of a large store is looked at at once.
   MLT_READ_COUNT: there is none, fn asks mlt_verify_has_run itself. fn may start other reads.
   Looks at opts.cancelled and tells progress. */
enum mlt_rc mlt_verify_read(struct mlt_verify *v, enum mlt_read what, enum mlt_read of,
                            mlt_verify_row_fn fn, void *ctx, struct mlt_err *err) MLT_NODISCARD;
/* The rows of any runs, whatever was chosen: keys as reads.h has them, borrowed during the call. */
enum mlt_rc mlt_verify_read_of(struct mlt_verify *v, enum mlt_read what, const struct mlt_str *keys,
                               size_t n, mlt_verify_row_fn fn, void *ctx,
                               struct mlt_err *err) MLT_NODISCARD;
/* The pair that BOTH of schema/verify_reads.def makes. */
#define MLT_READ_BOTH(id) MLT_READ_##id, MLT_READ_##id##_OF

/* Were runs chosen? (any thread) */
bool mlt_verify_is_partial(const struct mlt_verify *v);
/* Is it among those that were chosen? Everything is where none were. (any thread) */
bool mlt_verify_has_run(const struct mlt_verify *v, struct mlt_str run);
/* By its id as text: was it chosen by name, or a run of it? (any thread) */
bool mlt_verify_has_experiment(const struct mlt_verify *v, struct mlt_str experiment);

/* Counts it, keeps it if there is room, and tells it. Copies what it keeps. (any thread) */
void mlt_verify_found(struct mlt_verify *v, const struct mlt_finding *f);
/* The same, with text made by printf's rules, cut after some 1,000 bytes; f->text is ignored. (any
   thread) */
void mlt_verify_foundf(struct mlt_verify *v, const struct mlt_finding *f, const char *fmt, ...)
    MLT_PRINTF(3, 4);
/* What checks have counted of the same kind is not added up: the most that one of them has counts.
   (any thread) */
void mlt_verify_count(struct mlt_verify *v, enum mlt_verify_amount what, uint64_t n);
/* To be called now and then by a check that waits for its threads: tells progress. MLT_CANCELLED.
 */
enum mlt_rc mlt_verify_tick(struct mlt_verify *v, struct mlt_err *err) MLT_NODISCARD;

#endif
