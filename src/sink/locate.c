/* Where the target has the artifacts of runs and logged models. */
#include <inttypes.h>
#include <stdio.h>

#include "sink/writer.h"

struct locating {
  struct mlt_arena *arena;
  struct mlt_map *index; /* id -> the last of the entries that ask for it */
  struct mlt_whereabouts *v;
  size_t n;
  enum mlt_table table;
};

static enum mlt_rc found(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct locating *l = ctx;
  bool run = l->table == MLT_T_RUNS;
  unsigned column = run ? MLT_C_RUNS_artifact_uri - MLT_C_RUNS_run_uuid
                        : MLT_C_LOGGED_MODELS_artifact_location - MLT_C_LOGGED_MODELS_model_id;
  struct mlt_str uri = row[column].s.p ? row[column].s : MLT_STR_LIT("");
  uint64_t i;
  if (mlt_map_get(l->index, row[0].s, &i) && mlt_arena_str(l->arena, uri, &l->v[i].uri) != 0)
    return mlt_err_nomem(err);
  return MLT_OK;
}

/* One query for all of a table; an id that is asked for twice is answered twice. */
static enum mlt_rc select_uris(struct mlt_sink *s, struct locating *l, struct mlt_err *err) {
  struct mlt_str *ids = mlt_arena_alloc(l->arena, (l->n + 1) * sizeof *ids);
  size_t n = 0;
  uint64_t at;
  if (!ids)
    return mlt_err_nomem(err);
  mlt_map_clear(l->index);
  for (size_t i = 0; i < l->n; i++) {
    if (l->v[i].table != l->table)
      continue;
    int added = mlt_map_intern(l->index, l->v[i].id, i, &at);
    if (added < 0)
      return mlt_err_nomem(err);
    if (added)
      ids[n++] = l->v[i].id;
  }
  struct mlt_where where = {.by = l->table == MLT_T_RUNS ? MLT_C_RUNS_run_uuid
                                                         : MLT_C_LOGGED_MODELS_model_id,
                            .keys = ids,
                            .n_keys = n};
  if (!n || (l->table == MLT_T_LOGGED_MODELS && !(s->schema.features & MLT_F_LOGGED_MODELS)))
    return MLT_OK;
  enum mlt_rc rc = s->ops->select(s->db, l->table, &where, s->schema.features, found, l, err);
  for (size_t i = 0; rc == MLT_OK && i < l->n; i++)
    if (l->v[i].table == l->table && mlt_map_get(l->index, l->v[i].id, &at))
      l->v[i].uri = l->v[at].uri;
  return rc;
}

static enum mlt_rc locate(struct mlt_sink *s, struct mlt_whereabouts *v, size_t n,
                          struct mlt_arena *arena, struct mlt_err *err) {
  struct locating l = {.arena = arena, .index = mlt_map_new(), .v = v, .n = n};
  enum mlt_rc rc = l.index ? MLT_OK : mlt_err_nomem(err);
  for (size_t i = 0; i < n; i++) {
    const struct mlt_known_experiment *e = mlt_known_by_key(s->known, v[i].experiment);
    v[i].location = e && !e->rejected ? e->location : MLT_STR_NULL;
    v[i].uri = MLT_STR_NULL;
  }
  if (rc == MLT_OK && s->db)
    rc = s->ops->begin(s->db, true, s->schema.head, s->schema.features, err);
  static const enum mlt_table tables[] = {MLT_T_RUNS, MLT_T_LOGGED_MODELS};
  for (size_t i = 0; rc == MLT_OK && s->db && i < 2; i++) {
    l.table = tables[i];
    rc = select_uris(s, &l, err);
  }
  if (s->db && rc == MLT_OK)
    rc = s->ops->commit(s->db, err);
  if (s->db && rc != MLT_OK)
    s->ops->rollback(s->db);
  mlt_map_free(l.index);
  return rc;
}

enum mlt_rc mlt_sink_locate(struct mlt_sink *s, struct mlt_whereabouts *v, size_t n,
                            struct mlt_arena *arena, struct mlt_err *err) {
  struct mlt_tries tries = {0};
  enum mlt_rc rc;
  do {
    rc = locate(s, v, n, arena, err);
    if (rc != MLT_OK)
      rc = mlt_sink_try_again(s, &tries, rc, err);
  } while (rc == MLT_AGAIN);
  return rc;
}
