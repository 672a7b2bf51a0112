/* Inside the FileStore source: what its files share. filestore.c resolves the root and drives;
   filestore_handout.c gives the runs to the readers; filestore_io.c opens, reads and describes
   faults; filestore_keys.c walks folders of keys; filestore_experiment.c, _run.c, _model.c and
   _registry.c know what lies in each folder.

   The stream is made by steps. A step is called again and again; each call fills one record, or
   says that the step is over. Steps of a level (experiment, run, ...) stand in a list, and
   mlt_fs_each() goes through such a list for every folder of a listing. Nothing but listings, one
   small file, one chunk of points and two meta.yaml is ever held. */
#ifndef MLT_SOURCE_FILESTORE_H
#define MLT_SOURCE_FILESTORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "model/record.h"
#include "source/beneath.h"
#include "source/fault.h"
#include "source/meta_yaml.h"
#include "source/metric_lines.h"
#include "source/names.h"
#include "source/source.h"

enum {
  MLT_FS_VALUE_MAX = 16 << 20, /* bytes of a param or tag */
  MLT_FS_CHUNK = 4096,         /* points of a record */
  MLT_FS_KEY_DEPTH = 128,      /* folders a key may be nested in: a key has 250 characters */
  MLT_FS_DATASETS = 1024,      /* names of datasets remembered */
};

struct mlt_fs;
struct mlt_fs_handout;

/* MLT_OK: *rec is a record, call again. MLT_END: the step is over. Else an error of the source as a
   whole. A step that makes one record moves its level's `step` on itself. */
typedef enum mlt_rc (*mlt_fs_step)(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err);

/* An open folder; fd is -1 when it is not. */
struct mlt_fs_dir {
  int fd;
  const struct mlt_fs_dir *parent; /* NULL: the root */
  const char *name;
  size_t path;            /* length of its path, with the "/" behind it */
  struct mlt_names names; /* once listed */
  size_t at;              /* the entry at hand */
};

/* A listing whose folders are visited one by one. */
struct mlt_fs_level {
  struct mlt_fs_dir *over;          /* the listing */
  struct mlt_fs_dir dir;            /* the folder at hand, once its first step has opened it */
  const mlt_fs_step *first, *step;  /* the list, ending with NULL; step is NULL between folders */
  bool (*wanted)(const char *name); /* NULL: every folder */
};

/* Through a folder of keys: "a/b" is a file b in a folder a. */
struct mlt_fs_walk {
  struct mlt_fs_dir *frame; /* MLT_FS_KEY_DEPTH of them */
  unsigned depth;
  bool begun;
};

struct mlt_fs {
  char root[PATH_MAX];              /* absolute path of the store */
  struct mlt_buf files;             /* where the run or model at hand has its artifacts */
  struct mlt_buf path;              /* of the thing at hand, for notes and for links */
  const struct mlt_fs_dir *path_of; /* the folder that path starts with */
  size_t prefix;                    /* bytes of path before the root: "mlruns/" or none */
  struct mlt_fault fault;
  struct mlt_buf text;          /* contents of the file read last */
  struct mlt_meta *meta, *edge; /* the meta.yaml read last; the one of an input or output */
  struct mlt_buf id;            /* name of the experiment, run or model at hand */
  struct mlt_source_progress progress;

  size_t top; /* the step at hand in the list of filestore.c */
  bool has_twins;
  bool twin;                       /* what comes next is borrowed from the source it is a twin of */
  struct mlt_fs_handout *handout;  /* runs not yet taken by a reader */
  struct mlt_fs_dir active, trash; /* experiments, in the root and in .trash; a marked entry was
                                      rejected. A twin has its own `at` */
  struct mlt_fs_dir folder;        /* datasets, inputs, outputs, models: one at a time */
  struct mlt_fs_level experiments, runs, items, versions;
  struct mlt_fs_walk walk;

  struct mlt_fs_dir scratch;

  uint64_t stray, traces, assessments; /* of the store; of the experiment at hand */
  unsigned missing;                    /* folders that the run at hand lacks */
  size_t tag;                          /* of the input at hand: mlt_meta_child's position */

  struct mlt_map *dataset_index; /* of the experiment at hand: folder -> index in datasets */
  struct mlt_arena *dataset_arena;
  struct mlt_input *datasets; /* MLT_FS_DATASETS of them */

  int metric_fd;
  struct mlt_lines lines;
  struct mlt_line_fault line_fault; /* found behind points that are not out yet */
  uint64_t fault_line, fault_rows;  /* fault_rows is 0 when there is none */
  int64_t timestamps[MLT_FS_CHUNK], steps[MLT_FS_CHUNK];
  double values[MLT_FS_CHUNK];
};

/* filestore.c */
enum mlt_rc mlt_fs_each(struct mlt_fs *s, struct mlt_fs_level *l, struct mlt_record *rec,
                        struct mlt_err *err) MLT_NODISCARD;
/* For every folder in `parent`/`name`, as a step by itself: `steps` at the level s->items. `table`
   is whose rows are lost when the folder cannot be read. */
enum mlt_rc mlt_fs_each_in(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                           const mlt_fs_step *steps, enum mlt_table table, struct mlt_record *rec,
                           struct mlt_err *err) MLT_NODISCARD;
/* Leaves out what the list holds for the folder at hand. */
void mlt_fs_skip(struct mlt_fs_level *l);
/* Folders of a listing that a level would visit. */
uint64_t mlt_fs_count(const struct mlt_fs_dir *d, bool (*wanted)(const char *name));

/* Is this one thing bad, and the source as a whole not? */
static inline bool mlt_fs_is_fault(enum mlt_rc rc) {
  return rc == MLT_DATA || rc == MLT_NOINPUT;
}

/* filestore_io.c. Where something is wrong with one thing these return MLT_DATA with the fault
   described in s, or MLT_NOINPUT when it is not there; other codes are errors of the source as a
   whole. All of them leave the thing's path in s->path. */
enum mlt_rc mlt_fs_enter(struct mlt_fs *s, struct mlt_fs_dir *d, const struct mlt_fs_dir *parent,
                         const char *name, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_fs_list(struct mlt_fs *s, struct mlt_fs_dir *d, struct mlt_err *err) MLT_NODISCARD;
void mlt_fs_leave(struct mlt_fs_dir *d);
enum mlt_rc mlt_fs_open_file(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                             bool listed, int *fd, struct mlt_err *err) MLT_NODISCARD;
/* Reads all of fd into s->text and closes it. More than max bytes are a fault. */
enum mlt_rc mlt_fs_slurp(struct mlt_fs *s, int fd, size_t max, struct mlt_err *err) MLT_NODISCARD;
/* The meta.yaml of an open folder; MLT_NOINPUT has its fault described too. */
enum mlt_rc mlt_fs_read_meta(struct mlt_fs *s, const struct mlt_fs_dir *d, struct mlt_meta *m,
                             struct mlt_err *err) MLT_NODISCARD;
/* Opens the folder at hand of a level and reads its meta.yaml. */
enum mlt_rc mlt_fs_open_item(struct mlt_fs *s, struct mlt_fs_level *l, struct mlt_meta *m,
                             struct mlt_err *err) MLT_NODISCARD;
/* The folder itself as the thing at hand. */
void mlt_fs_at(struct mlt_fs *s, const struct mlt_fs_dir *d);
bool mlt_fs_is_dir(int parent, const char *name); /* links followed */
enum mlt_rc mlt_fs_set_id(struct mlt_fs *s, struct mlt_str id, struct mlt_err *err) MLT_NODISCARD;

enum mlt_rc mlt_fs_fault(struct mlt_fs *s, int errnum, struct mlt_err *err) MLT_NODISCARD;
/* An empty record of `kind`, placed at the thing at hand. */
/* The folder "artifacts" in d, as an absolute path, there or not. */
enum mlt_rc mlt_fs_artifacts(struct mlt_fs *s, const struct mlt_fs_dir *d, struct mlt_str *out,
                             struct mlt_err *err) MLT_NODISCARD;
void mlt_fs_record(struct mlt_fs *s, struct mlt_record *rec, enum mlt_rec_kind kind);
/* The fault as a record; always MLT_OK. */
enum mlt_rc mlt_fs_reject(struct mlt_fs *s, struct mlt_record *rec, enum mlt_table table,
                          uint64_t rows);
enum mlt_rc mlt_fs_changed(struct mlt_fs *s, struct mlt_record *rec, enum mlt_table table);
enum mlt_rc mlt_fs_ignored(struct mlt_fs *s, struct mlt_record *rec, const char *what,
                           uint64_t rows);
/* Fields of a meta.yaml. A field of a wrong kind is a fault. `absent` is for a field that is not
   there; one that is null gives MLT_STR_NULL. */
struct mlt_str mlt_fs_text(struct mlt_fs *s, const struct mlt_meta *m, const char *key,
                           struct mlt_str absent);
/* The same, for what may not be NULL: null is as good as not there. */
struct mlt_str mlt_fs_text_or(struct mlt_fs *s, const struct mlt_meta *m, const char *key,
                              struct mlt_str absent);
struct mlt_opt_i64 mlt_fs_int(struct mlt_fs *s, const struct mlt_meta *m, const char *key);
bool mlt_fs_deleted(struct mlt_fs *s, const struct mlt_meta *m, bool absent); /* lifecycle_stage */

/* filestore_keys.c: files of parent/name as key and value records of `kind`; as points of the run
   at hand; as metrics of the logged model at hand. Steps, but MLT_NOINPUT when there is no such
   folder. */
enum mlt_rc mlt_fs_keys(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                        enum mlt_table table, enum mlt_rec_kind kind, struct mlt_record *rec,
                        struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_fs_points(struct mlt_fs *s, const struct mlt_fs_dir *parent, struct mlt_record *rec,
                          struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_fs_model_metrics(struct mlt_fs *s, const struct mlt_fs_dir *parent,
                                 struct mlt_record *rec, struct mlt_err *err) MLT_NODISCARD;

/* filestore_handout.c: what the readers of a store share. */
struct mlt_fs_handout *mlt_fs_handout_new(void); /* NULL when out of memory */
void mlt_fs_handout_free(struct mlt_fs_handout *h);
/* Step: the runs that this reader takes. */
enum mlt_rc mlt_fs_runs(struct mlt_fs *s, struct mlt_record *rec,
                        struct mlt_err *err) MLT_NODISCARD;
/* The folder at hand is no run; said when all runs are read, once for each experiment. */
void mlt_fs_stray(struct mlt_fs *s);

/* One list a file: what is made of each folder. */
extern const mlt_fs_step mlt_fs_experiment_steps[]; /* level s->experiments */
extern const mlt_fs_step mlt_fs_run_steps[];        /* level s->runs */
extern const mlt_fs_step mlt_fs_models_steps[];     /* level s->experiments, second round */
extern const mlt_fs_step mlt_fs_registered_steps[]; /* level s->items */
bool mlt_fs_is_run(const char *name);               /* not one of an experiment's own folders */

#endif
