/* Experiments: matched by name in the target, or created. The sink remembers key -> id for its
   whole life; entries made in a transaction that is rolled back are forgotten again by writer.c. */
#include "sink/prove.h"
#include "sink/values.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/rules.h"

struct found {
  int64_t id;
  bool deleted;
  struct mlt_str location;
};

struct lookup {
  struct mlt_arena *arena;
  struct mlt_map *by_name; /* -> index in v */
  MLT_VEC(struct found) v;
};

const struct mlt_known_experiment *mlt_write_experiment(const struct mlt_write *a,
                                                        struct mlt_str key) {
  return mlt_known_by_key(a->w->known, key);
}

bool mlt_write_home(const struct mlt_write *a, struct mlt_str key, struct mlt_home *out) {
  const struct mlt_known_experiment *e = mlt_write_experiment(a, key);
  if (!e || e->rejected)
    return false;
  *out = (struct mlt_home){e->pub.id, e->pub.key};
  return true;
}

static enum mlt_rc remember_found(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct lookup *l = ctx;
  if (!MLT_VEC_ROOM(l->v))
    return mlt_err_nomem(err);
  const struct mlt_value *name = &row[MLT_C_EXPERIMENTS_name - MLT_C_EXPERIMENTS_experiment_id];
  const struct mlt_value *stage =
      &row[MLT_C_EXPERIMENTS_lifecycle_stage - MLT_C_EXPERIMENTS_experiment_id];
  const struct mlt_value *location =
      &row[MLT_C_EXPERIMENTS_artifact_location - MLT_C_EXPERIMENTS_experiment_id];
  l->v.v[l->v.n] = (struct found){.id = row[0].i, .deleted = mlt_str_is(stage->s, "deleted")};
  if (mlt_arena_str(l->arena, location->s, &l->v.v[l->v.n].location) != 0)
    return mlt_err_nomem(err);
  if (mlt_map_put(l->by_name, name->s, l->v.n) < 0)
    return mlt_err_nomem(err);
  l->v.n++;
  return MLT_OK;
}

static enum mlt_rc find_by_name(struct mlt_write *a, struct lookup *l) {
  size_t n = a->b->experiments.n;
  struct mlt_str *names = mlt_arena_alloc(a->out->arena, n * sizeof *names);
  if (!names)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < n; i++)
    names[i] = a->b->experiments.v[i].e.name;
  struct mlt_where where = {.by = MLT_C_EXPERIMENTS_name, .keys = names, .n_keys = n};
  return mlt_write_select(a, MLT_T_EXPERIMENTS, &where, remember_found, l);
}

static const char *root_of(const struct mlt_write *a, char out[PATH_MAX]) {
  const char *given = a->w->artifact_root;
  return given ? given : mlt_target_artifact_root(a->w->target, out);
}

/* One that has no location gets what MLflow would give it. */
static bool is_rooted(const struct mlt_experiment *e) {
  return e->placed || !e->artifact_location.p;
}

/* Where it is, of an experiment that is there or has just been made. */
static enum mlt_rc set_location(struct mlt_write *a, struct mlt_known_experiment *entry,
                                const struct mlt_experiment *e, const struct found *f) {
  char root[PATH_MAX], text[PATH_MAX + 32];
  struct mlt_str location = f ? f->location : is_rooted(e) ? MLT_STR_NULL : e->artifact_location;
  if (!location.len && is_rooted(e)) {
    (void)mlt_rule_artifact_location(text, sizeof text, root_of(a, root), entry->pub.id);
    location = mlt_str_c(text);
  }
  return mlt_arena_str(a->out->arena, location, &entry->location) == 0 ? MLT_OK
                                                                       : mlt_err_nomem(a->err);
}

static enum mlt_rc create(struct mlt_write *a, const struct mlt_experiment *e, int64_t *id) {
  char root[PATH_MAX];
  *id = -1;
  if (a->w->dry_run)
    return MLT_OK;
  struct mlt_value row[MLT_MAX_COLUMNS] = {mlt_v_int(0),
                                           mlt_v_text(e->name),
                                           mlt_v_text(e->artifact_location),
                                           mlt_v_text(mlt_lifecycle(e->deleted)),
                                           mlt_v_opt(e->creation_time),
                                           mlt_v_opt(e->last_update_time)};
  bool keep = e->id.has && (a->w->ops->keeps_experiment_ids || e->id.v == 0);
  return a->w->ops->insert_experiment(a->w->db, row, keep ? e->id.v : -1,
                                      is_rooted(e) ? root_of(a, root) : NULL, id, a->err);
}

/* NULL if this experiment may be imported, else the code of the reason, which is written into why.
 */
static const char *refusal(const struct mlt_write *a, const struct mlt_experiment *e,
                           const struct found *f, char *why, size_t cap) {
  if (mlt_known_by_key(a->w->known, e->key)) {
    (void)snprintf(why, cap, "the source holds experiment %.*s twice", MLT_STR_ARG(e->key));
    return "experiment-duplicate";
  }
  const struct mlt_known_experiment *same = mlt_known_by_name(a->w->known, e->name);
  if (same) {
    (void)snprintf(why, cap, "experiments %.*s and %.*s of the source are both named '%.*s'",
                   MLT_STR_ARG(same->pub.key), MLT_STR_ARG(e->key), MLT_STR_ARG(e->name));
    return "experiment-duplicate";
  }
  if (f && f->deleted && !e->deleted && !a->w->prove) {
    (void)snprintf(why, cap,
                   "the target holds experiment '%.*s' (id %" PRId64
                   ") as deleted: restore it (`mlflow experiments restore -x %" PRId64
                   "`), remove it for good (`mlflow gc`), or rename it, then import again",
                   MLT_STR_ARG(e->name), f->id, f->id);
    return "experiment-deleted";
  }
  return NULL;
}

/* Of one experiment: itself and its tags. */
static uint64_t experiment_rows(const struct mlt_batch *b, size_t i) {
  uint64_t n = 1;
  for (size_t k = 0; k < b->experiment_tags.n; k++)
    n += b->experiment_tags.v[k].owner == i;
  return n;
}

/* One that an earlier window held, too. */
static enum mlt_rc resolve_again(struct mlt_write *a, size_t i,
                                 const struct mlt_known_experiment *known) {
  const struct mlt_experiment *e = &a->b->experiments.v[i].e;
  a->exp_fate[i] = known->rejected ? MLT_FATE_REJECTED : MLT_FATE_PRESENT;
  mlt_write_count(a, MLT_T_EXPERIMENTS, a->exp_fate[i], 1);
  return known->rejected ? mlt_write_note(a, MLT_NOTE_REJECT, MLT_T_EXPERIMENTS,
                                          "experiment-rejected", experiment_rows(a->b, i), e->name,
                                          "it was not imported before, either")
                         : MLT_OK;
}

static enum mlt_rc prove_one(struct mlt_write *a, const struct mlt_experiment *e,
                             const struct found *f) {
  if (!f)
    return mlt_prove_tell(a, "row-missing", MLT_T_EXPERIMENTS, e->name, MLT_STR_NULL,
                          "the database has no experiment of this name");
  return f->deleted && !e->deleted
             ? mlt_prove_tell(a, "row-differs", MLT_T_EXPERIMENTS, e->name,
                              MLT_STR_LIT("lifecycle_stage"), "is deleted, active in the source")
             : MLT_OK;
}

static enum mlt_rc resolve_one(struct mlt_write *a, size_t i, const struct lookup *l) {
  const struct mlt_experiment *e = &a->b->experiments.v[i].e;
  const struct mlt_known_experiment *known = mlt_write_experiment(a, e->key);
  if (known && a->b->experiments.v[i].again)
    return resolve_again(a, i, known);
  uint64_t at;
  const struct found *f = mlt_map_get(l->by_name, e->name, &at) ? &l->v.v[at] : NULL;
  char why[1024];
  const char *code = refusal(a, e, f, why, sizeof why);
  if (code) {
    a->exp_fate[i] = MLT_FATE_REJECTED;
    mlt_write_count(a, MLT_T_EXPERIMENTS, MLT_FATE_REJECTED, 1);
    enum mlt_rc rc = mlt_write_note(a, MLT_NOTE_CONFLICT, MLT_T_EXPERIMENTS, code,
                                    experiment_rows(a->b, i), e->name, "%s", why);
    if (rc != MLT_OK || mlt_write_experiment(a, e->key))
      return rc;
    struct mlt_known_experiment rejected = {
        .pub = {.key = e->key, .name = e->name, .id = -1, .deleted = e->deleted}, .rejected = true};
    return mlt_known_add(a->w->known, &rejected, a->err);
  }
  struct mlt_known_experiment entry = {.pub = {.key = e->key,
                                               .name = e->name,
                                               .id = f ? f->id : -1,
                                               .created = !f,
                                               .deleted = e->deleted},
                                       .placed = e->placed};
  if (!f) {
    enum mlt_rc rc = create(a, e, &entry.pub.id);
    if (rc != MLT_OK)
      return rc;
  }
  if (a->w->prove && prove_one(a, e, f) != MLT_OK)
    return MLT_NOMEM;
  if (set_location(a, &entry, e, f) != MLT_OK)
    return MLT_NOMEM;
  a->exp_fate[i] = f ? MLT_FATE_PRESENT : MLT_FATE_NEW;
  mlt_write_count(a, MLT_T_EXPERIMENTS, a->exp_fate[i], 1);
  return mlt_known_add(a->w->known, &entry, a->err);
}

/* ---- tags ---- */

struct tag_compare {
  struct mlt_write *a;
  struct mlt_map *by_owner_key; /* "<experiment id>\n<key>" -> index in batch tags */
  uint8_t *fate;                /* one a batch tag */
};

static struct mlt_str tag_key(char *out, size_t cap, int64_t id, struct mlt_str key) {
  int n = snprintf(out, cap, "%" PRId64 "\n%.*s", id, (int)key.len, key.p);
  return (struct mlt_str){out, (size_t)n < cap ? (size_t)n : cap - 1};
}

/* A tag that the source, which tells experiments whole, has not. */
static enum mlt_rc tell_beyond(struct mlt_write *a, const struct mlt_value *row) {
  for (size_t i = 0; i < a->b->experiments.n; i++) {
    const struct mlt_experiment *e = &a->b->experiments.v[i].e;
    char shown[256];
    if (a->exp_fate[i] == MLT_FATE_PRESENT && !e->placed &&
        mlt_write_experiment(a, e->key)->pub.id == row[2].i)
      return mlt_prove_tell(a, "row-beyond", MLT_T_EXPERIMENT_TAGS, e->name, row[0].s,
                            "the source has no such tag; its value is %s",
                            mlt_value_show(&row[1], shown, sizeof shown));
  }
  return MLT_OK;
}

static enum mlt_rc compare_tag(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)err;
  struct tag_compare *c = ctx;
  char buf[MLT_KEY_MAX], shown[256];
  uint64_t i;
  if (!mlt_map_get(c->by_owner_key, tag_key(buf, sizeof buf, row[2].i, row[0].s), &i))
    return mlt_prove_beyond(c->a) ? tell_beyond(c->a, row) : MLT_OK;
  const struct mlt_batch_kv *t = &c->a->b->experiment_tags.v[i];
  if (mlt_str_eq(t->value, row[1].s)) {
    c->fate[i] = MLT_FATE_PRESENT;
    return MLT_OK;
  }
  if (c->a->w->load == MLT_LOAD_MERGE || c->a->w->adds) {
    c->fate[i] = MLT_FATE_MERGE;
    return MLT_OK;
  }
  c->fate[i] = MLT_FATE_CONFLICT;
  return mlt_write_note(c->a, MLT_NOTE_CONFLICT, MLT_T_EXPERIMENT_TAGS, "tag-conflict", 1,
                        c->a->b->experiments.v[t->owner].e.name,
                        "tag '%.*s' of the experiment is %s in the target", MLT_STR_ARG(t->key),
                        mlt_value_show(&row[1], shown, sizeof shown));
}

/* Marks tags of experiments that were there already: present, to be replaced, conflict, or still to
 * be added. */
static enum mlt_rc compare_tags(struct mlt_write *a, uint8_t *fate) {
  struct tag_compare c = {.a = a, .by_owner_key = mlt_map_new(), .fate = fate};
  size_t n = 0;
  enum mlt_rc rc = MLT_OK;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, (a->b->experiments.n + 1) * sizeof *ids);
  if (!c.by_owner_key || !ids) {
    rc = mlt_err_nomem(a->err);
    goto out;
  }
  for (size_t i = 0; i < a->b->experiment_tags.n; i++) {
    const struct mlt_batch_kv *t = &a->b->experiment_tags.v[i];
    char buf[MLT_KEY_MAX];
    if (a->exp_fate[t->owner] != MLT_FATE_PRESENT)
      continue;
    int64_t id = mlt_write_experiment(a, a->b->experiments.v[t->owner].e.key)->pub.id;
    if (mlt_map_put(c.by_owner_key, tag_key(buf, sizeof buf, id, t->key), i) < 0) {
      rc = mlt_err_nomem(a->err);
      goto out;
    }
  }
  for (size_t i = 0; i < a->b->experiments.n; i++) {
    char text[32];
    if (a->exp_fate[i] != MLT_FATE_PRESENT)
      continue;
    (void)snprintf(text, sizeof text, "%" PRId64,
                   mlt_write_experiment(a, a->b->experiments.v[i].e.key)->pub.id);
    if (mlt_arena_str(a->out->arena, mlt_str_c(text), &ids[n++]) != 0) {
      rc = mlt_err_nomem(a->err);
      goto out;
    }
  }
  struct mlt_where where = {.by = MLT_C_EXPERIMENT_TAGS_experiment_id, .keys = ids, .n_keys = n};
  if (n && (mlt_map_count(c.by_owner_key) || mlt_prove_beyond(a)))
    rc = mlt_write_select(a, MLT_T_EXPERIMENT_TAGS, &where, compare_tag, &c);
out:
  mlt_map_free(c.by_owner_key);
  return rc;
}

struct tag_rows {
  const struct mlt_write *a;
  const uint32_t *index;
};

static enum mlt_rc tag_values(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct tag_rows *r = ctx;
  const struct mlt_batch_kv *t = &r->a->b->experiment_tags.v[r->index[i]];
  out[0] = mlt_v_text(t->key);
  out[1] = mlt_v_text(t->value);
  out[2] = mlt_v_int(mlt_write_experiment(r->a, r->a->b->experiments.v[t->owner].e.key)->pub.id);
  return MLT_OK;
}

/* The tags of one fate. */
static enum mlt_rc tags_of(const struct mlt_write *a, const uint8_t *fate, enum mlt_fate wanted,
                           struct mlt_rows *out) {
  struct tag_rows *ctx = mlt_arena_alloc(a->out->arena, sizeof *ctx);
  uint32_t *index = mlt_arena_alloc(a->out->arena, (a->b->experiment_tags.n + 1) * sizeof *index);
  size_t n = 0;
  if (!ctx || !index)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->experiment_tags.n; i++)
    if (fate[i] == wanted)
      index[n++] = (uint32_t)i;
  *ctx = (struct tag_rows){a, index};
  *out = (struct mlt_rows){MLT_T_EXPERIMENT_TAGS, n, tag_values, ctx};
  return MLT_OK;
}

/* One that is there with another value has a note already. */
static enum mlt_rc prove_tag(struct mlt_write *a, const struct mlt_batch_kv *t, uint8_t fate) {
  return fate == MLT_FATE_NEW && a->exp_fate[t->owner] == MLT_FATE_PRESENT
             ? mlt_prove_tell(a, "row-missing", MLT_T_EXPERIMENT_TAGS,
                              a->b->experiments.v[t->owner].e.name, t->key,
                              "the database has no such tag")
             : MLT_OK;
}

static enum mlt_rc write_tags(struct mlt_write *a) {
  size_t total = a->b->experiment_tags.n;
  uint8_t *fate = mlt_arena_zalloc(a->out->arena, total + 1);
  if (!fate)
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = compare_tags(a, fate);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < total; i++) {
    if (a->exp_fate[a->b->experiment_tags.v[i].owner] == MLT_FATE_REJECTED)
      fate[i] = MLT_FATE_REJECTED;
    mlt_write_count(a, MLT_T_EXPERIMENT_TAGS, fate[i], 1);
    if (a->w->prove && rc == MLT_OK)
      rc = prove_tag(a, &a->b->experiment_tags.v[i], fate[i]);
  }
  if (rc != MLT_OK)
    return rc;
  struct mlt_rows rows;
  rc = tags_of(a, fate, MLT_FATE_NEW, &rows);
  if (rc == MLT_OK)
    rc = mlt_write_insert(a, &rows);
  struct mlt_merge replace = {.how = MLT_MERGE_REPLACE, .key = 1u << 0 | 1u << 2, .set = 1u << 1};
  struct mlt_merged done;
  if (rc == MLT_OK)
    rc = tags_of(a, fate, MLT_FATE_MERGE, &replace.rows);
  return rc == MLT_OK ? mlt_write_merge(a, &replace, &done) : rc;
}

enum mlt_rc mlt_write_experiments(struct mlt_write *a) {
  if (a->b->experiments.n == 0)
    return MLT_OK;
  struct lookup l = {.arena = a->out->arena, .by_name = mlt_map_new()};
  enum mlt_rc rc = l.by_name ? find_by_name(a, &l) : mlt_err_nomem(a->err);
  for (size_t i = 0; rc == MLT_OK && i < a->b->experiments.n; i++)
    rc = resolve_one(a, i, &l);
  mlt_map_free(l.by_name);
  mlt_free(l.v.v);
  return rc == MLT_OK ? write_tags(a) : rc;
}
