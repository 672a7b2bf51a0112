/* Rows for tables that may hold them, one prepared statement or two a row. The writer has the whole
   file to itself, so what an UPDATE did not find an INSERT may add. */
#include "lite/db.h"

enum { MAX_SQL = 4096 };

struct merge {
  struct mlt_lite *db;
  const struct mlt_merge *m;
  enum mlt_column first;
  unsigned n; /* columns of the table */
  uint32_t features;
  sqlite3_stmt *update, *insert; /* NULL: not wanted */
};

static bool has(const struct merge *s, unsigned i) {
  return mlt_lite_has((enum mlt_column)(s->first + i), s->features);
}

static const char *name(const struct merge *s, unsigned i) {
  return mlt_column_info((enum mlt_column)(s->first + i))->name;
}

/* before "a" between before "b" after: of the columns in the mask; the parameter of column i is
   ?i+1. */
static enum mlt_rc add_pairs(struct merge *s, struct mlt_buf *sql, uint32_t mask, const char *how,
                             const char *between) {
  enum mlt_rc rc = MLT_OK;
  const char *comma = "";
  for (unsigned i = 0; i < s->n && rc == MLT_OK; i++) {
    if (!(mask >> i & 1) || !has(s, i))
      continue;
    rc = mlt_buf_printf(sql, "%s\"%s\" %s ?%u", comma, name(s, i), how, i + 1);
    comma = between;
  }
  return rc;
}

static enum mlt_rc add_later(struct merge *s, struct mlt_buf *sql) {
  unsigned step = MLT_C_LATEST_METRICS_step - s->first + 1;
  unsigned timestamp = MLT_C_LATEST_METRICS_timestamp - s->first + 1;
  unsigned value = MLT_C_LATEST_METRICS_value - s->first + 1;
  return mlt_buf_printf(sql, "(?%u, ?%u, ?%u) > (\"step\", \"timestamp\", \"value\")", step,
                        timestamp, value);
}

static enum mlt_rc write_update(struct merge *s, struct mlt_buf *sql) {
  const struct mlt_merge *m = s->m;
  enum mlt_rc rc = mlt_buf_printf(sql, "UPDATE \"%s\" SET ", mlt_table_name(m->rows.table));
  if (rc == MLT_OK)
    rc = add_pairs(s, sql, m->set, "=", ", ");
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, " WHERE ");
  if (rc == MLT_OK)
    rc = add_pairs(s, sql, m->key, "=", " AND ");
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, " AND (");
  if (rc == MLT_OK)
    rc =
        m->how == MLT_MERGE_LATER ? add_later(s, sql) : add_pairs(s, sql, m->set, "IS NOT", " OR ");
  return rc == MLT_OK ? mlt_buf_adds(sql, ")") : rc;
}

static enum mlt_rc write_insert(struct merge *s, struct mlt_buf *sql) {
  enum mlt_rc rc = mlt_buf_printf(sql, "INSERT INTO \"%s\" (", mlt_table_name(s->m->rows.table));
  for (int marks = 0; marks < 2 && rc == MLT_OK; marks++) {
    const char *comma = marks ? ") VALUES (" : "";
    for (unsigned i = 0; i < s->n && rc == MLT_OK; i++) {
      if (!has(s, i))
        continue;
      rc = marks ? mlt_buf_printf(sql, "%s?%u", comma, i + 1)
                 : mlt_buf_printf(sql, "%s\"%s\"", comma, name(s, i));
      comma = ",";
    }
  }
  return rc == MLT_OK ? mlt_buf_adds(sql, ") ON CONFLICT DO NOTHING") : rc;
}

static enum mlt_rc prepare(struct merge *s, enum mlt_rc (*write)(struct merge *, struct mlt_buf *),
                           sqlite3_stmt **out, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, MAX_SQL);
  const char *text = write(s, &sql) == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  enum mlt_rc rc = text ? mlt_lite_prepare(s->db, text, out, err) : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc;
}

/* Runs a statement with the row's values. *changed: rows it wrote. */
static enum mlt_rc run(struct merge *s, sqlite3_stmt *stmt, const struct mlt_value *row,
                       uint64_t *changed, struct mlt_err *err) {
  bool bound = true;
  *changed = 0;
  for (unsigned i = 0; i < s->n && bound; i++)
    bound = (int)i >= sqlite3_bind_parameter_count(stmt) ||
            mlt_lite_bind(stmt, (int)i + 1, &row[i]) == SQLITE_OK;
  bool done = bound && sqlite3_step(stmt) == SQLITE_DONE;
  if (done)
    *changed = (uint64_t)sqlite3_changes(s->db->handle);
  enum mlt_rc rc = done ? MLT_OK
                        : mlt_lite_fail(s->db, err, "cannot write to table %s",
                                        mlt_table_name(s->m->rows.table));
  (void)sqlite3_reset(stmt);
  return rc;
}

static enum mlt_rc merge_row(struct merge *s, const struct mlt_value *row, struct mlt_merged *out,
                             struct mlt_err *err) {
  uint64_t updated = 0, inserted = 0;
  enum mlt_rc rc = s->update ? run(s, s->update, row, &updated, err) : MLT_OK;
  if (rc == MLT_OK && !updated && s->insert)
    rc = run(s, s->insert, row, &inserted, err);
  out->updated += updated;
  out->inserted += inserted;
  return rc;
}

enum mlt_rc mlt_lite_merge(struct mlt_lite *db, const struct mlt_merge *merge, uint32_t features,
                           struct mlt_merged *out, struct mlt_err *err) {
  struct merge s = {.db = db, .m = merge, .features = features};
  *out = (struct mlt_merged){0};
  if (merge->rows.n == 0)
    return MLT_OK;
  s.first = mlt_table_columns(merge->rows.table, &s.n);
  enum mlt_rc rc = MLT_OK;
  if (merge->how != MLT_MERGE_ADD)
    rc = prepare(&s, write_update, &s.update, err);
  if (rc == MLT_OK && merge->how != MLT_MERGE_UPDATE)
    rc = prepare(&s, write_insert, &s.insert, err);
  for (size_t i = 0; i < merge->rows.n && rc == MLT_OK; i++) {
    struct mlt_value row[MLT_MAX_COLUMNS];
    rc = merge->rows.get(merge->rows.ctx, i, row, err);
    if (rc == MLT_OK)
      rc = merge_row(&s, row, out, err);
  }
  (void)sqlite3_finalize(s.update);
  (void)sqlite3_finalize(s.insert);
  return rc;
}
