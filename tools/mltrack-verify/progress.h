/* Progress on standard error: a line that is rewritten on a terminal, a plain line every half
   minute elsewhere. */
#ifndef MLT_VERIFY_PROGRESS_H
#define MLT_VERIFY_PROGRESS_H

#include <stdbool.h>
#include "verify/verify.h"

struct mlt_progress {
  bool bar, lines, drawn;
  double last;
};

/* off: --no-progress and what implies it. */
void mlt_progress_init(struct mlt_progress *p, bool off);
void mlt_progress_update(struct mlt_progress *p, const struct mlt_verify_progress *now);
/* Wipes the bar, so that other output starts on a clean line. */
void mlt_progress_clear(struct mlt_progress *p);

#endif
