/* A database whose ledger is looked at or changed, of either kind. */
#ifndef MLT_BULK_LEDGER_DB_H
#define MLT_BULK_LEDGER_DB_H

#include "base/json.h"
#include "base/opt.h"
#include "base/uri.h"
#include "ledger/ledger.h"

struct mlt_ledger_db {
  struct mlt_target target;
  const struct mlt_ledger_ops *ops;
  void *handle; /* struct mlt_pg or struct mlt_lite */
};

/* The database in force. To be closed in every case. */
enum mlt_rc mlt_ledger_db_open(struct mlt_ledger_db *db, const struct mlt_args *args, bool write,
                               struct mlt_err *err) MLT_NODISCARD;
/* What MLflow's schema there brings (MLT_F_ bits). MLT_SCHEMA where it is not known. */
enum mlt_rc mlt_ledger_db_features(struct mlt_ledger_db *db, uint32_t *out,
                                   struct mlt_err *err) MLT_NODISCARD;
void mlt_ledger_db_close(struct mlt_ledger_db *db);

/* Rows of all tables that it inserted or changed. */
uint64_t mlt_import_rows(const struct mlt_ledger_import *i);
/* What every command tells of an import. */
void mlt_import_add_json(struct mlt_json *to, const struct mlt_ledger_import *i);
/* "key": {table: rows} of the tables that have any. */
void mlt_rows_add_json(struct mlt_json *to, const char *key, const uint64_t rows[MLT_T_ALL]);

#endif
