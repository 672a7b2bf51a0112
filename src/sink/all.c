#include "sink/all.h"

const struct mlt_sink_ops *const mlt_sinks[] = {&mlt_sink_pg, &mlt_sink_sqlite, NULL};

const struct mlt_sink_ops *mlt_sink_for(enum mlt_target_kind kind) {
  for (size_t i = 0; mlt_sinks[i]; i++)
    if (mlt_sinks[i]->kind == kind)
      return mlt_sinks[i];
  return NULL;
}
