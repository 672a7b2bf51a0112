/* TensorBoard's events: the few fields of tensorflow.Event, Summary, TensorProto and of the hparams
   plugin that runs, params and metrics are made of (field numbers of tensorboard/compat/proto).
   Works within the bytes it is given: no I/O, no allocation. */
#ifndef MLT_SOURCE_TF_EVENT_H
#define MLT_SOURCE_TF_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "source/protobuf.h"

struct mlt_tf_event {
  double wall_time; /* seconds since 1970 */
  int64_t step;
  struct mlt_str file_version; /* absent, or "brain.Event:2" */
  struct mlt_str summary;      /* absent, or a Summary */
  bool start;                  /* a SessionLog START: the writer has begun (again) at this step */
  bool graph;                  /* of the model, in any form */
};

enum mlt_tf_kind {
  MLT_TF_NOTHING,
  MLT_TF_SIMPLE, /* simple_value */
  MLT_TF_TENSOR,
  MLT_TF_IMAGE,
  MLT_TF_HISTOGRAM,
  MLT_TF_AUDIO
};

struct mlt_tf_value {
  struct mlt_str tag;
  bool has_metadata;
  struct mlt_str plugin, content; /* of the metadata */
  enum mlt_tf_kind kind;
  double simple;
  struct mlt_str tensor;
};

/* A whole record, or with `cut` the beginning of one: then a field that runs over the end is known
   by its number alone, and its bytes are what there is of them. MLT_DATA: no event; *why says so.
 */
enum mlt_rc mlt_tf_event(struct mlt_str record, bool cut, struct mlt_tf_event *out,
                         const char **why) MLT_NODISCARD;
/* The next value of a Summary: start with mlt_pb_of(event.summary). MLT_END, MLT_DATA likewise. */
enum mlt_rc mlt_tf_value(struct mlt_pb *summary, struct mlt_tf_value *out,
                         const char **why) MLT_NODISCARD;
/* The one number of a tensor: float, double, half, bfloat16, integers of any size, bool. False with
 *why when it holds none, several, or something else. */
bool mlt_tf_number(struct mlt_str tensor, double *out, const char **why);

/* HParamsPluginData: entries of session_start_info one by one, and how the session ended. */
struct mlt_tf_param {
  struct mlt_str key;
  enum { MLT_TF_PARAM_NONE, MLT_TF_PARAM_NUMBER, MLT_TF_PARAM_TEXT, MLT_TF_PARAM_BOOL } kind;
  double number; /* BOOL, too */
  struct mlt_str text;
};
/* The SessionStartInfo in the content of the plugin, for mlt_tf_param; absent if there is none.
 *failed: there is a SessionEndInfo that says so. */
struct mlt_str mlt_tf_session(struct mlt_str content, bool *failed);
enum mlt_rc mlt_tf_param(struct mlt_pb *session, struct mlt_tf_param *out,
                         const char **why) MLT_NODISCARD;

#endif
