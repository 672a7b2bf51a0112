/* The parameters of a run that lie in a small file beside its metrics: hparams.yaml, args.yaml,
   params.json. Nested maps are flattened, their keys joined by "/"; values are what Python's str()
   would give, which is what MLflow stores: True, None, [1, 'a']. No I/O. */
#ifndef MLT_SOURCE_PARAMS_H
#define MLT_SOURCE_PARAMS_H

#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "model/record.h"

enum { MLT_PARAMS_BYTES = 1 << 20, MLT_PARAMS_DEPTH = 32, MLT_PARAMS_MAX = 10000 };

struct mlt_params {
  struct mlt_arena *arena;
  struct mlt_buf path, text, key; /* while reading */
  MLT_VEC(struct mlt_kv) list;
  uint64_t unread;  /* values that could not be told (YAML aliases) or have no usable name */
  uint64_t renamed; /* keys that MLflow could not take as they stood: gather.h */
};

enum mlt_rc mlt_params_init(struct mlt_params *p, struct mlt_err *err) MLT_NODISCARD;
void mlt_params_free(struct mlt_params *p);
void mlt_params_clear(struct mlt_params *p);

/* Add what the document holds. Tags of YAML are left alone: !!python/name:a.b is "a.b", objects are
   maps. MLT_DATA with a reason when it is none, is no map, or has more than the limits. */
enum mlt_rc mlt_params_yaml(struct mlt_params *p, struct mlt_str text,
                            struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_params_json(struct mlt_params *p, struct mlt_str text,
                            struct mlt_err *err) MLT_NODISCARD;
/* One more, copied. MLT_TOOBIG when there are MLT_PARAMS_MAX. */
enum mlt_rc mlt_params_add(struct mlt_params *p, struct mlt_str key,
                           struct mlt_str value) MLT_NODISCARD;

#endif
