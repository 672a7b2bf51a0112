/* The writers of an import: each lane is a thread with a sink (a connection) and the batch it is
   writing, so that reading and writing overlap and several batches are written at once. Every
   function is called from the pump's thread only; on_done is called in it, too, from within submit
   and drain. */
#ifndef MLT_PIPELINE_LANES_H
#define MLT_PIPELINE_LANES_H

#include "base/err.h"
#include "batch/batch.h"
#include "sink/sink.h"

struct mlt_lanes;

/* What became of one batch: the sink's return code and outcome. Returns what the import is to go on
   with; anything but MLT_OK ends it. err is the import's, holding the sink's error if rc is one. */
typedef enum mlt_rc (*mlt_lane_done_fn)(void *ctx, const struct mlt_batch *batch,
                                        const struct mlt_outcome *outcome, enum mlt_rc rc,
                                        struct mlt_err *err);

/* What is done to a batch before it is written, in its lane's thread, which is the only one that
   uses the sink meanwhile. After an error it is not written. */
typedef enum mlt_rc (*mlt_lane_prepare_fn)(void *ctx, struct mlt_sink *sink,
                                           struct mlt_batch *batch, struct mlt_err *err);

/* Opens up to n lanes over `first` (borrowed) and its twins (owned). Fewer when the target takes
   fewer. Their batches are like `like`. */
enum mlt_rc mlt_lanes_open(struct mlt_lanes **out, const struct mlt_sink_ops *ops,
                           struct mlt_sink *first, unsigned n, const struct mlt_batch *like,
                           mlt_lane_done_fn on_done, void *ctx, struct mlt_err *err) MLT_NODISCARD;
/* Called about ten times a second while submit and drain wait, with ctx of on_done. */
void mlt_lanes_tell(struct mlt_lanes *l, void (*waiting)(void *ctx));
/* From the next batch on, with ctx as its first argument. */
void mlt_lanes_prepare(struct mlt_lanes *l, mlt_lane_prepare_fn prepare, void *ctx);
unsigned mlt_lanes_count(const struct mlt_lanes *l);
/* Waits for a lane, gives it the sealed batch and puts an empty one into *batch. One that adds to
   runs waits, too, for those on their way that hold one of them: what comes of a run is written in
   order. */
enum mlt_rc mlt_lanes_submit(struct mlt_lanes *l, struct mlt_batch **batch,
                             struct mlt_err *err) MLT_NODISCARD;
/* Waits until every lane has written what it has. */
enum mlt_rc mlt_lanes_drain(struct mlt_lanes *l, struct mlt_err *err) MLT_NODISCARD;
/* Waits for the lanes, ends the threads, closes the twins. NULL is fine. Batches not yet reported
 * are dropped. */
void mlt_lanes_close(struct mlt_lanes *l);

#endif
