/* uthash keeps the order and the buckets; entries and keys live in an arena, so clearing is cheap.
   Out of memory is an answer here, not an exit: uthash's nonfatal mode. */
#include "base/map.h"

#include <limits.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#define uthash_malloc(n) mlt_alloc(n)
#define uthash_free(p, n) mlt_free(p)
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((void)(element))
#include <uthash.h>

struct entry {
  UT_hash_handle hh;
  struct mlt_str key;
  uint64_t value;
};

struct mlt_map {
  struct entry *head;
  struct mlt_arena *arena;
};

struct mlt_map *mlt_map_new(void) {
  struct mlt_map *m = mlt_calloc(1, sizeof *m);
  if (!m)
    return NULL;
  m->arena = mlt_arena_new();
  if (!m->arena) {
    mlt_free(m);
    return NULL;
  }
  return m;
}

static void forget(struct mlt_map *m) {
  HASH_CLEAR(hh, m->head);
}

void mlt_map_free(struct mlt_map *m) {
  if (!m)
    return;
  forget(m);
  mlt_arena_free(m->arena);
  mlt_free(m);
}

void mlt_map_clear(struct mlt_map *m) {
  forget(m);
  mlt_arena_reset(m->arena);
}

size_t mlt_map_count(const struct mlt_map *m) {
  return HASH_COUNT(m->head);
}

size_t mlt_map_bytes(const struct mlt_map *m) {
  return mlt_arena_bytes(m->arena) + HASH_OVERHEAD(hh, m->head);
}

/* uthash measures keys in unsigned int and wants a pointer even for none. */
static bool usable(struct mlt_str *key) {
  if (!key->p)
    *key = MLT_STR_LIT("");
  return key->len <= INT_MAX;
}

static unsigned hash_of(struct mlt_str key) {
  unsigned hash;
  HASH_VALUE(key.p, key.len, hash);
  return hash;
}

static struct entry *find(const struct mlt_map *m, struct mlt_str key, unsigned hash) {
  struct entry *e;
  HASH_FIND_BYHASHVALUE(hh, m->head, key.p, (unsigned)key.len, hash, e);
  return e;
}

bool mlt_map_get(const struct mlt_map *m, struct mlt_str key, uint64_t *value) {
  const struct entry *e = usable(&key) ? find(m, key, hash_of(key)) : NULL;
  if (e)
    *value = e->value;
  return e != NULL;
}

static int add(struct mlt_map *m, struct mlt_str key, unsigned hash, uint64_t value) {
  struct entry *e = mlt_arena_zalloc(m->arena, sizeof *e);
  if (!e || mlt_arena_str(m->arena, key, &e->key) != 0)
    return -1;
  e->value = value;
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, m->head, e->key.p, (unsigned)e->key.len, hash, e);
  return e->hh.tbl ? 1 : -1; /* no table: memory ran out and the addition was taken back */
}

/* Finds key or adds it with value; the entry in *out. Answers as mlt_map_intern. */
static int find_or_add(struct mlt_map *m, struct mlt_str key, uint64_t value, struct entry **out) {
  if (!usable(&key))
    return -1;
  unsigned hash = hash_of(key);
  *out = find(m, key, hash);
  return *out ? 0 : add(m, key, hash, value);
}

int mlt_map_put(struct mlt_map *m, struct mlt_str key, uint64_t value) {
  struct entry *e;
  int answer = find_or_add(m, key, value, &e);
  if (answer == 0)
    e->value = value;
  return answer;
}

int mlt_map_intern(struct mlt_map *m, struct mlt_str key, uint64_t value, uint64_t *out) {
  struct entry *e;
  int answer = find_or_add(m, key, value, &e);
  if (answer >= 0)
    *out = e ? e->value : value;
  return answer;
}

bool mlt_map_next(const struct mlt_map *m, size_t *pos, struct mlt_str *key, uint64_t *value) {
  /* *pos is 0 at the start, then the address of the entry visited last. */
  const struct entry *last = (const struct entry *)(uintptr_t)*pos;
  const struct entry *e = last ? last->hh.next : m->head;
  if (!e)
    return false;
  *key = e->key;
  *value = e->value;
  *pos = (size_t)(uintptr_t)e;
  return true;
}
