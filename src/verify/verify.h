/* mltrack-verify as a library: is a tracking store what it says it is? Checks (check.h) look at the
   database, at the files it names, and tell what is wrong as findings (findings.def). Nothing is
   ever written: PostgreSQL is read in a READ ONLY transaction, SQLite through a read-only handle,
   and both show one moment all the way through.

       mlt_verify_open -> mlt_verify_run -> mlt_verify_result -> mlt_verify_close

   One thread uses an instance; checks may have threads of their own. */
#ifndef MLT_VERIFY_VERIFY_H
#define MLT_VERIFY_VERIFY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "base/uri.h"
#include "model/tables.h"
#include "source/source.h"

/* ---- findings ---- */

enum mlt_severity { MLT_SEVERITY_ERROR, MLT_SEVERITY_WARNING, MLT_SEVERITY_INFO };
enum { MLT_SEVERITY_COUNT = 3 };

enum mlt_finding_id {
#define MLT_FINDING(id, code, severity, meaning) MLT_FINDING_##id,
#include "verify/findings.def"
#undef MLT_FINDING
  MLT_FINDING_COUNT
};

struct mlt_finding_info {
  const char *code; /* "latest-wrong" */
  enum mlt_severity severity;
  const char *meaning; /* one line, no full stop */
};

const struct mlt_finding_info *mlt_finding_info(enum mlt_finding_id what);
const char *mlt_severity_name(enum mlt_severity s); /* "error" */

/* One thing that was found. What does not apply is absent (MLT_STR_NULL, MLT_T_ALL). */
struct mlt_finding {
  enum mlt_finding_id what;
  enum mlt_table table;      /* whose row it is about */
  struct mlt_str id;         /* of the run, logged model, experiment ... */
  struct mlt_str experiment; /* the id of its experiment */
  struct mlt_str path;       /* the file or folder, as this machine calls it */
  struct mlt_str field;      /* column, or key of a metric, param, tag: "accuracy" */
  struct mlt_str text;       /* what is, and what should be; may hold anything: escape it */
  struct mlt_str command;    /* a command that mends it or shows more */
};

/* ---- what is to be done ---- */

enum mlt_verify_mode {
  MLT_VERIFY_QUICK,  /* files: that they are there, size and time */
  MLT_VERIFY_FULL,   /* files: their contents as well; SQLite: the whole file */
  MLT_VERIFY_SAMPLE, /* files: the contents of some */
};

/* What was looked at, as far as it can be counted: "runs", "files". */
enum mlt_verify_amount {
#define MLT_AMOUNT(id, name) MLT_AMOUNT_##id,
#include "verify/amounts.def"
#undef MLT_AMOUNT
  MLT_AMOUNT_COUNT
};
const char *mlt_verify_amount_name(enum mlt_verify_amount a);

struct mlt_verify_progress {
  const char *check; /* the one that runs */
  size_t done, checks;
  uint64_t amounts[MLT_AMOUNT_COUNT];
  uint64_t found[MLT_SEVERITY_COUNT];
  double seconds;
};

/* Everything is borrowed and outlives the instance. What is 0 or NULL is not asked for. */
struct mlt_verify_opts {
  const struct mlt_target *target;
  enum mlt_verify_mode mode;
  double sample; /* MLT_VERIFY_SAMPLE: the share of files that are read, 0 to 1 */

  const char *const *checks; /* only these, by name; none: all */
  size_t n_checks;

  /* Which runs: those that all of these let through. With one of them given, checks that are not
     about runs are left out. */
  const char *const *runs; /* ids */
  size_t n_runs;
  const char *const *experiments; /* names */
  size_t n_experiments;
  bool has_since;
  int64_t since_ms;           /* begun at this time or later */
  const char *const *imports; /* ids of imports that wrote to them, as the ledger has them */
  size_t n_imports;

  /* Where the places that the database names are on this machine. */
  const char *const *maps; /* "FROM=TO": MLflow's FROM is the folder TO here */
  size_t n_maps;
  const char *artifacts_destination; /* the folder behind mlflow-artifacts: */
  const char *const *roots;          /* folders that artifacts may lie in; none: anywhere */
  size_t n_roots;
  const char *as_user; /* who must be able to read the files; NULL: we */
  const char *server;  /* the address of a running MLflow that is asked about some runs; NULL: none.
                          Who asks is in the environment, as for MLflow's own client */
  const char *source;  /* what was imported, a path or URI: the database is set against it; NULL */
  const char *source_format;      /* NULL: it is looked at */
  struct mlt_source_opts reading; /* of the source: all but .path and .target */

  const char *state; /* a file that keeps which folders of artifacts are done, so that a check that
                        was interrupted goes on (state.h); NULL: none */

  unsigned jobs;          /* threads that read files; 0: one a processor */
  uint64_t stale_seconds; /* a run that has been RUNNING, and silent, for longer is stale */
  int64_t now_ms;         /* since 1970 UTC */
  /* Of each kind, in mlt_verify_result and in calls of on_finding: so none hides another. All are
     counted. */
  size_t max_findings;
  const volatile sig_atomic_t *cancelled;

  /* Called one at a time, from any thread; must not use the instance. */
  void (*on_finding)(void *ctx, const struct mlt_finding *f);
  /* A few times a second, from the thread of mlt_verify_run. */
  void (*on_progress)(void *ctx, const struct mlt_verify_progress *p);
  void *ctx;
};

/* ---- doing it ---- */

struct mlt_verify;

/* Connects, looks at the schema, takes the moment that is looked at. MLT_USAGE: a check that is
   none, an import's id that is none. MLT_SCHEMA: nobody knows what the rows of this schema, or of
   the ledger that imports were asked of, mean. MLT_NOPERM: the role may not read that ledger. Else
   as pg/store.h and lite/store.h have it. */
enum mlt_rc mlt_verify_open(struct mlt_verify **out, const struct mlt_verify_opts *opts,
                            struct mlt_err *err) MLT_NODISCARD;
/* MLT_OK: all checks ran, whatever they found (mlt_verify_ok). MLT_CANCELLED, and the errors of the
   database or of memory: the result is what was found until then. */
enum mlt_rc mlt_verify_run(struct mlt_verify *v, struct mlt_err *err) MLT_NODISCARD;
void mlt_verify_close(struct mlt_verify *v); /* NULL is fine */

/* The names of all checks, n of them. */
const char *mlt_verify_check_name(size_t i); /* NULL behind the last */

/* What became of one check. */
struct mlt_check_result {
  const char *name;
  bool ran;        /* else `why`: it does not apply here */
  const char *why; /* static */
  uint64_t found[MLT_SEVERITY_COUNT];
  double seconds;
};

struct mlt_verify_result {
  uint64_t found[MLT_SEVERITY_COUNT];
  uint64_t by_code[MLT_FINDING_COUNT];
  uint64_t amounts[MLT_AMOUNT_COUNT];
  const struct mlt_finding *findings; /* the first of each kind: opts.max_findings */
  const size_t *check_of;             /* of each: which of `checks` found it */
  size_t n_findings;
  const struct mlt_check_result *checks;
  size_t n_checks;
  double seconds;
  const char *database; /* "PostgreSQL 15.20" */
  const char *head;     /* of MLflow's schema */
};

/* Belongs to v. */
const struct mlt_verify_result *mlt_verify_result(struct mlt_verify *v);
/* Do disk and database agree? Warnings alone do not disturb that. */
bool mlt_verify_ok(const struct mlt_verify_result *r);

#endif
