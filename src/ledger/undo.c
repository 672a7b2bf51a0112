/* See undo.h. */
#include "ledger/undo.h"

#include <stdarg.h>
#include <stdio.h>

/* Who refers to whom: c to p. part: without p, c makes no sense, and p is not what it was without
   c. */
static const struct relation {
  enum mlt_table child, parent;
  const char *on;
  bool part;
} relations[] = {
    {MLT_T_EXPERIMENT_TAGS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", true},
    {MLT_T_RUNS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_DATASETS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_LOGGED_MODELS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_INPUTS, MLT_T_DATASETS, "c.source_type = 'DATASET' AND c.source_id = p.dataset_uuid",
     false},
    {MLT_T_INPUTS, MLT_T_RUNS, "c.destination_type = 'RUN' AND c.destination_id = p.run_uuid",
     true},
    {MLT_T_INPUTS, MLT_T_RUNS,
     "c.source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND c.source_id = p.run_uuid", true},
    {MLT_T_INPUTS, MLT_T_LOGGED_MODELS, "c.destination_id = p.model_id", false},
    {MLT_T_INPUT_TAGS, MLT_T_INPUTS, "c.input_uuid = p.input_uuid", true},
    {MLT_T_LOGGED_MODEL_PARAMS, MLT_T_LOGGED_MODELS, "c.model_id = p.model_id", true},
    {MLT_T_LOGGED_MODEL_TAGS, MLT_T_LOGGED_MODELS, "c.model_id = p.model_id", true},
    {MLT_T_LOGGED_MODEL_METRICS, MLT_T_LOGGED_MODELS, "c.model_id = p.model_id", true},
    {MLT_T_LOGGED_MODEL_METRICS, MLT_T_RUNS, "c.run_id = p.run_uuid", true},
    {MLT_T_LOGGED_MODELS, MLT_T_RUNS, "c.source_run_id = p.run_uuid", true},
    {MLT_T_MODEL_VERSIONS, MLT_T_RUNS, "c.run_id = p.run_uuid", false},
    {MLT_T_REGISTERED_MODEL_TAGS, MLT_T_REGISTERED_MODELS, "c.name = p.name", true},
    {MLT_T_MODEL_VERSIONS, MLT_T_REGISTERED_MODELS, "c.name = p.name", false},
    {MLT_T_REGISTERED_MODEL_ALIASES, MLT_T_REGISTERED_MODELS, "c.name = p.name", false},
    {MLT_T_MODEL_VERSION_TAGS, MLT_T_MODEL_VERSIONS, "c.name = p.name AND c.version = p.version",
     true},
    {MLT_T_REGISTERED_MODEL_ALIASES, MLT_T_MODEL_VERSIONS,
     "c.name = p.name AND c.version = p.version", true},
    {MLT_T_TRACE_INFO, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_TRACE_TAGS, MLT_T_TRACE_INFO, "c.request_id = p.request_id", true},
    {MLT_T_TRACE_REQUEST_METADATA, MLT_T_TRACE_INFO, "c.request_id = p.request_id", true},
    {MLT_T_TRACE_REQUEST_METADATA, MLT_T_RUNS,
     "c.key = 'mlflow.sourceRun' AND c.value = p.run_uuid", false},
    {MLT_T_TRACE_METRICS, MLT_T_TRACE_INFO, "c.request_id = p.request_id", true},
    {MLT_T_SPANS, MLT_T_TRACE_INFO, "c.trace_id = p.request_id", true},
    {MLT_T_SPANS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_SPAN_METRICS, MLT_T_SPANS, "c.trace_id = p.trace_id AND c.span_id = p.span_id", true},
    {MLT_T_ASSESSMENTS, MLT_T_TRACE_INFO, "c.trace_id = p.request_id", true},
    {MLT_T_ASSESSMENTS, MLT_T_RUNS, "c.run_id = p.run_uuid", false},
    {MLT_T_EVALUATION_DATASET_TAGS, MLT_T_EVALUATION_DATASETS, "c.dataset_id = p.dataset_id", true},
    {MLT_T_EVALUATION_DATASET_RECORDS, MLT_T_EVALUATION_DATASETS, "c.dataset_id = p.dataset_id",
     true},
    {MLT_T_SCORERS, MLT_T_EXPERIMENTS, "c.experiment_id = p.experiment_id", false},
    {MLT_T_SCORER_VERSIONS, MLT_T_SCORERS, "c.scorer_id = p.scorer_id", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_RUNS, "c.source_id = p.run_uuid", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_RUNS, "c.destination_id = p.run_uuid", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_TRACE_INFO, "c.source_id = p.request_id", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_TRACE_INFO, "c.destination_id = p.request_id", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_EVALUATION_DATASETS, "c.source_id = p.dataset_id", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_EVALUATION_DATASETS, "c.destination_id = p.dataset_id", true},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_EXPERIMENTS,
     "c.source_type = 'experiment' AND c.source_id = CAST(p.experiment_id AS text)", false},
    {MLT_T_ENTITY_ASSOCIATIONS, MLT_T_EXPERIMENTS,
     "c.destination_type = 'experiment' AND c.destination_id = CAST(p.experiment_id AS text)",
     false},
};
enum { RELATIONS = sizeof relations / sizeof *relations };

const struct mlt_undo_named mlt_undo_named[] = {
    {MLT_T_EXPERIMENTS, "t.name"},
    {MLT_T_DATASETS, "t.name"},
    {MLT_T_LOGGED_MODELS, "t.model_id"},
    {MLT_T_REGISTERED_MODELS, "t.name"},
    {MLT_T_MODEL_VERSIONS, "t.name || ' version ' || t.version"},
    {MLT_T_TRACE_INFO, "t.request_id"},
    {MLT_T_EVALUATION_DATASETS, "t.name"},
    {MLT_T_SCORERS, "t.scorer_name"},
};
const size_t mlt_undo_named_n = sizeof mlt_undo_named / sizeof *mlt_undo_named;

enum mlt_rc mlt_undo_format(char sql[MLT_UNDO_SQL_MAX], const char *fmt, va_list ap,
                            struct mlt_err *err) {
  int n = vsnprintf(sql, MLT_UNDO_SQL_MAX, fmt, ap);
  return n >= 0 && n < MLT_UNDO_SQL_MAX
             ? MLT_OK
             : mlt_err_set(err, MLT_INTERNAL, "a statement is longer than was thought");
}

static enum mlt_rc MLT_PRINTF(3, 5)
    run(const struct mlt_undo_db *db, uint64_t *rows, const char *fmt, struct mlt_err *err, ...) {
  char sql[MLT_UNDO_SQL_MAX];
  va_list ap;
  va_start(ap, err);
  enum mlt_rc rc = mlt_undo_format(sql, fmt, ap, err);
  va_end(ap);
  return rc == MLT_OK ? db->run(db->ctx, sql, rows, err) : rc;
}

/* Parents that a row refers to which stays. */
static enum mlt_rc keep_parents(const struct mlt_undo_db *db, const struct relation *r, uint64_t *n,
                                struct mlt_err *err) {
  return run(db, n,
             "DELETE FROM %smltrack_go WHERE tab = %d AND id IN"
             " (SELECT p.%s FROM %s%s c JOIN %s%s p ON %s WHERE NOT EXISTS"
             " (SELECT 1 FROM %smltrack_go k WHERE k.tab = %d AND k.id = c.%s))",
             err, db->temp, r->parent, db->row, db->tables, mlt_table_name(r->child), db->tables,
             mlt_table_name(r->parent), r->on, db->temp, r->child, db->row);
}

/* Parts of what stays, unless that was there before the import. */
static enum mlt_rc keep_parts(const struct mlt_undo_db *db, const struct relation *r, uint64_t *n,
                              struct mlt_err *err) {
  char came[400] = "";
  *n = 0;
  if (!r->part)
    return MLT_OK;
  if (r->parent == MLT_T_RUNS)
    (void)snprintf(came, sizeof came,
                   "EXISTS (SELECT 1 FROM %smltrack_r r WHERE r.run_uuid = p.run_uuid"
                   " AND r.created)",
                   db->temp);
  else
    db->came(r->parent, came, sizeof came);
  return run(db, n,
             "DELETE FROM %smltrack_go WHERE tab = %d AND id IN"
             " (SELECT c.%s FROM %s%s c JOIN %s%s p ON %s WHERE %s AND NOT EXISTS"
             " (SELECT 1 FROM %smltrack_go k WHERE k.tab = %d AND k.id = p.%s))",
             err, db->temp, r->child, db->row, db->tables, mlt_table_name(r->child), db->tables,
             mlt_table_name(r->parent), r->on, came, db->temp, r->parent, db->row);
}

enum mlt_rc mlt_undo_settle(const struct mlt_undo_db *db, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (uint64_t kept = 1; rc == MLT_OK && kept;) {
    kept = 0;
    for (size_t i = 0; rc == MLT_OK && i < RELATIONS; i++) {
      uint64_t parents = 0, parts = 0;
      if (!db->has(db->ctx, relations[i].child) || !db->has(db->ctx, relations[i].parent))
        continue;
      rc = keep_parents(db, &relations[i], &parents, err);
      if (rc == MLT_OK)
        rc = keep_parts(db, &relations[i], &parts, err);
      kept += parents + parts;
    }
  }
  return rc == MLT_OK ? run(db, NULL,
                            "UPDATE %smltrack_r SET why = 'something that stays refers to it'"
                            " WHERE created AND why IS NULL AND run_uuid IN"
                            " (SELECT t.run_uuid FROM %sruns t WHERE NOT EXISTS"
                            " (SELECT 1 FROM %smltrack_go g WHERE g.tab = %d AND g.id = t.%s))",
                            err, db->temp, db->tables, db->temp, MLT_T_RUNS, db->row)
                      : rc;
}
