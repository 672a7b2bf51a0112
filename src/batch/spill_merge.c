/* Extents into one: a heap of inputs, each an extent read through a buffer of its own. */
#include <fcntl.h>
#include <stdbool.h>

#include "batch/spill.h"

enum {
  MERGE_BYTES = 1024 * 1024, /* all inputs' buffers */
  LEAST = 16                 /* points of a buffer */
};

#define POINT sizeof(struct mlt_spill_point)

struct input {
  struct mlt_spill_point *buffer;
  size_t at, held;     /* of the buffer */
  uint64_t next, left; /* of the extent: not read yet */
  uint32_t rank;       /* of the point at hand */
};

struct merge {
  struct mlt_spill *spill;
  const uint32_t *rank;
  struct mlt_err *err;
  size_t room; /* points of a buffer */
  struct mlt_spill_point *buffers;
  struct input *input; /* in the order of arrival */
  uint32_t *heap;      /* inputs, the one with the least point first */
  size_t n;            /* of the heap */
};

static const struct mlt_spill_point *at_hand(const struct input *in) {
  return &in->buffer[in->at];
}

/* Equal points come in the order of arrival. */
static bool before(const struct merge *m, uint32_t a, uint32_t b) {
  const struct input *x = &m->input[a], *y = &m->input[b];
  if (x->rank != y->rank)
    return x->rank < y->rank;
  int c = mlt_spill_compare(at_hand(x), at_hand(y));
  return c ? c < 0 : a < b;
}

static void sift_down(struct merge *m, size_t i) {
  uint32_t moving = m->heap[i];
  for (size_t child; (child = 2 * i + 1) < m->n; i = child) {
    if (child + 1 < m->n && before(m, m->heap[child + 1], m->heap[child]))
      child++;
    if (!before(m, m->heap[child], moving))
      break;
    m->heap[i] = m->heap[child];
  }
  m->heap[i] = moving;
}

/* Makes the input's next point the one at hand; MLT_END when there is none. */
static enum mlt_rc advance(const struct merge *m, struct input *in) {
  if (++in->at >= in->held) {
    if (!in->left)
      return MLT_END;
    in->held = in->left < m->room ? (size_t)in->left : m->room;
    enum mlt_rc rc = mlt_spill_read(m->spill, in->next, in->buffer, in->held, m->err);
    if (rc != MLT_OK)
      return rc;
    in->next += in->held;
    in->left -= in->held;
    in->at = 0;
  }
  in->rank = m->rank[at_hand(in)->key];
  return MLT_OK;
}

static enum mlt_rc open_inputs(struct merge *m, const struct mlt_extent *extents, size_t n) {
  size_t room = MERGE_BYTES / POINT / n;
  m->room = room < LEAST ? LEAST : room;
  m->buffers = mlt_reallocarray(NULL, n * m->room, POINT);
  m->input = mlt_reallocarray(NULL, n, sizeof *m->input);
  m->heap = mlt_reallocarray(NULL, n, sizeof *m->heap);
  if (!m->buffers || !m->input || !m->heap)
    return mlt_err_nomem(m->err);
  for (size_t i = 0; i < n; i++) {
    m->input[i] = (struct input){
        .buffer = m->buffers + i * m->room, .next = extents[i].first, .left = extents[i].n};
    enum mlt_rc rc = advance(m, &m->input[i]);
    if (rc == MLT_OK)
      m->heap[m->n++] = (uint32_t)i;
    else if (rc != MLT_END)
      return rc;
  }
  for (size_t i = m->n / 2; i-- > 0;)
    sift_down(m, i);
  return MLT_OK;
}

static enum mlt_rc copy_all(struct merge *m) {
  struct mlt_spill_point last = {0};
  bool first = true;
  while (m->n) {
    struct input *in = &m->input[m->heap[0]];
    const struct mlt_spill_point *p = at_hand(in);
    enum mlt_rc rc = MLT_OK;
    if (first || p->key != last.key || mlt_spill_compare(p, &last) != 0) {
      rc = mlt_spill_put(m->spill, p, m->err);
      last = *p;
      first = false;
    }
    if (rc == MLT_OK)
      rc = advance(m, in);
    if (rc == MLT_END)
      m->heap[0] = m->heap[--m->n];
    else if (rc != MLT_OK)
      return rc;
    sift_down(m, 0);
  }
  return MLT_OK;
}

/* The merged extents' room on the disk, where the file system can; else it comes with the end. */
static void give_back(const struct mlt_spill *s, size_t from, size_t to) {
  for (size_t i = from; i < to; i++)
    (void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    (off_t)(s->extents.v[i].first * POINT), (off_t)(s->extents.v[i].n * POINT));
}

enum mlt_rc mlt_spill_merge(struct mlt_spill *s, size_t from, const uint32_t *rank,
                            struct mlt_err *err) {
  size_t n = s->extents.n - from;
  struct merge m = {.spill = s, .rank = rank, .err = err};
  enum mlt_rc rc = mlt_spill_begin(s, err);
  if (rc == MLT_OK)
    rc = open_inputs(&m, s->extents.v + from, n);
  if (rc == MLT_OK)
    rc = copy_all(&m);
  if (rc == MLT_OK)
    rc = mlt_spill_end(s, err);
  mlt_free(m.buffers);
  mlt_free(m.input);
  mlt_free(m.heap);
  if (rc != MLT_OK)
    return rc;
  struct mlt_extent *merged = &s->extents.v[from + n];
  merged->level = s->extents.v[from].level + 1;
  give_back(s, from, from + n);
  s->extents.v[from] = *merged;
  s->extents.n = from + 1;
  return MLT_OK;
}
