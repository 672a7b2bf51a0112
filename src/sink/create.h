/* New databases with MLflow's full schema: what `schema init` and an import into a missing SQLite
   file make. Never touches a database that holds any of MLflow's tables. */
#ifndef MLT_SINK_CREATE_H
#define MLT_SINK_CREATE_H

#include "base/err.h"
#include "base/newfile.h"
#include "lite/store.h"
#include "schema/schema.h"

/* Begins the SQLite file at path, under a hidden name: fill it (lite/build.h), then
   mlt_finish_sqlite; close both in any case, the connection first. memory as in
   mlt_lite_build_opts. MLT_OK with *file NULL: the file is there; nothing was opened. Errors as
   mlt_newfile_open. */
enum mlt_rc mlt_begin_sqlite(struct mlt_lite **db, struct mlt_newfile **file, const char *path,
                             const struct mlt_head *head, uint64_t memory,
                             struct mlt_err *err) MLT_NODISCARD;
/* Makes the indexes and gives the file its name, on the disk. MLT_TEMPFAIL if there is one now. */
enum mlt_rc mlt_finish_sqlite(struct mlt_lite *db, struct mlt_newfile *file,
                              struct mlt_err *err) MLT_NODISCARD;

/* Makes the SQLite file at path, without rows; it appears whole or not at all. A file that is there
   (or that another process made while we waited for it) is filled if it is empty of MLflow's
   tables, in one transaction; else MLT_CANTCREAT, naming what it holds. */
enum mlt_rc mlt_create_sqlite(const char *path, const struct mlt_head *head,
                              struct mlt_err *err) MLT_NODISCARD;

/* Makes MLflow's tables in the first schema of the connection's search_path, in one transaction.
   MLT_CANTCREAT if any of them is there already. */
enum mlt_rc mlt_create_pg(const char *conninfo, const struct mlt_head *head,
                          struct mlt_err *err) MLT_NODISCARD;

#endif
