/* The file and its extents. */
#include "batch/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/temp.h"
#include "model/rules.h"

enum { BUFFERED = 2048 }; /* points written at once: 64 KiB */

#define POINT sizeof(struct mlt_spill_point)

void mlt_spill_init(struct mlt_spill *s) {
  *s = (struct mlt_spill){.fd = -1};
}

void mlt_spill_free(struct mlt_spill *s) {
  if (s->fd >= 0)
    (void)close(s->fd);
  mlt_free(s->extents.v);
  mlt_free(s->buffer);
  mlt_spill_init(s);
}

void mlt_spill_reset(struct mlt_spill *s) {
  if (s->end)
    (void)!ftruncate(s->fd, 0); /* if that fails the file is written over */
  s->end = 0;
  s->extents.n = s->buffered = 0;
  mlt_free(s->buffer);
  s->buffer = NULL;
}

static enum mlt_rc flush(struct mlt_spill *s, struct mlt_err *err) {
  const char *p = (const char *)s->buffer;
  off_t at = (off_t)(s->end * POINT);
  size_t left = s->buffered * POINT;
  while (left) {
    ssize_t n = pwrite(s->fd, p, left, at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return mlt_temp_failed(errno, "cannot write to", err);
    p += n;
    at += n;
    left -= (size_t)n;
  }
  s->end += s->buffered;
  s->buffered = 0;
  return MLT_OK;
}

enum mlt_rc mlt_spill_begin(struct mlt_spill *s, struct mlt_err *err) {
  if (!s->buffer)
    s->buffer = mlt_reallocarray(NULL, BUFFERED, POINT);
  if (!s->buffer || !MLT_VEC_ROOM(s->extents))
    return mlt_err_nomem(err);
  if (s->fd < 0) {
    enum mlt_rc rc = mlt_temp_open(&s->fd, err);
    if (rc != MLT_OK)
      return rc;
  }
  s->extents.v[s->extents.n++] = (struct mlt_extent){.first = s->end};
  return MLT_OK;
}

enum mlt_rc mlt_spill_put(struct mlt_spill *s, const struct mlt_spill_point *p,
                          struct mlt_err *err) {
  s->buffer[s->buffered++] = s->last = *p;
  return s->buffered < BUFFERED ? MLT_OK : flush(s, err);
}

enum mlt_rc mlt_spill_end(struct mlt_spill *s, struct mlt_err *err) {
  enum mlt_rc rc = flush(s, err);
  struct mlt_extent *e = &s->extents.v[s->extents.n - 1];
  e->n = s->end - e->first;
  e->last = s->last;
  return rc;
}

void mlt_spill_join(struct mlt_spill *s) {
  const struct mlt_extent *last = &s->extents.v[--s->extents.n];
  s->extents.v[s->extents.n - 1].n += last->n;
  s->extents.v[s->extents.n - 1].last = last->last;
}

enum mlt_rc mlt_spill_read(const struct mlt_spill *s, uint64_t at, struct mlt_spill_point *out,
                           size_t n, struct mlt_err *err) {
  char *p = (char *)out;
  size_t left = n * POINT;
  off_t from = (off_t)(at * POINT);
  while (left) {
    ssize_t got = pread(s->fd, p, left, from);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) /* 0: somebody cut the file */
      return mlt_temp_failed(got ? errno : EIO, "cannot read from", err);
    p += got;
    from += got;
    left -= (size_t)got;
  }
  return MLT_OK;
}

int mlt_spill_compare(const struct mlt_spill_point *a, const struct mlt_spill_point *b) {
  return mlt_metric_order(
      (struct mlt_metric_point){a->step, a->timestamp, a->value, a->is_nan != 0},
      (struct mlt_metric_point){b->step, b->timestamp, b->value, b->is_nan != 0});
}
