#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { ALIGN = 16, FIRST_BLOCK = 16 * 1024, MAX_BLOCK = 1024 * 1024 };

struct block {
  struct block *next;
  size_t cap, used;
  _Alignas(ALIGN) char data[];
};

struct mlt_arena {
  struct block *first, *current;
  size_t bytes;
};

static struct block *block_new(struct mlt_arena *a, size_t cap) {
  struct block *b = mlt_alloc(sizeof *b + cap);
  if (!b)
    return NULL;
  b->next = NULL;
  b->cap = cap;
  b->used = 0;
  a->bytes += cap;
  return b;
}

struct mlt_arena *mlt_arena_new(void) {
  struct mlt_arena *a = mlt_calloc(1, sizeof *a);
  if (!a)
    return NULL;
  a->first = a->current = block_new(a, FIRST_BLOCK);
  if (!a->first) {
    mlt_free(a);
    return NULL;
  }
  return a;
}

static void free_blocks(struct block *b) {
  while (b) {
    struct block *next = b->next;
    mlt_free(b);
    b = next;
  }
}

void mlt_arena_free(struct mlt_arena *a) {
  if (!a)
    return;
  free_blocks(a->first);
  mlt_free(a);
}

void mlt_arena_reset(struct mlt_arena *a) {
  free_blocks(a->first->next);
  a->first->next = NULL;
  a->first->used = 0;
  a->current = a->first;
  a->bytes = a->first->cap;
}

size_t mlt_arena_bytes(const struct mlt_arena *a) {
  return a->bytes;
}

static size_t next_block_size(const struct mlt_arena *a, size_t need) {
  size_t size = a->current->cap * 2;
  if (size > MAX_BLOCK)
    size = MAX_BLOCK;
  return size < need ? need : size;
}

void *mlt_arena_alloc(struct mlt_arena *a, size_t n) {
  if (n > SIZE_MAX / 2)
    return NULL;
  n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  struct block *b = a->current;
  if (b->cap - b->used < n) {
    b = block_new(a, next_block_size(a, n));
    if (!b)
      return NULL;
    a->current->next = b;
    a->current = b;
  }
  void *p = b->data + b->used;
  b->used += n;
  return p;
}

void *mlt_arena_zalloc(struct mlt_arena *a, size_t n) {
  void *p = mlt_arena_alloc(a, n);
  if (p)
    memset(p, 0, n);
  return p;
}

int mlt_arena_str(struct mlt_arena *a, struct mlt_str s, struct mlt_str *out) {
  if (!s.p) {
    *out = MLT_STR_NULL;
    return 0;
  }
  char *p = mlt_arena_alloc(a, s.len + 1);
  if (!p)
    return -1;
  memcpy(p, s.p, s.len);
  p[s.len] = '\0';
  *out = (struct mlt_str){p, s.len};
  return 0;
}

char *mlt_arena_cstr(struct mlt_arena *a, const char *s) {
  struct mlt_str out;
  return mlt_arena_str(a, mlt_str_c(s), &out) == 0 ? (char *)(uintptr_t)out.p : NULL;
}
