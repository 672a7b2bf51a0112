/* What of a database can be made right from the rest of it. Doing it is pg/health.h's and
   lite/health.h's part, with the same statements: sql/repair_*.sql. */
#ifndef MLT_SCHEMA_REPAIRS_H
#define MLT_SCHEMA_REPAIRS_H

#include <stdint.h>

#include "base/map.h"

enum mlt_repair {
  MLT_REPAIR_LATEST,   /* latest_metrics from metrics */
  MLT_REPAIR_STALE,    /* runs left RUNNING are KILLED */
  MLT_REPAIR_SEQUENCE, /* PostgreSQL: the sequence of experiments goes ahead of their ids */
  MLT_REPAIR_COUNT
};

/* What a repair has written: rows of the one table that it is about. A sequence that was moved is
   neither, and told by `moved`. */
struct mlt_repaired {
  uint64_t inserted, updated, moved;
  struct mlt_map *runs; /* whose rows they are -> 0; the caller's, empty before */
};

#endif
