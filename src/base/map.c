/* Open addressing over an entry array in insertion order; FNV-1a with a final mix. */
#include "base/map.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

struct entry {
  struct mlt_str key;
  uint64_t hash, value;
};

struct mlt_map {
  struct entry *entries;
  size_t n, cap;
  uint32_t *slots; /* entry index + 1; 0 = free */
  size_t n_slots;  /* a power of two */
  struct mlt_arena *keys;
};

static uint64_t hash_bytes(struct mlt_str s) {
  uint64_t h = 1469598103934665603u;
  for (size_t i = 0; i < s.len; i++)
    h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
  h ^= h >> 32;
  return h * 0x9E3779B97F4A7C15u;
}

struct mlt_map *mlt_map_new(void) {
  struct mlt_map *m = mlt_calloc(1, sizeof *m);
  if (!m)
    return NULL;
  m->n_slots = 64;
  m->slots = mlt_calloc(m->n_slots, sizeof *m->slots);
  m->keys = mlt_arena_new();
  if (!m->slots || !m->keys) {
    mlt_map_free(m);
    return NULL;
  }
  return m;
}

void mlt_map_free(struct mlt_map *m) {
  if (!m)
    return;
  mlt_free(m->entries);
  mlt_free(m->slots);
  mlt_arena_free(m->keys);
  mlt_free(m);
}

void mlt_map_clear(struct mlt_map *m) {
  m->n = 0;
  memset(m->slots, 0, m->n_slots * sizeof *m->slots);
  mlt_arena_reset(m->keys);
}

size_t mlt_map_count(const struct mlt_map *m) {
  return m->n;
}

size_t mlt_map_bytes(const struct mlt_map *m) {
  return m->n * (sizeof *m->entries + 2 * sizeof *m->slots) + mlt_arena_bytes(m->keys);
}

/* The slot that holds key, or the free one where it belongs. */
static size_t find_slot(const struct mlt_map *m, struct mlt_str key, uint64_t hash) {
  size_t i = (size_t)(hash >> 20) & (m->n_slots - 1);
  while (m->slots[i]) {
    const struct entry *e = &m->entries[m->slots[i] - 1];
    if (e->hash == hash && mlt_str_eq(e->key, key))
      break;
    i = (i + 1) & (m->n_slots - 1);
  }
  return i;
}

bool mlt_map_get(const struct mlt_map *m, struct mlt_str key, uint64_t *value) {
  uint32_t slot = m->slots[find_slot(m, key, hash_bytes(key))];
  if (!slot)
    return false;
  *value = m->entries[slot - 1].value;
  return true;
}

static int grow_slots(struct mlt_map *m) {
  size_t n = m->n_slots * 2;
  uint32_t *slots = mlt_calloc(n, sizeof *slots);
  if (!slots)
    return -1;
  mlt_free(m->slots);
  m->slots = slots;
  m->n_slots = n;
  for (size_t i = 0; i < m->n; i++)
    slots[find_slot(m, m->entries[i].key, m->entries[i].hash)] = (uint32_t)(i + 1);
  return 0;
}

static int add_entry(struct mlt_map *m, struct mlt_str key, uint64_t hash, uint64_t value) {
  if (m->n >= UINT32_MAX - 1)
    return -1;
  if ((m->n + 1) * 2 > m->n_slots && grow_slots(m) != 0)
    return -1;
  if (m->n == m->cap) {
    size_t cap = m->cap ? m->cap * 2 : 32;
    struct entry *p = mlt_reallocarray(m->entries, cap, sizeof *p);
    if (!p)
      return -1;
    m->entries = p;
    m->cap = cap;
  }
  struct entry e = {.hash = hash, .value = value};
  if (mlt_arena_str(m->keys, key, &e.key) != 0)
    return -1;
  m->entries[m->n++] = e;
  m->slots[find_slot(m, key, hash)] = (uint32_t)m->n;
  return 1;
}

int mlt_map_put(struct mlt_map *m, struct mlt_str key, uint64_t value) {
  uint64_t hash = hash_bytes(key);
  uint32_t slot = m->slots[find_slot(m, key, hash)];
  if (!slot)
    return add_entry(m, key, hash, value);
  m->entries[slot - 1].value = value;
  return 0;
}

int mlt_map_intern(struct mlt_map *m, struct mlt_str key, uint64_t value, uint64_t *out) {
  uint64_t hash = hash_bytes(key);
  uint32_t slot = m->slots[find_slot(m, key, hash)];
  if (slot) {
    *out = m->entries[slot - 1].value;
    return 0;
  }
  *out = value;
  return add_entry(m, key, hash, value);
}

bool mlt_map_next(const struct mlt_map *m, size_t *pos, struct mlt_str *key, uint64_t *value) {
  if (*pos >= m->n)
    return false;
  *key = m->entries[*pos].key;
  *value = m->entries[*pos].value;
  ++*pos;
  return true;
}
