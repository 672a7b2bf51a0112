/* Internal to lite/: the recorded changes of an import, taken back. */
#ifndef MLT_LITE_REWIND_H
#define MLT_LITE_REWIND_H

#include "ledger/ledger.h"
#include "lite/db.h"

/* Needs the temporary tables of sql/lite_undo_begin.sql. Rows that the import changed become what
   they were, rows that it added to runs of others go, as far as they hold what it wrote; what does
   not is told. Other rows that it inserted are only noted, in mltrack_made; keys whose latest
   metric it touched, in mltrack_latest. */
enum mlt_rc mlt_lite_rewind(struct mlt_lite *db, int64_t import, struct mlt_undone *out,
                            mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err) MLT_NODISCARD;

#endif
