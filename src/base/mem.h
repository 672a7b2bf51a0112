/* The only allocator of the library. Sizes overflow-checked; memory from mlt_alloc is not zeroed,
   from mlt_calloc it is. mlt_alloc_pages gives a buffer to read files into: it begins at a page,
   because processors copy from the page cache half as fast to 16 bytes behind one, where malloc
   puts what is large (AMD's rep movsb). All return NULL when out of memory. MLT_FAIL_ALLOC=n in the
   environment makes the n-th allocation of the process fail (only in builds with MLT_FAULTS), for
   the fault suite. */
#ifndef MLT_BASE_MEM_H
#define MLT_BASE_MEM_H

#include <stddef.h>

/* For programs, once, before other threads: blocks from 1 MiB on come from the kernel, grow by
   mremap and go back. Left alone glibc raises that bound to 32 MiB with the blocks it sees, and
   keeps what batches of many sizes leave behind: 50 million points took 185 MiB, of which 107 were
   in use, and take 82 so, in the same time. */
void mlt_mem_setup(void);
void *mlt_alloc(size_t n);
void *mlt_alloc_pages(size_t n);
void *mlt_calloc(size_t count, size_t size);
void *mlt_realloc(void *p, size_t n);
void *mlt_reallocarray(void *p, size_t count, size_t size);
char *mlt_strdup(const char *s);
void mlt_free(void *p); /* NULL is fine */

#endif
