/* Keeps several threads together below so many rows a second, evenly: what is taken is due when the
   rate has paid for it, and not more than a tenth of a second's worth is ever saved up. Safe to use
   from any thread. */
#ifndef MLT_BASE_PACE_H
#define MLT_BASE_PACE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mlt_pacer;

/* *cancelled (borrowed, may be NULL), set by a signal handler, ends every wait at once. NULL: no
   memory. rows_per_second > 0. */
struct mlt_pacer *mlt_pacer_new(uint64_t rows_per_second, const volatile sig_atomic_t *cancelled);
void mlt_pacer_free(struct mlt_pacer *p); /* NULL is fine */
/* How many rows go at once, so that the pace is even: a tenth of a second's worth, at least 1. */
size_t mlt_pacer_portion(const struct mlt_pacer *p);
/* Takes n rows; returns when they are due, as mlt_clock_seconds() has it. */
double mlt_pacer_take(struct mlt_pacer *p, size_t n);
/* Sleeps until then. MLT_CANCELLED: not that long. */
enum mlt_rc mlt_pacer_wait(const struct mlt_pacer *p, double due,
                           struct mlt_err *err) MLT_NODISCARD;

#endif
