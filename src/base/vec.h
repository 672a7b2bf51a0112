/* Growing arrays: a struct {v, n, cap} of any element type. Elements are plain data; memory is
 * freed with mlt_free(x.v). */
#ifndef MLT_BASE_VEC_H
#define MLT_BASE_VEC_H

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define MLT_VEC(type)                                                                              \
  struct {                                                                                         \
    type *v;                                                                                       \
    size_t n, cap;                                                                                 \
  }

/* The array with room for one more element; NULL when out of memory (the old one stays valid). */
static inline void *mlt_vec_grown(void *v, size_t n, size_t *cap, size_t element) {
  if (n < *cap)
    return v;
  size_t more = *cap ? *cap * 2 : 16;
  void *p = mlt_reallocarray(v, more, element);
  if (p)
    *cap = more;
  return p;
}

/* Makes room for one more: true, or false when out of memory. Then vec.v[vec.n++] = element. */
#define MLT_VEC_ROOM(vec) mlt_vec_room_(&(vec).v, (vec).n, &(vec).cap, sizeof *(vec).v)
static inline int mlt_vec_room_(void *pv, size_t n, size_t *cap, size_t element) {
  void *p; /* *pv is a pointer of some other type: copied as bytes, as the aliasing rules want it */
  memcpy(&p, pv, sizeof p);
  p = mlt_vec_grown(p, n, cap, element);
  if (!p)
    return 0;
  memcpy(pv, &p, sizeof p);
  return 1;
}

#endif
