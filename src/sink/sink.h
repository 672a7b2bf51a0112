/* The contract of a sink: a target that takes sealed batches, each in one transaction, all or
   nothing. One thread uses an instance; it never calls back into the pipeline. A sink knows
   MLflow's tables through model/ and schema/, never the source.

   What write() does with a batch, the same for every target:
   - Experiments: matched by name in the target's default workspace. Found active (or deleted, when
   the source's is deleted too): reused, counted present. Found deleted while the source's is
   active: refused - the experiment and all its runs are rejected (code "experiment-deleted", reason
   explains the choice: restore it, or delete it for good, or rename). Not found: created; id 0
   stays 0 where free; SQLite keeps the source's id where free; else the next id of the sequence,
   which must stay ahead of every id in the table. The sink remembers key -> id for later batches.
     A second experiment of the same name in one source is rejected ("experiment-duplicate").
   - Runs whose run_uuid is new: all their rows are inserted. Run_uuid there already: compared,
   every column and row (artifact_uri, params, tags, metrics, latest metrics, inputs with tags);
   identical = all its rows counted present. Grown = all that the target holds is in the source,
   too, but for what an earlier state of the run has (a status of RUNNING or SCHEDULED, earlier
   latest metrics): with MLT_LOAD_AUTO it is merged. Anything else = MLT_NOTE_CONFLICT
   ("run-conflict", reason names the table and, for params and tags, the key), its rows counted
   rejected, nothing of it written.
   - With MLT_LOAD_MERGE a run that is there is merged without reading it first. Another experiment
   ("run-conflict"), or deleted there and active in the source ("run-deleted"): a conflict of the
   whole run. Name, status and end time become the source's; its other columns stay and are noted
   ("kept"). A param with another value is a conflict of that row ("param-conflict"). Tags become
   the source's. Points are added unless there; a latest metric becomes the source's if that is
   later by MLflow's rule. Inputs are added unless there; those that are there keep tags and step.
   - A run that is added to (model/record.h: mlt_run_part) is merged in that way however rows go in,
   but that of its name and end time only what is present counts. One that is begun is inserted when
   it is new. One of which there is only more must be there, else its rows are rejected
   ("no-such-run"; "run-deleted" if it is deleted). What an earlier batch of the same dry run would
   have made is there; its rows are not known, so that all of them count as inserted, and that is
   noted ("dry-run").
   - Experiment tags of an experiment that was there: absent ones are added, a different value is a
   conflict of that row (with MLT_LOAD_MERGE, and from a source that adds to runs, it becomes the
   source's).
   - Datasets: by (experiment, name, digest); dataset_uuid and input_uuid are 32 hex digits, random.
   - Logged models, registered models, versions, aliases: new = inserted, identical = present,
   different = conflict of that row (a registered model that exists takes new versions; its own
   differing fields are left and noted). A logged model metric whose run is not in the target is
   rejected ("no-such-run").
   - Copied rows, of tables that have the same shape (schema/copied.h): new = inserted, identical =
   present, different = conflict of that row ("row-conflict"). Ids of experiments become those of
   the target. A row is rejected that belongs to what was rejected ("owner-rejected") or is missing
   ("no-owner"), or that its columns cannot hold ("bad-value").
   - What a batch has written is noted in the ledger (ledger/ledger.h) in its transaction. Where an
   unfinished import of the same source is continued, runs that it has created and whose rows in the
   source are still the same are counted present without reading theirs from the target.
   - Tables that the target's head lacks (schema features): rows counted rejected with code
   "no-such-table", one note a table, naming the MLflow version that brings it. On --on-error stop
   that is an error as any reject. With opts.dry_run the same outcome is computed and nothing is
   written, not even a sequence value.

   A proof (opts.prove) is a dry run that expects every row of the source to be there, and of the
   runs no other: what is not so is told as MLT_NOTE_DIFFERS, and stops nothing. Runs whose params,
   tags, metrics and latest_metrics have the same sums in the target (model/row_sum.h) are the same;
   of the others the rows that differ are named (place.field: the key or column), the first of each
   table. Its codes:

     run-missing     the target has no such run
     row-missing     no such experiment, row of a run, logged model, registry row
     row-extra       a row of a run that the source has not
     row-beyond      a tag of an experiment or registered model, a version, an alias that the source
                     has not; of sources that do not add to runs
     row-differs     another value
     place-differs   artifact_uri is where the target's experiment has its runs, not the source's
     row-superseded  of a run that is added to and not told whole (mlt_run.told): another value,
                     which may have been set since

   Of such runs, rows that the source has not are the target's own. */
#ifndef MLT_SINK_SINK_H
#define MLT_SINK_SINK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/pace.h"
#include "base/uri.h"
#include "batch/batch.h"
#include "ledger/ledger.h"
#include "model/preflight.h"
#include "schema/copied.h"
#include "schema/schema.h"

struct mlt_sink; /* each target's own */

/* How rows go in. What becomes of runs that exist holds for every target. A SQLite file that is not
   there is built whole, unless APPEND or MERGE is asked for; one that is there has one way. */
enum mlt_load {
  MLT_LOAD_AUTO,   /* rebuild where the tables are empty and the locks are to be had at once, else
                      append */
  MLT_LOAD_APPEND, /* COPY beside what is there, nothing locked above ROW EXCLUSIVE, a transaction a
                      batch */
  MLT_LOAD_MERGE,  /* append; runs that exist take what the source has more */
  MLT_LOAD_REBUILD, /* the whole import in one transaction, indexes made afterwards; refused where
                       that is not safe */
};

/* "auto", "append", "merge", "rebuild"; false for another word. */
bool mlt_load_parse(const char *word, enum mlt_load *out);

/* What the connections of one import do when they are lost; shared by them. */
struct mlt_retry {
  double seconds; /* how long a connection is tried again, from when it was lost; 0: never */
  /* Told when one was lost, at every attempt to have it again (waited: seconds so far), and that
     there is one again (why NULL). From any thread; may be NULL. */
  void (*tell)(void *ctx, const struct mlt_err *why, double waited);
  void *ctx;
  atomic_uint reconnects;
  atomic_bool start_over; /* a load that is one transaction was lost with its connection, and there
                             is one again */
};

struct mlt_sink_opts {
  const struct mlt_target *target; /* borrowed, outlives the sink */
  const char *mlflow_version;      /* for a database to be created; NULL = default */
  const char *application_name;    /* PostgreSQL: shown in pg_stat_activity */
  bool dry_run;
  bool prove; /* with dry_run and MLT_LOAD_APPEND */
  enum mlt_load load;
  bool adds;   /* the source adds to runs: AUTO is no rebuild, and a new file is not built whole.
                  Not with MLT_LOAD_REBUILD */
  bool places; /* files are placed by the ids that experiments get: AUTO is no rebuild in
                  PostgreSQL, which takes the ids back with it when it fails */
  bool trust_runs;  /* PostgreSQL: do not check the foreign keys of rows whose runs this import
                       wrote; open() refuses where that may not be done. Others ignore it */
  bool copies;      /* the source may give rows of tables that are copied */
  unsigned writers; /* sinks, with the twins that are wanted; 0: one */
  struct mlt_preflight *preflight; /* takes what open() looks at before anything is written, also
                                      when it refuses (MLT_NOPERM: every GRANT that is missing).
                                      NULL: that is left out. Borrowed, its arena is given */
  const struct mlt_ledger_source *ledger; /* what the ledger is to say of the import; NULL: none is
                                             kept, nor in a dry run. Borrowed */
  struct mlt_pacer *pacer; /* NULL: as fast as it goes. Borrowed, shared with the twins */
  const volatile sig_atomic_t *cancelled; /* not 0: give up soon (MLT_CANCELLED); may be NULL */
  struct mlt_retry
      *retry;         /* NULL: a lost connection is an error. Borrowed, shared with the twins */
  size_t cache_bytes; /* what the database's library may cache in this process; 0 = its default */
  const char *artifact_root; /* where MLflow has artifacts: an experiment that is made without a
                                location gets ROOT/<id>. NULL: mlt_target_artifact_root. Borrowed */
  bool stop_on_reject; /* write() rolls back and returns MLT_CONFLICT / MLT_DATA at the first reject
                          or conflict it finds */
};

/* Filled by write(). counts holds what became of the batch's rows (inserted, present, updated,
   rejected); notes why. Strings live in `arena`, which the caller owns and resets. */
struct mlt_outcome {
  struct mlt_counts counts[MLT_T_ALL];
  MLT_VEC(struct mlt_note) notes;
  struct mlt_arena *arena;
};

/* One line of the id map for the report. */
struct mlt_id_map {
  struct mlt_str key; /* the source's */
  struct mlt_str name;
  int64_t id; /* the target's; -1 in a dry run that would create it */
  bool created;
  bool deleted;
};

/* What locate() is asked: a run, or a logged model. Strings of the answer live in the caller's
   arena, or as long as the sink. */
struct mlt_whereabouts {
  enum mlt_table table; /* MLT_T_RUNS, MLT_T_LOGGED_MODELS */
  struct mlt_str id;
  struct mlt_str experiment; /* the source's key for it; may be absent */
  struct mlt_str location;   /* out: where that experiment has, or will have, artifacts in the
                                target; absent if the sink has not written it */
  struct mlt_str uri;        /* out: where the target has those of the run or model itself; absent
                                if it is not there */
};

struct mlt_load_state {
  const char *name; /* "append", "merge", "rebuild", "insert" */
  const char
      *why; /* why it is not another; NULL if there is nothing to say. Lives as long as the sink */
  bool whole; /* one transaction for everything: nothing is in before finish() returns MLT_OK */
};

struct mlt_sink_ops {
  const char *name;
  enum mlt_target_kind kind;
  /* Connects (or begins the new SQLite file, with MLflow's schema, unless dry_run), checks the
     schema.
     MLT_UNAVAILABLE, MLT_NOPERM, MLT_SCHEMA (exit 78, differences named), ... Required. */
  enum mlt_rc (*open)(struct mlt_sink **out, const struct mlt_sink_opts *opts, struct mlt_err *err);
  /* What the target's schema is; valid until close. Required. */
  const struct mlt_schema *(*schema)(const struct mlt_sink *s);
  /* What the tables that are copied are like in the target: MLT_COPIED_COUNT of them, valid until
     close. Required. */
  const struct mlt_shape *(*shapes)(const struct mlt_sink *s);
  /* One transaction. On any error nothing of the batch is in the target and the sink may be used
     again only if the error is MLT_CONFLICT or MLT_DATA. Retries by itself when another writer got
     in between (unique violation, deadlock, serialization failure, a lock not to be had), for a
     minute; and on another connection when it was lost, for as long as mlt_retry says: a COMMIT
     that was not answered is looked up, and where the server cannot tell, the batch is compared
     with what is there. Required. */
  enum mlt_rc (*write)(struct mlt_sink *s, const struct mlt_batch *b, struct mlt_outcome *out,
                       struct mlt_err *err);
  /* Answers for v[0..n), as things stand between two batches. Required. */
  enum mlt_rc (*locate)(struct mlt_sink *s, struct mlt_whereabouts *v, size_t n,
                        struct mlt_arena *arena, struct mlt_err *err);
  /* Another connection to the same target that may write at the same time, sharing what is known of
     experiments. MLT_OK with *out NULL: this target, or the load that was begun, takes one writer.
     Required. */
  enum mlt_rc (*twin)(struct mlt_sink *s, struct mlt_sink **out, struct mlt_err *err);
  /* How the rows are being loaded. Required. */
  struct mlt_load_state (*load)(const struct mlt_sink *s);
  /* After the last batch, of the first sink (not its twins): what ends the load. Until it returns
     MLT_OK a rebuild has written nothing. Required. */
  enum mlt_rc (*finish)(struct mlt_sink *s, struct mlt_err *err);
  /* What is kept about this import, as of the last call of any other operation. Required. */
  const struct mlt_ledger_state *(*ledger)(const struct mlt_sink *s);
  /* Instead of finish(), or after its failure, of the first sink: the import has failed, and the
     ledger may say so. As far as that can still be written. Required. */
  void (*failed)(struct mlt_sink *s, const char *why);
  /* Experiments seen so far, in order of first sight. Returns how many; *out valid until the next
   * write. Required. */
  size_t (*id_map)(struct mlt_sink *s, const struct mlt_id_map **out);
  /* NULL is fine; after any failure too. Required. */
  void (*close)(struct mlt_sink *s);
};

/* sink/all.c: every target, NULL-terminated. */
extern const struct mlt_sink_ops *const mlt_sinks[];
const struct mlt_sink_ops *mlt_sink_for(enum mlt_target_kind kind);

#endif
