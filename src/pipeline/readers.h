/* The readers of an import: each is a thread with a source (the import's own or a twin of it) and
   the batch it fills, so that runs are read side by side. A full batch is sealed and waits, and its
   reader with it, until the pump has taken it: so there are as many batches as readers and lanes
   together. Every function is called from the pump's thread only. */
#ifndef MLT_PIPELINE_READERS_H
#define MLT_PIPELINE_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "batch/batch.h"
#include "source/source.h"

struct mlt_readers;

/* When a reader hands its batch over. One with many notes comes unsealed, and goes back when the
   notes have been taken. */
struct mlt_fill {
  uint64_t rows, runs; /* when it holds so many */
  size_t bytes;
  bool apart;          /* experiments come in a batch before those that belong to them */
  bool stop_on_reject; /* also, unsealed, at the first reject: the import ends there */
};

/* At most n readers over `first` (borrowed) and twins of it (owned); one if it has no twins. Their
   batches are like `like`. */
enum mlt_rc mlt_readers_open(struct mlt_readers **out, const struct mlt_source_ops *ops,
                             struct mlt_source *first, unsigned n, const struct mlt_fill *fill,
                             const struct mlt_batch *like, struct mlt_err *err) MLT_NODISCARD;
unsigned mlt_readers_most(const struct mlt_readers *r);
/* A source is read by stretches: what runs refer to, runs, what refers to runs; one that adds to
   runs in one, with a batch, or more, for each window. Does the next one hold nothing but runs? Is
   there no next one? */
bool mlt_readers_at_runs(const struct mlt_readers *r);
bool mlt_readers_over(const struct mlt_readers *r);
/* Begins with the next stretch, the one before being at its end; runs may be read by n readers.
   keep: what the only reader has left at its end stays in its batch for the next stretch. */
enum mlt_rc mlt_readers_start(struct mlt_readers *r, unsigned n, bool keep,
                              struct mlt_err *err) MLT_NODISCARD;
/* Waits for a batch. MLT_OK: *batch may be exchanged for an empty one until the next call, which
   sends its reader on. MLT_AGAIN: there was none for so many seconds. MLT_END: the stretch is over
   and all of it was taken. Else an error of a source; then mlt_readers_stop() is due. */
enum mlt_rc mlt_readers_take(struct mlt_readers *r, double seconds, struct mlt_batch ***batch,
                             struct mlt_err *err) MLT_NODISCARD;
/* Between stretches: the batch of the first reader, with what it kept. May be exchanged, too. */
struct mlt_batch **mlt_readers_kept(struct mlt_readers *r);
/* Ends the threads, wherever they are. What they hold is dropped. */
void mlt_readers_stop(struct mlt_readers *r);
/* Of all readers together, some records old. */
void mlt_readers_progress(struct mlt_readers *r, struct mlt_source_progress *out);
void mlt_readers_close(struct mlt_readers *r); /* NULL is fine */

#endif
