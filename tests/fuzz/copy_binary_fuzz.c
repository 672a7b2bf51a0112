/* Rows of any shape through the COPY encoder, and keys through the array encoder; both are decoded
   again here, by the manual, and must give what went in. A row with a value its column cannot take
   must add nothing. */
#include <stdlib.h>
#include <string.h>

#include "pg/array.h"
#include "pg/copy_binary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x))                                                                                      \
      abort();                                                                                     \
  } while (0)

struct input {
  const uint8_t *p, *end;
};

static uint64_t take(struct input *in, size_t n) {
  uint64_t v = 0;
  for (; n > 0 && in->p < in->end; n--)
    v = v << 8 | *in->p++;
  return v;
}

static struct mlt_str take_text(struct input *in) {
  size_t n = (size_t)take(in, 1);
  if (n > (size_t)(in->end - in->p))
    n = (size_t)(in->end - in->p);
  struct mlt_str s = {(const char *)in->p, n};
  in->p += n;
  return s;
}

static struct mlt_value take_value(struct input *in) {
  struct mlt_value v = {.kind = (enum mlt_value_kind)(take(in, 1) % 5)};
  uint64_t bits;
  switch (v.kind) {
  case MLT_V_NULL:
    break;
  case MLT_V_INT:
    v.i = (int64_t)take(in, 1 + take(in, 1) % 8);
    break;
  case MLT_V_DOUBLE:
    bits = take(in, 8);
    memcpy(&v.d, &bits, sizeof v.d);
    break;
  case MLT_V_BOOL:
    v.b = take(in, 1) & 1;
    break;
  case MLT_V_TEXT:
    v.s = take_text(in);
  }
  return v;
}

static bool fits(enum mlt_copy_type type, const struct mlt_value *v) {
  static const enum mlt_value_kind kinds[] = {MLT_V_INT, MLT_V_INT, MLT_V_DOUBLE, MLT_V_BOOL,
                                              MLT_V_TEXT};
  if (v->kind == MLT_V_NULL)
    return true;
  return v->kind == kinds[type] &&
         (type != MLT_COPY_I4 || (v->i >= INT32_MIN && v->i <= INT32_MAX));
}

/* The bytes of a number in network order. */
static uint64_t number(const char *p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; i++)
    v = v << 8 | (uint8_t)p[i];
  return v;
}

static const char *check_field(const char *p, enum mlt_copy_type type, const struct mlt_value *v) {
  static const size_t widths[] = {4, 8, 8, 1};
  uint64_t len = number(p, 4), bits = 0;
  p += 4;
  if (v->kind == MLT_V_NULL) {
    CHECK(len == UINT32_MAX);
    return p;
  }
  if (type == MLT_COPY_TEXT) {
    CHECK(len == v->s.len && memcmp(p, v->s.p, v->s.len) == 0);
    return p + len;
  }
  CHECK(len == widths[type]);
  if (v->kind == MLT_V_DOUBLE)
    memcpy(&bits, &v->d, sizeof bits);
  else
    bits = v->kind == MLT_V_BOOL ? v->b : (uint64_t)v->i;
  CHECK(number(p, len) == (type == MLT_COPY_I4 ? (uint32_t)bits : bits));
  return p + len;
}

static void one_row(struct input *in, struct mlt_buf *b) {
  struct mlt_copy_columns columns = {.n = 1 + (unsigned)take(in, 1) % MLT_MAX_COLUMNS};
  struct mlt_value row[MLT_MAX_COLUMNS] = {{.kind = MLT_V_NULL}};
  bool good = true;
  for (unsigned i = 0; i < columns.n; i++) {
    columns.v[i] = (struct mlt_copy_column){
        .name = "c", .at = i, .type = (enum mlt_copy_type)(take(in, 1) % 5)};
    row[i] = take_value(in);
    good &= fits(columns.v[i].type, &row[i]);
  }
  size_t before = b->len;
  struct mlt_err err = MLT_ERR_INIT;
  CHECK((mlt_copy_row(b, &columns, row, &err) == MLT_OK) == good);
  if (!good) {
    CHECK(b->len == before && err.rc != MLT_OK);
    return;
  }
  const char *p = b->p + before;
  CHECK(number(p, 2) == columns.n);
  p += 2;
  for (unsigned i = 0; i < columns.n; i++)
    p = check_field(p, columns.v[i].type, &row[i]);
  CHECK(p == b->p + b->len);
}

static void keys(struct input *in) {
  struct mlt_str v[32];
  size_t n = (size_t)take(in, 1) % 33;
  for (size_t i = 0; i < n; i++)
    v[i] = take(in, 1) % 8 ? take_text(in) : MLT_STR_NULL;
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 20);
  CHECK(mlt_pg_text_array(&b, v, n) == MLT_OK);
  const char *p = b.p + (n ? 20 : 12);
  CHECK(number(b.p, 4) == (n > 0) && (n == 0 || number(b.p + 12, 4) == n));
  for (size_t i = 0; i < n; i++) {
    uint64_t len = number(p, 4);
    p += 4;
    CHECK(v[i].p ? len == v[i].len : len == UINT32_MAX);
    if (v[i].p) {
      CHECK(memcmp(p, v[i].p, v[i].len) == 0);
      p += len;
    }
  }
  CHECK(p == b.p + b.len);
  mlt_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input in = {data, data + size};
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 20);
  keys(&in);
  while (in.p < in.end)
    one_row(&in, &b);
  mlt_buf_free(&b);
  return 0;
}
