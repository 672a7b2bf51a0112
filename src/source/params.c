/* See params.h; YAML is in params_yaml.c. */
#include "source/params.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "source/gather.h"

enum mlt_rc mlt_params_init(struct mlt_params *p, struct mlt_err *err) {
  *p = (struct mlt_params){.arena = mlt_arena_new()};
  mlt_buf_init(&p->path, MLT_PARAMS_BYTES);
  mlt_buf_init(&p->key, 4 * MLT_GATHER_KEY_MAX);
  mlt_buf_init(&p->text, 2 * MLT_PARAMS_BYTES);
  return p->arena ? MLT_OK : mlt_err_nomem(err);
}

void mlt_params_free(struct mlt_params *p) {
  mlt_arena_free(p->arena);
  mlt_buf_free(&p->path);
  mlt_buf_free(&p->text);
  mlt_buf_free(&p->key);
  mlt_free(p->list.v);
  *p = (struct mlt_params){.unread = 0};
}

void mlt_params_clear(struct mlt_params *p) {
  mlt_arena_reset(p->arena);
  p->list.n = 0;
  p->unread = p->renamed = 0;
}

enum mlt_rc mlt_params_add(struct mlt_params *p, struct mlt_str key, struct mlt_str value) {
  struct mlt_kv kv;
  enum mlt_key_fit fit;
  if (p->list.n == MLT_PARAMS_MAX)
    return MLT_TOOBIG;
  mlt_buf_clear(&p->key);
  enum mlt_rc rc = mlt_key_fit(&p->key, key, &fit);
  if (rc != MLT_OK)
    return rc;
  p->renamed += fit == MLT_KEY_RENAMED;
  if (fit == MLT_KEY_UNUSABLE) {
    p->unread++;
    return MLT_OK;
  }
  if (!MLT_VEC_ROOM(p->list) || mlt_arena_str(p->arena, mlt_buf_str(&p->key), &kv.key) != 0 ||
      mlt_arena_str(p->arena, value, &kv.value) != 0)
    return MLT_NOMEM;
  p->list.v[p->list.n++] = kv;
  return MLT_OK;
}

static enum mlt_rc leaf(void *ctx, struct mlt_str path, enum mlt_json_kind kind,
                        struct mlt_str text) {
  if (kind == MLT_JSON_NULL)
    text = MLT_STR_LIT("None");
  else if (kind == MLT_JSON_BOOL)
    text = text.p[0] == 't' ? MLT_STR_LIT("True") : MLT_STR_LIT("False");
  return mlt_params_add(ctx, path, text);
}

enum mlt_rc mlt_params_json(struct mlt_params *p, struct mlt_str text, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  struct mlt_json *j = mlt_json_parse(text, &why);
  if (!j)
    return mlt_err_set(err, why.rc, "%s", why.msg);
  enum mlt_rc rc = mlt_json_leaves(j, NULL, "/", leaf, p);
  mlt_json_free(j);
  if (rc == MLT_DATA)
    return mlt_err_set(err, rc, "it is no object");
  if (rc == MLT_TOOBIG)
    return mlt_err_set(err, MLT_DATA, "it has more than %d values, or too long a path",
                       MLT_PARAMS_MAX);
  return rc == MLT_OK ? rc : mlt_err_nomem(err);
}
