#include "verify/beyond.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "source/source.h"

struct mlt_beyond {
  struct mlt_map *logged, *registered; /* what the source has, by id and by name */
  struct mlt_map *experiments;         /* the target's ids, as text, of those it has */
  struct mlt_verify *v;                /* while it is told */
};

enum mlt_rc mlt_beyond_new(struct mlt_beyond **out, struct mlt_err *err) {
  struct mlt_beyond *b = mlt_calloc(1, sizeof *b);
  *out = b;
  if (!b)
    return mlt_err_nomem(err);
  b->logged = mlt_map_new();
  b->registered = mlt_map_new();
  b->experiments = mlt_map_new();
  return b->logged && b->registered && b->experiments ? MLT_OK : mlt_err_nomem(err);
}

void mlt_beyond_free(struct mlt_beyond *b) {
  if (!b)
    return;
  mlt_map_free(b->logged);
  mlt_map_free(b->registered);
  mlt_map_free(b->experiments);
  mlt_free(b);
}

enum mlt_rc mlt_beyond_take(struct mlt_beyond *b, const struct mlt_batch *batch,
                            struct mlt_err *err) {
  for (size_t i = 0; i < batch->logged_models.n; i++)
    if (mlt_map_put(b->logged, batch->logged_models.v[i].m.model_id, 1) < 0)
      return mlt_err_nomem(err);
  for (size_t i = 0; i < batch->registered_models.n; i++)
    if (mlt_map_put(b->registered, batch->registered_models.v[i].m.name, 1) < 0)
      return mlt_err_nomem(err);
  return MLT_OK;
}

static bool has(const struct mlt_map *m, struct mlt_str key) {
  uint64_t ignored;
  return mlt_map_get(m, key, &ignored);
}

static enum mlt_rc take_logged(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct mlt_beyond *b = ctx;
  struct mlt_str id = mlt_row_at(row, MLT_C_LOGGED_MODELS_model_id)->s;
  const struct mlt_value *experiment = mlt_row_at(row, MLT_C_LOGGED_MODELS_experiment_id);
  char text[32];
  (void)err;
  if (experiment->kind != MLT_V_INT || has(b->logged, id))
    return MLT_OK;
  (void)snprintf(text, sizeof text, "%" PRId64, experiment->i);
  if (has(b->experiments, mlt_str_c(text)))
    mlt_verify_foundf(b->v,
                      &(struct mlt_finding){.what = MLT_FINDING_SOURCE_BEYOND,
                                            .table = MLT_T_LOGGED_MODELS,
                                            .id = id,
                                            .experiment = mlt_str_c(text)},
                      "the source has this experiment, but no such logged model in it");
  return MLT_OK;
}

static enum mlt_rc take_registered(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  const struct mlt_beyond *b = ctx;
  struct mlt_str name = mlt_row_at(row, MLT_C_REGISTERED_MODELS_name)->s;
  (void)err;
  if (!has(b->registered, name))
    mlt_verify_foundf(b->v,
                      &(struct mlt_finding){.what = MLT_FINDING_SOURCE_BEYOND,
                                            .table = MLT_T_REGISTERED_MODELS,
                                            .id = name},
                      "the source has no such registered model");
  return MLT_OK;
}

enum mlt_rc mlt_beyond_tell(struct mlt_beyond *b, struct mlt_verify *v,
                            const struct mlt_report *report, struct mlt_err *err) {
  const struct mlt_source_ops *ops = mlt_source_by_name(report->format);
  if (!ops || !ops->tells_all || mlt_verify_is_partial(v))
    return MLT_OK;
  b->v = v;
  for (size_t i = 0; i < report->n_id_map; i++) {
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, report->id_map[i].id);
    if (mlt_map_put(b->experiments, mlt_str_c(text), 1) < 0)
      return mlt_err_nomem(err);
  }
  enum mlt_rc rc = mlt_verify_read(v, MLT_READ_LOGGED_MODELS, MLT_READ_COUNT, take_logged, b, err);
  return rc == MLT_OK ? mlt_verify_read(v, MLT_READ_REGISTERED_MODELS, MLT_READ_COUNT,
                                        take_registered, b, err)
                      : rc;
}
