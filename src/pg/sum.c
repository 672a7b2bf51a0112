/* Sums of a run's rows (model/row_sum.h), computed by the server where the rows are. */
#include <stdlib.h>

#include "pg/array.h"
#include "pg/internal.h"

enum { STATEMENT_MAX = 4 * 1024, KEYS_MAX = 256 * 1024 * 1024, KEYS_PER_QUERY = 10000 };

/* By bytes, whatever the column's collation is. */
#define TEXT_HASH(column, seed)                                                                    \
  "pg_catalog.hashtextextended(" column " COLLATE pg_catalog.\"C\", " seed ")"
#define NAN_HASH "pg_catalog.hashint4extended(is_nan::pg_catalog.int4, \"timestamp\")"
#define VALUE_HASH                                                                                 \
  "pg_catalog.hashfloat8extended(\"value\", " NAN_HASH " OPERATOR(pg_catalog.#) step)"

/* A NULL makes the chain NULL; then the key alone counts. */
static const char kv_hash[] =
    "COALESCE(" TEXT_HASH("\"value\"", TEXT_HASH("key", "0")) ", " TEXT_HASH("key", "0") ")";
static const char point_hash[] =
    "COALESCE(" TEXT_HASH("key", VALUE_HASH) ", " TEXT_HASH("key", "0") ")";

static const char *hash_of(enum mlt_table table) {
  return table == MLT_T_PARAMS || table == MLT_T_TAGS ? kv_hash : point_hash;
}

/* A sum of bigint is a numeric, which does not overflow: as text, taken modulo 2^64. */
static uint64_t parse_sum(const char *s) {
  uint64_t n = 0;
  bool negative = *s == '-';
  for (s += negative; *s; s++)
    n = n * 10 + (uint64_t)(*s - '0');
  return negative ? -n : n;
}

static enum mlt_rc write_statement(struct mlt_pg *pg, struct mlt_buf *b, enum mlt_table table) {
  enum mlt_rc rc = mlt_buf_printf(
      b, "SELECT run_uuid, pg_catalog.count(*), pg_catalog.sum(%s) FROM ", hash_of(table));
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(pg, b, table);
  return rc == MLT_OK ? mlt_buf_adds(b, " WHERE run_uuid OPERATOR(pg_catalog.=) "
                                        "ANY ($1::pg_catalog.text[]) GROUP BY run_uuid")
                      : rc;
}

static enum mlt_rc give(const PGresult *res, mlt_row_sum_fn fn, void *ctx, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (int i = 0; i < PQntuples(res) && rc == MLT_OK; i++) {
    struct mlt_str run = {PQgetvalue(res, i, 0), (size_t)PQgetlength(res, i, 0)};
    struct mlt_row_sum sum = {strtoull(PQgetvalue(res, i, 1), NULL, 10),
                              parse_sum(PQgetvalue(res, i, 2))};
    rc = fn(ctx, run, sum, err);
  }
  return rc;
}

static enum mlt_rc query(struct mlt_pg *pg, const char *sql, const struct mlt_str *runs, size_t n,
                         mlt_row_sum_fn fn, void *ctx, struct mlt_err *err) {
  PGresult *res = NULL;
  struct mlt_buf array;
  mlt_buf_init(&array, KEYS_MAX);
  enum mlt_rc rc = mlt_pg_text_array(&array, runs, n);
  if (rc != MLT_OK) {
    rc = mlt_pg_buf_failed(rc, err);
  } else {
    const Oid types[] = {MLT_OID_TEXT_ARRAY};
    const char *values[] = {array.p};
    const int lengths[] = {(int)array.len}, formats[] = {1};
    rc = mlt_pg_query_typed(pg, sql, 1, types, values, lengths, formats, &res, err);
  }
  if (rc == MLT_OK)
    rc = give(res, fn, ctx, err);
  PQclear(res);
  mlt_buf_free(&array);
  return rc;
}

enum mlt_rc mlt_pg_sum_rows(struct mlt_pg *pg, enum mlt_table table, const struct mlt_str *runs,
                            size_t n, mlt_row_sum_fn fn, void *ctx, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = write_statement(pg, &sql, table);
  if (rc != MLT_OK || !mlt_buf_cstr(&sql))
    rc = mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  for (size_t i = 0; i < n && rc == MLT_OK; i += KEYS_PER_QUERY)
    rc = query(pg, sql.p, runs + i, n - i < KEYS_PER_QUERY ? n - i : KEYS_PER_QUERY, fn, ctx, err);
  mlt_buf_free(&sql);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(pg, err, "SELECT ON ALL TABLES IN");
    if (err && err->sqlstate[0])
      mlt_err_prefix(err, "table %s", mlt_table_name(table));
  }
  return rc;
}
