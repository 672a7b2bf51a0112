/* Runs whose points the batch has spilled to disk. Internal to sink/. */
#ifndef MLT_SINK_SPILLED_H
#define MLT_SINK_SPILLED_H

#include "sink/writer.h"

/* Inserts the points of new spilled runs. */
enum mlt_rc mlt_spilled_insert(struct mlt_write *a) MLT_NODISCARD;

/* Merges the points of the spilled run. */
enum mlt_rc mlt_spilled_merge(struct mlt_write *a, size_t run,
                              struct mlt_merged *out) MLT_NODISCARD;

/* Every point of the run, as a row of metrics. */
enum mlt_rc mlt_spilled_each_row(const struct mlt_write *a, size_t run,
                                 void (*fn)(void *ctx, enum mlt_table table,
                                            const struct mlt_value *row),
                                 void *ctx) MLT_NODISCARD;

/* What the target holds of one spilled run's points, against the source's. Lives in the outcome's
   arena; 32 bytes a key of the run. */
struct mlt_spilled_diff;
struct mlt_spilled_diff *mlt_spilled_diff_new(struct mlt_write *a,
                                              size_t run); /* NULL: no memory */
/* A row of the target, in any order; p->key is not looked at. False: the source has no such key. */
bool mlt_spilled_diff_row(struct mlt_spilled_diff *d, struct mlt_str key,
                          const struct mlt_batch_point *p);
/* After the last row: what differs, for the note; "" if nothing does. */
enum mlt_rc mlt_spilled_diff_end(struct mlt_spilled_diff *d, char *what, size_t size,
                                 struct mlt_err *err) MLT_NODISCARD;

#endif
