/* Inside the source of mlflow-export-import directories: what its files share. exim.c finds the
   files and drives; exim_io.c reads documents and describes faults; exim_survey.c gives experiments
   and datasets, which must come before all runs; exim_run.c, exim_model.c and exim_registry.c know
   what is in run.json, logged_model.json and model.json.

   A run.json is read twice: the survey finds its experiment, its datasets, and whether the document
   is whole; then its rows are given as they come. Held are the paths, the ids of runs, experiments
   and datasets, one value of at most MLT_CUT_MAX bytes, and one chunk of points. */
#ifndef MLT_SOURCE_EXIM_H
#define MLT_SOURCE_EXIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/map.h"
#include "model/record.h"
#include "source/fault.h"
#include "base/json_cut.h"
#include "source/source.h"
#include "source/tree.h"

enum { MLT_EX_CHUNK = 4096 /* points of a record */ };

struct mlt_ex;

/* MLT_OK: *rec is a record, call again. MLT_END: the step is over. Else an error of the source as a
   whole. */
typedef enum mlt_rc (*mlt_ex_step)(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err);

/* What the source knows of an experiment's id. */
enum mlt_ex_known { MLT_EX_LOST = 1 /* rejected */, MLT_EX_HERE };

/* Where in mlflow of a run.json reading is. */
enum mlt_ex_part {
  MLT_EX_MEMBERS,
  MLT_EX_PARAMS,
  MLT_EX_TAGS,
  MLT_EX_METRICS,
  MLT_EX_POINTS,
  MLT_EX_INPUTS,
  MLT_EX_INPUT_TAGS
};

struct mlt_ex {
  const char *given; /* the experiment for runs whose own is not in the export; may be NULL */
  struct mlt_tree tree;
  struct mlt_source_progress progress;
  size_t round;            /* at hand, of those of exim.c */
  size_t at;               /* the file at hand */
  const mlt_ex_step *step; /* of it; NULL between files */

  int fd; /* the document at hand; -1: none */
  struct mlt_cut cut;
  struct mlt_json *doc; /* the value taken last */
  struct mlt_buf key,
      text;          /* decoded, where the document has escapes; key: of the metric at hand */
  struct mlt_buf id; /* of the thing at hand, for notes */
  struct mlt_fault fault;
  uint64_t line;

  struct mlt_map *experiments; /* id -> enum mlt_ex_known */
  struct mlt_map *lost;        /* folders whose experiment.json was rejected */
  struct mlt_map *names;       /* run id -> index in the arena's experiment names */
  struct mlt_arena *arena;
  MLT_VEC(struct mlt_str) experiment_names;
  struct mlt_map *runs, *models, *datasets; /* ids that have been seen */

  /* the run at hand */
  enum mlt_ex_part section;
  struct mlt_str experiment; /* its key: of the arena, or `given` */
  struct mlt_buf run_experiment, run_uri;
  bool has_id;
  char files[PATH_MAX];   /* where it, or the model at hand, has its artifacts */
  uint64_t unknown;       /* members that nothing is made of */
  bool ended;             /* no more points of the metric at hand */
  uint64_t bad, bad_line; /* of them that cannot be used */
  size_t item, sub;       /* in a list of doc */
  const void *member;     /* in an object of doc */
  bool in_version;        /* the tags of version `sub` go out */
  int64_t timestamps[MLT_EX_CHUNK], steps[MLT_EX_CHUNK];
  double values[MLT_EX_CHUNK];
};

/* exim_io.c. The document: MLT_OK, MLT_END, or where something is wrong with it MLT_DATA, with the
   fault described in s; other codes are errors of the source as a whole. */
enum mlt_rc mlt_ex_open(struct mlt_ex *s, struct mlt_err *err) MLT_NODISCARD; /* the file at hand */
void mlt_ex_close(struct mlt_ex *s);
enum mlt_rc mlt_ex_next(struct mlt_ex *s, struct mlt_cut_event *ev,
                        struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_ex_skip(struct mlt_ex *s, struct mlt_err *err) MLT_NODISCARD;
/* Into s->doc. */
enum mlt_rc mlt_ex_take(struct mlt_ex *s, struct mlt_err *err) MLT_NODISCARD;
/* From the beginning to the members of the object "mlflow". */
enum mlt_rc mlt_ex_enter(struct mlt_ex *s, struct mlt_err *err) MLT_NODISCARD;
/* The next of those members, skipping nothing; MLT_END, behind which the document has been read to
   its end, and is whole. */
enum mlt_rc mlt_ex_section(struct mlt_ex *s, struct mlt_cut_event *ev,
                           struct mlt_err *err) MLT_NODISCARD;
/* Opens the file at hand and takes the object mlflow.NAME, or mlflow itself for NULL. */
enum mlt_rc mlt_ex_load(struct mlt_ex *s, const char *name, struct mlt_err *err) MLT_NODISCARD;
/* A key, and a value as text: of a string its characters, else as JSON has it; null is absent. Live
   until the next event, or the next call. */
enum mlt_rc mlt_ex_key(struct mlt_ex *s, const struct mlt_cut_event *ev, struct mlt_str *out,
                       struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_ex_text(struct mlt_ex *s, const struct mlt_cut_event *ev, struct mlt_str *out,
                        struct mlt_err *err) MLT_NODISCARD;

/* Fields of an object. One of a wrong kind is a fault. */
struct mlt_str mlt_ex_field(struct mlt_ex *s, const struct mlt_json *o, const char *key);
struct mlt_str mlt_ex_field_or(struct mlt_ex *s, const struct mlt_json *o, const char *key,
                               struct mlt_str absent);
struct mlt_opt_i64 mlt_ex_int(struct mlt_ex *s, const struct mlt_json *o, const char *key);
bool mlt_ex_deleted(struct mlt_ex *s, const struct mlt_json *o);    /* lifecycle_stage */
int32_t mlt_ex_version(struct mlt_ex *s, const struct mlt_json *o); /* version */
/* The next pair of a map of text, or of a list of {"key": ..., "value": ...}, which is how MLflow's
   REST API has tags. Uses s->member and s->item. False at the end. */
bool mlt_ex_pair(struct mlt_ex *s, const struct mlt_json *pairs, struct mlt_kv *out);

enum mlt_rc mlt_ex_set(struct mlt_buf *b, struct mlt_str text, struct mlt_err *err) MLT_NODISCARD;
bool mlt_ex_is_fault(enum mlt_rc rc);
/* The folder "artifacts" beside the file at hand; absent when the path is too long. */
struct mlt_str mlt_ex_artifacts(struct mlt_ex *s);
void mlt_ex_record(struct mlt_ex *s, struct mlt_record *rec, enum mlt_rec_kind kind);
/* The fault as a record; always MLT_OK. */
enum mlt_rc mlt_ex_reject(struct mlt_ex *s, struct mlt_record *rec, enum mlt_table table,
                          uint64_t rows);
enum mlt_rc mlt_ex_changed(struct mlt_ex *s, struct mlt_record *rec, enum mlt_table table);
enum mlt_rc mlt_ex_ignored(struct mlt_ex *s, struct mlt_record *rec, const char *what,
                           uint64_t rows);

/* exim.c: nothing more of the file at hand. */
void mlt_ex_leave(struct mlt_ex *s);
/* The experiment of a thing as the key that records refer to; absent when it was rejected. */
struct mlt_str mlt_ex_experiment(struct mlt_ex *s, struct mlt_str id);

/* One list a kind of file. */
extern const mlt_ex_step mlt_ex_experiment_steps[];
extern const mlt_ex_step mlt_ex_name_steps[];         /* of model.json, before the survey */
extern const mlt_ex_step mlt_ex_survey_steps[];       /* of run.json */
extern const mlt_ex_step mlt_ex_model_survey_steps[]; /* of logged_model.json */
extern const mlt_ex_step mlt_ex_run_steps[];
extern const mlt_ex_step mlt_ex_model_steps[];      /* of logged_model.json */
extern const mlt_ex_step mlt_ex_registered_steps[]; /* of model.json */

#endif
