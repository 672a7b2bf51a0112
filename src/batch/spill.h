/* Points of runs that are too large for memory, in one temporary file a batch. A run's points come
   as extents, each sorted and without repeats; when the run ends they are merged into one. Knows
   nothing of batches: keys are numbers, their order is told by ranks. */
#ifndef MLT_BATCH_SPILL_H
#define MLT_BATCH_SPILL_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/vec.h"

/* A point as the file holds it. */
struct mlt_spill_point {
  int64_t step, timestamp;
  double value;
  uint32_t key;
  uint32_t is_nan;
};

/* Sorted points, at first .. first + n of the file. */
struct mlt_extent {
  uint64_t first, n;
  unsigned level; /* how often its points have been merged */
  struct mlt_spill_point last;
};

struct mlt_spill {
  int fd;                             /* -1: nothing was spilled yet */
  uint64_t end;                       /* points the file is long */
  MLT_VEC(struct mlt_extent) extents; /* of the open run, in the order of arrival */
  struct mlt_spill_point *buffer;     /* points to be written behind the end */
  size_t buffered;
  struct mlt_spill_point last; /* put */
};

void mlt_spill_init(struct mlt_spill *s);
void mlt_spill_free(struct mlt_spill *s);
/* Empty again; the disk space is given back. */
void mlt_spill_reset(struct mlt_spill *s);

/* Begins an extent; points are put in order, then it is ended. */
enum mlt_rc mlt_spill_begin(struct mlt_spill *s, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_spill_put(struct mlt_spill *s, const struct mlt_spill_point *p,
                          struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_spill_end(struct mlt_spill *s, struct mlt_err *err) MLT_NODISCARD;
/* The last two extents, of which the later goes on where the earlier stops, become one. */
void mlt_spill_join(struct mlt_spill *s);
/* Extents from..last become one, of equal points that of the earliest extent stays. rank[key]
   orders the keys. Memory: 1 MiB. */
enum mlt_rc mlt_spill_merge(struct mlt_spill *s, size_t from, const uint32_t *rank,
                            struct mlt_err *err) MLT_NODISCARD;

/* Reads n points at `at`. Any thread, while nobody writes. */
enum mlt_rc mlt_spill_read(const struct mlt_spill *s, uint64_t at, struct mlt_spill_point *out,
                           size_t n, struct mlt_err *err) MLT_NODISCARD;

/* Order of two points of the same key; 0: MLflow's primary key holds them for one. */
int mlt_spill_compare(const struct mlt_spill_point *a, const struct mlt_spill_point *b);

#endif
