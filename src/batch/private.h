/* What the files of batch/ share. Not for anybody else.
   An adding is one record on its way in; its functions return MLT_OK when the record may go on,
   MLT_REJECTED when it was left out (noted and counted), or an error. mlt_batch_add turns
   MLT_REJECTED into MLT_OK. */
#ifndef MLT_BATCH_PRIVATE_H
#define MLT_BATCH_PRIVATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/map.h"
#include "batch/batch.h"
#include "batch/spill.h"
#include "model/rules.h"

enum mlt_open { MLT_OPEN_NONE, MLT_OPEN_RUN, MLT_OPEN_LOGGED_MODEL, MLT_OPEN_REGISTERED_MODEL };

/* What became of the row that the records behind it belong to. */
enum mlt_fate { MLT_FATE_NONE, MLT_FATE_TAKEN, MLT_FATE_MERGED, MLT_FATE_REJECTED };

/* One key of the open run; group i belongs to row run_latest + i of b->latest. */
struct mlt_group {
  size_t n;     /* its points in memory */
  size_t last;  /* index of the latest of them to arrive */
  size_t place; /* while sorting: where its points stand */
  bool unsorted;
};

/* Points of one group that arrived together; they end where the next segment starts. */
struct mlt_segment {
  size_t first;
  size_t to; /* while sorting: where they go */
  uint32_t group;
};

/* What the batches of an import share. */
struct mlt_batch_shared {
  atomic_uint references;
  struct mlt_map *experiments; /* every experiment's key so far -> MLT_EXPERIMENT_REJECTED, and in
                                  the bits above it the window it came in last */
  uint64_t window;
};
enum { MLT_EXPERIMENT_REJECTED = 1 };

struct mlt_batch_private {
  struct mlt_limits limits;
  struct mlt_map *keys; /* metric key -> index in b->keys */
  struct mlt_map *once; /* identities taken in this batch -> index of their row */
  struct mlt_batch_shared *shared;
  struct mlt_buf scratch;       /* an identity being looked up */
  struct mlt_arena *noted;      /* text of the notes */
  MLT_VEC(uint32_t) key_latest; /* one a key: its row of latest in the run that used it last */

  /* The open run's points are those from run_points on, and the extents of the spill. */
  MLT_VEC(struct mlt_group) groups;
  MLT_VEC(struct mlt_segment) segments;
  size_t run_points, run_latest; /* where the run's rows begin */
  bool named;                    /* it is added to, and has its tag mlflow.runName */

  size_t max_bytes; /* 0: no limit */
  struct mlt_spill spill;
  uint64_t spilled; /* rows of ended runs that are in the spill */

  /* Scratch of sorting. */
  MLT_VEC(uint32_t) by_key;    /* the open run's groups in the order of their keys */
  uint32_t *order, *order_tmp; /* indices */
  size_t order_cap;
  char *spare; /* a column of points */
  size_t spare_cap;

  enum mlt_open open;
  bool skip;                /* the open run or model was rejected */
  uint64_t skipped_rows;    /* so many of its rows went with it */
  size_t skip_note;         /* the note that says so */
  enum mlt_fate experiment; /* fate of the EXPERIMENT just before; NONE after other records */
  enum mlt_fate version;    /* of the current MODEL_VERSION */
  enum mlt_fate edge;       /* of the INPUT or MODEL_INPUT just before */
};

struct mlt_adding {
  struct mlt_batch *b;
  const struct mlt_record *rec;
  struct mlt_err *err;
  enum mlt_table table;
  uint64_t rows;
  struct mlt_str id;    /* for notes: whose row it is */
  struct mlt_str field; /* for notes: its key, if it has one */
  bool changed;
};

/* How a column's text is treated when it is too long for the column. */
enum mlt_too_long {
  MLT_LONG_REJECT, /* identities: another value would be another thing */
  MLT_LONG_CUT,    /* free text */
  MLT_LONG_VALUE,  /* cut, unless the limits say otherwise */
};

enum mlt_need { MLT_OPTIONAL, MLT_PRESENT, MLT_NONEMPTY };

/* One text field of a record. */
struct mlt_field {
  size_t offset; /* of the struct mlt_str */
  const char *name;
  enum mlt_column column; /* MLT_C_COUNT: no column, no limit */
  enum mlt_too_long too_long;
  enum mlt_need need;
  const char *(*rule)(struct mlt_str s, enum mlt_rules_version v); /* broken: kept, but noted */
};

/* batch.c */
/* Looks up the identity made of `kind` and the parts. *index is the one it was taken with first;
 *first says whether that is now. */
enum mlt_rc mlt_batch_once(struct mlt_adding *a, char kind, const struct mlt_str *parts, size_t n,
                           size_t *index, bool *first);

/* note.c */
enum mlt_rc mlt_batch_note(struct mlt_batch *b, struct mlt_note note, struct mlt_err *err);
/* Counts and notes the record as rejected: MLT_REJECTED. */
enum mlt_rc mlt_adding_reject(struct mlt_adding *a, const char *code, const char *field,
                              const char *fmt, ...) MLT_PRINTF(4, 5);
/* Notes that the record is not stored as it stood; counted once a record if `changed`. */
enum mlt_rc mlt_adding_note(struct mlt_adding *a, const char *code, const char *field, bool changed,
                            const char *fmt, ...) MLT_PRINTF(5, 6);
/* A row that sealing leaves out. */
enum mlt_rc mlt_batch_drop(struct mlt_batch *b, enum mlt_table table, struct mlt_str id,
                           struct mlt_place place, struct mlt_err *err, const char *fmt, ...)
    MLT_PRINTF(6, 7);
/* Adds to the reason of a note. */
enum mlt_rc mlt_batch_note_more(struct mlt_batch *b, size_t index, struct mlt_err *err,
                                const char *fmt, ...) MLT_PRINTF(4, 5);

/* copied.c */
enum mlt_rc mlt_batch_add_copied(struct mlt_adding *a);

/* artifacts.c: makes a path the batch's own; absent stays absent. */
enum mlt_rc mlt_batch_keep_path(struct mlt_batch *b, struct mlt_str *path, struct mlt_err *err);
enum mlt_rc mlt_batch_add_artifact(struct mlt_batch *b, const struct mlt_record *rec,
                                   struct mlt_err *err);

/* fields.c: the text fields of the struct at `base`, in two steps, so that whatever else may reject
   the record comes between. */
/* Present, storable, not too long; or MLT_REJECTED. */
enum mlt_rc mlt_adding_check(struct mlt_adding *a, const void *base, const struct mlt_field *fields,
                             size_t n);
/* Cuts what may be cut, notes what MLflow would refuse, and makes the strings the batch's own. */
enum mlt_rc mlt_adding_keep(struct mlt_adding *a, void *base, const struct mlt_field *fields,
                            size_t n);
/* Notes a value that MLflow would refuse. */
enum mlt_rc mlt_adding_rule(struct mlt_adding *a, const struct mlt_field *f, struct mlt_str s);

/* kv.c: the key/value tables. */
enum mlt_kv_id {
  MLT_KV_EXPERIMENT_TAGS,
  MLT_KV_PARAMS,
  MLT_KV_TAGS,
  MLT_KV_EDGE_TAGS,
  MLT_KV_LM_PARAMS,
  MLT_KV_LM_TAGS,
  MLT_KV_RM_TAGS,
  MLT_KV_VERSION_TAGS,
  MLT_KV_COUNT
};
enum mlt_rc mlt_batch_add_kv(struct mlt_adding *a, enum mlt_kv_id id);
/* A row of the batch's own making, whose strings are the batch's already. */
enum mlt_rc mlt_batch_put_kv(struct mlt_batch *b, enum mlt_kv_id id, struct mlt_batch_kv kv,
                             struct mlt_err *err);
enum mlt_rc mlt_batch_seal_kv(struct mlt_batch *b, enum mlt_kv_id id, struct mlt_err *err);

/* columns.c: points as columns. */
/* One point of the columns: run, key, step, timestamp, value, is_nan. */
enum { MLT_POINT_BYTES = 2 * 4 + 3 * 8 + 1 };
/* What sorting takes a point of the open run: two indices and a column's room. */
enum { MLT_SORT_BYTES = 2 * 4 + 8 };
/* Room for `need` points; false when out of memory. */
bool mlt_points_room(struct mlt_batch_points *p, size_t need);
/* Nothing is held any more. */
void mlt_points_free(struct mlt_batch_points *p);
int mlt_points_compare(const struct mlt_batch_points *p, size_t a, size_t b);
void mlt_points_move(struct mlt_batch_points *p, size_t to, size_t from, size_t n);
/* Both need scratch of 8 bytes a point. Rows first + order[i] go to first + i. */
void mlt_points_permute(struct mlt_batch_points *p, size_t first, const uint32_t *order, size_t n,
                        char *scratch);
/* The segments, of which the first starts at `first`, go where their `to` says. */
void mlt_points_scatter(struct mlt_batch_points *p, size_t first,
                        const struct mlt_segment *segments, size_t n, char *scratch);

/* points.c */
void mlt_batch_begin_run(struct mlt_batch *b);
enum mlt_rc mlt_batch_add_points(struct mlt_adding *a);
/* Its points in order, repeats dropped and counted, ranges set. */
enum mlt_rc mlt_batch_end_run(struct mlt_batch *b, struct mlt_err *err);

/* sort.c: the open run's points that are in memory. */
/* Sorts them and drops repeats. Rows of latest stay as they are, the order of keys is in by_key. */
enum mlt_rc mlt_batch_sort_run(struct mlt_batch *b, struct mlt_err *err);
/* Puts the run's rows of latest into the order of by_key. */
enum mlt_rc mlt_batch_sort_latest(struct mlt_batch *b, struct mlt_err *err);

/* leave.c: points that leave the memory. */
/* Moves the open run's points out when the batch is over its limit. */
enum mlt_rc mlt_batch_keep_within(struct mlt_batch *b, struct mlt_err *err);
/* Moves the rest of a run out that is partly there already, and merges it. */
enum mlt_rc mlt_batch_leave(struct mlt_batch *b, struct mlt_err *err);

/* runs.c */
enum mlt_rc mlt_batch_add_experiment(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_dataset(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_run(struct mlt_adding *a);
/* A tag of the open run. */
enum mlt_rc mlt_batch_add_tag(struct mlt_adding *a);
/* Name and tag of a run that is added to become one. */
enum mlt_rc mlt_batch_name_run(struct mlt_batch *b, struct mlt_err *err);
enum mlt_rc mlt_batch_add_input(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_model_edge(struct mlt_adding *a);
/* Rejects the row when its experiment was. */
enum mlt_rc mlt_adding_experiment(struct mlt_adding *a, struct mlt_str key);

/* models.c */
enum mlt_rc mlt_batch_add_logged_model(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_lm_metric(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_registered_model(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_version(struct mlt_adding *a);
enum mlt_rc mlt_batch_add_alias(struct mlt_adding *a);
enum mlt_rc mlt_batch_seal_lm_metrics(struct mlt_batch *b, struct mlt_err *err);

/* order.c: the indices 0..n-1 in stable ascending order, in priv->order; *sorted if that is how
   they stand. */
typedef int (*mlt_order_fn)(const void *ctx, uint32_t a, uint32_t b);
enum mlt_rc mlt_batch_order(struct mlt_batch *b, size_t n, mlt_order_fn cmp, const void *ctx,
                            bool *sorted, struct mlt_err *err);
/* Puts n elements of `size` bytes at *v (with room for cap) into that order. */
enum mlt_rc mlt_batch_reorder(const struct mlt_batch *b, void *pointer, size_t n, size_t cap,
                              size_t size, struct mlt_err *err);

#endif
