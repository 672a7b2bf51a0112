#include "verify/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/vec.h"

enum order { UNSORTED, BY_ID, BY_PATH };

struct mlt_records {
  struct mlt_arena *arena;
  MLT_VEC(struct mlt_record_place) all;
  enum order order;
  const char *experiment; /* the last one's: mostly the next one's, too */
};

struct mlt_records *mlt_records_new(void) {
  struct mlt_records *r = mlt_calloc(1, sizeof *r);
  if (r)
    r->arena = mlt_arena_new();
  if (r && r->arena)
    return r;
  mlt_free(r);
  return NULL;
}

void mlt_records_free(struct mlt_records *r) {
  if (!r)
    return;
  mlt_arena_free(r->arena);
  mlt_free(r->all.v);
  mlt_free(r);
}

enum mlt_rc mlt_records_add(struct mlt_records *r, const struct mlt_record_place *p,
                            struct mlt_err *err) {
  struct mlt_record_place copy = {.table = p->table};
  if (!r->experiment || strcmp(r->experiment, p->experiment) != 0)
    r->experiment = mlt_arena_cstr(r->arena, p->experiment);
  copy.experiment = r->experiment;
  copy.id = mlt_arena_cstr(r->arena, p->id);
  copy.path = *p->path ? mlt_arena_cstr(r->arena, p->path) : "";
  if (!copy.experiment || !copy.id || !copy.path || !MLT_VEC_ROOM(r->all))
    return mlt_err_nomem(err);
  r->all.v[r->all.n++] = copy;
  r->order = UNSORTED;
  return MLT_OK;
}

bool mlt_path_within(const char *path, const char *folder) {
  size_t n = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
  return strncmp(path, folder, n) == 0 && (path[n] == '/' || !path[n]);
}

static int by_id(const void *a, const void *b) {
  const struct mlt_record_place *x = a, *y = b;
  return strcmp(x->id, y->id);
}

/* "/" before every other byte: what lies in a folder comes right behind it. */
static int by_path(const void *a, const void *b) {
  const struct mlt_record_place *x = a, *y = b;
  const unsigned char *p = (const unsigned char *)x->path, *q = (const unsigned char *)y->path;
  while (*p && *p == *q)
    p++, q++;
  if (*p != *q) {
    int one = *p == '/' ? 1 : *p ? *p + 1 : 0, other = *q == '/' ? 1 : *q ? *q + 1 : 0;
    return one - other;
  }
  return by_id(a, b);
}

static void sort(struct mlt_records *r, enum order order) {
  if (r->order != order && r->all.n)
    qsort(r->all.v, r->all.n, sizeof *r->all.v, order == BY_ID ? by_id : by_path);
  r->order = order;
}

void mlt_records_overlaps(struct mlt_records *r, mlt_records_fn fn, void *ctx) {
  sort(r, BY_PATH);
  const struct mlt_record_place *above = NULL;
  for (size_t i = 0; i < r->all.n; i++) {
    const struct mlt_record_place *p = &r->all.v[i];
    if (!*p->path)
      continue;
    if (above && mlt_path_within(p->path, above->path))
      fn(ctx, p, above);
    else
      above = p;
  }
}

const struct mlt_record_place *mlt_records_find(struct mlt_records *r, const char *id) {
  const struct mlt_record_place key = {.id = id};
  sort(r, BY_ID);
  return r->all.n ? bsearch(&key, r->all.v, r->all.n, sizeof *r->all.v, by_id) : NULL;
}
