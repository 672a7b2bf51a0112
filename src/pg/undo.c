/* Takes back what an import wrote. A row is the import's, and nobody has touched it since, exactly
   if its xmin is one of the import's transactions: PostgreSQL gives a row that is changed the
   number of who changed it. Restored from a dump, everything looks touched and stays.

   Runs that the import created go as a whole or not at all. Which of the smaller rows may go is
   found by taking from all of the import's those that something refers to which stays, until there
   are no more of them. */
#include "pg/undo.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/undo.h"
#include "pg/internal.h"
#include "sql.h"

enum { NAME_SIZE = 256 };

#define X "(SELECT x FROM pg_temp.mltrack_x)"

struct undo {
  struct mlt_pg *pg;
  int64_t id;
  uint32_t features;
  bool copied[MLT_COPIED_COUNT]; /* they are there */
  struct mlt_undone *out;
  mlt_ledger_left_fn fn;
  void *ctx;
  struct mlt_err *err;
};

static enum mlt_rc run_text(void *ctx, const char *sql, uint64_t *rows, struct mlt_err *err) {
  struct undo *u = ctx;
  PGresult *res = NULL;
  enum mlt_rc rc = mlt_pg_command(u->pg, sql, &res, err);
  if (rc == MLT_OK && rows)
    *rows = strtoull(PQcmdTuples(res), NULL, 10);
  PQclear(res);
  return rc;
}

/* *rows (may be NULL): how many it was about. */
static enum mlt_rc MLT_PRINTF(3, 4) run(struct undo *u, uint64_t *rows, const char *fmt, ...) {
  char sql[MLT_UNDO_SQL_MAX];
  va_list ap;
  va_start(ap, fmt);
  enum mlt_rc rc = mlt_undo_format(sql, fmt, ap, u->err);
  va_end(ap);
  return rc == MLT_OK ? run_text(u, sql, rows, u->err) : rc;
}

static bool has(const struct undo *u, enum mlt_table t) {
  return t < MLT_T_COUNT ? !(mlt_table_feature(t) & ~u->features) : u->copied[t - MLT_T_COUNT];
}

/* Which of the tables that are copied are there: those have no features. */
static enum mlt_rc look_for_copied(struct undo *u) {
  PGresult *res;
  const char *params[] = {u->pg->schema, mlt_pg_table_names};
  enum mlt_rc rc =
      mlt_pg_query(u->pg,
                   "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
                   " AND relnamespace = $1::regnamespace AND relname = ANY ($2::text[])",
                   2, params, &res, u->err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    enum mlt_table t = mlt_table_by_name(PQgetvalue(res, i, 0));
    if (t >= MLT_T_COUNT && t < MLT_T_ALL)
      u->copied[t - MLT_T_COUNT] = true;
  }
  PQclear(res);
  return rc;
}

/* ---- what is the import's ---- */

static enum mlt_rc find_transactions(struct undo *u) {
  enum mlt_rc rc = run(u, NULL, "SET LOCAL search_path = pg_catalog, %s, pg_temp", u->pg->quoted);
  if (rc == MLT_OK)
    rc = mlt_pg_command(u->pg, mlt_sql_pg_undo_begin, NULL, u->err);
  if (rc == MLT_OK)
    rc = run(u, NULL,
             "INSERT INTO pg_temp.mltrack_x SELECT DISTINCT xid(xid) FROM mltrack.batch"
             " WHERE import_id = %" PRId64 " AND pg_current_xact_id()::text::numeric"
             " - xid::text::numeric < 2000000000",
             u->id);
  if (rc == MLT_OK)
    rc = run(u, NULL,
             "INSERT INTO pg_temp.mltrack_r SELECT run_uuid, created FROM mltrack.run"
             " WHERE import_id = %" PRId64,
             u->id);
  return rc == MLT_OK ? run(u, NULL, "ANALYZE pg_temp.mltrack_x; ANALYZE pg_temp.mltrack_r") : rc;
}

static const enum mlt_table of_runs[] = {MLT_T_RUNS, MLT_T_PARAMS, MLT_T_TAGS, MLT_T_METRICS,
                                         MLT_T_LATEST_METRICS};
enum { OF_RUNS = sizeof of_runs / sizeof *of_runs };

/* Runs with a row that is not ours stay. */
static enum mlt_rc find_touched_runs(struct undo *u) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < OF_RUNS; i++) {
    const char *table = mlt_table_name(of_runs[i]);
    rc = run(u, NULL,
             "UPDATE pg_temp.mltrack_r r SET why = '" MLT_UNDO_CHANGED " (%s)'"
             " WHERE created AND why IS NULL AND EXISTS (SELECT FROM %s.%s t"
             " WHERE t.run_uuid = r.run_uuid AND t.xmin NOT IN " X ")",
             table, u->pg->quoted, table);
  }
  return rc;
}

/* Experiment tags that were there before, with other values, are no candidates: they are restored.
 */
static const char is_replaced[] =
    " AND NOT EXISTS (SELECT FROM mltrack.replaced p WHERE p.import_id = %" PRId64
    " AND p.table_name = 'experiment_tags' AND p.row->>'key' = t.key"
    " AND (p.row->>'experiment_id')::integer = t.experiment_id)";

static enum mlt_rc find_candidates(struct undo *u) {
  enum mlt_rc rc =
      run(u, NULL,
          "INSERT INTO pg_temp.mltrack_go SELECT %d, t.ctid FROM %s.runs t"
          " JOIN pg_temp.mltrack_r r USING (run_uuid) WHERE r.created AND r.why IS NULL",
          MLT_T_RUNS, u->pg->quoted);
  for (enum mlt_table t = 0; rc == MLT_OK && t < MLT_T_ALL; t++) {
    char but[400] = "";
    if (mlt_table_is_of_run(t) || !has(u, t))
      continue;
    if (t == MLT_T_EXPERIMENT_TAGS)
      (void)snprintf(but, sizeof but, is_replaced, u->id);
    rc =
        run(u, NULL,
            "INSERT INTO pg_temp.mltrack_go SELECT %d, t.ctid FROM %s.%s t WHERE t.xmin IN " X "%s",
            t, u->pg->quoted, mlt_table_name(t), but);
  }
  return rc == MLT_OK ? run(u, NULL, "ANALYZE pg_temp.mltrack_go") : rc;
}

/* ---- what may go ---- */

/* What tables that we do not write refer to: issues, whatever a later MLflow brings. */
static enum mlt_rc keep_referred(struct undo *u) {
  PGresult *res;
  const char *params[] = {u->pg->schema, mlt_pg_table_names};
  enum mlt_rc rc = mlt_pg_query(u->pg, mlt_sql_pg_undo_references, 2, params, &res, u->err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++) {
    const char *parent = PQgetvalue(res, i, 0);
    rc = run(u, NULL,
             "DELETE FROM pg_temp.mltrack_go g USING %s.%s p WHERE g.tab = %d"
             " AND g.id = p.ctid AND EXISTS (SELECT FROM %s c WHERE %s)",
             u->pg->quoted, parent, mlt_table_by_name(parent), PQgetvalue(res, i, 1),
             PQgetvalue(res, i, 2));
  }
  PQclear(res);
  return rc;
}

static void came(enum mlt_table table, char *out, size_t size) {
  (void)table;
  (void)snprintf(out, size, "age(p.xmin) <= (SELECT max(age(x)) FROM pg_temp.mltrack_x)");
}

static bool has_table(void *ctx, enum mlt_table t) {
  return has(ctx, t);
}

static enum mlt_rc settle(struct undo *u) {
  char tables[NAME_SIZE];
  const struct mlt_undo_db db = {u, tables, "pg_temp.", "ctid", has_table, run_text, came};
  enum mlt_rc rc = keep_referred(u);
  if (rc == MLT_OK && snprintf(tables, sizeof tables, "%s.", u->pg->quoted) >= (int)sizeof tables)
    rc = mlt_err_set(u->err, MLT_INTERNAL, "the schema's name is longer than was thought");
  return rc == MLT_OK ? mlt_undo_settle(&db, u->err) : rc;
}

/* ---- what stays ---- */

/* Rows of one statement (what, why) are told. */
static enum mlt_rc MLT_PRINTF(3, 4)
    tell(struct undo *u, enum mlt_table table, const char *fmt, ...) {
  char sql[MLT_UNDO_SQL_MAX];
  PGresult *res = NULL;
  va_list ap;
  va_start(ap, fmt);
  enum mlt_rc rc = mlt_undo_format(sql, fmt, ap, u->err);
  va_end(ap);
  if (rc == MLT_OK)
    rc = mlt_pg_command(u->pg, sql, &res, u->err);
  for (int i = 0; rc == MLT_OK && i < PQntuples(res); i++)
    rc = u->fn(u->ctx, table, mlt_str_c(PQgetvalue(res, i, 0)), mlt_str_c(PQgetvalue(res, i, 1)),
               u->err);
  PQclear(res);
  return rc;
}

/* Rows of others that the import changed, and somebody after it. */
static enum mlt_rc tell_changed_again(struct undo *u) {
  static const struct {
    enum mlt_table table;
    const char *what, *same; /* is t the row that p keeps? */
  } changed[] = {
      {MLT_T_RUNS, "t.run_uuid", "t.run_uuid = p.row->>'run_uuid'"},
      {MLT_T_TAGS, "t.run_uuid || ': ' || t.key",
       "t.run_uuid = p.row->>'run_uuid' AND t.key = p.row->>'key'"},
      {MLT_T_EXPERIMENT_TAGS, "t.experiment_id || ': ' || t.key",
       "t.experiment_id = (p.row->>'experiment_id')::integer AND t.key = p.row->>'key'"}};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof changed / sizeof *changed; i++)
    rc = tell(u, changed[i].table,
              "SELECT %s, '" MLT_UNDO_AGAIN "' FROM mltrack.replaced p JOIN %s.%s t ON %s"
              " WHERE p.import_id = %" PRId64 " AND p.table_name = '%s' AND t.xmin NOT IN " X
              " ORDER BY 1",
              changed[i].what, u->pg->quoted, mlt_table_name(changed[i].table), changed[i].same,
              u->id, mlt_table_name(changed[i].table));
  return rc;
}

static enum mlt_rc tell_left(struct undo *u) {
  enum mlt_rc rc = tell(u, MLT_T_RUNS,
                        "SELECT run_uuid, why FROM pg_temp.mltrack_r WHERE why IS NOT NULL"
                        " ORDER BY run_uuid");
  for (size_t i = 0; rc == MLT_OK && i < mlt_undo_named_n; i++) {
    const struct mlt_undo_named *n = &mlt_undo_named[i];
    if (has(u, n->table))
      rc = tell(u, n->table,
                "SELECT %s, '" MLT_UNDO_REFERRED "' FROM %s.%s t"
                " WHERE t.xmin IN " X " AND NOT EXISTS (SELECT FROM pg_temp.mltrack_go g"
                " WHERE g.tab = %d AND g.id = t.ctid) ORDER BY 1",
                n->what, u->pg->quoted, mlt_table_name(n->table), n->table);
  }
  return rc == MLT_OK ? tell_changed_again(u) : rc;
}

/* ---- runs that were there ---- */

/* The import's latest metrics are those of what remains; where nothing does, what was there. */
static enum mlt_rc restore_latest(struct undo *u) {
  const char *s = u->pg->quoted;
  uint64_t *restored = &u->out->restored[MLT_T_LATEST_METRICS], again = 0;
  enum mlt_rc rc =
      run(u, restored,
          "UPDATE %s.latest_metrics t SET value = m.value, timestamp = m.timestamp, step = m.step,"
          " is_nan = m.is_nan FROM (SELECT DISTINCT ON (m.run_uuid, m.key) m.* FROM %s.metrics m"
          " JOIN pg_temp.mltrack_latest l ON l.run_uuid = m.run_uuid AND l.key = m.key"
          " ORDER BY m.run_uuid, m.key, m.step DESC, m.timestamp DESC, m.value DESC) m"
          " WHERE t.run_uuid = m.run_uuid AND t.key = m.key",
          s, s);
  if (rc == MLT_OK)
    rc = run(u, &again,
             "UPDATE %s.latest_metrics t SET value = (p.row->>'value')::float8,"
             " timestamp = (p.row->>'timestamp')::bigint, step = (p.row->>'step')::bigint,"
             " is_nan = (p.row->>'is_nan')::boolean FROM mltrack.replaced p"
             " WHERE p.import_id = %" PRId64 " AND p.table_name = 'latest_metrics'"
             " AND t.run_uuid = p.row->>'run_uuid' AND t.key = p.row->>'key' AND t.xmin IN " X,
             s, u->id);
  *restored += again;
  return rc;
}

/* Rows that the import has changed, and nobody after it. */
static enum mlt_rc restore_rows(struct undo *u) {
  const char *s = u->pg->quoted;
  enum mlt_rc rc = run(u, &u->out->restored[MLT_T_TAGS],
                       "UPDATE %s.tags t SET value = p.row->>'value' FROM mltrack.replaced p"
                       " WHERE p.import_id = %" PRId64 " AND p.table_name = 'tags'"
                       " AND t.run_uuid = p.row->>'run_uuid' AND t.key = p.row->>'key'"
                       " AND t.xmin IN " X,
                       s, u->id);
  if (rc == MLT_OK)
    rc = run(u, &u->out->restored[MLT_T_RUNS],
             "UPDATE %s.runs t SET name = p.row->>'name', status = p.row->>'status',"
             " end_time = (p.row->>'end_time')::bigint FROM mltrack.replaced p"
             " WHERE p.import_id = %" PRId64 " AND p.table_name = 'runs'"
             " AND t.run_uuid = p.row->>'run_uuid' AND t.xmin IN " X,
             s, u->id);
  return rc == MLT_OK ? run(u, &u->out->restored[MLT_T_EXPERIMENT_TAGS],
                            "UPDATE %s.experiment_tags t SET value = p.row->>'value'"
                            " FROM mltrack.replaced p WHERE p.import_id = %" PRId64
                            " AND p.table_name = 'experiment_tags' AND t.key = p.row->>'key'"
                            " AND t.experiment_id = (p.row->>'experiment_id')::integer"
                            " AND t.xmin IN " X,
                            s, u->id)
                      : rc;
}

static enum mlt_rc remove_merged(struct undo *u, enum mlt_table t) {
  uint64_t n = 0;
  enum mlt_rc rc = run(u, &n,
                       "DELETE FROM %s.%s t USING pg_temp.mltrack_r r WHERE t.run_uuid = r.run_uuid"
                       " AND NOT r.created AND t.xmin IN " X,
                       u->pg->quoted, mlt_table_name(t));
  u->out->removed[t] += n;
  return rc;
}

static enum mlt_rc undo_merges(struct undo *u) {
  enum mlt_rc rc = run(u, NULL,
                       "INSERT INTO pg_temp.mltrack_latest SELECT t.run_uuid, t.key"
                       " FROM %s.latest_metrics t JOIN pg_temp.mltrack_r r USING (run_uuid)"
                       " WHERE NOT r.created AND t.xmin IN " X,
                       u->pg->quoted);
  if (rc == MLT_OK)
    rc = remove_merged(u, MLT_T_METRICS);
  if (rc == MLT_OK)
    rc = restore_latest(u);
  if (rc == MLT_OK)
    rc = restore_rows(u);
  for (size_t i = 0; rc == MLT_OK && i < OF_RUNS; i++)
    if (of_runs[i] != MLT_T_RUNS && of_runs[i] != MLT_T_METRICS)
      rc = remove_merged(u, of_runs[i]);
  return rc;
}

/* ---- what goes ---- */

static enum mlt_rc remove_created(struct undo *u) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = OF_RUNS; rc == MLT_OK && i-- > 1;) {
    uint64_t n = 0;
    rc = run(u, &n,
             "DELETE FROM %s.%s t USING %s.runs p, pg_temp.mltrack_go g WHERE g.tab = %d"
             " AND g.id = p.ctid AND t.run_uuid = p.run_uuid",
             u->pg->quoted, mlt_table_name(of_runs[i]), u->pg->quoted, MLT_T_RUNS);
    u->out->removed[of_runs[i]] += n;
  }
  for (enum mlt_table t = MLT_T_ALL; rc == MLT_OK && t-- > 0;)
    if (has(u, t) && (t == MLT_T_RUNS || !mlt_table_is_of_run(t)))
      rc = run(u, &u->out->removed[t],
               "DELETE FROM %s.%s t USING pg_temp.mltrack_go g WHERE g.tab = %d AND g.id = t.ctid"
               " AND t.xmin IN " X,
               u->pg->quoted, mlt_table_name(t), t);
  return rc;
}

/* What is gone is not the import's any more, should the run come again. */
static enum mlt_rc note(struct undo *u) {
  enum mlt_rc rc =
      run(u, NULL,
          "DELETE FROM mltrack.run q USING pg_temp.mltrack_r r WHERE q.import_id = %" PRId64
          " AND q.run_uuid = r.run_uuid AND r.why IS NULL",
          u->id);
  return rc == MLT_OK
             ? run(u, NULL,
                   "UPDATE mltrack.import SET state = 'undone', ended_at = clock_timestamp()"
                   " WHERE id = %" PRId64,
                   u->id)
             : rc;
}

enum mlt_rc mlt_pg_undo(void *db, int64_t id, uint32_t features, struct mlt_undone *out,
                        mlt_ledger_left_fn fn, void *ctx, struct mlt_err *err) {
  static enum mlt_rc (*const step[])(struct undo *) = {look_for_copied,
                                                       find_transactions,
                                                       find_touched_runs,
                                                       find_candidates,
                                                       settle,
                                                       tell_left,
                                                       remove_created,
                                                       undo_merges,
                                                       note};
  struct undo u = {
      .pg = db, .id = id, .features = features, .out = out, .fn = fn, .ctx = ctx, .err = err};
  *out = (struct mlt_undone){0};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof step / sizeof *step; i++)
    rc = step[i](&u);
  if (rc != MLT_OK && strcmp(err->sqlstate, "42501") == 0)
    mlt_err_hint(err, "GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %s, mltrack TO %s",
                 u.pg->quoted, PQuser(u.pg->conn));
  return rc;
}
