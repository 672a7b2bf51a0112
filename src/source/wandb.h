/* Inside the source of wandb's offline runs: what its files share. wandb.c finds the logs and
   drives; wandb_run.c gathers what a run is (config, summary, tags, times, exit), which needs all
   of its log; wandb_points.c goes through the log once more for history and system metrics. A run
   that was resumed has several logs, which are read one after another.

   Held are the paths, the config, the last summary, the names of the metrics, one record, and a
   fixed number of points. */
#ifndef MLT_SOURCE_WANDB_H
#define MLT_SOURCE_WANDB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "source/flat.h"
#include "source/gather.h"
#include "source/source.h"
#include "source/tree.h"
#include "source/wandb_log.h"
#include "source/wandb_record.h"

enum { MLT_WB_SLOTS = 65536 };

struct mlt_wb;
/* MLT_OK: *rec is a record, call again. MLT_END: the step is over. Else an error. */
typedef enum mlt_rc (*mlt_wb_step)(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err);

/* The last value of a name. Its memory is used again as long as it fits. */
struct mlt_wb_slot {
  struct mlt_str name;
  char *text;
  size_t len, cap;
  enum mlt_wb_value kind;
  double number;
  uint64_t count; /* how often it was set */
  bool removed;
};

struct mlt_wb_slots {
  struct mlt_map *index;
  struct mlt_arena *arena;
  MLT_VEC(struct mlt_wb_slot) list;
  uint64_t lost; /* values of names beyond MLT_WB_SLOTS */
};

struct mlt_wb_log_of { /* of each file of the tree */
  size_t next;         /* the next log of the same run; SIZE_MAX: none */
  bool first;          /* the first log of its run */
  struct mlt_str project, run;
};

struct mlt_wb {
  const char *given; /* the experiment; NULL: the project */
  struct mlt_tree tree;
  struct mlt_source_progress progress;
  struct mlt_wb_log_of *logs;
  struct mlt_arena *arena;         /* names of projects and runs */
  struct mlt_map *projects, *runs; /* runs: project NUL run -> its last log so far */
  size_t phase, at;                /* at: the file at hand */
  const mlt_wb_step *step;         /* NULL: between files */
  size_t item;                     /* progress within a step */

  size_t log; /* being read: of the run at hand */
  int fd;
  struct mlt_wlog wlog;
  bool cut;     /* the log ends within a record */
  bool waiting; /* the record at hand goes on */
  struct mlt_str body;
  enum mlt_wb_kind kind;
  const char *reason;
  char fault[256];
  struct mlt_wb_names names;

  /* the run at hand */
  struct mlt_flat flat;
  struct mlt_wb_slots config, summary, texts, tags; /* texts: values that are no numbers */
  struct mlt_params params;
  bool exited;
  int64_t exit_code, runtime, start, first, last; /* times: 0 is not known */
  uint64_t artifacts, alerts, renamed;
  uint64_t lost_params, lost_points; /* their names are too many, too long, none for MLflow, or
                                        become one that is there */
  uint64_t stepless, timeless;       /* points without a step; rows of the history without a time */
  bool told_of_end;
  char source_name[PATH_MAX];
  char files[PATH_MAX], folder[PATH_MAX]; /* of one of its logs: what wandb keeps beside it */

  struct mlt_gather gather;
  int64_t row_step, row_time, samples, last_step;
  bool has_time, bad_step;
  uint64_t leaf, skip; /* of the record at hand: seen, and to be passed over as taken before */
  struct mlt_buf key;
};

/* wandb.c */
enum mlt_rc mlt_wb_open_log(struct mlt_wb *s, size_t file, struct mlt_err *err) MLT_NODISCARD;
/* The next record into s->kind and s->body. MLT_DATA: something is damaged, s->fault says where and
   how; call again to go on. */
enum mlt_rc mlt_wb_next(struct mlt_wb *s, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_wb_reject(struct mlt_wb *s, struct mlt_record *rec, enum mlt_table table);

void mlt_wb_slots_clear(struct mlt_wb_slots *l);
enum mlt_rc mlt_wb_set(struct mlt_wb_slots *l, const struct mlt_wb_leaf *leaf) MLT_NODISCARD;

extern const mlt_wb_step mlt_wb_run_steps[]; /* wandb_run.c */
enum mlt_rc mlt_wb_points(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err);
enum mlt_rc mlt_wb_summary(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err);

#endif
