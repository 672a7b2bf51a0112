/* One new experiment. MLflow numbers experiments by a sequence, which inserts with ids of their own
   leave behind; we use it as MLflow does and move it ahead where it lags, so that MLflow's next
   create does not fail. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"
#include "pg/health.h"
#include "pg/internal.h"
#include "pg/wire.h"
#include "sql.h"

enum {
  STATEMENT_MAX = 4 * 1024,
  ATTEMPTS = 16 /* ids tried before other writers are taken to be too quick */
};

/* One row's values as binary parameters. */
struct binding {
  Oid types[MLT_MAX_COLUMNS];
  const char *values[MLT_MAX_COLUMNS];
  int lengths[MLT_MAX_COLUMNS], formats[MLT_MAX_COLUMNS];
  char integers[MLT_MAX_COLUMNS][8];
};

static void bind(struct binding *b, unsigned i, enum mlt_coltype type, const struct mlt_value *v) {
  b->formats[i] = 1;
  b->types[i] = type == MLT_TYPE_TEXT ? MLT_OID_TEXT : MLT_OID_I8; /* NULL has a type, too */
  if (v->kind == MLT_V_INT) {
    (void)mlt_put64(b->integers[i], (uint64_t)v->i);
    b->values[i] = b->integers[i];
    b->lengths[i] = 8;
  } else if (v->kind == MLT_V_TEXT) {
    b->values[i] = v->s.p;
    b->lengths[i] = (int)v->s.len;
  }
}

/* INSERT INTO ... ON CONFLICT DO NOTHING, as text in b. */
static enum mlt_rc write_insert(struct mlt_pg *pg, struct mlt_buf *b, unsigned n) {
  enum mlt_column columns[MLT_MAX_COLUMNS];
  (void)mlt_pg_columns(MLT_T_EXPERIMENTS, 0, columns);
  enum mlt_rc rc = mlt_buf_adds(b, "INSERT INTO ");
  if (rc == MLT_OK)
    rc = mlt_pg_add_table(pg, b, MLT_T_EXPERIMENTS);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, " (");
  if (rc == MLT_OK)
    rc = mlt_pg_add_columns(b, columns, n);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, ") OVERRIDING SYSTEM VALUE VALUES (");
  for (unsigned i = 0; i < n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(b, "%s$%u", i ? ", " : "", i + 1);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, ") ON CONFLICT DO NOTHING");
  return rc;
}

/* *inserted = false: the id or the name is there already. */
static enum mlt_rc insert(struct mlt_pg *pg, const struct mlt_value *row, int64_t id,
                          const char *root, bool *inserted, struct mlt_err *err) {
  struct binding b = {0};
  const struct mlt_value id_value = {.kind = MLT_V_INT, .i = id};
  unsigned n;
  struct mlt_buf sql;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_column first = mlt_table_columns(MLT_T_EXPERIMENTS, &n);
  char location[PATH_MAX + 32];
  if (root)
    (void)mlt_rule_artifact_location(location, sizeof location, root, id);
  const struct mlt_value placed = {.kind = MLT_V_TEXT, .s = mlt_str_c(root ? location : NULL)};
  for (unsigned i = 0; i < n; i++)
    bind(&b, i, mlt_column_info(first + i)->type,
         first + i == MLT_C_EXPERIMENTS_experiment_id               ? &id_value
         : root && first + i == MLT_C_EXPERIMENTS_artifact_location ? &placed
                                                                    : &row[i]);
  enum mlt_rc rc = write_insert(pg, &sql, n);
  if (rc != MLT_OK || !mlt_buf_cstr(&sql)) {
    rc = mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
    goto out;
  }
  PGresult *res = PQexecParams(pg->conn, sql.p, (int)n, b.types, b.values, b.lengths, b.formats, 0);
  if (PQresultStatus(res) == PGRES_COMMAND_OK)
    *inserted = strcmp(PQcmdTuples(res), "1") == 0;
  else
    rc = mlt_pg_fail(pg, res, err);
  PQclear(res);
out:
  mlt_buf_free(&sql);
  return rc;
}

/* One number from a query; absent when it is NULL or there is no row. */
static enum mlt_rc number(struct mlt_pg *pg, const char *sql, int n, const char *const *params,
                          bool *found, int64_t *out, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, sql, n, params, &res, err);
  *found = rc == MLT_OK && PQntuples(res) > 0 && !PQgetisnull(res, 0, 0);
  if (*found)
    *out = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
  PQclear(res);
  return rc;
}

static enum mlt_rc id_taken(struct mlt_pg *pg, int64_t id, bool *taken, struct mlt_err *err) {
  char sql[256], text[24];
  const char *params[] = {text};
  int64_t ignored;
  (void)snprintf(text, sizeof text, "%" PRId64, id);
  (void)snprintf(sql, sizeof sql,
                 "SELECT 1 FROM %s.experiments"
                 " WHERE experiment_id OPERATOR(pg_catalog.=) $1::pg_catalog.int8",
                 pg->quoted);
  return number(pg, sql, 1, params, taken, &ignored, err);
}

/* Tries one id. *inserted = false: the id is taken. */
static enum mlt_rc try_id(struct mlt_pg *pg, const struct mlt_value *row, int64_t id,
                          const char *root, bool *inserted, struct mlt_err *err) {
  bool taken = false;
  enum mlt_rc rc = insert(pg, row, id, root, inserted, err);
  if (rc != MLT_OK || *inserted)
    return rc;
  rc = id_taken(pg, id, &taken, err);
  if (rc != MLT_OK || taken)
    return rc;
  struct mlt_str name = row[MLT_C_EXPERIMENTS_name - MLT_C_EXPERIMENTS_experiment_id].s;
  return mlt_err_set(err, MLT_TEMPFAIL,
                     "experiment \"%.*s\" was created by another program meanwhile",
                     MLT_STR_ARG(name));
}

static enum mlt_rc find_sequence(struct mlt_pg *pg, char oid[24], struct mlt_err *err) {
  const char *params[] = {pg->schema};
  bool found;
  int64_t v = 0;
  enum mlt_rc rc = number(pg, mlt_sql_pg_experiment_sequence, 1, params, &found, &v, err);
  if (rc == MLT_OK && !found) {
    rc = mlt_err_set(err, MLT_SCHEMA, "experiments.experiment_id has no sequence to number it");
    mlt_err_hint(
        err, "ALTER TABLE %s.experiments ALTER experiment_id ADD GENERATED BY DEFAULT AS IDENTITY",
        pg->quoted);
  }
  if (rc == MLT_OK)
    (void)snprintf(oid, 24, "%" PRId64, v);
  return rc;
}

static enum mlt_rc next_id(struct mlt_pg *pg, const char *sequence, int64_t *id,
                           struct mlt_err *err) {
  const char *params[] = {sequence};
  bool found;
  return number(pg, mlt_sql_pg_sequence_next, 1, params, &found, id, err);
}

static enum mlt_rc move_ahead(struct mlt_pg *pg, const char *sequence, int64_t id,
                              struct mlt_err *err) {
  char text[24];
  const char *params[] = {sequence, text};
  bool found;
  int64_t ignored;
  (void)snprintf(text, sizeof text, "%" PRId64, id);
  return number(pg, mlt_sql_pg_sequence_ahead, 2, params, &found, &ignored, err);
}

/* The next id of the sequence, ahead of every id in the table. */
static enum mlt_rc next_free_id(struct mlt_pg *pg, const char *sequence, int64_t *id,
                                struct mlt_err *err) {
  char sql[256];
  bool found;
  int64_t max;
  (void)snprintf(sql, sizeof sql, "SELECT pg_catalog.max(experiment_id) FROM %s.experiments",
                 pg->quoted);
  enum mlt_rc rc = next_id(pg, sequence, id, err);
  if (rc == MLT_OK)
    rc = number(pg, sql, 0, NULL, &found, &max, err);
  if (rc != MLT_OK || !found || max < *id)
    return rc;
  rc = move_ahead(pg, sequence, max, err);
  return rc == MLT_OK ? next_id(pg, sequence, id, err) : rc;
}

static enum mlt_rc insert_numbered(struct mlt_pg *pg, const struct mlt_value *row, const char *root,
                                   int64_t *id, struct mlt_err *err) {
  char sequence[24];
  bool inserted = false;
  enum mlt_rc rc = find_sequence(pg, sequence, err);
  for (int i = 0; i < ATTEMPTS && rc == MLT_OK && !inserted; i++) {
    rc = next_free_id(pg, sequence, id, err);
    if (rc == MLT_OK)
      rc = try_id(pg, row, *id, root, &inserted, err);
  }
  if (rc == MLT_OK && !inserted)
    rc = mlt_err_set(err, MLT_TEMPFAIL, "no free experiment id after %d attempts", ATTEMPTS);
  return rc;
}

static enum mlt_rc insert_wanted(struct mlt_pg *pg, const struct mlt_value *row, int64_t wanted,
                                 const char *root, bool *inserted, struct mlt_err *err) {
  enum mlt_rc rc = mlt_pg_types(pg, err);
  bool fits = pg->types[MLT_C_EXPERIMENTS_experiment_id] != MLT_OID_I4 || wanted <= INT32_MAX;
  if (rc != MLT_OK || !fits)
    return rc;
  rc = try_id(pg, row, wanted, root, inserted, err);
  if (rc != MLT_OK || !*inserted || wanted == 0) /* sequences start at 1 */
    return rc;
  char sequence[24];
  rc = find_sequence(pg, sequence, err);
  return rc == MLT_OK ? move_ahead(pg, sequence, wanted, err) : rc;
}

enum mlt_rc mlt_pg_insert_experiment(struct mlt_pg *pg, const struct mlt_value *row, int64_t wanted,
                                     const char *root, int64_t *id, struct mlt_err *err) {
  bool inserted = false;
  enum mlt_rc rc = MLT_OK;
  *id = wanted;
  if (wanted >= 0)
    rc = insert_wanted(pg, row, wanted, root, &inserted, err);
  if (rc == MLT_OK && !inserted)
    rc = insert_numbered(pg, row, root, id, err);
  if (rc != MLT_OK) {
    mlt_pg_hint_grant(pg, err, "USAGE, UPDATE ON ALL SEQUENCES IN");
    mlt_err_prefix(err, "table experiments");
  }
  return rc;
}

enum mlt_rc mlt_pg_sequence(struct mlt_pg *pg, struct mlt_pg_sequence *out, struct mlt_err *err) {
  char oid[24], sql[256];
  const char *params[] = {oid};
  struct mlt_err none = MLT_ERR_INIT;
  bool found = false;
  *out = (struct mlt_pg_sequence){.known = false};
  enum mlt_rc rc = find_sequence(pg, oid, &none);
  if (rc == MLT_SCHEMA)
    return MLT_OK; /* the schema's check tells that there is none */
  if (rc == MLT_OK)
    rc = number(pg, mlt_sql_pg_sequence_state, 1, params, &out->known, &out->last, &none);
  (void)snprintf(sql, sizeof sql, "SELECT pg_catalog.max(experiment_id) FROM %s.experiments",
                 pg->quoted);
  if (rc == MLT_OK)
    rc = number(pg, sql, 0, NULL, &found, &out->max, &none);
  out->known = out->known && found;
  if (rc != MLT_OK && err)
    *err = none;
  return rc;
}

enum mlt_rc mlt_pg_sequence_repair(struct mlt_pg *pg, uint64_t *moved, struct mlt_err *err) {
  struct mlt_pg_sequence s;
  char oid[24];
  enum mlt_rc rc = mlt_pg_sequence(pg, &s, err);
  if (rc != MLT_OK || !s.known || s.last >= s.max)
    return rc;
  rc = find_sequence(pg, oid, err);
  *moved = rc == MLT_OK;
  return rc == MLT_OK ? move_ahead(pg, oid, s.max, err) : rc;
}
