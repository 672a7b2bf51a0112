/* Bulk insert by binary COPY. A COPY is over when all its results have been read, and it is right
   when the server counted as many rows as we sent. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pg/copy_binary.h"
#include "pg/internal.h"

enum {
  CHUNK = 256 * 1024,            /* bytes gathered before they go to libpq */
  STATEMENT_MAX = 4 * 1024,      /* names of one table's columns */
  TUPLE_MAX = 1024 * 1024 * 1024 /* what the server takes */
};

/* What COPY must send for a column: the database's type, if it is one our values go into. */
static bool copy_type(enum mlt_coltype want, Oid have, enum mlt_copy_type *out) {
  switch (want) {
  case MLT_TYPE_I4:
  case MLT_TYPE_I8:
    *out = have == MLT_OID_I4 ? MLT_COPY_I4 : MLT_COPY_I8;
    return have == MLT_OID_I4 || have == MLT_OID_I8;
  case MLT_TYPE_F8:
    *out = MLT_COPY_F8;
    return have == MLT_OID_F8;
  case MLT_TYPE_BOOL:
    *out = MLT_COPY_BOOL;
    return have == MLT_OID_BOOL;
  case MLT_TYPE_TEXT:
    *out = MLT_COPY_TEXT;
    return have == MLT_OID_TEXT || have == MLT_OID_VARCHAR || have == MLT_OID_BPCHAR;
  }
  return false;
}

static enum mlt_rc plan_columns(struct mlt_pg *pg, enum mlt_table table,
                                const enum mlt_column *columns, unsigned n,
                                struct mlt_copy_columns *out, struct mlt_err *err) {
  unsigned count;
  enum mlt_column first = mlt_table_columns(table, &count);
  out->n = n;
  for (unsigned i = 0; i < n; i++) {
    const struct mlt_column_info *info = mlt_column_info(columns[i]);
    Oid have = pg->types[columns[i]];
    out->v[i] = (struct mlt_copy_column){.name = info->name, .at = columns[i] - first};
    if (!copy_type(info->type, have, &out->v[i].type))
      return mlt_err_set(err, MLT_SCHEMA,
                         have ? "column %s is of a type mltrack cannot write (%u)"
                              : "column %s is missing",
                         info->name, have);
  }
  return MLT_OK;
}

/* One table's rows on their way, by one COPY or several. */
struct copy {
  struct mlt_pg *pg;
  const struct mlt_rows *rows;
  const struct mlt_shape *shape; /* of a copied table; else NULL */
  const char *into;              /* a table as SQL; NULL: the rows' own */
  struct mlt_pacer *pacer;
  size_t next; /* the first row not sent yet */
  struct mlt_copy_columns columns;
  struct mlt_buf sql, chunk;
  size_t in_chunk; /* rows */
};

static enum mlt_rc write_statement(struct copy *c) {
  struct mlt_buf *sql = &c->sql;
  bool trusted = !c->into && !c->shape && mlt_pg_is_trusted(c->pg, c->rows->table);
  enum mlt_rc rc = mlt_buf_printf(sql, "%sCOPY ", trusted ? mlt_pg_unchecked : "");
  if (rc == MLT_OK)
    rc = c->into ? mlt_buf_adds(sql, c->into) : mlt_pg_add_table(c->pg, sql, c->rows->table);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(sql, " (");
  for (unsigned i = 0; i < c->columns.n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(sql, "%s\"%s\"", i ? ", " : "", c->columns.v[i].name);
  return rc == MLT_OK ? mlt_buf_printf(sql, ") FROM STDIN (FORMAT binary)%s%c",
                                       trusted ? mlt_pg_checked : "", '\0')
                      : rc;
}

/* The types of a copied table's columns are those of its shape. */
static void plan_shape(const struct mlt_shape *s, struct mlt_copy_columns *out) {
  static const enum mlt_copy_type types[] = {[MLT_TYPE_I4] = MLT_COPY_I4,
                                             [MLT_TYPE_I8] = MLT_COPY_I8,
                                             [MLT_TYPE_F8] = MLT_COPY_F8,
                                             [MLT_TYPE_BOOL] = MLT_COPY_BOOL,
                                             [MLT_TYPE_TEXT] = MLT_COPY_TEXT};
  out->n = s->n;
  for (unsigned i = 0; i < s->n; i++)
    out->v[i] =
        (struct mlt_copy_column){.name = s->c[i].name, .at = i, .type = types[s->c[i].type]};
}

static enum mlt_rc plan(struct copy *c, uint32_t features, struct mlt_err *err) {
  enum mlt_column list[MLT_MAX_COLUMNS];
  if (c->shape) {
    plan_shape(c->shape, &c->columns);
    return MLT_OK;
  }
  unsigned n = mlt_pg_columns(c->rows->table, features, list);
  enum mlt_rc rc = mlt_pg_types(c->pg, err);
  return rc == MLT_OK ? plan_columns(c->pg, c->rows->table, list, n, &c->columns, err) : rc;
}

static enum mlt_rc prepare(struct copy *c, uint32_t features, struct mlt_err *err) {
  mlt_buf_init(&c->sql, STATEMENT_MAX);
  mlt_buf_init(&c->chunk, TUPLE_MAX);
  enum mlt_rc rc = plan(c, features, err);
  if (rc != MLT_OK)
    return rc;
  if ((rc = write_statement(c)) != MLT_OK ||
      (rc = mlt_buf_reserve(&c->chunk, CHUNK + CHUNK / 4)) != MLT_OK)
    rc = mlt_pg_buf_failed(rc, err);
  return rc;
}

/* Hands what is encoded to libpq, when it is due. */
static enum mlt_rc send(struct copy *c, struct mlt_err *err) {
  struct mlt_buf *chunk = &c->chunk;
  struct mlt_pacer *pacer = c->pacer;
  size_t sent = 0;
  if (pacer && c->in_chunk > 0) {
    enum mlt_rc rc = mlt_pacer_wait(pacer, mlt_pacer_take(pacer, c->in_chunk), err);
    if (rc != MLT_OK)
      return rc;
  }
  while (sent < chunk->len) {
    size_t n = chunk->len - sent < CHUNK ? chunk->len - sent : CHUNK;
    if (PQputCopyData(c->pg->conn, chunk->p + sent, (int)n) != 1)
      return mlt_pg_fail(c->pg, NULL, err);
    sent += n;
  }
  mlt_buf_clear(chunk);
  c->in_chunk = 0;
  return MLT_OK;
}

static enum mlt_rc encode_row(struct copy *c, struct mlt_err *err) {
  struct mlt_value row[MLT_MAX_COLUMNS];
  enum mlt_rc rc = c->rows->get(c->rows->ctx, c->next, row, err);
  if (rc == MLT_OK)
    rc = mlt_copy_row(&c->chunk, &c->columns, row, err);
  if (rc == MLT_OK) {
    c->next++;
    c->in_chunk++;
  }
  return rc;
}

/* Sends rows until there are no more, or the statement is long enough. */
static enum mlt_rc send_rows(struct copy *c, struct mlt_err *err) {
  size_t first = c->next;
  size_t portion = c->pacer ? mlt_pacer_portion(c->pacer) : SIZE_MAX;
  mlt_buf_clear(&c->chunk);
  c->in_chunk = 0;
  enum mlt_rc rc = mlt_copy_header(&c->chunk);
  if (rc != MLT_OK)
    return mlt_pg_buf_failed(rc, err);
  do {
    rc = encode_row(c, err);
    if (rc == MLT_OK && (c->chunk.len >= CHUNK || c->in_chunk >= portion))
      rc = send(c, err);
  } while (rc == MLT_OK && c->next < c->rows->n &&
           !mlt_pg_portion_is_full(c->pg, &c->pg->copies, c->next - first));
  if (rc == MLT_OK && (rc = mlt_copy_trailer(&c->chunk)) != MLT_OK)
    rc = mlt_pg_buf_failed(rc, err);
  return rc == MLT_OK ? send(c, err) : rc;
}

/* Reads every result of the COPY: the server's row count, and its error into *server. */
static uint64_t drain(struct mlt_pg *pg, struct mlt_err *server) {
  uint64_t counted = 0;
  PGresult *res;
  while ((res = mlt_pg_result(pg))) {
    ExecStatusType status = PQresultStatus(res);
    const char *tuples = PQcmdTuples(res);
    if (tuples[0]) /* else it is of the statement after the COPY */
      counted = strtoull(tuples, NULL, 10);
    if (status != PGRES_COMMAND_OK && status != PGRES_COPY_IN)
      (void)mlt_pg_fail(pg, res, server);
    PQclear(res);
    if (status == PGRES_COPY_IN) /* the end could not be sent: libpq would say so for ever */
      break;
  }
  return counted;
}

/* Ends the COPY, on our own error by telling the server to fail it. rc and err hold what sending
   brought; a lost connection is better described by what the server said last. */
static enum mlt_rc finish(struct mlt_pg *pg, enum mlt_rc rc, size_t n, struct mlt_err *err) {
  struct mlt_err server = MLT_ERR_INIT;
  bool sent = rc == MLT_OK || rc == MLT_UNAVAILABLE || rc == MLT_PROTOCOL;
  int ended = PQputCopyEnd(pg->conn, rc == MLT_OK ? NULL : "given up by mltrack");
  uint64_t counted = drain(pg, &server);
  if (!sent)
    return rc;
  if (ended != 1 && server.rc == MLT_OK)
    (void)mlt_pg_fail(pg, NULL, &server);
  if (server.rc != MLT_OK) {
    if (err)
      *err = server;
    return server.rc;
  }
  if (counted == n)
    return rc;
  rc =
      mlt_err_set(err, MLT_SCHEMA, "%zu rows were sent and the server stored %" PRIu64, n, counted);
  mlt_err_hint(err, "a trigger of this database leaves rows out: mltrack cannot import into it");
  return rc;
}

static enum mlt_rc copy(struct copy *c, struct mlt_err *err) {
  size_t first = c->next;
  mlt_pg_portion_begins(c->pg, &c->pg->copies);
  enum mlt_rc rc = mlt_pg_command(c->pg, c->sql.p, NULL, err);
  if (rc == MLT_OK) {
    rc = send_rows(c, err);
    rc = finish(c->pg, rc, c->next - first, err);
    mlt_pg_portion_ended(c->pg, &c->pg->copies, c->next - first, rc == MLT_OK);
  }
  return rc;
}

static enum mlt_rc copy_all(struct copy *c, uint32_t features, struct mlt_err *err) {
  enum mlt_rc rc = prepare(c, features, err);
  while (rc == MLT_OK && c->next < c->rows->n)
    rc = copy(c, err);
  mlt_buf_free(&c->sql);
  mlt_buf_free(&c->chunk);
  return rc;
}

enum mlt_rc mlt_pg_copy(struct mlt_pg *pg, const struct mlt_rows *rows, const char *into,
                        uint32_t features, struct mlt_err *err) {
  struct copy c = {.pg = pg, .rows = rows, .into = into, .pacer = into ? NULL : pg->pacer};
  return copy_all(&c, features, err);
}

/* Into the rows' own table. */
static enum mlt_rc insert(struct copy *c, uint32_t features, struct mlt_err *err) {
  if (c->rows->n == 0)
    return MLT_OK;
  enum mlt_rc rc = copy_all(c, features, err);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(c->pg, err, "SELECT, INSERT ON ALL TABLES IN");
    mlt_err_prefix(err, "table %s", mlt_table_name(c->rows->table));
  }
  return rc;
}

enum mlt_rc mlt_pg_insert(struct mlt_pg *pg, const struct mlt_rows *rows, uint32_t features,
                          struct mlt_err *err) {
  struct copy c = {.pg = pg, .rows = rows, .pacer = pg->pacer};
  return insert(&c, features, err);
}

static enum mlt_rc get_copied(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  const struct mlt_copied_rows *rows = ctx;
  memcpy(out, rows->v[i], rows->shape->n * sizeof *out);
  return MLT_OK;
}

enum mlt_rc mlt_pg_insert_copied(struct mlt_pg *pg, const struct mlt_copied_rows *rows,
                                 struct mlt_err *err) {
  const struct mlt_rows all = {
      .table = rows->shape->table, .n = rows->n, .get = get_copied, .ctx = rows};
  struct copy c = {.pg = pg, .rows = &all, .shape = rows->shape, .pacer = pg->pacer};
  return insert(&c, 0, err);
}
