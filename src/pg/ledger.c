/* The ledger's tables in PostgreSQL. Its own transactions are short and one at a time; what a batch
   leaves is written in the batch's. */
#include "pg/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/array.h"
#include "pg/internal.h"
#include "pg/undo.h"
#include "sql.h"

enum { ARRAY_MAX = 256 * 1024 * 1024 };

/* Our names are written with their schema: nothing else must come before the server's own. */
static const char begin_read[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path = pg_catalog, pg_temp";
/* One importer at a time looks, makes and takes: "mltr", and a number that no run has. */
static const char lock[] = "SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock("
                           "1835824242, -1)";

/* The tables' scripts, by the version that they bring about. */
static const char *const migrations[MLT_LEDGER_VERSION] = {mlt_sql_ledger_pg_1};

static enum mlt_rc read_version(struct mlt_pg *pg, int *out, struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_query(pg, "SELECT max(version) FROM mltrack.version", 0, NULL, &res, err);
  if (rc == MLT_OK)
    *out = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
  PQclear(res);
  if (rc == MLT_OK && *out > MLT_LEDGER_VERSION) {
    rc = mlt_err_set(err, MLT_SCHEMA,
                     "schema mltrack is of a newer mltrack: version %d of its tables, this program "
                     "knows %d",
                     *out, MLT_LEDGER_VERSION);
    mlt_err_hint(err, "use a mltrack-bulk as new as the one that was used here before");
  }
  return rc;
}

static enum mlt_rc migrate(struct mlt_pg *pg, int from, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (int v = from; rc == MLT_OK && v < MLT_LEDGER_VERSION; v++)
    rc = mlt_pg_command(pg, migrations[v], NULL, err);
  return rc;
}

static bool is_true(const PGresult *res, int field) {
  return PQgetvalue(res, 0, field)[0] == 't';
}

/* What the role lacks to read a ledger that is there. */
static enum mlt_rc refuse_reader(const PGresult *res, struct mlt_err *err) {
  const char *role = PQgetvalue(res, 0, 3);
  enum mlt_rc rc =
      mlt_err_set(err, MLT_NOPERM, "role %s has no right to read schema mltrack", role);
  mlt_err_hint(err,
               "GRANT USAGE ON SCHEMA mltrack TO %s; GRANT SELECT ON ALL TABLES IN SCHEMA mltrack "
               "TO %s",
               role, role);
  return rc;
}

/* What the role lacks to keep a ledger. */
static enum mlt_rc refuse_writer(const PGresult *res, bool there, struct mlt_err *err) {
  const char *role = PQgetvalue(res, 0, 3);
  enum mlt_rc rc =
      there ? mlt_err_set(err, MLT_NOPERM, "role %s has no right to write to schema mltrack", role)
            : mlt_err_set(err, MLT_NOPERM,
                          "there is no schema mltrack, and role %s has no right to make one", role);
  if (there)
    mlt_err_hint(err,
                 "GRANT USAGE ON SCHEMA mltrack TO %s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL "
                 "TABLES IN SCHEMA mltrack TO %s",
                 role, role);
  else
    mlt_err_hint(err,
                 "GRANT CREATE ON DATABASE %s TO %s; or have it made by a role that may: "
                 "mltrack-bulk schema init --ledger",
                 PQgetvalue(res, 0, 4), role);
  return rc;
}

static enum mlt_rc prepare(struct mlt_pg *pg, enum mlt_ledger_access access, bool *there,
                           bool *made, struct mlt_err *err) {
  PGresult *res;
  int version = 0;
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_look, 0, NULL, &res, err);
  if (rc != MLT_OK)
    return rc;
  *there = is_true(res, 0);
  if (access == MLT_LEDGER_READ && *there && !is_true(res, 5))
    rc = refuse_reader(res, err);
  else if (access != MLT_LEDGER_READ && !is_true(res, *there ? 1 : 2))
    rc = refuse_writer(res, *there, err);
  PQclear(res);
  if (rc == MLT_OK && *there)
    rc = read_version(pg, &version, err);
  if (rc == MLT_OK && access == MLT_LEDGER_MAKE && version < MLT_LEDGER_VERSION) {
    rc = migrate(pg, version, err);
    *made = rc == MLT_OK && !*there;
    *there = rc == MLT_OK;
  }
  return rc;
}

static enum mlt_rc op_begin(void *db, enum mlt_ledger_access access, bool *there, bool *made,
                            struct mlt_err *err) {
  struct mlt_pg *pg = db;
  *there = *made = false;
  pg->goes_on = PQtransactionStatus(pg->conn) == PQTRANS_INTRANS;
  if (pg->goes_on && access == MLT_LEDGER_WRITE) { /* a rebuild's, which has begun one before */
    *there = true;
    return MLT_OK;
  }
  enum mlt_rc rc = pg->goes_on ? MLT_OK : mlt_pg_command(pg, begin_read, NULL, err);
  if (rc == MLT_OK && access != MLT_LEDGER_READ)
    rc = mlt_pg_command(pg, lock, NULL, err);
  if (rc == MLT_OK)
    rc = prepare(pg, access, there, made, err);
  if (rc != MLT_OK && !pg->goes_on)
    mlt_pg_rollback(pg);
  return rc;
}

static enum mlt_rc op_commit(void *db, struct mlt_err *err) {
  struct mlt_pg *pg = db;
  return pg->goes_on ? MLT_OK : mlt_pg_commit(pg, err);
}

static void op_rollback(void *db) {
  struct mlt_pg *pg = db;
  if (!pg->goes_on)
    mlt_pg_rollback(pg);
}

static const char *text_of(char out[24], int64_t n) {
  (void)snprintf(out, 24, "%" PRId64, n);
  return out;
}

static struct mlt_str field(const PGresult *res, int row, int i) {
  return PQgetisnull(res, row, i) ? MLT_STR_NULL : mlt_str_c(PQgetvalue(res, row, i));
}

/* Seconds of "12.345678". */
static double seconds(const char *text) {
  return (double)strtoll(text, NULL, 10);
}

static enum mlt_rc op_unfinished(void *db, const char *identity, mlt_ledger_unfinished_fn fn,
                                 void *ctx, struct mlt_err *err) {
  struct mlt_pg *pg = db;
  PGresult *res;
  const char *params[] = {pg->schema, identity};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_unfinished, 2, params, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++)
    rc = fn(ctx, strtoll(PQgetvalue(res, i, 0), NULL, 10), field(res, i, 1),
            seconds(PQgetvalue(res, i, 2)), err);
  PQclear(res);
  return rc;
}

static enum mlt_rc op_add(void *db, const struct mlt_ledger_source *s, const char *worker,
                          const char *head, int64_t *id, struct mlt_err *err) {
  struct mlt_pg *pg = db;
  PGresult *res;
  const char *params[] = {pg->schema, s->source,  s->format, s->identity,
                          s->options, s->version, head,      worker};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_add, 8, params, &res, err);
  if (rc == MLT_OK)
    *id = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
  PQclear(res);
  return rc;
}

static enum mlt_rc op_take(void *db, int64_t id, const char *worker, struct mlt_err *err) {
  char number[24];
  PGresult *res;
  const char *params[] = {text_of(number, id), worker};
  enum mlt_rc rc = mlt_pg_query(db, mlt_sql_pg_ledger_take, 2, params, &res, err);
  PQclear(res);
  return rc;
}

static enum mlt_rc op_end(void *db, int64_t id, const char *state, const char *error,
                          bool *forgotten, struct mlt_err *err) {
  char number[24];
  PGresult *res;
  const char *params[] = {text_of(number, id), state, error};
  enum mlt_rc rc = mlt_pg_query(db, mlt_sql_pg_ledger_end, 3, params, &res, err);
  *forgotten = rc == MLT_OK && PQgetvalue(res, 0, 0)[0] == '1';
  PQclear(res);
  return rc;
}

/* ---- a batch ---- */

/* The parameters that are lists. */
struct lists {
  struct mlt_buf tables, inserted, updated, runs, created, digests;
};

static enum mlt_rc add_tables(struct lists *l, const struct mlt_ledger_batch *b) {
  struct mlt_buf *const all[] = {&l->tables, &l->inserted, &l->updated};
  enum mlt_rc rc = MLT_OK;
  const char *comma = "";
  for (size_t i = 0; rc == MLT_OK && i < sizeof all / sizeof *all; i++)
    rc = mlt_buf_adds(all[i], "{");
  for (size_t t = 0; rc == MLT_OK && t < MLT_T_ALL; t++) {
    if (!b->inserted[t] && !b->updated[t])
      continue;
    rc = mlt_buf_printf(&l->tables, "%s%s", comma, mlt_table_name((enum mlt_table)t));
    if (rc == MLT_OK)
      rc = mlt_buf_printf(&l->inserted, "%s%" PRIu64, comma, b->inserted[t]);
    if (rc == MLT_OK)
      rc = mlt_buf_printf(&l->updated, "%s%" PRIu64, comma, b->updated[t]);
    comma = ",";
  }
  return rc;
}

static enum mlt_rc add_runs(struct lists *l, const struct mlt_ledger_batch *b) {
  enum mlt_rc rc = b->n_runs ? MLT_OK : mlt_buf_adds(&l->created, "{");
  if (rc == MLT_OK && !b->n_runs)
    rc = mlt_buf_adds(&l->digests, "{");
  for (size_t i = 0; rc == MLT_OK && i < b->n_runs; i++) {
    const struct mlt_ledger_run *r = &b->runs[i];
    rc = mlt_buf_adds(&l->created, i ? r->created ? ",t" : ",f" : r->created ? "{t" : "{f");
    if (rc == MLT_OK)
      rc = r->created ? mlt_buf_printf(&l->digests, "%c%" PRId64, i ? ',' : '{', (int64_t)r->digest)
                      : mlt_buf_printf(&l->digests, "%cNULL", i ? ',' : '{');
  }
  return rc;
}

/* Binary: an id may hold anything. */
static enum mlt_rc add_ids(struct mlt_buf *out, const struct mlt_ledger_batch *b,
                           struct mlt_arena *arena) {
  struct mlt_str *ids = mlt_arena_alloc(arena, (b->n_runs + 1) * sizeof *ids);
  for (size_t i = 0; ids && i < b->n_runs; i++)
    ids[i] = b->runs[i].id;
  return ids ? mlt_pg_text_array(out, ids, b->n_runs) : MLT_NOMEM;
}

static enum mlt_rc fill(struct lists *l, const struct mlt_ledger_batch *b) {
  struct mlt_buf *const texts[] = {&l->tables, &l->inserted, &l->updated, &l->created, &l->digests};
  struct mlt_arena *arena = mlt_arena_new();
  enum mlt_rc rc = arena ? add_tables(l, b) : MLT_NOMEM;
  if (rc == MLT_OK)
    rc = add_runs(l, b);
  if (rc == MLT_OK)
    rc = add_ids(&l->runs, b, arena);
  for (size_t i = 0; rc == MLT_OK && i < sizeof texts / sizeof *texts; i++) {
    rc = mlt_buf_adds(texts[i], "}");
    if (rc == MLT_OK && !mlt_buf_cstr(texts[i]))
      rc = MLT_NOMEM;
  }
  mlt_arena_free(arena);
  return rc;
}

/* n parameters, of which the one numbered `binary` is a text[] in binary form. */
static enum mlt_rc query(struct mlt_pg *pg, const char *sql, int n, const char *const *values,
                         int binary, size_t length, PGresult **out, struct mlt_err *err) {
  enum { MAX_PARAMS = 8 };
  int lengths[MAX_PARAMS] = {0}, formats[MAX_PARAMS] = {0};
  Oid types[MAX_PARAMS] = {0};
  types[binary] = MLT_OID_TEXT_ARRAY;
  lengths[binary] = (int)length;
  formats[binary] = 1;
  return mlt_pg_query_typed(pg, sql, n, types, values, lengths, formats, out, err);
}

static enum mlt_rc op_batch(void *db, const struct mlt_ledger_batch *b, struct mlt_err *err) {
  char number[24];
  PGresult *res = NULL;
  struct lists l;
  struct mlt_buf *const all[] = {&l.tables, &l.inserted, &l.updated,
                                 &l.runs,   &l.created,  &l.digests};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    mlt_buf_init(all[i], ARRAY_MAX);
  enum mlt_rc rc = fill(&l, b);
  if (rc != MLT_OK) {
    rc = mlt_pg_buf_failed(rc, err);
  } else {
    const char *values[] = {text_of(number, b->import_id),
                            l.tables.p,
                            l.inserted.p,
                            l.updated.p,
                            l.runs.p,
                            l.created.p,
                            l.digests.p};
    rc = query(db, mlt_sql_pg_ledger_batch, 7, values, 4, l.runs.len, &res, err);
  }
  if (rc != MLT_OK)
    mlt_err_prefix(err, "the ledger (schema mltrack)");
  PQclear(res);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    mlt_buf_free(all[i]);
  return rc;
}

static enum mlt_rc op_created(void *db, int64_t import_id, const struct mlt_str *runs, size_t n,
                              mlt_ledger_run_fn fn, void *ctx, struct mlt_err *err) {
  char number[24];
  PGresult *res = NULL;
  struct mlt_buf ids;
  mlt_buf_init(&ids, ARRAY_MAX);
  enum mlt_rc rc = mlt_pg_text_array(&ids, runs, n);
  if (rc != MLT_OK) {
    rc = mlt_pg_buf_failed(rc, err);
  } else {
    const char *values[] = {text_of(number, import_id), ids.p};
    rc = query(db, mlt_sql_pg_ledger_created, 2, values, 1, ids.len, &res, err);
  }
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++)
    rc = fn(ctx, field(res, i, 0), (uint64_t)strtoll(PQgetvalue(res, i, 1), NULL, 10), err);
  PQclear(res);
  mlt_buf_free(&ids);
  return rc;
}

static enum mlt_rc op_keep(void *db, int64_t import_id, struct mlt_err *err) {
  (void)err;
  ((struct mlt_pg *)db)->keep_for = import_id;
  return MLT_OK;
}

/* ---- what is there ---- */

static enum mlt_rc op_imports(void *db, int64_t id, mlt_ledger_import_fn fn, void *ctx,
                              struct mlt_err *err) {
  struct mlt_pg *pg = db;
  struct mlt_ledger_gather g = {.fn = fn, .ctx = ctx};
  char number[24];
  PGresult *res;
  const char *params[] = {pg->schema, text_of(number, id)};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_imports, 2, params, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    struct mlt_str fields[MLT_LEDGER_FIELDS];
    for (int f = 0; f < MLT_LEDGER_FIELDS; f++)
      fields[f] = field(res, i, f);
    rc = mlt_ledger_gather_row(&g, fields, err);
  }
  rc = mlt_ledger_gather_end(&g, rc, err);
  PQclear(res);
  return rc;
}

static enum mlt_rc op_batches(void *db, int64_t id, mlt_ledger_batch_fn fn, void *ctx,
                              struct mlt_err *err) {
  char number[24];
  PGresult *res;
  const char *params[] = {text_of(number, id)};
  enum mlt_rc rc = mlt_pg_query(db, mlt_sql_pg_ledger_batches, 1, params, &res, err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    const struct mlt_ledger_batch_row row = {.seq = strtoll(PQgetvalue(res, i, 0), NULL, 10),
                                             .committed_at = field(res, i, 1),
                                             .runs = strtoull(PQgetvalue(res, i, 2), NULL, 10),
                                             .rows = strtoull(PQgetvalue(res, i, 3), NULL, 10)};
    rc = fn(ctx, &row, err);
  }
  PQclear(res);
  return rc;
}

static enum mlt_rc op_state(void *db, int64_t id, char state[16], char worker[MLT_WORKER_MAX],
                            double *idle, struct mlt_err *err) {
  struct mlt_pg *pg = db;
  char number[24];
  PGresult *res;
  const char *params[] = {pg->schema, text_of(number, id)};
  enum mlt_rc rc = mlt_pg_query(pg, mlt_sql_pg_ledger_state, 2, params, &res, err);
  if (rc == MLT_OK && PQntuples(res) == 0)
    rc = mlt_err_set(err, MLT_NOINPUT, "the ledger has no import %" PRId64, id);
  if (rc == MLT_OK) {
    (void)snprintf(state, 16, "%s", PQgetvalue(res, 0, 0));
    (void)snprintf(worker, MLT_WORKER_MAX, "%s", PQgetvalue(res, 0, 1));
    *idle = seconds(PQgetvalue(res, 0, 2));
  }
  PQclear(res);
  return rc;
}

const struct mlt_ledger_ops mlt_pg_ledger = {.begin = op_begin,
                                             .commit = op_commit,
                                             .rollback = op_rollback,
                                             .unfinished = op_unfinished,
                                             .add = op_add,
                                             .take = op_take,
                                             .end = op_end,
                                             .batch = op_batch,
                                             .created = op_created,
                                             .keep = op_keep,
                                             .imports = op_imports,
                                             .batches = op_batches,
                                             .state = op_state,
                                             .undo = mlt_pg_undo};
