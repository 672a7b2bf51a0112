/* A batch: whole runs (and experiments, models, registry entries) gathered in one arena, numbers as
   columns, ready to be written in one transaction. Filled record by record, sealed (sorted,
   duplicates merged, latest metrics computed), handed to a sink, then reset and filled again. No
   I/O, no database knowledge but the limits.

   Who refers to what: child rows hold the index of their run / experiment / model in this batch's
   arrays; keys of metrics are interned. Experiments are referred to by the source's key, because a
   run's experiment may have gone with an earlier batch. All strings live in the batch's arena and
   are valid UTF-8 without NUL. */
#ifndef MLT_BATCH_BATCH_H
#define MLT_BATCH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "model/limits.h"
#include "model/record.h"

struct mlt_range {
  size_t first, n;
};

struct mlt_batch_experiment {
  struct mlt_experiment e;
  bool again; /* it came in an earlier window, too: what is new are its tags */
};

struct mlt_batch_run {
  struct mlt_run r; /* of a run that is added to, name is what its tag mlflow.runName says */
  struct mlt_str place_path; /* where in the source a run that is added to stands; else absent, 0 */
  uint64_t place_line;
  /* After seal: this run's rows in the arrays below, each sorted as said there. */
  struct mlt_range params, tags, points, latest, edges;
  bool spilled; /* the points are on disk: points.n tells how many, a cursor gives them */
};

/* Does the run bring a row of its own? One that is only added to does when it changes a column. */
static inline bool mlt_batch_run_has_row(const struct mlt_run *r) {
  return r->part != MLT_RUN_MORE || r->name.p || r->status || r->end_time.has;
}

struct mlt_batch_kv { /* params, tags, every other key/value table */
  uint32_t owner;     /* index of run, experiment, logged model, registered model or version */
  uint32_t line;      /* where in the source; 0: not known */
  struct mlt_str key, value;
};

struct mlt_batch_kvs { /* after seal: by (owner, key), each once */
  struct mlt_batch_kv *v;
  size_t n, cap;
};

/* Metric points as columns, but for those of spilled runs. After seal: sorted by (run, key bytes,
   step, timestamp, value, is_nan), mapped as MLflow stores them, no two rows equal in MLflow's
   primary key (0.0 and -0.0 are equal there). */
struct mlt_batch_points {
  size_t n, cap;
  uint32_t *run;
  uint32_t *key; /* index into keys */
  int64_t *step, *timestamp;
  double *value;
  uint8_t *is_nan;
};

struct mlt_batch_edge { /* rows of `inputs` */
  enum { MLT_EDGE_DATASET, MLT_EDGE_MODEL_INPUT, MLT_EDGE_OUTPUT } kind;
  uint32_t run;
  /* DATASET: which. The experiment is the source's key; absent: that of the run, which only the
     target knows */
  struct mlt_str experiment, name, digest;
  const struct mlt_dataset *made; /* likewise: how it is made unless it is there; may be NULL */
  struct mlt_str model_id;        /* MODEL_INPUT, OUTPUT */
  int64_t step;
  struct mlt_range tags; /* in edge_tags */
};

struct mlt_batch_artifact { /* no row: a file of a run */
  uint32_t run;
  struct mlt_artifact a;
  struct mlt_str place_path; /* where in the source it is named */
  uint64_t place_line;
};

struct mlt_batch_logged_model {
  struct mlt_logged_model m;
  struct mlt_range params, tags, metrics;
};

struct mlt_batch_lm_metric {
  uint32_t owner;
  struct mlt_logged_model_metric
      m; /* value mapped by mlt_metric_map; NaN becomes 0 as MLflow's store does */
};

struct mlt_batch_version {
  uint32_t owner; /* index of registered model */
  struct mlt_model_version v;
  struct mlt_range tags;
};

struct mlt_batch_registered_model {
  struct mlt_registered_model m;
  struct mlt_range tags, versions, aliases;
};

struct mlt_batch_alias {
  uint32_t owner;
  struct mlt_alias a;
};

struct mlt_batch {
  MLT_VEC(struct mlt_batch_experiment) experiments;
  struct mlt_batch_kvs experiment_tags; /* owner: the index in experiments */
  MLT_VEC(struct mlt_dataset) datasets; /* each (experiment, name, digest) once */
  MLT_VEC(struct mlt_batch_run) runs;
  struct mlt_batch_kvs params;
  struct mlt_batch_kvs tags;
  MLT_VEC(struct mlt_str) keys; /* interned metric keys */
  struct mlt_batch_points points;
  struct mlt_batch_points latest; /* after seal: one row per (run, key), in the order of points */
  MLT_VEC(struct mlt_batch_edge) edges;
  MLT_VEC(struct mlt_batch_artifact) artifacts; /* by run */
  struct mlt_batch_kvs edge_tags;               /* owner: the index in edges; key = name */
  MLT_VEC(struct mlt_batch_logged_model) logged_models;
  struct mlt_batch_kvs lm_params;
  struct mlt_batch_kvs lm_tags;
  MLT_VEC(struct mlt_batch_lm_metric)
  lm_metrics; /* after seal: by (owner, key, timestamp, step, run_id), each once */
  MLT_VEC(struct mlt_batch_registered_model) registered_models;
  struct mlt_batch_kvs rm_tags;
  MLT_VEC(struct mlt_batch_version) versions;
  struct mlt_batch_kvs version_tags; /* owner: the index in versions */
  MLT_VEC(struct mlt_batch_alias) aliases;
  MLT_VEC(struct mlt_copied_row) copied; /* text of a row with MLT_COPIED_TEXT may be anything */

  struct mlt_counts counts[MLT_T_ALL]; /* read, merged, rejected, changed of this batch */
  MLT_VEC(struct mlt_note)
  notes; /* rejects and changes found while adding and sealing */
  struct mlt_arena *arena;
  bool adds; /* some of the runs are no MLT_RUN_WHOLE */
  bool sealed;
  struct mlt_batch_private *priv;
};

/* limits are copied. When mlt_batch_bytes passes max_bytes within a run, the run's points go to a
   temporary file (base/temp.h); 0 = they never do. NULL when out of memory. */
struct mlt_batch *mlt_batch_new(const struct mlt_limits *limits, size_t max_bytes);
/* Another batch for the same import: limits and max_bytes are the same, and the two know of each
   other's experiments, which of them were rejected or come twice. Experiments are added to one of
   them at a time and before the others take what belongs to them; for the rest each batch may be
   another thread's. They may be freed in any order. NULL when out of memory. */
struct mlt_batch *mlt_batch_like(const struct mlt_batch *b);
void mlt_batch_free(struct mlt_batch *b);
/* Empty again; large arrays and disk space are given back. Pointers into it die. */
void mlt_batch_reset(struct mlt_batch *b);

/* Copies one record in. A record that breaks a rule is not added: it is counted as rejected and
   described in b->notes, and the result is still MLT_OK. A rejected RUN (or LOGGED_MODEL,
   REGISTERED_MODEL, MODEL_VERSION) takes the records that belong to it with it, each counted, until
   its END. Errors: MLT_NOMEM; MLT_IO and its kin when points cannot be spilled; MLT_INTERNAL for a
   record out of order. MLT_REC_NOTE is copied into
   b->notes and counted; MLT_REC_WINDOW_END adds nothing, but experiments may come again behind it.

   Of a run that is added to, its name and the tag mlflow.runName are one thing, as they are for
   MLflow's store: whichever of them comes gives the other, of both the tag holds, and an empty one
   says nothing. */
enum mlt_rc mlt_batch_add(struct mlt_batch *b, const struct mlt_record *rec,
                          struct mlt_err *err) MLT_NODISCARD;

/* True between records when nothing is half-added, so that the batch may be written here. Not right
   after an EXPERIMENT or its tags: more tags may follow. */
bool mlt_batch_whole(const struct mlt_batch *b);
/* Rows held so far, spilled ones among them, and bytes in use, with those that sorting and a sink's
   index of rows will take, for the caller's flush decision. Flushing at half of max_bytes leaves
   every run the other half before it spills. */
uint64_t mlt_batch_rows(const struct mlt_batch *b);
size_t mlt_batch_bytes(const struct mlt_batch *b);

/* Are there so many notes that they should be taken before the batch is whole? */
bool mlt_batch_notes_due(const struct mlt_batch *b);
/* Somebody has taken the notes: they are gone, their text, too. */
void mlt_batch_forget_notes(struct mlt_batch *b);

/* Sorts, merges exact duplicates (counted), sets the ranges; points are in order since their run
 * ended. Once, before a
 * sink sees it. */
enum mlt_rc mlt_batch_seal(struct mlt_batch *b, struct mlt_err *err) MLT_NODISCARD;

/* One point of a run. */
struct mlt_batch_point {
  uint32_t key; /* index into keys */
  int64_t step, timestamp;
  double value;
  bool is_nan;
};

/* The points of one run of a sealed batch in the order said at mlt_batch_points, in memory or
   spilled. As often as wanted; any thread, each with a cursor of its own. Holds 64 KiB for a
   spilled run. Errors: MLT_NOMEM, MLT_IO. */
struct mlt_batch_cursor;
enum mlt_rc mlt_batch_cursor_open(struct mlt_batch_cursor **out, const struct mlt_batch *b,
                                  size_t run, struct mlt_err *err) MLT_NODISCARD;
/* MLT_END behind the last. */
enum mlt_rc mlt_batch_cursor_next(struct mlt_batch_cursor *c, struct mlt_batch_point *out,
                                  struct mlt_err *err) MLT_NODISCARD;
void mlt_batch_cursor_close(struct mlt_batch_cursor *c); /* NULL is fine */

#endif
