/* Which part of a store is wanted: an experiment by its name, a run by its id. Made of two
   readings: the first finds who is wanted, and skips what they hold; the second gives that and
   nothing else. What does not exist is so known before anything is written. */
#ifndef MLT_PIPELINE_CHOICE_H
#define MLT_PIPELINE_CHOICE_H

#include <signal.h>
#include "base/err.h"
#include "source/source.h"

/* Where opts name an experiment or a run, and the source is one that these choose from (ops->skip),
   *source and *ops become those of the part. With it come the run's experiment, the logged models
   of the experiment (with a run: those it made), the versions of registered models that the runs
   made, and what is copied of the experiment (with a run: nothing). What was left out is counted in
   notes at the end. `shown` is the source for people. MLT_NOINPUT: there is none of that name, or
   id. MLT_CANCELLED. Also after a failure the source is to be closed. */
enum mlt_rc mlt_choose(struct mlt_source **source, const struct mlt_source_ops **ops,
                       const struct mlt_source_opts *opts, const char *shown,
                       const volatile sig_atomic_t *cancelled, struct mlt_err *err) MLT_NODISCARD;

#endif
