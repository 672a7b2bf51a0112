/* Points as columns: room, moving, order. */
#include <string.h>

#include "base/mem.h"
#include "batch/private.h"

enum { COLUMNS = 6, FIRST_ROOM = 1024 };

bool mlt_points_room(struct mlt_batch_points *p, size_t need) {
  size_t cap = p->cap ? p->cap : FIRST_ROOM;
  while (cap < need)
    cap *= 2;
  if (cap == p->cap)
    return true;
  if (cap > UINT32_MAX) /* points are sorted by 32-bit indices */
    return false;
  const struct {
    void *address;
    size_t size;
  } columns[COLUMNS] = {
      {&p->run, sizeof *p->run},     {&p->key, sizeof *p->key},
      {&p->step, sizeof *p->step},   {&p->timestamp, sizeof *p->timestamp},
      {&p->value, sizeof *p->value}, {&p->is_nan, sizeof *p->is_nan},
  };
  for (size_t i = 0; i < COLUMNS; i++) {
    void *v; /* a pointer of some type: copied as bytes, as the aliasing rules want it */
    memcpy(&v, columns[i].address, sizeof v);
    v = mlt_reallocarray(v, cap, columns[i].size);
    if (!v)
      return false;
    memcpy(columns[i].address, &v, sizeof v);
  }
  p->cap = cap;
  return true;
}

void mlt_points_free(struct mlt_batch_points *p) {
  mlt_free(p->run);
  mlt_free(p->key);
  mlt_free(p->step);
  mlt_free(p->timestamp);
  mlt_free(p->value);
  mlt_free(p->is_nan);
  *p = (struct mlt_batch_points){0};
}

static inline struct mlt_metric_point point_at(const struct mlt_batch_points *p, size_t i) {
  return (struct mlt_metric_point){p->step[i], p->timestamp[i], p->value[i], p->is_nan[i]};
}

int mlt_points_compare(const struct mlt_batch_points *p, size_t a, size_t b) {
  return mlt_metric_order(point_at(p, a), point_at(p, b));
}

void mlt_points_move(struct mlt_batch_points *p, size_t to, size_t from, size_t n) {
  memmove(p->run + to, p->run + from, n * sizeof *p->run);
  memmove(p->key + to, p->key + from, n * sizeof *p->key);
  memmove(p->step + to, p->step + from, n * sizeof *p->step);
  memmove(p->timestamp + to, p->timestamp + from, n * sizeof *p->timestamp);
  memmove(p->value + to, p->value + from, n * sizeof *p->value);
  memmove(p->is_nan + to, p->is_nan + from, n * sizeof *p->is_nan);
}

struct column {
  void *v;
  size_t size;
};

static void columns_of(struct mlt_batch_points *p, struct column out[COLUMNS]) {
  out[0] = (struct column){p->run, sizeof *p->run};
  out[1] = (struct column){p->key, sizeof *p->key};
  out[2] = (struct column){p->step, sizeof *p->step};
  out[3] = (struct column){p->timestamp, sizeof *p->timestamp};
  out[4] = (struct column){p->value, sizeof *p->value};
  out[5] = (struct column){p->is_nan, sizeof *p->is_nan};
}

/* The sizes are written out so that the compiler makes loads and stores of them. */
static void permute(char *to, const char *from, const uint32_t *order, size_t n, size_t size) {
  switch (size) {
  case 8:
    for (size_t i = 0; i < n; i++)
      memcpy(to + i * 8, from + (size_t)order[i] * 8, 8);
    break;
  case 4:
    for (size_t i = 0; i < n; i++)
      memcpy(to + i * 4, from + (size_t)order[i] * 4, 4);
    break;
  default:
    for (size_t i = 0; i < n; i++)
      memcpy(to + i * size, from + (size_t)order[i] * size, size);
  }
}

void mlt_points_permute(struct mlt_batch_points *p, size_t first, const uint32_t *order, size_t n,
                        char *scratch) {
  struct column columns[COLUMNS];
  columns_of(p, columns);
  for (size_t c = 0; c < COLUMNS; c++) {
    char *to = (char *)columns[c].v + first * columns[c].size;
    memcpy(scratch, to, n * columns[c].size);
    permute(to, scratch, order, n, columns[c].size);
  }
}

void mlt_points_scatter(struct mlt_batch_points *p, size_t first,
                        const struct mlt_segment *segments, size_t n, char *scratch) {
  struct column columns[COLUMNS];
  columns_of(p, columns);
  for (size_t c = 0; c < COLUMNS; c++) {
    size_t size = columns[c].size;
    char *base = columns[c].v;
    memcpy(scratch, base + first * size, (p->n - first) * size);
    for (size_t i = 0; i < n; i++) {
      const struct mlt_segment *s = &segments[i];
      size_t end = i + 1 < n ? s[1].first : p->n;
      memcpy(base + s->to * size, scratch + (s->first - first) * size, (end - s->first) * size);
    }
  }
}
