/* Runs whose points the batch has spilled to disk: they are streamed. Whether the target holds the
   same is told by digests, because it gives its rows in any order. */
#include "sink/spilled.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bisect.h"
#include "base/mix.h"
#include "sink/values.h"

struct stream {
  const struct mlt_batch *b;
  struct mlt_str run_id;
  struct mlt_batch_cursor *cursor;
};

static enum mlt_rc next_point(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)i;
  const struct stream *s = ctx;
  struct mlt_batch_point p;
  enum mlt_rc rc = mlt_batch_cursor_next(s->cursor, &p, err);
  if (rc == MLT_END)
    return mlt_err_set(err, MLT_INTERNAL, "a run has fewer points than were counted");
  if (rc != MLT_OK)
    return rc;
  out[0] = mlt_v_text(s->b->keys.v[p.key]);
  out[1] = mlt_v_double(p.value);
  out[2] = mlt_v_int(p.timestamp);
  out[3] = mlt_v_text(s->run_id);
  out[4] = mlt_v_int(p.step);
  out[5] = mlt_v_bool(p.is_nan);
  return MLT_OK;
}

/* Inserts the points of one run or, where `merged` is given, merges them. */
static enum mlt_rc write_run(struct mlt_write *a, size_t run, struct mlt_merged *merged) {
  const struct mlt_batch_run *r = &a->b->runs.v[run];
  struct stream s = {.b = a->b, .run_id = r->r.run_uuid};
  enum mlt_rc rc = mlt_batch_cursor_open(&s.cursor, a->b, run, a->err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_merge m = {.rows = {MLT_T_METRICS, r->points.n, next_point, &s}, .how = MLT_MERGE_ADD};
  rc = merged ? mlt_write_merge(a, &m, merged) : mlt_write_insert(a, &m.rows);
  mlt_batch_cursor_close(s.cursor);
  return rc;
}

enum mlt_rc mlt_spilled_merge(struct mlt_write *a, size_t run, struct mlt_merged *out) {
  return write_run(a, run, out);
}

enum mlt_rc mlt_spilled_insert(struct mlt_write *a) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < a->b->runs.n && rc == MLT_OK; i++)
    if (a->b->runs.v[i].spilled && a->run_fate[i] == MLT_FATE_NEW)
      rc = write_run(a, i, NULL);
  return rc;
}

enum mlt_rc mlt_spilled_each_row(const struct mlt_write *a, size_t run,
                                 void (*fn)(void *ctx, enum mlt_table table,
                                            const struct mlt_value *row),
                                 void *ctx) {
  const struct mlt_batch_run *r = &a->b->runs.v[run];
  struct stream s = {.b = a->b, .run_id = r->r.run_uuid};
  enum mlt_rc rc = mlt_batch_cursor_open(&s.cursor, a->b, run, a->err);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; rc == MLT_OK && i < r->points.n; i++) {
    struct mlt_value row[MLT_MAX_COLUMNS];
    rc = next_point(&s, i, row, a->err);
    if (rc == MLT_OK)
      fn(ctx, MLT_T_METRICS, row);
  }
  mlt_batch_cursor_close(s.cursor);
  return rc;
}

/* ---- comparing ---- */

/* Of one key: the target's points less the source's; all zero when they are the same. Sums do not
   depend on the order, and two of 64 bits do not meet by chance. */
struct digest {
  uint64_t theirs, ours, sum[2];
};

struct mlt_spilled_diff {
  const struct mlt_batch *b;
  size_t run;
  size_t last;            /* the key found last: rows of one come together */
  struct digest digest[]; /* in the order of the run's rows of latest */
};

struct mlt_spilled_diff *mlt_spilled_diff_new(struct mlt_write *a, size_t run) {
  size_t n = a->b->runs.v[run].latest.n;
  struct mlt_spilled_diff *d = mlt_arena_zalloc(a->out->arena, sizeof *d + n * sizeof d->digest[0]);
  if (d) {
    d->b = a->b;
    d->run = run;
  }
  return d;
}

static uint64_t hash(const struct mlt_batch_point *p, uint64_t seed) {
  double value = p->value == 0 ? 0.0 : p->value; /* -0.0 is the same value */
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint64_t h = mlt_mix64(seed ^ (uint64_t)p->step);
  h = mlt_mix64(h + (uint64_t)p->timestamp);
  h = mlt_mix64(h ^ bits);
  return mlt_mix64(h + p->is_nan + seed);
}

static const uint64_t seeds[2] = {0x9e3779b97f4a7c15U, 0xd1b54a32d192ed03U};

static struct mlt_str key_at(const struct mlt_spilled_diff *d, size_t i) {
  size_t first = d->b->runs.v[d->run].latest.first;
  return d->b->keys.v[d->b->latest.key[first + i]];
}

struct key_sought {
  const struct mlt_spilled_diff *d;
  struct mlt_str key;
};

static int key_order(const void *ctx, size_t i) {
  const struct key_sought *k = ctx;
  return mlt_str_cmp(key_at(k->d, i), k->key);
}

/* Index of the key among the run's n; SIZE_MAX if it is not there. */
static size_t find_key(const struct mlt_spilled_diff *d, struct mlt_str key, size_t n) {
  if (d->last < n && mlt_str_eq(key_at(d, d->last), key))
    return d->last;
  return mlt_bisect(0, n, key_order, &(struct key_sought){d, key});
}

bool mlt_spilled_diff_row(struct mlt_spilled_diff *d, struct mlt_str key,
                          const struct mlt_batch_point *p) {
  size_t i = find_key(d, key, d->b->runs.v[d->run].latest.n);
  if (i == SIZE_MAX)
    return false;
  d->last = i;
  d->digest[i].theirs++;
  for (size_t k = 0; k < 2; k++)
    d->digest[i].sum[k] += hash(p, seeds[k]);
  return true;
}

/* Takes the source's points off. They come in the order of the keys. */
static enum mlt_rc take_ours(struct mlt_spilled_diff *d, struct mlt_err *err) {
  const struct mlt_batch_run *r = &d->b->runs.v[d->run];
  const uint32_t *keys = d->b->latest.key + r->latest.first;
  struct mlt_batch_cursor *cursor;
  struct mlt_batch_point p;
  size_t i = 0;
  enum mlt_rc rc = mlt_batch_cursor_open(&cursor, d->b, d->run, err);
  if (rc != MLT_OK)
    return rc;
  while ((rc = mlt_batch_cursor_next(cursor, &p, err)) == MLT_OK) {
    while (keys[i] != p.key)
      i++;
    d->digest[i].ours++;
    for (size_t k = 0; k < 2; k++)
      d->digest[i].sum[k] -= hash(&p, seeds[k]);
  }
  mlt_batch_cursor_close(cursor);
  return rc == MLT_END ? MLT_OK : rc;
}

enum mlt_rc mlt_spilled_diff_end(struct mlt_spilled_diff *d, char *what, size_t size,
                                 struct mlt_err *err) {
  what[0] = '\0';
  enum mlt_rc rc = take_ours(d, err);
  size_t n = d->b->runs.v[d->run].latest.n;
  for (size_t i = 0; i < n && rc == MLT_OK; i++) {
    const struct digest *g = &d->digest[i];
    if (g->theirs == g->ours && !g->sum[0] && !g->sum[1])
      continue;
    struct mlt_str key = key_at(d, i);
    if (g->theirs == g->ours)
      (void)snprintf(what, size, "metric '%.*s' has %" PRIu64 " points, some with other values",
                     MLT_STR_ARG(key), g->ours);
    else
      (void)snprintf(what, size,
                     "metric '%.*s' has %" PRIu64 " points there, %" PRIu64 " in the source",
                     MLT_STR_ARG(key), g->theirs, g->ours);
    break;
  }
  return rc;
}
