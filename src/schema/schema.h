/* Versions of MLflow's schema: the known alembic heads as data, the shape we need as a check on the
   catalog, and the DDL of every known head for new databases. We never migrate MLflow's tables. */
#ifndef MLT_SCHEMA_SCHEMA_H
#define MLT_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/uri.h"
#include "model/limits.h"
#include "schema/catalog.h"

/* One row of schema/heads.def. */
struct mlt_head {
  const char *revision;     /* alembic revision */
  const char *first, *last; /* MLflow releases that have it, "3.1.1" */
  uint32_t features;        /* MLT_F_ bits */
};

extern const struct mlt_head mlt_heads[]; /* oldest first */
extern const size_t mlt_heads_count;
const struct mlt_head *mlt_head_by_revision(const char *revision); /* NULL if unknown */
/* The head of an MLflow release ("3.10", "3.10.1", "2.22"): the newest head whose first release is
   not newer; a part left out stands for the newest release, so "3.1" is 3.1.4. NULL if the text is
   no version or older than 2.0. */
const struct mlt_head *mlt_head_by_version(const char *mlflow_version);
/* What a new database gets: the oldest 3.x head that holds everything we write (an older MLflow
   refuses a newer head, a newer one migrates an older head by itself). */
const struct mlt_head *mlt_head_default(void);
/* What --mlflow-version asks for; the default for NULL. NULL and an MLT_USAGE error if it is no
   release we know. */
const struct mlt_head *mlt_head_choose(const char *mlflow_version, struct mlt_err *err);
/* The first release that has a feature: "3.0.0". */
const char *mlt_feature_release(uint32_t feature);

/* The schema found in a target. */
struct mlt_schema {
  char head[33];
  const struct mlt_head *known; /* NULL: a head we do not know, accepted by its shape */
  uint32_t features;            /* by what is there, not by the head's name */
  char name[64];                /* PostgreSQL: the schema the tables are in; "" for SQLite */
  struct mlt_limits limits;
};

/* One thing wrong with the shape, or worth saying. */
struct mlt_difference {
  bool fatal;         /* false: a warning (missing index, head unknown but shape known) */
  bool unreadable;    /* fatal, and for somebody who only reads as well */
  const char *table;  /* NULL for the database as a whole */
  const char *column; /* NULL for the table as a whole */
  const char *what;   /* "is missing", "is NOT NULL without default and unknown to mltrack", ... */
};

/* The difference as a sentence: "column value of table params is ...". Returns out. */
const char *mlt_difference_text(const struct mlt_difference *d, char *out, size_t cap);

struct mlt_differences {
  size_t n, n_fatal, cap;
  struct mlt_difference *v; /* in the arena */
};

/* Compares the catalog with what we write. Fills *out (also when there are fatal differences) and
   lists every difference. MLT_OK, or MLT_SCHEMA when one is fatal: err then names the first and how
   many there are. SQLite enforces no lengths: pass kind so that limits come out right. */
enum mlt_rc mlt_schema_check(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                             struct mlt_schema *out, struct mlt_differences *diffs,
                             struct mlt_arena *arena, struct mlt_err *err);

/* The same for somebody who only reads: where the head is known, what concerns writers alone
   (triggers, unique indexes, columns we could not fill) is no difference. Of an unknown head nobody
   knows what its rows mean unless it has the whole shape. */
enum mlt_rc mlt_schema_check_source(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                                    struct mlt_schema *out, struct mlt_arena *arena,
                                    struct mlt_err *err);

/* The statements that make MLflow's full schema at a head in an empty database, with the
   alembic_version row and the default workspace's row where the head has them: one NUL-terminated
   script. PostgreSQL: unqualified names, made in the first schema of search_path. Caller frees with
   mlt_free. */
enum mlt_rc mlt_schema_ddl(const struct mlt_head *head, enum mlt_target_kind kind, char **out,
                           struct mlt_err *err);

#endif
