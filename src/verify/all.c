/* Every check, in the order in which they run: the database first, then the files it names. */
#include "verify/private.h"

const struct mlt_check_ops *const mlt_checks[] = {
    &mlt_check_chosen,      &mlt_check_schema,  &mlt_check_storage, &mlt_check_sequence,
    &mlt_check_experiments, &mlt_check_runs,    &mlt_check_values,  &mlt_check_latest,
    &mlt_check_models,      &mlt_check_orphans, &mlt_check_ledger,  &mlt_check_artifacts,
    &mlt_check_server,      &mlt_check_source,
};

const size_t mlt_checks_count = sizeof mlt_checks / sizeof *mlt_checks;
