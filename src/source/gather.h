/* Points that come mixed (a row of a table holds one of each metric) and must go out by metric. A
   fixed number of them is held; a stable counting sort brings them together, so that the points of
   one metric stay in the order they came in. Also gives metrics their names: what MLflow cannot
   take as a key is made fit. No I/O. */
#ifndef MLT_SOURCE_GATHER_H
#define MLT_SOURCE_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "model/record.h"

enum { MLT_GATHER_POINTS = 65536, MLT_GATHER_KEYS = 65536, MLT_GATHER_KEY_MAX = 4096 };

/* How a name becomes a key. */
enum mlt_key_fit {
  MLT_KEY_FITS,
  MLT_KEY_RENAMED,  /* stored under another name */
  MLT_KEY_UNUSABLE, /* nothing is left of it, or it is not UTF-8 */
  MLT_KEY_TAKEN,    /* another name has become the same key */
};

struct mlt_gather_key {
  struct mlt_str name; /* as it is stored; valid until the next reset */
  enum mlt_key_fit fit;
  size_t end; /* while points go out: behind its last one */
};

struct mlt_gather_points {
  int64_t *timestamp, *step;
  double *value;
};

struct mlt_gather {
  struct mlt_map *raw, *taken;
  struct mlt_arena *arena;
  struct mlt_buf scratch;
  MLT_VEC(struct mlt_gather_key) keys;
  uint32_t *key;
  struct mlt_gather_points in, out;
  size_t last;   /* the key that was asked for last: mostly the next one, where runs of it follow */
  size_t n;      /* points held */
  size_t giving; /* the next key to go out; SIZE_MAX while points come in */
};

enum mlt_rc mlt_gather_init(struct mlt_gather *g, struct mlt_err *err) MLT_NODISCARD;
void mlt_gather_free(struct mlt_gather *g);
/* Forgets keys and points: for the next run. */
void mlt_gather_reset(struct mlt_gather *g);

/* The number of a metric, for mlt_gather_add, and whether it was new. g->keys.v[*index].fit says
   whether it may be used (FITS, RENAMED). MLT_TOOBIG beyond MLT_GATHER_KEYS metrics, or for a name
   of more than MLT_GATHER_KEY_MAX bytes. */
enum mlt_rc mlt_gather_key(struct mlt_gather *g, struct mlt_str raw, size_t *index, bool *added,
                           struct mlt_err *err) MLT_NODISCARD;
/* Not when full, and not while points go out. */
void mlt_gather_add(struct mlt_gather *g, size_t key, int64_t timestamp, int64_t step,
                    double value);
static inline bool mlt_gather_full(const struct mlt_gather *g) {
  return g->n == MLT_GATHER_POINTS;
}
/* The points of the next metric that has any; false when all are out and g takes points again. */
bool mlt_gather_next(struct mlt_gather *g, struct mlt_points *out);

/* Adds the key that MLflow can take for this name: parentheses and brackets go (as Ultralytics' own
   MLflow callback has it: metrics/mAP50(B) is metrics/mAP50B), other characters it refuses become
   "_", and so do path parts it refuses. UNUSABLE adds nothing. */
enum mlt_rc mlt_key_fit(struct mlt_buf *out, struct mlt_str raw,
                        enum mlt_key_fit *fit) MLT_NODISCARD;

#endif
