#include "pipeline/artifacts_versions.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "model/location.h"

struct follow {
  struct mlt_artifacts *p;
  struct mlt_batch *b;
  struct mlt_err *err;
  struct mlt_map *owners; /* id -> index in at */
  const struct mlt_whereabouts *at;
};

static bool has_owner(struct mlt_str uri, struct mlt_str run_id, struct mlt_str *id,
                      struct mlt_str *rest) {
  struct mlt_location l;
  return uri.len && !mlt_location_parse(&l, uri) && l.kind != MLT_LOCATION_REFERENCE &&
         mlt_location_owner(uri, run_id, id, rest);
}

void mlt_artifacts_version_owners(const struct mlt_batch *b, struct mlt_whereabouts *at,
                                  size_t *n) {
  struct mlt_str id, rest;
  for (size_t i = 0; i < b->versions.n; i++) {
    const struct mlt_model_version *v = &b->versions.v[i].v;
    const struct mlt_str uris[] = {v->source, v->storage_location};
    for (size_t k = 0; k < 2; k++)
      if (has_owner(uris[k], v->run_id, &id, &rest))
        at[(*n)++] = (struct mlt_whereabouts){
            .table = mlt_str_starts(id, "m-") ? MLT_T_LOGGED_MODELS : MLT_T_RUNS, .id = id};
  }
}

static enum mlt_rc index_owners(struct follow *f, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (f->at[i].uri.p && mlt_map_put(f->owners, f->at[i].id, i) < 0)
      return mlt_err_nomem(f->err);
  return MLT_OK;
}

static enum mlt_rc note_left(struct follow *f, const struct mlt_batch_version *v,
                             struct mlt_str uri) {
  char reason[1500];
  (void)snprintf(reason, sizeof reason,
                 "version %d is of '%.*s', whose run or model is not in the target: it stays so",
                 (int)v->v.version, MLT_STR_ARG(uri));
  struct mlt_str text = mlt_str_c(reason);
  ptrdiff_t cut = mlt_utf8_invalid(text);
  if (cut >= 0)
    text.len = (size_t)cut;
  return mlt_artifacts_note(f->p,
                            (struct mlt_note){.kind = MLT_NOTE_CHANGED,
                                              .table = MLT_T_MODEL_VERSIONS,
                                              .code = "source-kept",
                                              .rows = 1,
                                              .id = f->b->registered_models.v[v->owner].m.name,
                                              .reason = text},
                            f->err);
}

static enum mlt_rc replace(struct follow *f, struct mlt_str *uri, struct mlt_str owner,
                           struct mlt_str rest) {
  char *text = mlt_arena_alloc(f->b->arena, owner.len + rest.len + 1);
  if (!text)
    return mlt_err_nomem(f->err);
  memcpy(text, owner.p, owner.len);
  memcpy(text + owner.len, rest.p, rest.len);
  text[owner.len + rest.len] = '\0';
  *uri = (struct mlt_str){text, owner.len + rest.len};
  return MLT_OK;
}

static enum mlt_rc follow(struct follow *f, const struct mlt_batch_version *v, struct mlt_str *uri,
                          enum mlt_column column) {
  const struct mlt_artifacts_opts *o = mlt_artifacts_options(f->p);
  struct mlt_str id, rest;
  uint64_t i;
  if (mlt_places_remote(o->places, *uri) || !has_owner(*uri, v->v.run_id, &id, &rest))
    return MLT_OK;
  if (!mlt_map_get(f->owners, id, &i))
    return note_left(f, v, *uri);
  enum mlt_rc rc = replace(f, uri, f->at[i].uri, rest);
  uint32_t limit = o->limits->chars[column];
  if (rc == MLT_OK && limit && mlt_utf8_length(*uri) > limit)
    rc = mlt_err_set(f->err, MLT_DATA,
                     "registered model '%.*s', version %d: %s.%s holds %u characters, and '%.*s' "
                     "has more",
                     MLT_STR_ARG(f->b->registered_models.v[v->owner].m.name), (int)v->v.version,
                     mlt_table_name(MLT_T_MODEL_VERSIONS), mlt_column_info(column)->name, limit,
                     MLT_STR_ARG(*uri));
  return rc;
}

enum mlt_rc mlt_artifacts_versions(struct mlt_artifacts *p, struct mlt_batch *b,
                                   const struct mlt_whereabouts *at, size_t n,
                                   struct mlt_err *err) {
  if (!b->versions.n)
    return MLT_OK;
  struct follow f = {p, b, err, mlt_map_new(), at};
  enum mlt_rc rc = f.owners ? index_owners(&f, n) : mlt_err_nomem(err);
  for (size_t i = 0; rc == MLT_OK && i < b->versions.n; i++) {
    struct mlt_batch_version *v = &b->versions.v[i];
    rc = follow(&f, v, &v->v.source, MLT_C_MODEL_VERSIONS_source);
    if (rc == MLT_OK)
      rc = follow(&f, v, &v->v.storage_location, MLT_C_MODEL_VERSIONS_storage_location);
  }
  mlt_map_free(f.owners);
  return rc;
}
