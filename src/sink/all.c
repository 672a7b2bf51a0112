#include "sink/all.h"

#include <string.h>

const struct mlt_sink_ops *const mlt_sinks[] = {&mlt_sink_pg, &mlt_sink_sqlite, NULL};

const struct mlt_sink_ops *mlt_sink_for(enum mlt_target_kind kind) {
  for (size_t i = 0; mlt_sinks[i]; i++)
    if (mlt_sinks[i]->kind == kind)
      return mlt_sinks[i];
  return NULL;
}

bool mlt_load_parse(const char *word, enum mlt_load *out) {
  static const char *const words[] = {[MLT_LOAD_AUTO] = "auto",
                                      [MLT_LOAD_APPEND] = "append",
                                      [MLT_LOAD_MERGE] = "merge",
                                      [MLT_LOAD_REBUILD] = "rebuild"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i], word) == 0) {
      *out = (enum mlt_load)i;
      return true;
    }
  return false;
}
