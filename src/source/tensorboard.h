/* Inside the source of TensorBoard's event files: tensorboard.c finds the runs and drives,
   tensorboard_events.c reads their events. A run is a folder with event files, read twice in the
   order of their names: first for its times, hyperparameters and restarts, then for its scalars.
   Held are: the paths, one record, the tags of a run, a fixed number of points. */
#ifndef MLT_SOURCE_TENSORBOARD_H
#define MLT_SOURCE_TENSORBOARD_H

#include "source/flat.h"
#include "source/gather.h"
#include "source/source.h"
#include "source/tf_event.h"
#include "source/tf_restarts.h"
#include "source/tfrecord.h"
#include "source/tree.h"

enum { MLT_TB_TAGS = MLT_GATHER_KEYS };

/* What a value is; those but scalars and hparams are counted and named. */
enum mlt_tb_kind {
  MLT_TB_UNKNOWN,
  MLT_TB_SCALAR,
  MLT_TB_HPARAMS,
  MLT_TB_IMAGE,
  MLT_TB_AUDIO,
  MLT_TB_HISTOGRAM,
  MLT_TB_TEXT,
  MLT_TB_GRAPH,
  MLT_TB_OTHER,
  MLT_TB_PURGED, /* a scalar that a restart has made void */
  MLT_TB_KINDS
};

struct mlt_tb_tag {
  enum mlt_tb_kind plugin; /* of the first metadata with the tag: later values come without */
  size_t key;              /* in gather; SIZE_MAX: not asked for yet */
};

struct mlt_tb {
  struct mlt_tree tree;
  const char *given_run;
  char experiment[NAME_MAX + 1], run_name[PATH_MAX], source_name[PATH_MAX];
  struct mlt_flat flat;
  struct mlt_gather gather;
  struct mlt_params params;
  struct mlt_source_progress progress;
  uint64_t counts[MLT_TB_KINDS];

  size_t top, run_step; /* steps at hand, of the source and of the run */
  size_t note;          /* records the step at hand has given */
  size_t first, end;    /* the run's files */
  size_t at;            /* the file being read */
  int fd;               /* -1: not open */
  struct mlt_tfrecord record;

  uint64_t event;     /* number of the event at hand in the run */
  uint64_t record_at; /* where it is in its file */
  struct mlt_tf_event e;
  struct mlt_pb values; /* of e, that are still to come */
  bool in_event;
  int64_t time; /* of e */

  struct mlt_map *tag_index;
  MLT_VEC(struct mlt_tb_tag) tags;
  struct mlt_tf_restarts restarts;
  bool timed, too_many_restarts;
  bool version_2;    /* of the file format, so far */
  int64_t last_step; /* before version 2: of the newest event that did not go back */
  char reason[256];  /* why the record at hand cannot be used */
};

/* Begins at the run's first file again. */
void mlt_tb_rewind(struct mlt_tb *s);
/* The next event of the run: MLT_OK, MLT_END; MLT_DATA: a record or file that cannot be used,
   s->reason says why: go on. */
enum mlt_rc mlt_tb_event(struct mlt_tb *s, struct mlt_err *err) MLT_NODISCARD;
/* The next value of the event at hand with its tag (in s->tags). MLT_END; MLT_DATA likewise. */
enum mlt_rc mlt_tb_value(struct mlt_tb *s, struct mlt_tf_value *v, size_t *tag,
                         struct mlt_err *err) MLT_NODISCARD;
enum mlt_tb_kind mlt_tb_kind_of(const struct mlt_tb *s, const struct mlt_tf_value *v, size_t tag);

/* tensorboard_events.c: steps of a run. */
enum mlt_rc mlt_tb_survey(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err);
enum mlt_rc mlt_tb_points(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err);

#endif
