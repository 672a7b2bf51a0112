/* Rows for tables that may hold them: sent to a temporary table by COPY, and from there in one
   statement that lets the database decide which are new. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pg/internal.h"

enum { STATEMENT_MAX = 8 * 1024 };

/* One merge: the statements are made of its columns. */
struct merge {
  struct mlt_pg *pg;
  const struct mlt_merge *m;
  enum mlt_column first;
  enum mlt_column columns[MLT_MAX_COLUMNS]; /* of the table, as far as the database has them */
  unsigned n;
  char stage[64];
  struct mlt_buf sql;
  enum mlt_rc rc; /* of writing sql: the first failure */
};

static void add(struct merge *s, const char *text) {
  if (s->rc == MLT_OK)
    s->rc = mlt_buf_adds(&s->sql, text);
}

static void add_table(struct merge *s) {
  if (s->rc == MLT_OK)
    s->rc = mlt_pg_add_table(s->pg, &s->sql, s->m->rows.table);
}

static void add_columns(struct merge *s) {
  if (s->rc == MLT_OK)
    s->rc = mlt_pg_add_columns(&s->sql, s->columns, s->n);
}

/* before."a" */
static void add_column(struct merge *s, unsigned i, const char *before) {
  if (s->rc == MLT_OK)
    s->rc = mlt_buf_printf(&s->sql, "%s\"%s\"", before, mlt_column_info(s->columns[i])->name);
}

static bool is_in(const struct merge *s, unsigned i, uint32_t mask) {
  return mask >> (s->columns[i] - s->first) & 1;
}

/* before."a", before."b" of the columns in the mask. */
static void add_list(struct merge *s, uint32_t mask, const char *before) {
  const char *comma = "";
  for (unsigned i = 0; i < s->n; i++)
    if (is_in(s, i, mask)) {
      add(s, comma);
      add_column(s, i, before);
      comma = ", ";
    }
}

/* left."a" = right."a" between left."b" = right."b" */
static void add_pairs(struct merge *s, uint32_t mask, const char *left, const char *right,
                      const char *between) {
  const char *comma = "";
  for (unsigned i = 0; i < s->n; i++)
    if (is_in(s, i, mask)) {
      add(s, comma);
      add_column(s, i, left);
      add(s, " = ");
      add_column(s, i, right);
      comma = between;
    }
}

/* The order in which every writer, MLflow too, locks rows: whose they are, then the key, which is
   the first column of these tables. */
static void add_order(struct merge *s, const char *before) {
  const char *comma = " ORDER BY ";
  for (unsigned i = s->n; i-- > 0;)
    if (is_in(s, i, s->m->key)) {
      add(s, comma);
      add_column(s, i, before);
      comma = ", ";
    }
}

/* Which of our rows replace the target's. */
static void add_condition(struct merge *s, const char *ours) {
  if (s->m->how == MLT_MERGE_LATER) {
    if (s->rc == MLT_OK)
      s->rc = mlt_buf_printf(&s->sql,
                             "(%s\"step\", %s\"timestamp\", %s\"value\")"
                             " > (t.\"step\", t.\"timestamp\", t.\"value\")",
                             ours, ours, ours);
    return;
  }
  add(s, "(");
  add_list(s, s->m->set, "t.");
  add(s, ") IS DISTINCT FROM (");
  add_list(s, s->m->set, ours);
  add(s, ")");
}

/* Points bring no key: they come in an order that suits the indexes, and nobody waits for one. */
static void write_insert(struct merge *s) {
  add(s, "INSERT INTO ");
  add_table(s);
  add(s, " AS t (");
  add_columns(s);
  add(s, ") SELECT ");
  add_columns(s);
  add(s, " FROM ");
  add(s, s->stage);
  add_order(s, "");
  add(s, " ON CONFLICT ");
}

static void write_add(struct merge *s) {
  write_insert(s);
  add(s, "DO NOTHING");
}

/* A row that the statement updated was locked by it first, which its xmax tells. */
static void write_upsert(struct merge *s) {
  add(s, "WITH done AS (");
  write_insert(s);
  add(s, "(");
  add_list(s, s->m->key, "");
  add(s, ") DO UPDATE SET ");
  add_pairs(s, s->m->set, "", "EXCLUDED.", ", ");
  add(s, " WHERE ");
  add_condition(s, "EXCLUDED.");
  add(s, " RETURNING t.xmax = 0 AS fresh) SELECT count(*) FILTER (WHERE fresh),"
         " count(*) FILTER (WHERE NOT fresh) FROM done");
}

static void write_update(struct merge *s) {
  add(s, "UPDATE ");
  add_table(s);
  add(s, " AS t SET ");
  add_pairs(s, s->m->set, "", "s.", ", ");
  add(s, " FROM ");
  add(s, s->stage);
  add(s, " AS s WHERE ");
  add_pairs(s, s->m->key, "t.", "s.", " AND ");
  add(s, " AND ");
  add_condition(s, "s.");
}

/* Rows that are about to be replaced, and that this import has not written itself: as they are, for
   an undo. Locked in the order in which they will be replaced. */
static void write_keep(struct merge *s) {
  if (s->rc == MLT_OK)
    s->rc = mlt_buf_printf(&s->sql,
                           "INSERT INTO mltrack.replaced (import_id, table_name, row)"
                           " SELECT %" PRId64 ", '%s', old FROM (SELECT to_jsonb(t) AS old FROM ",
                           s->pg->keep_for, mlt_table_name(s->m->rows.table));
  add_table(s);
  add(s, " AS t JOIN ");
  add(s, s->stage);
  add(s, " AS s ON ");
  add_pairs(s, s->m->key, "t.", "s.", " AND ");
  add(s, " WHERE ");
  add_condition(s, "s.");
  if (s->rc == MLT_OK)
    s->rc =
        mlt_buf_printf(&s->sql,
                       " AND t.xmin <> xid(pg_current_xact_id()) AND t.xmin NOT IN"
                       " (SELECT xid(b.xid) FROM mltrack.batch b WHERE b.import_id = %" PRId64 ")",
                       s->pg->keep_for);
  add_order(s, "t.");
  add(s, " FOR NO KEY UPDATE OF t) AS k");
}

static void write_stage(struct merge *s) {
  add(s, "CREATE TEMPORARY TABLE ");
  add(s, s->stage);
  add(s, " AS SELECT ");
  add_columns(s);
  add(s, " FROM ");
  add_table(s);
  add(s, " WITH NO DATA");
}

/* Runs the statement that `write` writes. */
static enum mlt_rc run(struct merge *s, void (*write)(struct merge *), PGresult **out,
                       struct mlt_err *err) {
  mlt_buf_clear(&s->sql);
  write(s);
  const char *text = s->rc == MLT_OK ? mlt_buf_cstr(&s->sql) : NULL;
  if (!text)
    return mlt_pg_buf_failed(s->rc == MLT_OK ? MLT_NOMEM : s->rc, err);
  return mlt_pg_command(s->pg, text, out, err);
}

static void write_drop(struct merge *s) {
  add(s, "DROP TABLE ");
  add(s, s->stage);
}

static uint64_t number(const char *text) {
  return strtoull(text, NULL, 10);
}

static enum mlt_rc apply(struct merge *s, struct mlt_merged *out, struct mlt_err *err) {
  static void (*const write[])(struct merge *) = {[MLT_MERGE_ADD] = write_add,
                                                  [MLT_MERGE_REPLACE] = write_upsert,
                                                  [MLT_MERGE_LATER] = write_upsert,
                                                  [MLT_MERGE_UPDATE] = write_update};
  PGresult *res = NULL;
  bool trusted = mlt_pg_is_trusted(s->pg, s->m->rows.table);
  enum mlt_rc rc =
      s->pg->keep_for && s->m->how != MLT_MERGE_ADD ? run(s, write_keep, NULL, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = trusted ? mlt_pg_command(s->pg, mlt_pg_unchecked, NULL, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = run(s, write[s->m->how], &res, err);
  if (rc == MLT_OK && trusted)
    rc = mlt_pg_command(s->pg, mlt_pg_checked, NULL, err);
  if (rc != MLT_OK) {
    PQclear(res);
    mlt_pg_hint_grant(s->pg, err, "SELECT, INSERT, UPDATE ON ALL TABLES IN");
    return rc;
  }
  if (s->m->how == MLT_MERGE_ADD)
    out->inserted = number(PQcmdTuples(res));
  else if (s->m->how == MLT_MERGE_UPDATE)
    out->updated = number(PQcmdTuples(res));
  else
    *out = (struct mlt_merged){.inserted = number(PQgetvalue(res, 0, 0)),
                               .updated = number(PQgetvalue(res, 0, 1))};
  PQclear(res);
  return MLT_OK;
}

static enum mlt_rc stage(struct merge *s, uint32_t features, struct mlt_err *err) {
  enum mlt_rc rc = run(s, write_stage, NULL, err);
  if (rc != MLT_OK)
    mlt_pg_hint_temporary(s->pg, err);
  return rc == MLT_OK ? mlt_pg_copy(s->pg, &s->m->rows, s->stage, features, err) : rc;
}

static enum mlt_rc merge_portion(struct mlt_pg *pg, const struct mlt_merge *merge,
                                 uint32_t features, struct mlt_merged *out, struct mlt_err *err) {
  unsigned count;
  struct merge s = {.pg = pg, .m = merge, .first = mlt_table_columns(merge->rows.table, &count)};
  s.n = mlt_pg_columns(merge->rows.table, features, s.columns);
  (void)snprintf(s.stage, sizeof s.stage, "pg_temp.mltrack_%s", mlt_table_name(merge->rows.table));
  mlt_buf_init(&s.sql, STATEMENT_MAX);
  enum mlt_rc rc = stage(&s, features, err);
  if (rc == MLT_OK)
    rc = apply(&s, out, err);
  if (rc == MLT_OK) /* it would last as long as the connection; a rollback takes it, too */
    rc = run(&s, write_drop, NULL, err);
  mlt_buf_free(&s.sql);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "table %s", mlt_table_name(merge->rows.table));
  return rc;
}

/* Rows from the one numbered `first` on. */
struct slice {
  const struct mlt_rows *rows;
  size_t first;
};

static enum mlt_rc get_of_slice(const void *ctx, size_t i, struct mlt_value *out,
                                struct mlt_err *err) {
  const struct slice *s = ctx;
  return s->rows->get(s->rows->ctx, s->first + i, out, err);
}

enum mlt_rc mlt_pg_merge(struct mlt_pg *pg, const struct mlt_merge *merge, uint32_t features,
                         struct mlt_merged *out, struct mlt_err *err) {
  struct slice slice = {.rows = &merge->rows};
  struct mlt_merge part = *merge;
  enum mlt_rc rc = MLT_OK;
  part.rows.get = get_of_slice;
  part.rows.ctx = &slice;
  *out = (struct mlt_merged){0};
  for (; rc == MLT_OK && slice.first < merge->rows.n; slice.first += part.rows.n) {
    struct mlt_merged done = {0};
    size_t left = merge->rows.n - slice.first;
    mlt_pg_portion_begins(pg, &pg->merges);
    part.rows.n = pg->merges.rows > 0 && pg->merges.rows < left ? pg->merges.rows : left;
    rc = merge_portion(pg, &part, features, &done, err);
    mlt_pg_portion_ended(pg, &pg->merges, part.rows.n, rc == MLT_OK);
    out->inserted += done.inserted;
    out->updated += done.updated;
  }
  return rc;
}
