/* The tables and columns of tables.def and columns.def, looked up by enum. Constant data only. */
#include "model/tables.h"

#include <string.h>

struct table_info {
  const char *name;
  uint32_t feature;
  bool in_workspace;
};

static const struct table_info tables[MLT_T_ALL] = {
#define MLT_TABLE(name, sql, feature, in_workspace) [MLT_T_##name] = {sql, feature, in_workspace},
#include "model/tables.def"
#undef MLT_TABLE
#define MLT_COPIED(name, sql, group, home, owner, owned_by, identity, other)                       \
  [MLT_T_##name] = {sql, 0, false},
#include "model/copied.def"
#undef MLT_COPIED
};

static const struct mlt_column_info columns[MLT_C_COUNT] = {
#define MLT_COL(table, column, type, characters, feature)                                          \
  [MLT_C_##table##_##column] = {MLT_T_##table, #column, MLT_TYPE_##type, characters, feature},
#include "model/columns.def"
#undef MLT_COL
};

const char *mlt_table_name(enum mlt_table t) {
  return tables[t].name;
}

enum mlt_table mlt_table_by_name(const char *name) {
  enum mlt_table t = 0;
  while (t < MLT_T_ALL && strcmp(tables[t].name, name) != 0)
    t++;
  return t;
}

bool mlt_table_is_of_run(enum mlt_table t) {
  return t == MLT_T_RUNS || mlt_table_run_column(t) != MLT_C_COUNT;
}

enum mlt_column mlt_table_run_column(enum mlt_table t) {
  switch (t) {
  case MLT_T_PARAMS:
    return MLT_C_PARAMS_run_uuid;
  case MLT_T_TAGS:
    return MLT_C_TAGS_run_uuid;
  case MLT_T_METRICS:
    return MLT_C_METRICS_run_uuid;
  case MLT_T_LATEST_METRICS:
    return MLT_C_LATEST_METRICS_run_uuid;
  default:
    return MLT_C_COUNT;
  }
}

uint32_t mlt_table_feature(enum mlt_table t) {
  return tables[t].feature;
}

bool mlt_table_in_workspace(enum mlt_table t, uint32_t features) {
  return tables[t].in_workspace && (features & MLT_F_WORKSPACE);
}

const struct mlt_column_info *mlt_column_info(enum mlt_column c) {
  return &columns[c];
}

enum mlt_column mlt_table_columns(enum mlt_table t, unsigned *count) {
  unsigned first = 0;
  while (columns[first].table != t)
    first++;
  unsigned end = first;
  while (end < MLT_C_COUNT && columns[end].table == t)
    end++;
  *count = end - first;
  return (enum mlt_column)first;
}
