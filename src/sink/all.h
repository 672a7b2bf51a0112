/* Every sink of sink/all.c. Internal to sink/. */
#ifndef MLT_SINK_ALL_H
#define MLT_SINK_ALL_H

#include "sink/sink.h"

extern const struct mlt_sink_ops mlt_sink_pg;
extern const struct mlt_sink_ops mlt_sink_sqlite;

#endif
