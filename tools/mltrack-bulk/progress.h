/* Progress of an import or export on standard error: a line that is rewritten on a terminal, a
   plain line every half minute elsewhere. */
#ifndef MLT_BULK_PROGRESS_H
#define MLT_BULK_PROGRESS_H

#include <stdbool.h>
#include "pipeline/report.h"

struct mlt_progress {
  const char *doing; /* "importing" */
  bool bar;          /* a terminal: rewrite one line */
  bool lines;        /* no terminal: say something now and then */
  bool drawn;        /* there is a bar to be wiped */
  double last;
};

/* doing is borrowed. off: --no-progress, --quiet, --json. */
void mlt_progress_init(struct mlt_progress *p, const char *doing, bool off);
void mlt_progress_update(struct mlt_progress *p, const struct mlt_report *report);
/* Wipes the bar, so that other output starts on a clean line. */
void mlt_progress_clear(struct mlt_progress *p);

#endif
