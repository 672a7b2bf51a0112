/* What the files of verify/ share and checks need not see. */
#ifndef MLT_VERIFY_PRIVATE_H
#define MLT_VERIFY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "ledger/ledger.h"
#include "lite/read.h"
#include "pg/read.h"
#include "verify/check.h"

struct mlt_verify {
  struct mlt_verify_opts opts;
  struct mlt_arena *arena; /* catalog, scope */
  struct mlt_catalog catalog;
  struct mlt_schema schema;
  struct mlt_pg *pg;     /* one of them */
  struct mlt_lite *lite; /* is open */

  /* scope.c: were runs chosen, and which. */
  bool partial;
  MLT_VEC(struct mlt_str) runs;         /* sorted by bytes: keys of reads */
  struct mlt_map *chosen, *experiments; /* the same, and their experiments */
  struct mlt_map *imported;             /* runs of the imports that were asked for */
  /* What there is of what was asked for. */
  struct mlt_map *runs_there, *names_there, *imports_there;

  _Atomic uint64_t amounts[MLT_AMOUNT_COUNT]; /* of the check that runs */
  uint64_t most[MLT_AMOUNT_COUNT];            /* of any one before it: they look at the same runs */
  double began, told;

  pthread_mutex_t lock; /* of what follows, which any thread adds to */
  struct mlt_arena *kept_arena;
  MLT_VEC(struct mlt_finding) kept;
  MLT_VEC(size_t) check_of;
  bool no_memory; /* a finding could not be kept */

  size_t check; /* the one that runs */
  struct mlt_check_result *checks;
  struct mlt_verify_result result;
};

/* database.c */
enum mlt_rc mlt_verify_connect(struct mlt_verify *v, struct mlt_err *err);
void mlt_verify_disconnect(struct mlt_verify *v);
/* The ledger of imports: whether there is one. Then reads of it may be asked for, and what *ops and
 *db (may be NULL) give without writing. MLT_NOPERM, MLT_SCHEMA: it is no use to us. */
enum mlt_rc mlt_verify_ledger(struct mlt_verify *v, bool *there, const struct mlt_ledger_ops **ops,
                              void **db, struct mlt_err *err);

/* scope.c: which runs are meant. */
enum mlt_rc mlt_verify_choose(struct mlt_verify *v, struct mlt_err *err);
void mlt_verify_choose_free(struct mlt_verify *v);

/* The checks of all.c. */
extern const struct mlt_check_ops mlt_check_chosen, mlt_check_schema, mlt_check_storage,
    mlt_check_sequence, mlt_check_experiments, mlt_check_runs, mlt_check_values, mlt_check_latest,
    mlt_check_models, mlt_check_orphans, mlt_check_ledger, mlt_check_artifacts, mlt_check_server,
    mlt_check_source;

#endif
