/* Internal to lite/: what mlt_ledger_ops calls undo. */
#ifndef MLT_LITE_UNDO_H
#define MLT_LITE_UNDO_H

#include "ledger/ledger.h"

enum mlt_rc mlt_lite_undo(void *db, int64_t id, uint32_t features, struct mlt_undone *out,
                          mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err);

#endif
