/* The text fields of a record: present, storable, within the column's length. What may be cut is
   cut; names that MLflow itself would refuse but that can be stored are kept and noted. */
#include <string.h>

#include "batch/private.h"

static struct mlt_str field_of(const void *base, const struct mlt_field *f) {
  struct mlt_str s;
  memcpy(&s, (const char *)base + f->offset, sizeof s);
  return s;
}

static size_t limit_of(const struct mlt_adding *a, const struct mlt_field *f) {
  return f->column == MLT_C_COUNT ? 0 : a->b->priv->limits.chars[f->column];
}

/* Code points over a limit of `limit`; 0 if it fits. Bytes first: they are never fewer. */
static size_t too_long(struct mlt_str s, size_t limit) {
  if (limit == 0 || s.len <= limit)
    return 0;
  size_t n = mlt_utf8_length(s);
  return n > limit ? n : 0;
}

static bool may_cut(const struct mlt_adding *a, const struct mlt_field *f) {
  return f->too_long == MLT_LONG_CUT ||
         (f->too_long == MLT_LONG_VALUE && a->b->priv->limits.truncate);
}

/* Only looks; cutting waits until the whole record is known to be accepted. */
static enum mlt_rc check_field(struct mlt_adding *a, const struct mlt_field *f, struct mlt_str s) {
  if ((f->need != MLT_OPTIONAL && !s.p) || (f->need == MLT_NONEMPTY && s.len == 0))
    return mlt_adding_reject(a, "missing", f->name, "it has no %s", f->name);
  if (!s.p)
    return MLT_OK;
  const char *bad = mlt_rule_text(s);
  if (bad) {
    const char *code = memchr(s.p, '\0', s.len) ? "nul-byte" : "bad-utf8";
    return mlt_adding_reject(a, code, f->name, "its %s %s", f->name, bad);
  }
  size_t limit = limit_of(a, f);
  size_t length = too_long(s, limit);
  if (length && !may_cut(a, f)) {
    const struct mlt_column_info *c = mlt_column_info(f->column);
    return mlt_adding_reject(a, "too-long", f->name,
                             "its %s has %zu characters; the column %s.%s holds %zu", f->name,
                             length, mlt_table_name(c->table), c->name, limit);
  }
  return MLT_OK;
}

static enum mlt_rc cut_field(struct mlt_adding *a, const struct mlt_field *f, struct mlt_str *s) {
  size_t limit = limit_of(a, f);
  size_t length = too_long(*s, limit);
  if (!length)
    return MLT_OK;
  s->len = mlt_utf8_prefix(*s, limit);
  return mlt_adding_note(a, "truncated", f->name, true,
                         "its %s of %zu characters was cut to the %zu that the column holds",
                         f->name, length, limit);
}

enum mlt_rc mlt_adding_rule(struct mlt_adding *a, const struct mlt_field *f, struct mlt_str s) {
  const char *verdict = f->rule && s.p ? f->rule(s, MLT_RULES_3_18) : NULL;
  if (!verdict)
    return MLT_OK;
  const char *code = f->rule == mlt_rule_key ? "odd-key" : "odd-name";
  return mlt_adding_note(a, code, f->name, false,
                         "MLflow would refuse its %s, which %s; kept as it is", f->name, verdict);
}

enum mlt_rc mlt_adding_check(struct mlt_adding *a, const void *base, const struct mlt_field *fields,
                             size_t n) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < n && rc == MLT_OK; i++)
    rc = check_field(a, &fields[i], field_of(base, &fields[i]));
  return rc;
}

enum mlt_rc mlt_adding_keep(struct mlt_adding *a, void *base, const struct mlt_field *fields,
                            size_t n) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < n && rc == MLT_OK; i++) {
    struct mlt_str s = field_of(base, &fields[i]);
    rc = mlt_adding_rule(a, &fields[i], s);
    if (rc == MLT_OK)
      rc = cut_field(a, &fields[i], &s);
    if (rc == MLT_OK && mlt_arena_str(a->b->arena, s, &s) != 0)
      rc = mlt_err_nomem(a->err);
    memcpy((char *)base + fields[i].offset, &s, sizeof s);
  }
  return rc;
}
