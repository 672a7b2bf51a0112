#include "pg/copy_binary.h"

#include <inttypes.h>

#include "pg/wire.h"

static const char header[19] =
    "PGCOPY\n\377\r\n"; /* signature with its NUL, flags 0, extension 0 */

enum mlt_rc mlt_copy_header(struct mlt_buf *out) {
  return mlt_buf_add(out, header, sizeof header);
}

enum mlt_rc mlt_copy_trailer(struct mlt_buf *out) {
  char end[2];
  mlt_put16(end, UINT16_MAX);
  return mlt_buf_add(out, end, sizeof end);
}

/* Bytes the tuple takes at most: its count, then a length and up to eight bytes a field, and the
   text. */
static size_t tuple_bound(const struct mlt_copy_columns *columns, const struct mlt_value *row) {
  size_t bytes = 2 + columns->n * (4 + 8);
  for (unsigned i = 0; i < columns->n; i++)
    if (columns->v[i].type == MLT_COPY_TEXT && row[columns->v[i].at].kind == MLT_V_TEXT)
      bytes += row[columns->v[i].at].s.len;
  return bytes;
}

static bool is_null(const struct mlt_value *v) {
  return v->kind == MLT_V_NULL || (v->kind == MLT_V_TEXT && !v->s.p);
}

static char *put_text(char *p, struct mlt_str s) {
  p = mlt_put32(p, (uint32_t)s.len);
  if (s.len)
    memcpy(p, s.p, s.len);
  return p + s.len;
}

/* NULL when the value cannot go into the column; why_not() then says why. */
static char *put_field(char *p, enum mlt_copy_type type, const struct mlt_value *v) {
  if (is_null(v))
    return mlt_put32(p, UINT32_MAX);
  switch (type) {
  case MLT_COPY_I4:
    if (v->kind != MLT_V_INT || v->i != (int32_t)v->i)
      return NULL;
    return mlt_put32(mlt_put32(p, 4), (uint32_t)v->i);
  case MLT_COPY_I8:
    return v->kind == MLT_V_INT ? mlt_put64(mlt_put32(p, 8), (uint64_t)v->i) : NULL;
  case MLT_COPY_F8:
    return v->kind == MLT_V_DOUBLE ? mlt_put64(mlt_put32(p, 8), mlt_double_bits(v->d)) : NULL;
  case MLT_COPY_BOOL:
    if (v->kind != MLT_V_BOOL)
      return NULL;
    p = mlt_put32(p, 1);
    *p = v->b;
    return p + 1;
  case MLT_COPY_TEXT:
    return v->kind == MLT_V_TEXT ? put_text(p, v->s) : NULL;
  }
  return NULL;
}

static enum mlt_rc why_not(const struct mlt_copy_column *c, const struct mlt_value *v,
                           struct mlt_err *err) {
  const char *name = c->name;
  if (v->kind == MLT_V_INT && c->type == MLT_COPY_I4)
    return mlt_err_set(err, MLT_DATA, "%s: %" PRId64 " does not fit the database's integer column",
                       name, v->i);
  return mlt_err_set(err, MLT_INTERNAL, "%s: a value of kind %d for a column of kind %d", name,
                     (int)v->kind, (int)c->type);
}

static enum mlt_rc no_room(enum mlt_rc rc, struct mlt_err *err) {
  if (rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  return mlt_err_set(err, rc, "a row is longer than PostgreSQL takes (1 GiB)");
}

enum mlt_rc mlt_copy_row(struct mlt_buf *out, const struct mlt_copy_columns *columns,
                         const struct mlt_value *row, struct mlt_err *err) {
  enum mlt_rc rc = mlt_buf_reserve(out, tuple_bound(columns, row));
  if (rc != MLT_OK)
    return no_room(rc, err);
  char *p = mlt_put16(out->p + out->len, (uint16_t)columns->n);
  for (unsigned i = 0; i < columns->n; i++) {
    const struct mlt_copy_column *c = &columns->v[i];
    p = put_field(p, c->type, &row[c->at]);
    if (!p)
      return why_not(c, &row[c->at], err);
  }
  out->len = (size_t)(p - out->p);
  return MLT_OK;
}
