/* Bump allocator: one arena a batch, freed or reset as a whole. Not thread-safe.
   Blocks grow geometrically up to 1 MiB; a larger request gets a block of its own. */
#ifndef MLT_BASE_ARENA_H
#define MLT_BASE_ARENA_H

#include <stddef.h>
#include "base/str.h"

struct mlt_arena;

struct mlt_arena *mlt_arena_new(void);             /* NULL when out of memory */
void mlt_arena_free(struct mlt_arena *a);          /* NULL is fine */
void mlt_arena_reset(struct mlt_arena *a);         /* keeps the first block, for reuse */
size_t mlt_arena_bytes(const struct mlt_arena *a); /* bytes held in blocks */

/* 16-byte aligned, not zeroed; NULL when out of memory. */
void *mlt_arena_alloc(struct mlt_arena *a, size_t n);
void *mlt_arena_zalloc(struct mlt_arena *a, size_t n);
/* Copies a slice and adds a NUL behind it. An absent slice stays absent. Returns 0, or -1 when out
 * of memory. */
int mlt_arena_str(struct mlt_arena *a, struct mlt_str s, struct mlt_str *out);
char *mlt_arena_cstr(struct mlt_arena *a, const char *s); /* NULL-terminated copy */

#endif
