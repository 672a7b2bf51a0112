/* Hash map from byte strings to 64-bit values, keys copied. Used for interning keys and finding
   duplicates. An absent key counts as an empty one. Iteration follows insertion. Not thread-safe.
 */
#ifndef MLT_BASE_MAP_H
#define MLT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

struct mlt_map;

struct mlt_map *mlt_map_new(void); /* NULL when out of memory */
void mlt_map_free(struct mlt_map *m);
void mlt_map_clear(struct mlt_map *m);
size_t mlt_map_count(const struct mlt_map *m);
size_t mlt_map_bytes(const struct mlt_map *m); /* in use by entries and keys */
/* Finds key; true and *value if present. */
bool mlt_map_get(const struct mlt_map *m, struct mlt_str key, uint64_t *value);
/* Sets key to value. 1 = new, 0 = replaced, -1 = out of memory. */
int mlt_map_put(struct mlt_map *m, struct mlt_str key, uint64_t value);
/* Finds key or adds it with `value`; *out is the value in force. 1 = added, 0 = was there, -1 = out
 * of memory. */
int mlt_map_intern(struct mlt_map *m, struct mlt_str key, uint64_t value, uint64_t *out);
/* Visits entries in insertion order: start with *pos = 0; false at the end. */
bool mlt_map_next(const struct mlt_map *m, size_t *pos, struct mlt_str *key, uint64_t *value);

#endif
