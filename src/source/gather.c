/* See gather.h. */
#include "source/gather.h"

#include <string.h>

#include "base/mem.h"
#include "model/rules.h"

static bool points_alloc(struct mlt_gather_points *p) {
  p->timestamp = mlt_reallocarray(NULL, MLT_GATHER_POINTS, sizeof *p->timestamp);
  p->step = mlt_reallocarray(NULL, MLT_GATHER_POINTS, sizeof *p->step);
  p->value = mlt_reallocarray(NULL, MLT_GATHER_POINTS, sizeof *p->value);
  return p->timestamp && p->step && p->value;
}

static void points_free(struct mlt_gather_points *p) {
  mlt_free(p->timestamp);
  mlt_free(p->step);
  mlt_free(p->value);
}

enum mlt_rc mlt_gather_init(struct mlt_gather *g, struct mlt_err *err) {
  *g = (struct mlt_gather){.giving = SIZE_MAX};
  mlt_buf_init(&g->scratch, 4 * MLT_GATHER_KEY_MAX);
  g->raw = mlt_map_new();
  g->taken = mlt_map_new();
  g->arena = mlt_arena_new();
  g->key = mlt_reallocarray(NULL, MLT_GATHER_POINTS, sizeof *g->key);
  bool ok = points_alloc(&g->in);
  ok = points_alloc(&g->out) && ok;
  return ok && g->raw && g->taken && g->arena && g->key ? MLT_OK : mlt_err_nomem(err);
}

void mlt_gather_free(struct mlt_gather *g) {
  mlt_map_free(g->raw);
  mlt_map_free(g->taken);
  mlt_arena_free(g->arena);
  mlt_buf_free(&g->scratch);
  mlt_free(g->keys.v);
  mlt_free(g->key);
  points_free(&g->in);
  points_free(&g->out);
  *g = (struct mlt_gather){.n = 0};
}

void mlt_gather_reset(struct mlt_gather *g) {
  mlt_map_clear(g->raw);
  mlt_map_clear(g->taken);
  mlt_arena_reset(g->arena);
  g->keys.n = g->n = 0;
  g->giving = SIZE_MAX;
}

static enum mlt_rc fit_character(struct mlt_buf *out, struct mlt_str c) {
  if (c.len == 1 && strchr("()[]{}", c.p[0]) && c.p[0])
    return MLT_OK;
  bool keep = mlt_str_is(c, "/") || mlt_str_is(c, ".") || !mlt_rule_key(c, MLT_RULES_3_17);
  return keep ? mlt_buf_add(out, c.p, c.len) : mlt_buf_adds(out, "_");
}

/* Parts between slashes that a path cannot have ("", ".", "..") become "_"; the last may not end
   there. */
static enum mlt_rc fit_parts(struct mlt_buf *out, size_t from) {
  char text[4 * MLT_GATHER_KEY_MAX];
  size_t n = out->len - from;
  memcpy(text, out->p + from, n);
  out->len = from;
  enum mlt_rc rc = MLT_OK;
  for (size_t at = 0; at <= n && rc == MLT_OK;) {
    const char *slash = at < n ? memchr(text + at, '/', n - at) : NULL;
    size_t end = slash ? (size_t)(slash - text) : n;
    struct mlt_str part = {text + at, end - at};
    bool bad = !part.len || mlt_str_is(part, ".") || mlt_str_is(part, "..");
    if (at)
      rc = mlt_buf_adds(out, "/");
    if (rc == MLT_OK)
      rc = bad ? mlt_buf_adds(out, "_") : mlt_buf_add(out, part.p, part.len);
    at = end + 1;
  }
  return rc;
}

enum mlt_rc mlt_key_fit(struct mlt_buf *out, struct mlt_str raw, enum mlt_key_fit *fit) {
  size_t from = out->len;
  *fit = MLT_KEY_UNUSABLE;
  if (!raw.len || raw.len > MLT_GATHER_KEY_MAX || mlt_utf8_invalid(raw) >= 0)
    return MLT_OK;
  if (mlt_utf8_length(raw) > 250 || !mlt_rule_key(raw, MLT_RULES_3_18)) {
    *fit = MLT_KEY_FITS; /* too long is for the limits of the target to judge */
    return mlt_buf_add(out, raw.p, raw.len);
  }
  enum mlt_rc rc = MLT_OK;
  for (size_t at = 0; at < raw.len && rc == MLT_OK;) {
    uint32_t cp;
    struct mlt_str rest = {raw.p + at, raw.len - at};
    size_t n = mlt_utf8_next(rest, &cp);
    rc = fit_character(out, (struct mlt_str){rest.p, n});
    at += n;
  }
  if (rc != MLT_OK || out->len == from)
    return rc;
  rc = fit_parts(out, from);
  *fit = MLT_KEY_RENAMED;
  return rc;
}

static enum mlt_rc new_key(struct mlt_gather *g, struct mlt_str raw, struct mlt_err *err) {
  struct mlt_gather_key *k = &g->keys.v[g->keys.n];
  *k = (struct mlt_gather_key){.end = 0};
  mlt_buf_clear(&g->scratch);
  uint64_t other;
  if (mlt_key_fit(&g->scratch, raw, &k->fit) != MLT_OK ||
      mlt_arena_str(g->arena, k->fit == MLT_KEY_UNUSABLE ? raw : mlt_buf_str(&g->scratch),
                    &k->name) != 0)
    return mlt_err_nomem(err);
  int added = k->fit == MLT_KEY_UNUSABLE ? 1 : mlt_map_intern(g->taken, k->name, g->keys.n, &other);
  if (added < 0)
    return mlt_err_nomem(err);
  if (added == 0)
    k->fit = MLT_KEY_TAKEN;
  g->keys.n++;
  return MLT_OK;
}

enum mlt_rc mlt_gather_key(struct mlt_gather *g, struct mlt_str raw, size_t *index, bool *added,
                           struct mlt_err *err) {
  uint64_t found;
  *added = false;
  if (g->last < g->keys.n && g->keys.v[g->last].fit == MLT_KEY_FITS &&
      mlt_str_eq(g->keys.v[g->last].name, raw)) {
    *index = g->last;
    return MLT_OK;
  }
  if (mlt_map_get(g->raw, raw, &found)) {
    g->last = (size_t)found;
    *index = (size_t)found;
    return MLT_OK;
  }
  if (raw.len > MLT_GATHER_KEY_MAX || g->keys.n == MLT_GATHER_KEYS)
    return MLT_TOOBIG;
  if (!MLT_VEC_ROOM(g->keys) || mlt_map_put(g->raw, raw, g->keys.n) < 0)
    return mlt_err_nomem(err);
  *index = g->keys.n;
  *added = true;
  return new_key(g, raw, err);
}

void mlt_gather_add(struct mlt_gather *g, size_t key, int64_t timestamp, int64_t step,
                    double value) {
  size_t i = g->n++;
  g->key[i] = (uint32_t)key;
  g->in.timestamp[i] = timestamp;
  g->in.step[i] = step;
  g->in.value[i] = value;
}

/* From here on .end of a key is where its points end in g->out. */
static void sort(struct mlt_gather *g) {
  for (size_t k = 0; k < g->keys.n; k++)
    g->keys.v[k].end = 0;
  for (size_t i = 0; i < g->n; i++)
    g->keys.v[g->key[i]].end++;
  size_t first = 0;
  for (size_t k = 0; k < g->keys.n; k++) {
    size_t n = g->keys.v[k].end;
    g->keys.v[k].end = first;
    first += n;
  }
  for (size_t i = 0; i < g->n; i++) {
    size_t to = g->keys.v[g->key[i]].end++;
    g->out.timestamp[to] = g->in.timestamp[i];
    g->out.step[to] = g->in.step[i];
    g->out.value[to] = g->in.value[i];
  }
}

bool mlt_gather_next(struct mlt_gather *g, struct mlt_points *out) {
  if (g->giving == SIZE_MAX) {
    sort(g);
    g->giving = 0;
  }
  while (g->giving < g->keys.n) {
    size_t first = g->giving ? g->keys.v[g->giving - 1].end : 0;
    const struct mlt_gather_key *k = &g->keys.v[g->giving++];
    if (k->end == first)
      continue;
    *out = (struct mlt_points){.key = k->name,
                               .n = k->end - first,
                               .timestamp = g->out.timestamp + first,
                               .step = g->out.step + first,
                               .value = g->out.value + first};
    return true;
  }
  g->n = 0;
  g->giving = SIZE_MAX;
  return false;
}
