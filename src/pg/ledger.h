/* The ledger in PostgreSQL: schema mltrack. `db` of the operations is a struct mlt_pg. */
#ifndef MLT_PG_LEDGER_H
#define MLT_PG_LEDGER_H

#include "ledger/ledger.h"

extern const struct mlt_ledger_ops mlt_pg_ledger;

#endif
