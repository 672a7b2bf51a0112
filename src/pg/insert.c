/* Bulk insert by binary COPY. A COPY is over when all its results have been read, and it is right
   when the server counted as many rows as we sent. */
#include <inttypes.h>
#include <stdlib.h>

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
    out->v[i] = (struct mlt_copy_column){.column = columns[i], .at = columns[i] - first};
    if (!copy_type(info->type, have, &out->v[i].type))
      return mlt_err_set(err, MLT_SCHEMA,
                         have ? "column %s is of a type mltrack cannot write (%u)"
                              : "column %s is missing",
                         info->name, have);
  }
  return MLT_OK;
}

/* Brings the connection into COPY mode and plans the encoding. */
static enum mlt_rc start(struct mlt_pg *pg, enum mlt_table table, uint32_t features,
                         struct mlt_copy_columns *columns, struct mlt_err *err) {
  enum mlt_column list[MLT_MAX_COLUMNS];
  unsigned n = mlt_pg_columns(table, features, list);
  enum mlt_rc rc = mlt_pg_types(pg, err);
  if (rc == MLT_OK)
    rc = plan_columns(pg, table, list, n, columns, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  if ((rc = mlt_buf_adds(&sql, "COPY ")) != MLT_OK ||
      (rc = mlt_pg_add_table(pg, &sql, table)) != MLT_OK ||
      (rc = mlt_buf_adds(&sql, " (")) != MLT_OK ||
      (rc = mlt_pg_add_columns(&sql, list, n)) != MLT_OK ||
      (rc = mlt_buf_printf(&sql, ") FROM STDIN (FORMAT binary)%c", '\0')) != MLT_OK)
    rc = mlt_pg_buf_failed(rc, err);
  else
    rc = mlt_pg_command(pg, sql.p, NULL, err);
  mlt_buf_free(&sql);
  return rc;
}

static enum mlt_rc send(struct mlt_pg *pg, struct mlt_buf *chunk, struct mlt_err *err) {
  size_t sent = 0;
  while (sent < chunk->len) {
    size_t n = chunk->len - sent < CHUNK ? chunk->len - sent : CHUNK;
    if (PQputCopyData(pg->conn, chunk->p + sent, (int)n) != 1)
      return mlt_pg_fail(pg, NULL, err);
    sent += n;
  }
  mlt_buf_clear(chunk);
  return MLT_OK;
}

static enum mlt_rc send_rows(struct mlt_pg *pg, const struct mlt_rows *rows,
                             const struct mlt_copy_columns *columns, struct mlt_err *err) {
  struct mlt_buf chunk;
  struct mlt_value row[MLT_MAX_COLUMNS];
  mlt_buf_init(&chunk, TUPLE_MAX);
  enum mlt_rc rc = mlt_buf_reserve(&chunk, CHUNK + CHUNK / 4);
  if (rc == MLT_OK)
    rc = mlt_copy_header(&chunk);
  if (rc != MLT_OK)
    rc = mlt_pg_buf_failed(rc, err);
  for (size_t i = 0; i < rows->n && rc == MLT_OK; i++) {
    rc = rows->get(rows->ctx, i, row, err);
    if (rc == MLT_OK)
      rc = mlt_copy_row(&chunk, columns, row, err);
    if (rc == MLT_OK && chunk.len >= CHUNK)
      rc = send(pg, &chunk, err);
  }
  if (rc == MLT_OK && (rc = mlt_copy_trailer(&chunk)) != MLT_OK)
    rc = mlt_pg_buf_failed(rc, err);
  if (rc == MLT_OK)
    rc = send(pg, &chunk, err);
  mlt_buf_free(&chunk);
  return rc;
}

/* Reads every result of the COPY: the server's row count, and its error into *server. */
static uint64_t drain(struct mlt_pg *pg, struct mlt_err *server) {
  uint64_t counted = 0;
  PGresult *res;
  while ((res = PQgetResult(pg->conn))) {
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK)
      counted = strtoull(PQcmdTuples(res), NULL, 10);
    else if (status != PGRES_COPY_IN)
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

enum mlt_rc mlt_pg_insert(struct mlt_pg *pg, const struct mlt_rows *rows, uint32_t features,
                          struct mlt_err *err) {
  struct mlt_copy_columns columns;
  if (rows->n == 0)
    return MLT_OK;
  enum mlt_rc rc = start(pg, rows->table, features, &columns, err);
  if (rc == MLT_OK)
    rc = finish(pg, send_rows(pg, rows, &columns, err), rows->n, err);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(pg, err, "SELECT, INSERT ON ALL TABLES IN");
    mlt_err_prefix(err, "table %s", mlt_table_name(rows->table));
  }
  return rc;
}
