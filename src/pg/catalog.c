/* The catalogs of one schema as schema/catalog.h wants them. Tables, columns and indexes come
   sorted by table name, so that one pass over each joins them. */
#include <stdlib.h>
#include <string.h>

#include "pg/internal.h"
#include "sql.h"

struct reader {
  struct mlt_pg *pg;
  struct mlt_arena *arena;
  struct mlt_catalog *out;
  struct mlt_err *err;
  bool no_memory;
};

static const char *text(struct reader *r, const PGresult *res, int row, int field) {
  if (PQgetisnull(res, row, field))
    return NULL;
  const char *s = mlt_arena_cstr(r->arena, PQgetvalue(res, row, field));
  r->no_memory |= !s;
  return s;
}

static void *array(struct reader *r, size_t n, size_t size) {
  void *p = mlt_arena_zalloc(r->arena, (n ? n : 1) * size);
  r->no_memory |= !p;
  return p;
}

static bool flag(const PGresult *res, int row, int field) {
  return PQgetvalue(res, row, field)[0] == 't';
}

/* How many rows from `row` on have the same values in the first n_fields. */
static int group(const PGresult *res, int row, int n_fields) {
  int end = row + 1;
  for (; end < PQntuples(res); end++)
    for (int f = 0; f < n_fields; f++)
      if (strcmp(PQgetvalue(res, end, f), PQgetvalue(res, row, f)) != 0)
        return end - row;
  return end - row;
}

static void take_tables(struct reader *r, const PGresult *res) {
  int n = PQntuples(res);
  r->out->n_tables = (size_t)n;
  r->out->tables = array(r, (size_t)n, sizeof *r->out->tables);
  for (int i = 0; i < n && !r->no_memory; i++)
    r->out->tables[i] = (struct mlt_cat_table){
        .name = text(r, res, i, 0),
        .relkind = PQgetvalue(res, i, 1)[0],
        .row_security = flag(res, i, 2),
        .trigger = text(r, res, i, 3),
        .rule = text(r, res, i, 4),
    };
}

static struct mlt_cat_table *find_table(struct reader *r, const char *name) {
  for (size_t i = 0; i < r->out->n_tables; i++)
    if (strcmp(r->out->tables[i].name, name) == 0)
      return &r->out->tables[i];
  return NULL;
}

static void take_columns(struct reader *r, const PGresult *res) {
  for (int row = 0, n; row < PQntuples(res) && !r->no_memory; row += n) {
    n = group(res, row, 1);
    struct mlt_cat_table *t = find_table(r, PQgetvalue(res, row, 0));
    if (!t || !(t->columns = array(r, (size_t)n, sizeof *t->columns)))
      continue;
    for (int i = 0; i < n; i++)
      t->columns[t->n_columns++] = (struct mlt_cat_column){
          .name = text(r, res, row + i, 1),
          .type = text(r, res, row + i, 2),
          .chars = (uint32_t)strtoul(PQgetvalue(res, row + i, 3), NULL, 10),
          .not_null = flag(res, row + i, 4),
          .has_default = flag(res, row + i, 5),
          .generated = flag(res, row + i, 7),
      };
  }
}

/* One index: rows row .. row + n - 1, a key column each. */
static void take_index(struct reader *r, const PGresult *res, int row, int n,
                       struct mlt_cat_index *index) {
  *index = (struct mlt_cat_index){
      .name = text(r, res, row, 1),
      .unique = flag(res, row, 2),
      .primary = flag(res, row, 3),
      .partial = flag(res, row, 4),
      .valid = flag(res, row, 5),
      .n = (size_t)n,
      .columns = array(r, (size_t)n, sizeof *index->columns),
  };
  for (int i = 0; i < n && index->columns; i++)
    index->columns[i] = PQgetisnull(res, row + i, 6) ? "(expression)" : text(r, res, row + i, 6);
}

static void take_indexes(struct reader *r, const PGresult *res) {
  for (int row = 0, n; row < PQntuples(res) && !r->no_memory; row += n) {
    n = group(res, row, 1);
    struct mlt_cat_table *t = find_table(r, PQgetvalue(res, row, 0));
    /* There are at most as many indexes as there are key columns in them. */
    if (!t || !(t->indexes = array(r, (size_t)n, sizeof *t->indexes)))
      continue;
    for (int i = row, k; i < row + n; i += k) {
      k = group(res, i, 2);
      take_index(r, res, i, k, &t->indexes[t->n_indexes++]);
    }
  }
}

static enum mlt_rc read_part(struct reader *r, const char *sql, int n_params,
                             void (*take)(struct reader *, const PGresult *)) {
  const char *params[] = {r->pg->schema, mlt_pg_table_names};
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(r->pg, sql, n_params, params, &res, r->err);
  if (rc != MLT_OK)
    return rc;
  take(r, res);
  PQclear(res);
  return r->no_memory ? mlt_err_nomem(r->err) : MLT_OK;
}

static void take_head(struct reader *r, const PGresult *res) {
  r->out->head = text(r, res, 0, 0);
  r->out->head_rows = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
}

static enum mlt_rc read_head(struct reader *r) {
  char sql[256];
  if (!find_table(r, "alembic_version"))
    return MLT_OK;
  (void)snprintf(sql, sizeof sql,
                 "SELECT pg_catalog.min(version_num), pg_catalog.count(*) FROM %s.alembic_version",
                 r->pg->quoted);
  return read_part(r, sql, 0, take_head);
}

static enum mlt_rc read_all(struct reader *r) {
  enum mlt_rc rc = read_part(r, mlt_sql_pg_tables, 1, take_tables);
  if (rc == MLT_OK)
    rc = read_part(r, mlt_sql_pg_columns, 2, take_columns);
  if (rc == MLT_OK)
    rc = read_part(r, mlt_sql_pg_indexes, 2, take_indexes);
  return rc == MLT_OK ? read_head(r) : rc;
}

static const char *version(struct reader *r) {
  static const char name[] = "PostgreSQL ";
  size_t n = strlen(r->pg->version) + 1;
  char *s = array(r, sizeof name - 1 + n, 1);
  if (s) {
    memcpy(s, name, sizeof name - 1);
    memcpy(s + sizeof name - 1, r->pg->version, n);
  }
  return s;
}

enum mlt_rc mlt_pg_catalog(struct mlt_pg *pg, struct mlt_arena *arena, struct mlt_catalog *out,
                           struct mlt_err *err) {
  struct reader r = {.pg = pg, .arena = arena, .out = out, .err = err};
  bool own = PQtransactionStatus(pg->conn) == PQTRANS_IDLE;
  *out = (struct mlt_catalog){0};
  out->database = version(&r);
  out->schema = mlt_arena_cstr(arena, pg->schema);
  out->encoding = mlt_arena_cstr(arena, pg->encoding);
  if (!out->database || !out->schema || !out->encoding)
    return mlt_err_nomem(err);
  enum mlt_rc rc = own ? mlt_pg_begin(pg, true, NULL, 0, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = read_all(&r);
  if (rc != MLT_OK)
    mlt_pg_hint_grant(pg, err, "SELECT ON ALL TABLES IN");
  if (own && rc == MLT_OK)
    rc = mlt_pg_commit(pg, err);
  else if (own)
    mlt_pg_rollback(pg);
  return rc;
}
