/* Preloaded into the program by the fault suite: short reads and writes, EINTR, allocations that
   fail. Stands between the program with all its libraries and the C library. The environment says
   what: MLT_PRELOAD_SHORT=seed     reads and writes take a part of what was asked for
     MLT_PRELOAD_EINTR=percent  so many of them fail with EINTR instead; needs _SHORT
     MLT_PRELOAD_MALLOC=k       the k-th allocation fails; -k: it and all after it
     MLT_PRELOAD_COUNT=file     how many allocations there were is written there at the end */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int io_on, ready;
static unsigned eintr_percent;
static _Atomic uint64_t state;
static long fail_at;
static atomic_long allocations;

static void set_up(void) {
  const char *s;
  if (atomic_exchange(&ready, 1))
    return;
  if ((s = getenv("MLT_PRELOAD_SHORT")))
    state = strtoull(s, NULL, 10) + 1;
  io_on = s != NULL;
  if ((s = getenv("MLT_PRELOAD_EINTR")))
    eintr_percent = (unsigned)atoi(s);
  if ((s = getenv("MLT_PRELOAD_MALLOC")))
    fail_at = atol(s);
}

__attribute__((constructor)) static void begin(void) {
  set_up();
}

/* Counting ends here: at exit the libraries free what they have, and allocate nothing. */
__attribute__((destructor)) static void end(void) {
  const char *path = getenv("MLT_PRELOAD_COUNT");
  FILE *f = path ? fopen(path, "w") : NULL;
  if (f) {
    (void)fprintf(f, "%ld", (long)allocations);
    (void)fclose(f);
  }
}

static uint64_t random_number(void) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* How many of n bytes to take; 0: EINTR. */
static size_t part(size_t n) {
  if (!io_on || n < 2)
    return n;
  if (random_number() % 100 < eintr_percent)
    return 0;
  return 1 + random_number() % n;
}

/* Of a regular file no file system gives less than a page before its end. */
static size_t part_of_file(int fd, size_t n) {
  enum { PAGE = 4096 };
  struct stat st;
  size_t taken = part(n);
  bool short_of_page = taken > 0 && taken < PAGE && io_on;
  if (!short_of_page || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return taken;
  return n < PAGE ? n : PAGE;
}

#define NEXT(type, name, ...)                                                                      \
  static type (*next)(__VA_ARGS__);                                                                \
  if (!next)                                                                                       \
  *(void **)&next = dlsym(RTLD_NEXT, name)

#define TAKE(n, how)                                                                               \
  if ((n) > 1 && ((n) = (how)) == 0) {                                                             \
    errno = EINTR;                                                                                 \
    return -1;                                                                                     \
  }

ssize_t read(int fd, void *p, size_t n) {
  NEXT(ssize_t, "read", int, void *, size_t);
  TAKE(n, part_of_file(fd, n));
  return next(fd, p, n);
}

ssize_t write(int fd, const void *p, size_t n) {
  NEXT(ssize_t, "write", int, const void *, size_t);
  TAKE(n, part(n));
  return next(fd, p, n);
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at) {
  NEXT(ssize_t, "pread64", int, void *, size_t, off64_t);
  TAKE(n, part(n));
  return next(fd, p, n, at);
}

ssize_t pread(int fd, void *p, size_t n, off_t at) {
  return pread64(fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at) {
  NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  TAKE(n, part(n));
  return next(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
  return pwrite64(fd, p, n, at);
}

ssize_t recv(int fd, void *p, size_t n, int flags) {
  NEXT(ssize_t, "recv", int, void *, size_t, int);
  TAKE(n, part(n));
  return next(fd, p, n, flags);
}

ssize_t send(int fd, const void *p, size_t n, int flags) {
  NEXT(ssize_t, "send", int, const void *, size_t, int);
  TAKE(n, part(n));
  return next(fd, p, n, flags);
}

/* ---- memory ---- */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

static int fails(void) {
  long n = ++allocations;
  if (fail_at == 0 || !ready)
    return 0;
  if (fail_at > 0 ? n != fail_at : n < -fail_at)
    return 0;
  errno = ENOMEM;
  return 1;
}

void *malloc(size_t n) {
  return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t n) {
  return fails() ? NULL : __libc_realloc(p, n);
}
