#include "verify/facts.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"

struct fact {
  struct mlt_str name, value;
  bool held;
};

struct mlt_facts {
  struct mlt_arena *arena;
  struct mlt_map *index; /* name -> place in facts */
  MLT_VEC(struct fact) facts;
};

struct mlt_facts *mlt_facts_new(void) {
  struct mlt_facts *f = mlt_calloc(1, sizeof *f);
  if (!f)
    return NULL;
  f->arena = mlt_arena_new();
  f->index = mlt_map_new();
  if (!f->arena || !f->index) {
    mlt_facts_free(f);
    return NULL;
  }
  return f;
}

void mlt_facts_free(struct mlt_facts *f) {
  if (!f)
    return;
  mlt_map_free(f->index);
  mlt_arena_free(f->arena);
  mlt_free(f->facts.v);
  mlt_free(f);
}

void mlt_facts_clear(struct mlt_facts *f) {
  mlt_map_clear(f->index);
  mlt_arena_reset(f->arena);
  f->facts.n = 0;
}

enum mlt_rc mlt_facts_put(struct mlt_facts *f, struct mlt_str name, struct mlt_str value) {
  struct fact fact = {.held = false};
  if (!MLT_VEC_ROOM(f->facts) || mlt_arena_str(f->arena, name, &fact.name) < 0 ||
      mlt_arena_str(f->arena, value, &fact.value) < 0 ||
      mlt_map_put(f->index, name, f->facts.n) < 0)
    return MLT_NOMEM;
  f->facts.v[f->facts.n++] = fact;
  return MLT_OK;
}

enum mlt_fact_verdict mlt_facts_hold(struct mlt_facts *f, struct mlt_str name, struct mlt_str value,
                                     struct mlt_str *known) {
  uint64_t at;
  if (!mlt_map_get(f->index, name, &at))
    return MLT_FACT_NEW;
  struct fact *fact = &f->facts.v[at];
  fact->held = true;
  *known = fact->value;
  return mlt_str_eq(fact->value, value) ? MLT_FACT_SAME : MLT_FACT_DIFFERS;
}

bool mlt_facts_rest(const struct mlt_facts *f, size_t *pos, struct mlt_str *name,
                    struct mlt_str *value) {
  while (*pos < f->facts.n) {
    const struct fact *fact = &f->facts.v[(*pos)++];
    if (fact->held)
      continue;
    *name = fact->name;
    *value = fact->value;
    return true;
  }
  return false;
}
