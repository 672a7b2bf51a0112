/* Logged models of the source's experiments, and registered models, that the source has not. */
#ifndef MLT_VERIFY_BEYOND_H
#define MLT_VERIFY_BEYOND_H

#include "pipeline/import.h"
#include "verify/private.h"

struct mlt_beyond; /* which models the source has: some 100 bytes each */

enum mlt_rc mlt_beyond_new(struct mlt_beyond **out, struct mlt_err *err) MLT_NODISCARD;
void mlt_beyond_free(struct mlt_beyond *b); /* NULL is fine */
/* A batch of the source. MLT_NOMEM. */
enum mlt_rc mlt_beyond_take(struct mlt_beyond *b, const struct mlt_batch *batch,
                            struct mlt_err *err) MLT_NODISCARD;
/* After the last: tells them, where the source tells all (mlt_source_ops) and no part of it was
   chosen. */
enum mlt_rc mlt_beyond_tell(struct mlt_beyond *b, struct mlt_verify *v,
                            const struct mlt_report *report, struct mlt_err *err) MLT_NODISCARD;

#endif
