/* Progress of an import on standard error: a line that is rewritten on a terminal, a plain line
   every half minute elsewhere. */
#ifndef MLT_BULK_PROGRESS_H
#define MLT_BULK_PROGRESS_H

#include <stdbool.h>
#include "pipeline/import.h"

struct mlt_progress {
  bool bar;   /* a terminal: rewrite one line */
  bool lines; /* no terminal: say something now and then */
  bool drawn; /* there is a bar to be wiped */
  double last;
};

/* off: --no-progress, --quiet, --json. */
void mlt_progress_init(struct mlt_progress *p, bool off);
void mlt_progress_update(struct mlt_progress *p, const struct mlt_report *report);
/* Wipes the bar, so that other output starts on a clean line. */
void mlt_progress_clear(struct mlt_progress *p);

#endif
