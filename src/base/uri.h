/* Where to write: every form that MLflow, SQLAlchemy and libpq users type, brought down to one of
   two kinds. sqlite:///rel.db  sqlite:////abs.db  a bare path ending in .db/.sqlite/.sqlite3   ->
   MLT_TARGET_SQLITE postgresql://...  postgres://...  postgresql+psycopg2://... (any driver)  libpq
   keywords ("dbname=x", "service=x")
                                                                                        ->
   MLT_TARGET_PG Refused with a reason: sqlite:// and :memory:, mysql, mssql, databricks, file:,
   http(s) as a target. SQLAlchemy's multi-host "?host=a:1&host=b:2" becomes libpq's; driver-only
   query keys are dropped and listed. */
#ifndef MLT_BASE_URI_H
#define MLT_BASE_URI_H

#include <limits.h>
#include "base/err.h"
#include "base/str.h"

enum mlt_target_kind { MLT_TARGET_SQLITE, MLT_TARGET_PG };

struct mlt_target {
  enum mlt_target_kind kind;
  char *conninfo; /* PG: what libpq's PQconnectdb takes */
  char *path;     /* SQLite: file path */
  char *display;  /* for people and logs: no password in it */
  char *dropped;  /* query keys that were left out, comma-separated; NULL if none */
};

/* MLT_USAGE with a reason when the form is not known. Free with mlt_target_free. */
enum mlt_rc mlt_target_parse(struct mlt_target *out, const char *uri,
                             struct mlt_err *err) MLT_NODISCARD;
void mlt_target_free(struct mlt_target *t);

/* The artifact root that MLflow's server takes by itself: for PostgreSQL "mlflow-artifacts:", for a
   file the folder mlruns beside it, made absolute ("mlruns" if that folder is not there). */
const char *mlt_target_artifact_root(const struct mlt_target *t, char out[PATH_MAX]);

/* The target in force: `flag` (may be NULL), else MLTRACK_STORE_URI, MLFLOW_BACKEND_STORE_URI,
   MLFLOW_TRACKING_URI if it is a database URI, else "sqlite:///mlflow.db". *origin says which
   ("--to", the variable's name, "default"). getenv is a parameter so that tests can choose; pass
   NULL for the real one. */
const char *mlt_target_default(const char *flag, const char *(*env)(const char *),
                               const char **origin);

#endif
