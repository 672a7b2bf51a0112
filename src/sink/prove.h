/* A proof: what the target holds, set against the source row by row (sink.h). Internal to sink/. */
#ifndef MLT_SINK_PROVE_H
#define MLT_SINK_PROVE_H

#include "sink/writer.h"

/* Adds a note of kind DIFFERS about one row. field: the key or column; may be absent. MLT_NOMEM
   only. */
enum mlt_rc mlt_prove_tell(struct mlt_write *a, const char *code, enum mlt_table table,
                           struct mlt_str id, struct mlt_str field, const char *fmt, ...)
    MLT_PRINTF(6, 7);
/* Another value: "is THEIRS, OURS in the source". */
enum mlt_rc mlt_prove_tell_value(struct mlt_write *a, const char *code, enum mlt_table table,
                                 struct mlt_str id, struct mlt_str field,
                                 const struct mlt_value *theirs, const struct mlt_value *ours);
/* Of a row of runs that was found: the columns with bits in `differs`, values as
   model/columns.def. */
enum mlt_rc mlt_prove_run_row(struct mlt_write *a, size_t run, uint32_t differs,
                              const struct mlt_value *ours, const struct mlt_value *theirs);
/* Is the location below that of an experiment in the target, where files that imports place go? */
bool mlt_prove_is_placed(const struct mlt_write *a, const struct mlt_value *location);
/* Tells the runs marked NEW, and the differences of those marked PRESENT in params, tags, metrics
   and latest_metrics. */
enum mlt_rc mlt_prove_runs(struct mlt_write *a) MLT_NODISCARD;
/* prove_rows.c: of one run and table. */
enum mlt_rc mlt_prove_rows(struct mlt_write *a, size_t run, enum mlt_table table) MLT_NODISCARD;
/* Is what experiments and registered models of the source have beyond it to be told? Those of a
   source that adds may be anybody's. */
static inline bool mlt_prove_beyond(const struct mlt_write *a) {
  return a->w->prove && !a->w->adds;
}
/* Of a run that the source does not tell whole, only what it has is proved. */
static inline bool mlt_prove_one_way(const struct mlt_write *a, size_t run) {
  const struct mlt_run *r = &a->b->runs.v[run].r;
  return r->part != MLT_RUN_WHOLE && !r->told;
}

#endif
