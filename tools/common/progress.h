/* Progress on standard error: a line that is rewritten on a terminal, a plain line every half
   minute elsewhere; and one whenever SIGUSR1 asks for it (signals.h), but for --quiet. */
#ifndef MLT_COMMON_PROGRESS_H
#define MLT_COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct mlt_progress {
  const char *doing; /* "importing" */
  bool bar;          /* a terminal: rewrite one line */
  bool lines;        /* no terminal: say something now and then */
  bool drawn;        /* there is a bar to be wiped */
  double last;
  uint64_t seen; /* what had been done at `since` */
  double since;  /* when that changed last */
};

/* doing is borrowed. off: --no-progress, --quiet, --json. */
void mlt_progress_init(struct mlt_progress *p, const char *doing, bool off);
/* Is there something to be shown, so many seconds after the start? */
bool mlt_progress_is_due(const struct mlt_progress *p, double seconds);
/* For how many seconds nothing has been done: `done` is any count that grows when something is.
   Asked again and again. */
double mlt_progress_quiet(struct mlt_progress *p, uint64_t done, double seconds);
void mlt_progress_show(struct mlt_progress *p, const char *text, double seconds);
/* Wipes the bar, so that other output starts on a clean line. */
void mlt_progress_clear(struct mlt_progress *p);

#endif
