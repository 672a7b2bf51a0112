/* The SQL of reads.def with its markers filled in. Knows neither database. */
#include "schema/reads.h"

#include <stddef.h>
#include <string.h>

static const struct read {
  struct mlt_read_info info;
  const char *extra, *rest;
} reads[] = {
#define MLT_READ(id, table, at_once, extra, columns, rest)                                         \
  [MLT_READ_##id] = {{MLT_T_##table, at_once, extra}, columns, rest},
#include "schema/reads.def"
#undef MLT_READ
};

const struct mlt_read_info *mlt_read_info(enum mlt_read what) {
  return &reads[what].info;
}

bool mlt_read_exists(enum mlt_read what, uint32_t features) {
  return (mlt_table_feature(reads[what].info.table) & ~features) == 0;
}

/* What a marker stands for; NULL if it is none. */
static const char *meaning(struct mlt_str marker, const struct mlt_read_dialect *d,
                           enum mlt_table table, uint32_t features) {
  bool spaces = (features & MLT_F_WORKSPACE) != 0;
  bool in_space = mlt_table_in_workspace(table, features);
  if (mlt_str_is(marker, "KEYS"))
    return d->keys;
  if (mlt_str_is(marker, "INTS"))
    return d->ints;
  if (mlt_str_is(marker, "BYTES"))
    return d->bytes;
  if (mlt_str_is(marker, "LEDGER"))
    return d->ledger;
  if (mlt_str_is(marker, "HERE"))
    return d->here;
  if (mlt_str_is(marker, "DEFAULT"))
    return in_space ? " AND t.workspace = 'default'" : "";
  if (mlt_str_is(marker, "WORKSPACE"))
    return spaces ? "e.workspace" : "'default'";
  if (mlt_str_is(marker, "SAME"))
    return in_space ? " AND r.workspace = t.workspace" : "";
  return NULL;
}

static enum mlt_rc fill_in(struct mlt_buf *out, const char *sql, const struct mlt_read_dialect *d,
                           enum mlt_table table, uint32_t features) {
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && *sql) {
    size_t plain = strcspn(sql, "@");
    rc = mlt_buf_add(out, sql, plain);
    sql += plain;
    if (rc != MLT_OK || !*sql)
      break;
    size_t n = strspn(sql + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    const char *text = meaning((struct mlt_str){sql + 1, n}, d, table, features);
    rc = text ? mlt_buf_adds(out, text) : MLT_INTERNAL;
    sql += 1 + n;
  }
  return rc;
}

static enum mlt_rc add_columns(struct mlt_buf *out, enum mlt_table table, uint32_t features) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < n && rc == MLT_OK; i++) {
    const struct mlt_column_info *c = mlt_column_info((enum mlt_column)(first + i));
    const char *comma = i ? ", " : "";
    if (c->feature & ~features)
      rc = mlt_buf_printf(out, "%sNULL", comma);
    else
      rc = mlt_buf_printf(out, "%st.\"%s\"", comma, c->name);
  }
  return rc;
}

enum mlt_rc mlt_read_sql(struct mlt_buf *out, const struct mlt_read_dialect *d, enum mlt_read what,
                         uint32_t features) {
  const struct read *r = &reads[what];
  enum mlt_table table = r->info.table;
  enum mlt_rc rc = mlt_buf_adds(out, "SELECT ");
  if (rc == MLT_OK && r->info.at_once)
    rc = add_columns(out, table, features);
  if (rc == MLT_OK && r->info.at_once && r->info.n_extra)
    rc = mlt_buf_adds(out, ", ");
  if (rc == MLT_OK)
    rc = fill_in(out, r->extra, d, table, features);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(out, " ");
  return rc == MLT_OK ? fill_in(out, r->rest, d, table, features) : rc;
}
