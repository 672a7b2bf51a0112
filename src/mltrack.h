/* libmltrack: writes MLflow runs straight into MLflow's own database.

   Threads: every function may be called from any thread at any time; the library keeps no state
   between calls. An import starts threads of its own, in which the program's signals are blocked;
   they have ended when the call returns. Nothing is printed, no signal handler is set, the locale
   is never looked at. The environment is read (TMPDIR, libpq's variables, see target): do not
   change it meanwhile.

   Structs: set struct_size to sizeof the struct and zero the rest (MLT_..._INIT does both). That
   lets a program built against an older header go on working with a newer library. Strings that go
   in are the caller's and are not kept; nothing that comes out needs to be freed.

   Status: functions return 0 or one of enum mlt_status, which mltrack-bulk exits with, too. */
#ifndef MLTRACK_H
#define MLTRACK_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MLT_API __attribute__((visibility("default")))
#else
#define MLT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Never renumbered. More may come: take a number that you do not know for a failure. */
enum mlt_status {
  MLT_STATUS_OK = 0,           /* done, everything is in */
  MLT_STATUS_REJECTED = 2,     /* done, but records were rejected */
  MLT_STATUS_USAGE = 64,       /* an argument makes no sense */
  MLT_STATUS_DATA = 65,        /* bad input data, or the target holds something else there */
  MLT_STATUS_NOINPUT = 66,     /* the source cannot be read */
  MLT_STATUS_UNAVAILABLE = 69, /* the database cannot be reached */
  MLT_STATUS_INTERNAL = 70,    /* a bug in mltrack */
  MLT_STATUS_NOMEM = 71,       /* out of memory */
  MLT_STATUS_CANTCREAT = 73,   /* the database cannot be created */
  MLT_STATUS_IO = 74,          /* input/output error */
  MLT_STATUS_TEMPFAIL = 75,    /* temporary failure; calling again is safe */
  MLT_STATUS_PROTOCOL = 76,    /* the server answered something unexpected */
  MLT_STATUS_NOPERM = 77,      /* permission denied or authentication failed */
  MLT_STATUS_SCHEMA = 78,      /* unknown or incompatible MLflow schema */
  MLT_STATUS_CANCELLED = 130   /* *cancelled was set */
};

/* What went wrong, filled when a function does not return 0. NUL-terminated UTF-8. */
struct mlt_error {
  size_t struct_size;
  int status;         /* enum mlt_status */
  char message[1024]; /* one sentence, no full stop */
  char hint[512];     /* how to mend it; may be empty */
};
#define MLT_ERROR_INIT                                                                             \
  {                                                                                                \
    sizeof(struct mlt_error), 0, {0}, {                                                            \
      0                                                                                            \
    }                                                                                              \
  }

/* The library's version, such as "0.1.0". A static string. */
MLT_API const char *mlt_version(void);

struct mlt_import_params {
  size_t struct_size;
  const char *source; /* path of an MLflow FileStore ("mlruns"), SQLite file or anything else that
                         mltrack-bulk imports, or the URI of a database, in the forms of target */
  const char *target; /* sqlite:///FILE, postgresql://... or libpq keywords; NULL: as
                         mltrack-bulk chooses without --to, from the environment */
  const char *format; /* as --format of mltrack-bulk; NULL or "auto": look at the source */
  const char *mlflow_version; /* a database that must be created is made for this MLflow release;
                                 NULL: the oldest that holds everything imported */
  uint64_t max_errors;        /* with skip_errors: give up at more rejected rows; 0 = never */
  const volatile sig_atomic_t *cancelled; /* stop soon after this becomes non-zero; NULL = never */
  int dry_run;                            /* do everything but write */
  int skip_errors;   /* go on after a record that cannot be imported, and count it */
  const char *load;  /* as --load of mltrack-bulk: "append", "merge", "rebuild"; NULL or "auto" */
  uint64_t memory;   /* bytes to stay within; 0 = 128 MiB */
  unsigned jobs;     /* connections that write at the same time (PostgreSQL); 0 = 2 */
  unsigned readers;  /* threads that read runs at the same time; 0 = by processors and runs */
  int retry_seconds; /* how long a lost connection is tried again; 0 = 300, negative: not at all */
};
#define MLT_IMPORT_PARAMS_INIT                                                                     \
  { sizeof(struct mlt_import_params), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Rows of one of MLflow's tables: read = inserted + present + updated + merged + rejected. This
   struct will not grow. */
struct mlt_table_counts {
  const char *table; /* "runs"; a static string */
  uint64_t read;
  uint64_t inserted;
  uint64_t present;  /* the target held the identical row already */
  uint64_t updated;  /* the target held another value, which was replaced */
  uint64_t merged;   /* exact duplicate of a row read before */
  uint64_t rejected; /* left out, see skip_errors */
};

#define MLT_MAX_TABLES 32

struct mlt_import_result {
  size_t struct_size;
  uint64_t rejected;  /* rows, all tables, of the batches that were written */
  uint64_t conflicts; /* runs and other things that the target holds with other data; with
                         skip_errors their rows are among the rejected */
  uint64_t changed;   /* values stored cut or mapped, by MLflow's rules */
  double seconds;
  size_t n_tables; /* entries of tables, parents before children */
  struct mlt_table_counts tables[MLT_MAX_TABLES];
};
#define MLT_IMPORT_RESULT_INIT                                                                     \
  {                                                                                                \
    sizeof(struct mlt_import_result), 0, 0, 0, 0, 0, {                                             \
      { 0, 0, 0, 0, 0, 0, 0 }                                                                      \
    }                                                                                              \
  }

/* Imports a whole store, as mltrack-bulk import does with the same options. A new
   SQLite file and empty PostgreSQL tables are filled in one transaction; else runs go in by batches
   of whole runs, each batch in one transaction. Doing it again inserts only what is missing.
   MLT_STATUS_OK: everything is in, or was there.
   MLT_STATUS_REJECTED: done, but rows were rejected (skip_errors only). Without skip_errors the
   first bad record ends the import with MLT_STATUS_DATA; whole batches before it are in. *result
   (may be NULL) says what was done, after a failure, too: rows of the batches that are in. *err
   (may be NULL) says why it ended. */
MLT_API int mlt_import_store(const struct mlt_import_params *params,
                             struct mlt_import_result *result, struct mlt_error *err);

/* What mlt_schema_check_uri found. */
struct mlt_schema_info {
  size_t struct_size;
  char head[64];    /* alembic revision in the database */
  char release[32]; /* first MLflow release with that head; empty: a head that is not known, but
                       whose tables are as this library needs them */
  char schema[64];  /* PostgreSQL: the schema that holds the tables; else empty */
};
#define MLT_SCHEMA_INFO_INIT                                                                       \
  {                                                                                                \
    sizeof(struct mlt_schema_info), {0}, {0}, {                                                    \
      0                                                                                            \
    }                                                                                              \
  }

/* Can mlt_import_store write into this database? Changes nothing. MLT_STATUS_SCHEMA: no, and *err
   names the first difference. target as in mlt_import_params; a database that does not exist is
   MLT_STATUS_NOINPUT. *info and *err may be NULL. */
MLT_API int mlt_schema_check_uri(const char *target, struct mlt_schema_info *info,
                                 struct mlt_error *err);

#ifdef __cplusplus
}
#endif

#endif
