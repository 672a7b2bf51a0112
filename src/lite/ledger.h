/* The ledger in SQLite: tables mltrack_*. `db` of the operations is a struct mlt_lite. */
#ifndef MLT_LITE_LEDGER_H
#define MLT_LITE_LEDGER_H

#include "ledger/ledger.h"

extern const struct mlt_ledger_ops mlt_lite_ledger;

#endif
