/* Which scalars of a run TensorBoard no longer shows because a later restart went back behind them
   (its EventAccumulator's purging). Writers of file_version 2 say when they begin, at a step: all
   before it in the files that has that step or a later one is gone. Before, a summary with a step
   below the one before it does the same for its own tags. Filled in a first pass, asked in a second
   one in the same order. No I/O. */
#ifndef MLT_SOURCE_TF_RESTARTS_H
#define MLT_SOURCE_TF_RESTARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/vec.h"

enum { MLT_TF_RESTARTS = 1000000 };
#define MLT_TF_ALL_TAGS UINT32_MAX

struct mlt_tf_restart {
  uint64_t event; /* its number in the run */
  uint32_t tag;   /* or MLT_TF_ALL_TAGS */
  int64_t step;   /* what has this step or more is gone; once sealed, of this and all later ones */
};

struct mlt_tf_restarts {
  MLT_VEC(struct mlt_tf_restart) v;
  bool full; /* letting go of some has not made room enough */
};

/* In the order of events. Those that a later one says, too, are let go of when it gets full.
   MLT_TOOBIG: there are MLT_TF_RESTARTS of which each says more; this one is not kept. MLT_NOMEM.
 */
enum mlt_rc mlt_tf_restarts_add(struct mlt_tf_restarts *r, uint64_t event, uint32_t tag,
                                int64_t step) MLT_NODISCARD;
void mlt_tf_restarts_clear(struct mlt_tf_restarts *r);
void mlt_tf_restarts_seal(struct mlt_tf_restarts *r);
/* Is a point of that tag and step, in that event, gone? */
bool mlt_tf_restarts_gone(const struct mlt_tf_restarts *r, uint64_t event, uint32_t tag,
                          int64_t step);

#endif
