/* The algorithm every database sink shares: which rows of a batch are new, present or in conflict,
   and the inserts in an order that satisfies the foreign keys. Internal to sink/. One transaction a
   batch; see sink.h for the rules.

   The parts, each one file: runs.c (new or there already?), experiments.c, same.c and compare.c (is
   what is there the same?), prove.c and prove_rows.c (what of it is not?), merge.c (rows for runs
   that are there), edges.c (datasets and inputs), logged_models.c, registry.c, copied.c, insert.c
   (batch rows -> values), writer.c (the whole). */
#ifndef MLT_SINK_WRITER_H
#define MLT_SINK_WRITER_H

#include "base/map.h"
#include "sink/known.h"
#include "sink/sink.h"
#include "sink/store.h"

struct mlt_sink {
  const struct mlt_store_ops *ops;
  void *db; /* owned: closed by mlt_sink_close; NULL in a dry run into a database that does not
               exist yet */
  struct mlt_schema schema;
  struct mlt_arena *catalog; /* what shapes refers to; NULL in a twin, which has the first's */
  struct mlt_shape shapes[MLT_COPIED_COUNT];
  bool dry_run, stop_on_reject;
  bool prove; /* likewise: see sink.h */
  enum mlt_load load;
  bool adds;                       /* as in mlt_sink_opts */
  const struct mlt_target *target; /* borrowed */
  const char *artifact_root;       /* likewise; NULL: mlt_target_artifact_root */
  struct mlt_known *known;         /* shared with the other connections of the import */
  struct mlt_map *dry_runs; /* dry run only: ids of runs that earlier batches would have written ->
                               address of their struct mlt_known_experiment; or added to -> 0 */
  struct mlt_arena *arena;  /* what id_map gives out */
  struct mlt_ledger_state ledger;         /* .id 0: none is kept */
  const volatile sig_atomic_t *cancelled; /* borrowed; may be NULL */
  struct mlt_retry *retry;                /* likewise */
  struct mlt_pacer *pacer; /* borrowed; NULL: the store keeps the pace, or there is none */
  double due;              /* when the next transaction may begin */
};

enum mlt_fate {
  MLT_FATE_NEW,
  MLT_FATE_PRESENT,
  MLT_FATE_MERGE, /* there; it takes the source's rows */
  MLT_FATE_CONFLICT,
  MLT_FATE_REJECTED
};

/* What the target holds of one run in one table, set against the source's rows. */
struct mlt_tally {
  uint64_t rows;     /* there */
  uint64_t present;  /* of these, those that need no change: equal, or a later latest metric */
  uint64_t replaced; /* those that a merge replaces */
  uint64_t refused;  /* params of another value */
};
enum { MLT_TALLIES = 4 }; /* params, tags, metrics, latest_metrics of a run */

/* The experiment of a run or dataset, as the target knows it. */
struct mlt_home {
  int64_t id;         /* -1: a dry run would make it; */
  struct mlt_str key; /* then it is told by the source's key */
};

/* What is known of a run: of one that is there, but for `home`. */
struct mlt_there {
  struct mlt_home home;
  uint32_t set;  /* columns of its row that a merge sets, a bit for each */
  bool advanced; /* its row lacks what the source's has, and may take it */
  bool known;    /* the ledger has it, as it is in the source: its rows need not be compared */
  bool grown;    /* so do its other rows; nothing of it contradicts the source */
  struct mlt_tally tally[MLT_TALLIES];
};

/* A dataset that this batch has or needs: there already, or to be inserted. */
struct mlt_dataset_ref {
  struct mlt_home home;
  struct mlt_str name, digest;
  const struct mlt_dataset *row; /* NULL: only referred to */
  struct mlt_str uuid;           /* absent while unknown */
  bool present;
};

/* Room for "<id>\n<key>" lookups: a key is at most one path, 4096 bytes. */
enum { MLT_KEY_MAX = 8192 };

/* One attempt to write one batch. Everything here lives in out->arena or is freed at the end of the
 * attempt. */
struct mlt_write {
  struct mlt_sink *w;
  const struct mlt_batch *b;
  struct mlt_outcome *out;
  struct mlt_err *err;
  const struct mlt_str
      *existing; /* the batch's runs that are there, as far as n_existing is known */
  size_t n_existing;
  bool looked;                               /* existing is known */
  struct mlt_there *there;                   /* one a run */
  struct mlt_str *artifact_uri;              /* likewise, as it is to be in the target */
  uint8_t *exp_fate, *run_fate, *model_fate; /* enum mlt_fate, one an entry of the batch's arrays */
  struct mlt_map *run_index;                 /* run_uuid -> index in b->runs */
  struct mlt_map *dataset_index;             /* "<home>\n<name>\n<digest>" -> index in datasets */
  MLT_VEC(struct mlt_dataset_ref) datasets;
  struct mlt_map *lost;      /* copied rows left out that others may belong to; see copied.c */
  uint8_t *edge_fate;        /* enum mlt_fate of each edge */
  struct mlt_str *edge_uuid; /* input_uuid of each edge that will be inserted */
};

/* The attempts at one batch; begins as zeros. */
struct mlt_tries {
  int n;                               /* that others were in the way of */
  double contended_first;              /* when */
  double lost_first;                   /* when the connection was lost first; 0: it was not */
  bool doubtful;                       /* a COMMIT stayed without an answer */
  struct mlt_counts counts[MLT_T_ALL]; /* what it would have brought */
};

/* again.c */
/* Is err that of a connection which was lost, and is one to be had again worth waiting for? */
bool mlt_sink_lost(const struct mlt_sink *s, const struct mlt_err *err);
/* After that: waits for another connection. MLT_OK: *fate says what became of the transaction. Else
   the time is over (MLT_TEMPFAIL), or that would not help. */
enum mlt_rc mlt_sink_reconnect(struct mlt_sink *s, struct mlt_tries *t, enum mlt_fate_known *fate,
                               struct mlt_err *err);
/* After a failure, rc and err: MLT_AGAIN if it is worth another attempt now, which was waited for,
   else the error. */
enum mlt_rc mlt_sink_try_again(struct mlt_sink *s, struct mlt_tries *t, enum mlt_rc rc,
                               struct mlt_err *err);
/* A load that is one transaction was lost: leaves it to the importer to begin with it again. */
enum mlt_rc mlt_sink_start_over(struct mlt_sink *s, struct mlt_err *err);

/* writer.c: what the sinks' tables of operations (pg.c, sqlite.c) point to. */
/* Takes db over, in success and failure. schema NULL: read from the database's catalog and checked.
   Without a db there is no shape of any table; the caller may put them into the sink. */
enum mlt_rc mlt_sink_make(struct mlt_sink **out, const struct mlt_store_ops *ops, void *db,
                          enum mlt_target_kind kind, const struct mlt_schema *schema,
                          const struct mlt_sink_opts *opts, struct mlt_err *err);
const struct mlt_schema *mlt_sink_schema(const struct mlt_sink *s);
const struct mlt_shape *mlt_sink_shapes(const struct mlt_sink *s);
enum mlt_rc mlt_sink_write(struct mlt_sink *s, const struct mlt_batch *b, struct mlt_outcome *out,
                           struct mlt_err *err);
enum mlt_rc mlt_sink_locate(struct mlt_sink *s, struct mlt_whereabouts *v, size_t n,
                            struct mlt_arena *arena, struct mlt_err *err); /* locate.c */
size_t mlt_sink_id_map(struct mlt_sink *s, const struct mlt_id_map **out);
struct mlt_load_state mlt_sink_load(const struct mlt_sink *s);
enum mlt_rc mlt_sink_finish(struct mlt_sink *s, struct mlt_err *err);
const struct mlt_ledger_state *mlt_sink_ledger(const struct mlt_sink *s);
void mlt_sink_failed(struct mlt_sink *s, const char *why);
enum mlt_rc mlt_sink_twin(struct mlt_sink *s, struct mlt_sink **out, struct mlt_err *err);
void mlt_sink_close(struct mlt_sink *s);

/* Adds a note to the outcome. MLT_NOMEM only. */
enum mlt_rc mlt_write_note(struct mlt_write *a, enum mlt_note_kind kind, enum mlt_table table,
                           const char *code, uint64_t rows, struct mlt_str id, const char *fmt, ...)
    MLT_PRINTF(7, 8);
/* Says where in the source the note just added has arisen: a run that is added to, or that line of
   it. MLT_NOMEM only. */
enum mlt_rc mlt_write_note_place(struct mlt_write *a, size_t run, uint64_t line,
                                 struct mlt_str field);
static inline struct mlt_counts *mlt_write_counts(struct mlt_write *a, enum mlt_table t) {
  return &a->out->counts[t];
}
/* Counts n rows of a table by their fate. */
void mlt_write_count(struct mlt_write *a, enum mlt_table t, enum mlt_fate fate, size_t n);
static inline bool mlt_write_has(const struct mlt_write *a, uint32_t feature) {
  return (a->w->schema.features & feature) == feature;
}
/* Selects, unless there is no database yet (dry run). */
enum mlt_rc mlt_write_select(struct mlt_write *a, enum mlt_table table,
                             const struct mlt_where *where, mlt_row_fn fn, void *ctx);
/* Inserts, unless this is a dry run or there is nothing to insert. */
enum mlt_rc mlt_write_insert(struct mlt_write *a, const struct mlt_rows *rows);
/* Merges, unless this is a dry run or there is nothing to merge. */
enum mlt_rc mlt_write_merge(struct mlt_write *a, const struct mlt_merge *merge,
                            struct mlt_merged *out);
/* Rows of a table that the target's head lacks: counted rejected, one note. */
enum mlt_rc mlt_write_no_table(struct mlt_write *a, enum mlt_table table, size_t rows);

/* experiments.c: resolves or creates the batch's experiments and their tags. */
enum mlt_rc mlt_write_experiments(struct mlt_write *a);
/* The entry of an experiment key; NULL if it was never seen. */
const struct mlt_known_experiment *mlt_write_experiment(const struct mlt_write *a,
                                                        struct mlt_str key);
/* False if it was never seen, or rejected. */
bool mlt_write_home(const struct mlt_write *a, struct mlt_str key, struct mlt_home *out);
/* The experiment of an edge's dataset; of runs that have a fate. Likewise. */
bool mlt_write_edge_home(const struct mlt_write *a, const struct mlt_batch_edge *e,
                         struct mlt_home *out);

/* runs.c: before anything else, has the runs that are there and may be merged to itself. */
enum mlt_rc mlt_write_lock_runs(struct mlt_write *a);
/* Fills run_fate; counts and notes all but what is merged. */
enum mlt_rc mlt_write_classify_runs(struct mlt_write *a);
/* A conflict of a whole run, its fate from now on. */
enum mlt_rc mlt_write_run_conflict(struct mlt_write *a, size_t run, const char *what);
/* Rows of a run in every table, and the datasets it makes. */
uint64_t mlt_run_rows(const struct mlt_batch *b, const struct mlt_batch_run *r);
/* same.c: of the runs `ids`, tells same[i], i being the batch's index, where target and source hold
   the same rows of params, tags, metrics or latest_metrics; by sums, no row of the target is moved.
   `same` is zeroed by the caller. */
enum mlt_rc mlt_write_same_rows(struct mlt_write *a, enum mlt_table table,
                                const struct mlt_str *ids, size_t n, bool *same) MLT_NODISCARD;
/* The batch's rows of one run in one of these tables. */
struct mlt_range mlt_run_range(const struct mlt_batch_run *r, enum mlt_table table);
/* compare.c: of the runs marked PRESENT, those whose rows differ become CONFLICT, with a note, or
   are marked as grown. In a dry run those marked MERGE are set against the target, too. */
enum mlt_rc mlt_write_compare_runs(struct mlt_write *a);
/* Notes the params of merged runs whose value is another in the target. *refused: how many. */
enum mlt_rc mlt_write_compare_params(struct mlt_write *a, uint64_t *refused);

/* edge_compare.c: runs marked PRESENT whose inputs differ become CONFLICT or are marked as
   grown; edges that are in the target already become PRESENT (of new runs, too: `mlflow gc` leaves
   them behind). */
enum mlt_rc mlt_write_compare_edges(struct mlt_write *a);
/* edges.c: finds or makes the uuid of every dataset needed, inserts the new ones; then inputs and
 * input_tags. */
enum mlt_rc mlt_write_datasets(struct mlt_write *a);
enum mlt_rc mlt_write_edges(struct mlt_write *a);
/* Has the target's schema a place for such an edge? */
bool mlt_write_has_edge(const struct mlt_write *a, const struct mlt_batch_edge *e);

/* insert.c: rows of new runs into runs, params, tags, metrics, latest_metrics. */
enum mlt_rc mlt_write_new_runs(struct mlt_write *a);
/* The rows of one of these tables that belong to runs of a fate. They live in the attempt's arena.
 */
enum mlt_rc mlt_run_rows_of(const struct mlt_write *a, enum mlt_table table, enum mlt_fate fate,
                            struct mlt_rows *out);
void mlt_run_values(const struct mlt_write *a, size_t run, struct mlt_value *out);
/* The rows of `runs` whose merge sets these columns. */
enum mlt_rc mlt_run_rows_setting(const struct mlt_write *a, uint32_t set, struct mlt_rows *out);

/* ledger.c: begins what opts ask for, once the schema is known. */
enum mlt_rc mlt_sink_begin_ledger(struct mlt_sink *s, const struct mlt_sink_opts *opts,
                                  struct mlt_err *err);
/* Ends the load, and the import in the ledger. */
enum mlt_rc mlt_sink_end_load(struct mlt_sink *s, bool whole, struct mlt_err *err);
/* Of the runs marked PRESENT, marks those as known that need no comparison. */
enum mlt_rc mlt_write_known_runs(struct mlt_write *a);
/* What the batch has written, at its end. */
enum mlt_rc mlt_write_ledger(struct mlt_write *a);

/* digest.c: of the rows of a run in its five tables, as they are to be in the target; it does not
   depend on their order. */
enum mlt_rc mlt_run_digest(const struct mlt_write *a, size_t run, uint64_t *out);
/* insert.c: gives every row of a run that is in memory, of one table or of all. */
enum mlt_rc mlt_run_table_row(const struct mlt_write *a, size_t run, enum mlt_table table,
                              void (*fn)(void *ctx, enum mlt_table table,
                                         const struct mlt_value *row),
                              void *ctx);
enum mlt_rc mlt_run_each_row(const struct mlt_write *a, size_t run,
                             void (*fn)(void *ctx, enum mlt_table table,
                                        const struct mlt_value *row),
                             void *ctx);

/* merge.c: rows of runs marked MERGE into the same tables, counted. */
enum mlt_rc mlt_write_merges(struct mlt_write *a);

/* logged_models.c, registry.c, copied.c */
enum mlt_rc mlt_write_logged_models(struct mlt_write *a);
enum mlt_rc mlt_write_registry(struct mlt_write *a);
enum mlt_rc mlt_write_copied(struct mlt_write *a);

#endif
