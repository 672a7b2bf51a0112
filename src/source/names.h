/* The entries of one folder, packed: a name costs its bytes and 13 more, so a folder of a million
   runs fits in some 40 MB. The memory is kept when the same struct lists the next folder. */
#ifndef MLT_SOURCE_NAMES_H
#define MLT_SOURCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

struct mlt_name {
  uint32_t at; /* offset in bytes */
  uint8_t len;
  uint8_t type; /* DT_DIR, DT_REG, DT_LNK ...; never DT_UNKNOWN */
  bool marked;  /* the caller's, as is: */
  uint32_t strays;
};

struct mlt_names {
  struct mlt_buf bytes; /* NUL-terminated names */
  struct mlt_name *v;
  size_t n, cap;
};

void mlt_names_free(struct mlt_names *l);
/* Lists the folder fd is open on, without "." and "..", in no order. 0 or -errno. */
int mlt_names_read(struct mlt_names *l, int fd);
/* Makes it a listing of one entry; name ends with a NUL. 0 or -errno. */
int mlt_names_one(struct mlt_names *l, struct mlt_str name, uint8_t type);
/* Shorter names first, then by bytes: numbers come out in their order, and the same every time. */
void mlt_names_sort(struct mlt_names *l);
/* Drops the entries that keep() does not want. */
void mlt_names_filter(struct mlt_names *l, bool (*keep)(const struct mlt_name *, const char *name));
/* Is there an entry of this name? The list must be sorted. */
bool mlt_names_has(const struct mlt_names *l, struct mlt_str name);

static inline const char *mlt_names_at(const struct mlt_names *l, size_t i) {
  return l->bytes.p + l->v[i].at;
}
static inline struct mlt_str mlt_names_str(const struct mlt_names *l, size_t i) {
  return (struct mlt_str){mlt_names_at(l, i), l->v[i].len};
}

#endif
