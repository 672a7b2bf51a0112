/* The tables we write and the columns we know, as enums, with their names; the features that heads
 * differ in.
 */
#ifndef MLT_MODEL_TABLES_H
#define MLT_MODEL_TABLES_H

#include <stdbool.h>
#include <stdint.h>

enum mlt_feature {
  MLT_F_ALIASES = 1 << 0,          /* registered_model_aliases: MLflow 2.3 */
  MLT_F_DATASETS = 1 << 1,         /* datasets, inputs, input_tags: 2.4 */
  MLT_F_STORAGE_LOCATION = 1 << 2, /* model_versions.storage_location: 2.8 */
  MLT_F_LOGGED_MODELS = 1 << 3,    /* logged_models and its three tables: 3.0 */
  MLT_F_INPUT_STEP = 1 << 4,       /* inputs.step: 3.0 */
  MLT_F_WORKSPACE = 1 << 5,        /* experiments.workspace and registry workspaces: 3.10 */
  MLT_F_METRIC_INDEX = 1 << 6,     /* index metrics(run_uuid, key, step): 3.12 */
};

enum mlt_table {
#define MLT_TABLE(name, sql, feature, in_workspace) MLT_T_##name,
#include "model/tables.def"
#undef MLT_TABLE
  MLT_T_COUNT, /* so many have columns that we know; behind them those that are copied */
  MLT_T_COPIED_BEFORE = MLT_T_COUNT - 1,
#define MLT_COPIED(name, sql, group, home, owner, owned_by, identity, other) MLT_T_##name,
#include "model/copied.def"
#undef MLT_COPIED
  MLT_T_ALL
};
enum { MLT_COPIED_COUNT = MLT_T_ALL - MLT_T_COUNT };

enum mlt_coltype { MLT_TYPE_I4, MLT_TYPE_I8, MLT_TYPE_F8, MLT_TYPE_BOOL, MLT_TYPE_TEXT };

/* MLT_C_RUNS_run_uuid and so on. */
enum mlt_column {
#define MLT_COL(table, column, type, characters, feature) MLT_C_##table##_##column,
#include "model/columns.def"
#undef MLT_COL
  MLT_C_COUNT
};

struct mlt_column_info {
  enum mlt_table table;
  const char *name;
  enum mlt_coltype type;
  uint32_t characters; /* at the newest head; 0 = unlimited */
  uint32_t feature;    /* 0 or one MLT_F_ bit */
};

const char *mlt_table_name(enum mlt_table t);       /* "runs"; of copied tables, too */
enum mlt_table mlt_table_by_name(const char *name); /* MLT_T_ALL: none of ours */
/* Is it runs, or one of the tables that have rows of a run by its run_uuid: params, tags, metrics,
   latest_metrics? */
bool mlt_table_is_of_run(enum mlt_table t);
/* Their column run_uuid; MLT_C_COUNT of any other table, runs among them. */
enum mlt_column mlt_table_run_column(enum mlt_table t);
uint32_t mlt_table_feature(enum mlt_table t); /* 0 or one MLT_F_ bit */
/* Has the table a column "workspace" in a target with these features? mltrack works in the
   workspace "default", which is also what the column defaults to. */
bool mlt_table_in_workspace(enum mlt_table t, uint32_t features);
const struct mlt_column_info *mlt_column_info(enum mlt_column c);
/* First column of a table and how many it has: columns of a table are contiguous in enum
 * mlt_column. */
enum mlt_column mlt_table_columns(enum mlt_table t, unsigned *count);

#endif
