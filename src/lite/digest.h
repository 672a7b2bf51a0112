/* The digest (model/digest.h) of runs as they are in the database now, and of what a batch has
   added to runs that its own import created. */
#ifndef MLT_LITE_DIGEST_H
#define MLT_LITE_DIGEST_H

#include "ledger/ledger.h"
#include "lite/store.h"

struct mlt_lite_digest; /* keeps its statements; one thread */

enum mlt_rc mlt_lite_digest_new(struct mlt_lite_digest **out, struct mlt_lite *db,
                                struct mlt_err *err) MLT_NODISCARD;
void mlt_lite_digest_free(struct mlt_lite_digest *d); /* NULL is fine */
/* *there: the run is. *known: every value is of its column's type, else there is no digest. */
enum mlt_rc mlt_lite_digest_run(struct mlt_lite_digest *d, struct mlt_str run, uint64_t *out,
                                bool *there, bool *known, struct mlt_err *err) MLT_NODISCARD;

/* Brings the digests of runs up to date that the batch has added to and that an earlier one of the
   same import created: by what the batch recorded, so that it costs what was added. */
enum mlt_rc mlt_lite_digest_grow(struct mlt_lite *db, const struct mlt_ledger_batch *b,
                                 const void *changes, int size, struct mlt_err *err) MLT_NODISCARD;

#endif
