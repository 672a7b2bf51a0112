/* New databases with MLflow's full schema: what `schema init` and an import into a missing SQLite
   file make. Never touches a database that holds any of MLflow's tables. */
#ifndef MLT_SINK_CREATE_H
#define MLT_SINK_CREATE_H

#include "base/err.h"
#include "schema/schema.h"

/* Makes the SQLite file at path. It is written under a temporary name beside it and put in place
   only when complete, so a crash leaves no half-made database. A file that is there is filled if it
   is empty of MLflow's tables, in one transaction; else MLT_CANTCREAT, naming what it holds. One
   that another process makes at the same time is taken as it is: check it after opening. */
enum mlt_rc mlt_create_sqlite(const char *path, const struct mlt_head *head,
                              struct mlt_err *err) MLT_NODISCARD;

/* Makes MLflow's tables in the first schema of the connection's search_path, in one transaction.
   MLT_CANTCREAT if any of them is there already. */
enum mlt_rc mlt_create_pg(const char *conninfo, const struct mlt_head *head,
                          struct mlt_err *err) MLT_NODISCARD;

#endif
