#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { PAGE = 4096, LARGE = 1 << 20 };

#ifdef MLT_FAULTS
/* Fails allocation number MLT_FAIL_ALLOC, or that one and all later ones when it is negative. */
static int fail_now(void) {
  static _Atomic long count;
  static _Atomic long target;
  static _Atomic int ready;
  if (!ready) {
    const char *s = getenv("MLT_FAIL_ALLOC");
    target = s ? strtol(s, NULL, 10) : 0;
    ready = 1;
  }
  long n = ++count;
  return target > 0 ? n == target : target < 0 && n >= -target;
}
#define FAIL_HOOK()                                                                                \
  do {                                                                                             \
    if (fail_now())                                                                                \
      return NULL;                                                                                 \
  } while (0)
#else
#define FAIL_HOOK() (void)0
#endif

void mlt_mem_setup(void) {
#ifdef __GLIBC__
  (void)mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

void *mlt_alloc(size_t n) {
  FAIL_HOOK();
  return malloc(n ? n : 1);
}

void *mlt_alloc_pages(size_t n) {
  FAIL_HOOK();
  return n >= SIZE_MAX - PAGE ? NULL : aligned_alloc(PAGE, n ? (n + PAGE - 1) / PAGE * PAGE : PAGE);
}

void *mlt_calloc(size_t count, size_t size) {
  FAIL_HOOK();
  return calloc(count ? count : 1, size ? size : 1);
}

void *mlt_realloc(void *p, size_t n) {
  FAIL_HOOK();
  return realloc(p, n ? n : 1);
}

void *mlt_reallocarray(void *p, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size)
    return NULL;
  return mlt_realloc(p, count * size);
}

char *mlt_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *p = mlt_alloc(n);
  if (p)
    memcpy(p, s, n);
  return p;
}

void mlt_free(void *p) {
  free(p);
}
