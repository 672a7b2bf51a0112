/* What is left when all owners have been through: rows that belong to nothing, things of other
   workspaces, and kinds of things that are not imported. Each is counted and named. */
#include "source/mlflow_db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Every table, how it was read, and how to find those of its rows that belong to nothing.
   MLT_READ_COUNT: it is an owning table, so there are none. */
static const struct {
  enum mlt_read read, lost;
} tables[] = {
#define OWNING(table)                                                                              \
  { MLT_READ_##table, MLT_READ_COUNT }
#define OWNED(table)                                                                               \
  { MLT_READ_##table, MLT_READ_LOST_##table }
    OWNING(EXPERIMENTS),
    OWNED(EXPERIMENT_TAGS),
    OWNED(DATASETS),
    OWNING(RUNS),
    OWNED(PARAMS),
    OWNED(TAGS),
    OWNED(METRICS),
    OWNED(LATEST_METRICS),
    OWNED(INPUTS),
    OWNED(INPUT_TAGS),
    OWNING(LOGGED_MODELS),
    OWNED(LOGGED_MODEL_PARAMS),
    OWNED(LOGGED_MODEL_TAGS),
    OWNED(LOGGED_MODEL_METRICS),
    OWNING(REGISTERED_MODELS),
    OWNED(REGISTERED_MODEL_TAGS),
    OWNED(MODEL_VERSIONS),
    OWNED(MODEL_VERSION_TAGS),
    OWNED(REGISTERED_MODEL_ALIASES),
#undef OWNING
#undef OWNED
};
enum { TABLES = sizeof tables / sizeof *tables };

/* Tables of MLflow that are not imported, or only into tables of the same shape: what they hold.
   NULL: details of another one. */
static const struct other {
  const char *table, *what;
} others[] = {
    {"assessments", "assessments"},
    {"budget_policies", "budget policies"},
    {"endpoint_bindings", NULL},
    {"endpoint_model_mappings", NULL},
    {"endpoint_tags", NULL},
    {"endpoints", "gateway endpoints"},
    {"entity_associations", "links between entities"},
    {"evaluation_dataset_records", "evaluation dataset records"},
    {"evaluation_dataset_tags", NULL},
    {"evaluation_datasets", "evaluation datasets"},
    {"guardrail_configs", NULL},
    {"guardrails", "guardrails"},
    {"issue_categories", NULL},
    {"issues", "issues"},
    {"job_locks", NULL},
    {"jobs", "jobs"},
    {"label_schemas", "label schemas"},
    {"mcp_access_endpoints", NULL},
    {"mcp_server_aliases", NULL},
    {"mcp_server_tags", NULL},
    {"mcp_server_version_tags", NULL},
    {"mcp_server_versions", NULL},
    {"mcp_servers", "MCP servers"},
    {"model_definitions", "gateway model definitions"},
    {"online_scoring_configs", "online scoring configurations"},
    {"review_queue_items", NULL},
    {"review_queue_label_schemas", NULL},
    {"review_queue_users", NULL},
    {"review_queues", "review queues"},
    {"scheduler_leases", NULL},
    {"scorer_versions", NULL},
    {"scorers", "scorers"},
    {"secrets", "gateway secrets"},
    {"skill_aliases", NULL},
    {"skill_tags", NULL},
    {"skill_version_tags", NULL},
    {"skill_versions", NULL},
    {"skills", "skills"},
    {"span_metrics", NULL},
    {"spans", "spans"},
    {"sql_assessment_daily_rollups", NULL},
    {"sql_span_cost_daily_rollups", NULL},
    {"sql_trace_metric_daily_rollups", NULL},
    {"sql_trace_rollup_rebuild_queue", NULL},
    {"trace_info", "traces"},
    {"trace_metrics", NULL},
    {"trace_request_metadata", NULL},
    {"trace_tags", NULL},
    {"webhook_events", NULL},
    {"webhooks", "webhooks"},
    {"workspaces", NULL},
};

/* ---- rows that belong to nothing ---- */

static enum mlt_rc start_lost(struct mlt_db *d, struct mlt_err *err) {
  enum mlt_read read = tables[d->table].read, lost = tables[d->table].lost;
  uint64_t n = 0;
  enum mlt_rc rc = d->ops->count(d->db, mlt_table_name(mlt_read_info(read)->table), &n, err);
  if (rc != MLT_OK)
    return rc;
  d->unread = n > d->cursor[read].rows ? n - d->cursor[read].rows : 0;
  if (d->unread == 0 || lost == MLT_READ_COUNT)
    return MLT_END;
  return mlt_db_start(d, lost, NULL, 0, err);
}

/* Whose rows these would be, and how many they are. */
static enum mlt_rc give_lost(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_read lost = tables[d->table].lost;
  enum mlt_table table = mlt_read_info(lost)->table;
  const struct mlt_read_row *row;
  enum mlt_rc rc = mlt_db_peek(d, lost, &row, err);
  if (rc != MLT_OK)
    return rc;
  mlt_db_take(d, lost);
  uint64_t n = row->extra[1].p ? strtoull(row->extra[1].p, NULL, 10) : 0;
  d->unread -= n < d->unread ? n : d->unread;
  (void)mlt_db_note(d, rec, MLT_NOTE_REJECT, table, "no-owner", n,
                    "%" PRIu64 " row%s of table %s belong%s to '%.*s', which does not exist", n,
                    n == 1 ? "" : "s", mlt_table_name(table), n == 1 ? "s" : "",
                    MLT_STR_ARG(row->extra[0]));
  rec->note.id = row->extra[0];
  return MLT_OK;
}

static enum mlt_rc each_table(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  if (d->chosen)
    return MLT_END;
  while (d->table < TABLES) {
    enum mlt_table table = mlt_read_info(tables[d->table].read)->table;
    enum mlt_rc rc = MLT_OK;
    if (!d->lost_begun && !mlt_read_exists(tables[d->table].read, d->schema.features))
      rc = MLT_END;
    else if (!d->lost_begun)
      rc = start_lost(d, err);
    d->lost_begun = rc == MLT_OK;
    if (rc == MLT_OK)
      rc = give_lost(d, rec, err);
    if (rc != MLT_END)
      return rc;
    uint64_t n = d->unread;
    d->unread = 0;
    d->lost_begun = false;
    d->table++;
    d->elsewhere |= n > 0 && mlt_table_in_workspace(table, d->schema.features);
    if (n && !d->elsewhere)
      return mlt_db_note(d, rec, MLT_NOTE_REJECT, table, "unread", n,
                         "%" PRIu64
                         " rows of table %s are out of reach: an id is NULL, or an index "
                         "is damaged",
                         n, mlt_table_name(table));
  }
  return MLT_END;
}

/* ---- other workspaces ---- */

static enum mlt_rc each_workspace(struct mlt_db *d, enum mlt_read what, const char *name,
                                  struct mlt_record *rec, struct mlt_err *err) {
  if (!(d->schema.features & MLT_F_WORKSPACE))
    return MLT_END;
  const struct mlt_read_row *row;
  mlt_buf_clear(&d->names);
  d->other = 0;
  enum mlt_rc rc = mlt_db_start(d, what, NULL, 0, err);
  while (rc == MLT_OK && (rc = mlt_db_peek(d, what, &row, err)) == MLT_OK) {
    d->other += row->extra[1].p ? strtoull(row->extra[1].p, NULL, 10) : 0;
    if (mlt_buf_adds(&d->names, d->names.len ? ", " : "") != MLT_OK ||
        mlt_buf_add(&d->names, row->extra[0].p ? row->extra[0].p : "", row->extra[0].len) != MLT_OK)
      rc = mlt_err_nomem(err);
    mlt_db_take(d, what);
  }
  if (rc != MLT_END || d->other == 0)
    return rc;
  (void)mlt_db_note(d, rec, MLT_NOTE_IGNORED, mlt_read_info(what)->table, "ignored", d->other,
                    "%s are not imported", name);
  rec->note.what = name;
  rec->note.place.field = mlt_buf_str(&d->names);
  return MLT_OK;
}

static enum mlt_rc other_experiments(struct mlt_db *d, struct mlt_record *rec,
                                     struct mlt_err *err) {
  d->rest++;
  return each_workspace(d, MLT_READ_OTHER_EXPERIMENTS, "experiments of other workspaces", rec, err);
}

static enum mlt_rc other_models(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  d->rest++;
  d->table = 0;
  return each_workspace(d, MLT_READ_OTHER_REGISTERED_MODELS,
                        "registered models of other workspaces", rec, err);
}

/* ---- other kinds of things ---- */

static int by_name(const void *key, const void *element) {
  return strcmp(key, ((const struct other *)element)->table);
}

static bool is_imported(const char *table) {
  return mlt_table_by_name(table) < MLT_T_COUNT || strcmp(table, "alembic_version") == 0;
}

static bool is_copied(const char *table) {
  enum mlt_table t = mlt_table_by_name(table);
  return t >= MLT_T_COUNT && t < MLT_T_ALL;
}

/* What the table holds that is not imported; NULL: nothing. Tables that no MLflow we know has may
   be anybody's, unless the head is one we do not know. */
static const char *not_imported(const struct mlt_db *d, const struct mlt_cat_table *t) {
  if (is_imported(t->name) || mlt_db_copies_table(d, t->name) ||
      (t->relkind != 'r' && t->relkind != 'p'))
    return NULL;
  const struct other *found =
      bsearch(t->name, others, sizeof others / sizeof *others, sizeof *others, by_name);
  if (found)
    return found->what;
  return d->schema.known ? NULL : "rows of tables that mltrack does not know";
}

static enum mlt_rc other_things(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  while (d->table < d->catalog.n_tables) {
    const struct mlt_cat_table *t = &d->catalog.tables[d->table++];
    const char *what = not_imported(d, t);
    uint64_t n = 0;
    enum mlt_rc rc = what ? d->ops->count(d->db, t->name, &n, err) : MLT_OK;
    if (rc != MLT_OK)
      return rc;
    if (n == 0)
      continue;
    (void)mlt_db_note(d, rec, MLT_NOTE_IGNORED, MLT_T_EXPERIMENTS, "ignored", n,
                      d->told && is_copied(t->name)
                          ? "%s are not imported: MLflow keeps them in other tables in the target"
                          : "%s are not imported",
                      what);
    rec->note.what = what;
    return MLT_OK;
  }
  d->rest++;
  return MLT_END;
}

static enum mlt_rc lost_rows(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = each_table(d, rec, err);
  d->rest += rc == MLT_END;
  return rc;
}

enum mlt_rc mlt_db_rest(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  static enum mlt_rc (*const steps[])(struct mlt_db *, struct mlt_record *, struct mlt_err *) = {
      lost_rows, other_experiments, other_models, other_things};
  while (d->rest < sizeof steps / sizeof *steps) {
    enum mlt_rc rc = steps[d->rest](d, rec, err);
    if (rc != MLT_END)
      return rc;
  }
  return MLT_END;
}
