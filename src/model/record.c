/* The run statuses by name (entities/run_status.py). */
#include "model/record.h"

static const char *const status_names[] = {
    [MLT_RUN_RUNNING] = "RUNNING",   [MLT_RUN_SCHEDULED] = "SCHEDULED",
    [MLT_RUN_FINISHED] = "FINISHED", [MLT_RUN_FAILED] = "FAILED",
    [MLT_RUN_KILLED] = "KILLED",
};

const char *mlt_run_status_name(enum mlt_run_status s) {
  unsigned i = (unsigned)s;
  return i < sizeof status_names / sizeof *status_names ? status_names[i] : NULL;
}

bool mlt_run_status_parse(struct mlt_str name, enum mlt_run_status *s) {
  for (unsigned i = MLT_RUN_RUNNING; i <= MLT_RUN_KILLED; i++)
    if (mlt_str_is(name, status_names[i])) {
      *s = (enum mlt_run_status)i;
      return true;
    }
  return false;
}
