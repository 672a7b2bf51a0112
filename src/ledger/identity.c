/* What tells a source from another. */
#include "ledger/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"

enum { SAMPLE = 1 << 20 };

/* Up to SAMPLE bytes from there on. */
static bool add_sample(struct mlt_hasher *h, int fd, off_t from) {
  char *p = mlt_calloc(1, SAMPLE);
  size_t got = 0;
  ssize_t n = p && lseek(fd, from, SEEK_SET) == from ? 1 : -1;
  while (n > 0 && got < SAMPLE) {
    n = mlt_file_read(fd, p + got, SAMPLE - got);
    got += n > 0 ? (size_t)n : 0;
  }
  bool ok = n >= 0 && mlt_hasher_add(h, p, got);
  mlt_free(p);
  return ok;
}

static bool add_file(struct mlt_hasher *h, int fd, const struct stat *st) {
  char size[32];
  int n = snprintf(size, sizeof size, "file %lld\n", (long long)st->st_size);
  return mlt_hasher_add(h, size, (size_t)n) && add_sample(h, fd, 0) &&
         (st->st_size <= SAMPLE || add_sample(h, fd, st->st_size - SAMPLE));
}

struct names {
  MLT_VEC(char *) v;
};

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(struct names *names) {
  for (size_t i = 0; i < names->v.n; i++)
    mlt_free(names->v.v[i]);
  mlt_free(names->v.v);
}

/* What is in a folder, sorted; each name behind 'd' for a folder, or what may be one where the file
   system does not tell, 'f' for anything else. Takes fd. */
static bool list(int fd, struct names *out) {
  DIR *d = fdopendir(fd);
  bool ok = d != NULL;
  struct dirent *e;
  while (ok && (errno = 0, e = readdir(d))) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
      continue;
    bool folder = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN;
    size_t n = strlen(e->d_name);
    char *name = MLT_VEC_ROOM(out->v) ? mlt_calloc(1, n + 2) : NULL;
    ok = name != NULL;
    if (ok) {
      name[0] = folder ? 'd' : 'f';
      memcpy(name + 1, e->d_name, n + 1);
      out->v.v[out->v.n++] = name;
    }
  }
  ok = ok && errno == 0;
  (void)(d ? closedir(d) : close(fd));
  if (ok && out->v.n)
    qsort(out->v.v, out->v.n, sizeof *out->v.v, by_name);
  return ok;
}

/* Names of the folder and of `deeper` levels of folders in it. Takes fd. */
static bool add_folder(struct mlt_hasher *h, int fd, int deeper) {
  int again = dup(fd);
  struct names names = {0};
  bool ok = list(fd, &names) && again >= 0;
  for (size_t i = 0; ok && i < names.v.n; i++) {
    const char *name = names.v.v[i];
    ok = mlt_hasher_add(h, name, strlen(name) + 1);
    int inner = ok && deeper && name[0] == 'd'
                    ? openat(again, name + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                    : -1;
    if (inner >= 0)
      ok = add_folder(h, inner, deeper - 1) && mlt_hasher_add(h, "", 1);
  }
  if (again >= 0)
    (void)close(again);
  free_names(&names);
  return ok;
}

static bool add_source(struct mlt_hasher *h, const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) /* a database's URI; or a path that the source reads in a way of its own */
    return errno == ENOENT && mlt_hasher_add(h, path, strlen(path));
  if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
    return add_folder(h, fd, 1);
  bool ok = S_ISREG(st.st_mode) && add_file(h, fd, &st);
  (void)close(fd);
  return ok;
}

bool mlt_ledger_identity(char out[MLT_IDENTITY_HEX + 1], const char *format, const char *path) {
  unsigned char sum[MLT_SHA256_BYTES];
  struct mlt_hasher *h = strcmp(path, "-") == 0 ? NULL : mlt_hasher_new();
  bool ok = h && mlt_hasher_start(h) && mlt_hasher_add(h, format, strlen(format) + 1) &&
            add_source(h, path) && mlt_hasher_finish(h, sum);
  mlt_hasher_free(h);
  for (size_t i = 0; ok && i < sizeof sum; i++)
    (void)snprintf(out + 2 * i, 3, "%02x", sum[i]);
  return ok;
}
