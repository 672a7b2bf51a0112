#include "sink/known.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

struct mlt_known {
  pthread_rwlock_t lock;
  atomic_int references;
  MLT_VEC(struct mlt_known_experiment *) entries;
  struct mlt_map *by_key, *by_name; /* -> index in entries */
  struct mlt_map *lost;
  struct mlt_arena *arena;
};

struct mlt_known *mlt_known_new(void) {
  struct mlt_known *k = mlt_calloc(1, sizeof *k);
  if (!k || pthread_rwlock_init(&k->lock, NULL) != 0) {
    mlt_free(k);
    return NULL;
  }
  k->references = 1;
  k->by_key = mlt_map_new();
  k->by_name = mlt_map_new();
  k->lost = mlt_map_new();
  k->arena = mlt_arena_new();
  if (k->by_key && k->by_name && k->lost && k->arena)
    return k;
  mlt_known_release(k);
  return NULL;
}

struct mlt_known *mlt_known_share(struct mlt_known *k) {
  k->references++;
  return k;
}

void mlt_known_release(struct mlt_known *k) {
  if (!k || --k->references > 0)
    return;
  mlt_free(k->entries.v);
  mlt_map_free(k->by_key);
  mlt_map_free(k->by_name);
  mlt_map_free(k->lost);
  mlt_arena_free(k->arena);
  (void)pthread_rwlock_destroy(&k->lock);
  mlt_free(k);
}

static const struct mlt_known_experiment *find(struct mlt_known *k, const struct mlt_map *m,
                                               struct mlt_str s) {
  uint64_t i;
  (void)pthread_rwlock_rdlock(&k->lock);
  const struct mlt_known_experiment *e = mlt_map_get(m, s, &i) ? k->entries.v[i] : NULL;
  (void)pthread_rwlock_unlock(&k->lock);
  return e;
}

const struct mlt_known_experiment *mlt_known_by_key(struct mlt_known *k, struct mlt_str key) {
  return find(k, k->by_key, key);
}

const struct mlt_known_experiment *mlt_known_by_name(struct mlt_known *k, struct mlt_str name) {
  return find(k, k->by_name, name);
}

static bool add(struct mlt_known *k, const struct mlt_known_experiment *entry) {
  struct mlt_known_experiment *e = mlt_arena_alloc(k->arena, sizeof *e);
  if (!e || !MLT_VEC_ROOM(k->entries))
    return false;
  *e = *entry;
  if (mlt_arena_str(k->arena, entry->pub.key, &e->pub.key) != 0 ||
      mlt_arena_str(k->arena, entry->pub.name, &e->pub.name) != 0 ||
      mlt_arena_str(k->arena, entry->location, &e->location) != 0 ||
      mlt_map_put(k->by_key, e->pub.key, k->entries.n) < 0 ||
      (!e->rejected && mlt_map_put(k->by_name, e->pub.name, k->entries.n) < 0))
    return false;
  k->entries.v[k->entries.n++] = e;
  return true;
}

enum mlt_rc mlt_known_add(struct mlt_known *k, const struct mlt_known_experiment *entry,
                          struct mlt_err *err) {
  (void)pthread_rwlock_wrlock(&k->lock);
  bool added = add(k, entry);
  (void)pthread_rwlock_unlock(&k->lock);
  return added ? MLT_OK : mlt_err_nomem(err);
}

bool mlt_known_has_location(struct mlt_known *k, struct mlt_str path) {
  bool has = false;
  (void)pthread_rwlock_rdlock(&k->lock);
  for (size_t i = 0; i < k->entries.n && !has; i++) {
    struct mlt_str l = k->entries.v[i]->location;
    has = l.len && path.len > l.len && path.p[l.len] == '/' && memcmp(path.p, l.p, l.len) == 0;
  }
  (void)pthread_rwlock_unlock(&k->lock);
  return has;
}

size_t mlt_known_count(struct mlt_known *k) {
  (void)pthread_rwlock_rdlock(&k->lock);
  size_t n = k->entries.n;
  (void)pthread_rwlock_unlock(&k->lock);
  return n;
}

void mlt_known_forget(struct mlt_known *k, size_t n) {
  (void)pthread_rwlock_wrlock(&k->lock);
  if (n < k->entries.n) {
    k->entries.n = n;
    mlt_map_clear(k->by_key);
    mlt_map_clear(k->by_name);
    for (size_t i = 0; i < n; i++) {
      const struct mlt_known_experiment *e = k->entries.v[i];
      /* cannot fail for want of memory: the maps held these keys before */
      (void)mlt_map_put(k->by_key, e->pub.key, i);
      if (!e->rejected)
        (void)mlt_map_put(k->by_name, e->pub.name, i);
    }
  }
  (void)pthread_rwlock_unlock(&k->lock);
}

enum mlt_rc mlt_known_lose(struct mlt_known *k, const struct mlt_map *lost, struct mlt_err *err) {
  struct mlt_str key;
  uint64_t value;
  bool kept = true;
  (void)pthread_rwlock_wrlock(&k->lock);
  for (size_t pos = 0; kept && mlt_map_next(lost, &pos, &key, &value);)
    kept = mlt_map_put(k->lost, key, value) >= 0;
  (void)pthread_rwlock_unlock(&k->lock);
  return kept ? MLT_OK : mlt_err_nomem(err);
}

bool mlt_known_is_lost(struct mlt_known *k, struct mlt_str key) {
  uint64_t value;
  (void)pthread_rwlock_rdlock(&k->lock);
  bool lost = mlt_map_get(k->lost, key, &value);
  (void)pthread_rwlock_unlock(&k->lock);
  return lost;
}

struct mlt_id_map *mlt_known_list(struct mlt_known *k, struct mlt_arena *arena, size_t *n) {
  *n = 0;
  (void)pthread_rwlock_rdlock(&k->lock);
  struct mlt_id_map *list = mlt_arena_alloc(arena, (k->entries.n + 1) * sizeof *list);
  for (size_t i = 0; list && i < k->entries.n; i++)
    if (!k->entries.v[i]->rejected)
      list[(*n)++] = k->entries.v[i]->pub;
  (void)pthread_rwlock_unlock(&k->lock);
  return list;
}
