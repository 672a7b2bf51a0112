/* See names.h. getdents64 rather than readdir: no allocation for each folder. */
#include "source/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bisect.h"
#include "base/mem.h"

enum { LISTING_MAX = 1 << 30, READ_SIZE = 32 * 1024 };

void mlt_names_free(struct mlt_names *l) {
  mlt_buf_free(&l->bytes);
  mlt_free(l->v);
  *l = (struct mlt_names){.n = 0};
}

static uint8_t type_of(int fd, const struct dirent64 *d) {
  struct stat st;
  if (d->d_type != DT_UNKNOWN || fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return d->d_type;
  return (uint8_t)IFTODT(st.st_mode);
}

static int add(struct mlt_names *l, struct mlt_str name, uint8_t type) {
  if (l->n == l->cap) {
    size_t cap = l->cap ? l->cap * 2 : 64;
    struct mlt_name *v = mlt_reallocarray(l->v, cap, sizeof *v);
    if (!v)
      return -ENOMEM;
    l->v = v;
    l->cap = cap;
  }
  size_t at = l->bytes.len;
  enum mlt_rc rc = mlt_buf_add(&l->bytes, name.p, name.len + 1);
  if (rc != MLT_OK)
    return rc == MLT_TOOBIG ? -EOVERFLOW : -ENOMEM;
  l->v[l->n++] = (struct mlt_name){.at = (uint32_t)at, .len = (uint8_t)name.len, .type = type};
  return 0;
}

static int add_all(struct mlt_names *l, int fd, const char *entries, size_t n) {
  for (size_t at = 0; at < n;) {
    const struct dirent64 *d = (const struct dirent64 *)(const void *)(entries + at);
    at += d->d_reclen;
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
      continue;
    int bad = add(l, mlt_str_c(d->d_name), type_of(fd, d));
    if (bad)
      return bad;
  }
  return 0;
}

static void clear(struct mlt_names *l) {
  l->bytes.max = LISTING_MAX;
  mlt_buf_clear(&l->bytes);
  l->n = 0;
}

int mlt_names_one(struct mlt_names *l, struct mlt_str name, uint8_t type) {
  clear(l);
  return add(l, name, type);
}

int mlt_names_read(struct mlt_names *l, int fd) {
  _Alignas(struct dirent64) char entries[READ_SIZE];
  clear(l);
  for (;;) {
    ssize_t n = getdents64(fd, entries, sizeof entries);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? -errno : 0;
    int bad = add_all(l, fd, entries, (size_t)n);
    if (bad)
      return bad;
  }
}

static int compare(struct mlt_str a, struct mlt_str b) {
  if (a.len != b.len)
    return a.len < b.len ? -1 : 1;
  return memcmp(a.p, b.p, a.len);
}

static int compare_entries(const void *a, const void *b, void *bytes) {
  const struct mlt_name *x = a, *y = b;
  return compare((struct mlt_str){(const char *)bytes + x->at, x->len},
                 (struct mlt_str){(const char *)bytes + y->at, y->len});
}

void mlt_names_sort(struct mlt_names *l) {
  if (l->n > 1)
    qsort_r(l->v, l->n, sizeof *l->v, compare_entries, l->bytes.p);
}

void mlt_names_filter(struct mlt_names *l,
                      bool (*keep)(const struct mlt_name *, const char *name)) {
  size_t n = 0;
  for (size_t i = 0; i < l->n; i++)
    if (keep(&l->v[i], mlt_names_at(l, i)))
      l->v[n++] = l->v[i];
  l->n = n;
}

struct sought {
  const struct mlt_names *l;
  struct mlt_str name;
};

static int order(const void *ctx, size_t i) {
  const struct sought *s = ctx;
  return compare(mlt_names_str(s->l, i), s->name);
}

bool mlt_names_has(const struct mlt_names *l, struct mlt_str name) {
  return mlt_bisect(0, l->n, order, &(struct sought){l, name}) != SIZE_MAX;
}
