/* What a source produces: a flat stream of small records, in an order that lets a reader forget.
   Order promised by every source: an experiment with its tags and datasets before what belongs to
   it (a source that knows its experiments gives all of them first: then runs can be written side by
   side); each run as RUN, its PARAM, TAG, POINTS, INPUT, MODEL_INPUT, OUTPUT records in any order,
   RUN_END; all logged models after all runs (their metrics refer to runs of any experiment); the
   registry next, each registered model with its tags and aliases before its versions; copied rows
   last, in the order of model/copied.def. A source that
   adds to runs (source/source.h) gives all this in windows, one after the other: a WINDOW_END ends
   each. A run comes once in a window, and may come again in later ones. Strings are borrowed: valid
   until the next call of the source. Times are milliseconds since 1970-01-01 UTC; steps are signed
   64-bit. Optional integers carry a `has_` flag (SQL NULL if false). */
#ifndef MLT_MODEL_RECORD_H
#define MLT_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"
#include "model/note.h"
#include "model/row.h"

struct mlt_opt_i64 {
  int64_t v;
  bool has;
};

enum mlt_rec_kind {
  MLT_REC_EXPERIMENT,
  MLT_REC_EXPERIMENT_TAG, /* of the experiment named by .owner */
  MLT_REC_DATASET,        /* of the experiment named by .experiment */
  MLT_REC_RUN,
  MLT_REC_PARAM,       /* of the current run */
  MLT_REC_TAG,         /* of the current run */
  MLT_REC_POINTS,      /* of the current run: points of one metric key, in file order */
  MLT_REC_INPUT,       /* dataset used by the current run */
  MLT_REC_INPUT_TAG,   /* of the INPUT, MODEL_INPUT just before */
  MLT_REC_MODEL_INPUT, /* logged model used by the current run */
  MLT_REC_OUTPUT,      /* logged model made by the current run */
  MLT_REC_ARTIFACT,    /* file of the current run, where the source names them one by one */
  MLT_REC_RUN_END,
  MLT_REC_LOGGED_MODEL,
  MLT_REC_LOGGED_MODEL_PARAM,  /* of the current logged model */
  MLT_REC_LOGGED_MODEL_TAG,    /* likewise */
  MLT_REC_LOGGED_MODEL_METRIC, /* likewise */
  MLT_REC_LOGGED_MODEL_END,
  MLT_REC_REGISTERED_MODEL,
  MLT_REC_REGISTERED_MODEL_TAG,
  MLT_REC_MODEL_VERSION,
  MLT_REC_MODEL_VERSION_TAG, /* of the current version */
  MLT_REC_ALIAS,             /* of the current registered model */
  MLT_REC_REGISTERED_MODEL_END,
  MLT_REC_COPIED,     /* a row of a table that is copied as it is */
  MLT_REC_WINDOW_END, /* what has come is to be written before what comes */
  MLT_REC_NOTE,       /* a reject, warning or "not imported" from the source itself */
};

enum mlt_run_status { /* MLflow's protobuf numbers, entities/run_status.py */
                      MLT_RUN_RUNNING = 1,
                      MLT_RUN_SCHEDULED = 2,
                      MLT_RUN_FINISHED = 3,
                      MLT_RUN_FAILED = 4,
                      MLT_RUN_KILLED = 5
};

struct mlt_kv {
  struct mlt_str key, value;
};

struct mlt_experiment {
  struct mlt_str
      key; /* the source's own identity for it (FileStore: its id as text); runs refer to it */
  struct mlt_str name;   /* unique in the target's workspace */
  struct mlt_opt_i64 id; /* the source's number, if it has one: 0 stays 0 where free; SQLite keeps
                            others too where free */
  struct mlt_str artifact_location; /* may be absent */
  bool placed; /* it is, and so are the artifact_uri of its runs: the target has both as MLflow
                  would give them there */
  bool deleted;
  struct mlt_opt_i64 creation_time, last_update_time;
};

/* How much of a run its records are. */
enum mlt_run_part {
  MLT_RUN_WHOLE, /* all there is of it: what the target holds is compared with that */
  MLT_RUN_BEGUN, /* it is made here, more may come: if it is there, it takes the rows, as
                    MLT_LOAD_MERGE has it (sink/sink.h) */
  MLT_RUN_MORE,  /* rows for a run that is there. Only run_uuid, and of its columns those that
                    change: name if present, status if not 0, end_time if it has one */
};

struct mlt_run {
  enum mlt_run_part part;
  bool told; /* BEGUN: the source has its end, too, and gives all of it here */
  struct mlt_str run_uuid;
  struct mlt_str experiment; /* struct mlt_experiment.key */
  struct mlt_str name;       /* may be absent */
  struct mlt_str source_type, source_name, entry_point_name, source_version; /* may be absent */
  struct mlt_str user_id;
  enum mlt_run_status status;
  struct mlt_opt_i64 start_time, end_time, deleted_time;
  bool deleted;
  struct mlt_str artifact_uri;
  struct mlt_str files; /* absolute path of the folder where the source has its artifacts, if it
                           has any; absent: artifact_uri is all it knows */
  bool files_all;       /* and no others: artifact_uri is where they once were */
};

struct mlt_artifact {  /* a file, or a folder with all that is in it */
  struct mlt_str path; /* where it belongs in the run's artifact folder */
  struct mlt_str file; /* absolute path: where it is now */
};

struct mlt_points {
  struct mlt_str key;
  size_t n;
  const int64_t *timestamp, *step; /* n each */
  const double *value;             /* n raw values: NaN and infinities not yet mapped */
};

struct mlt_dataset {
  struct mlt_str experiment; /* struct mlt_experiment.key */
  struct mlt_str name, digest, source_type, source, schema,
      profile; /* schema, profile may be absent */
};

struct mlt_input { /* the dataset is named by (name, digest) in an experiment */
  struct mlt_str name, digest;
  struct mlt_str experiment; /* struct mlt_experiment.key; absent: the run's. MLflow 2 took datasets
                                of any experiment */
  const struct mlt_dataset *made; /* not NULL: makes the dataset, too, unless it is there; its
                                     .experiment is absent: the run's */
};

struct mlt_model_edge { /* MODEL_INPUT and OUTPUT */
  struct mlt_str model_id;
  int64_t step; /* OUTPUT; 0 for MODEL_INPUT */
};

struct mlt_logged_model {
  struct mlt_str model_id, experiment, name, artifact_location;
  int64_t creation_time, last_updated_time;
  int status; /* 0 UNSPECIFIED, 1 PENDING, 2 READY, 3 FAILED */
  bool deleted;
  struct mlt_str model_type, source_run_id, status_message; /* may be absent */
  struct mlt_str files;                                     /* as of a run */
  bool files_all;
};

struct mlt_logged_model_metric {
  struct mlt_str key, run_id, dataset_name, dataset_digest; /* dataset_* may be absent */
  int64_t timestamp, step;
  double value; /* raw */
};

struct mlt_registered_model {
  struct mlt_str name, description;
  struct mlt_opt_i64 creation_time, last_updated_time;
};

struct mlt_model_version {
  int32_t version;
  struct mlt_opt_i64 creation_time, last_updated_time;
  struct mlt_str description, user_id, current_stage, source, storage_location, run_id, run_link,
      status, status_message;
};

struct mlt_alias {
  struct mlt_str alias;
  int32_t version;
};

/* Why a row cannot be copied; the first that holds. */
enum mlt_copied_fault {
  MLT_COPIED_SOUND,
  MLT_COPIED_LOST,  /* what it belongs to does not exist */
  MLT_COPIED_TYPED, /* column `at` holds what its type has no room for */
  MLT_COPIED_TEXT,  /* column `at` is no text that a database takes */
};

struct mlt_copied_row {
  enum mlt_table table; /* MLT_T_COUNT or above */
  unsigned n;
  const struct mlt_value *v; /* n, in the order of the table's struct mlt_shape */
  struct mlt_str experiment; /* struct mlt_experiment.key of the one it is in; absent: in none */
  enum mlt_copied_fault fault;
  unsigned at;
};

struct mlt_record {
  enum mlt_rec_kind kind;
  struct mlt_str owner; /* EXPERIMENT_TAG: the experiment's key */
  struct mlt_place place;
  union {
    struct mlt_experiment experiment;
    struct mlt_run run;
    struct mlt_kv kv; /* every PARAM, TAG kind */
    struct mlt_points points;
    struct mlt_dataset dataset;
    struct mlt_input input;
    struct mlt_model_edge edge;
    struct mlt_artifact artifact;
    struct mlt_logged_model logged_model;
    struct mlt_logged_model_metric lm_metric;
    struct mlt_registered_model registered_model;
    struct mlt_model_version version;
    struct mlt_alias alias;
    struct mlt_copied_row copied;
    struct mlt_note note;
  };
};

const char *mlt_run_status_name(enum mlt_run_status s); /* "FINISHED"; NULL if not one */
bool mlt_run_status_parse(struct mlt_str name, enum mlt_run_status *s); /* exact, upper case */

#endif
