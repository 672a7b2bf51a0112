/* A catalog as a database with MLflow's schema would give it, for tests to damage. Built from the
   same tables as the check itself: that those agree with the real MLflow is shown by
   tests/integration/test_schema.py. */
#ifndef MLT_TEST_CATALOG_MAKER_H
#define MLT_TEST_CATALOG_MAKER_H

#include <stdbool.h>
#include <string.h>
#include "base/arena.h"
#include "base/uri.h"
#include "model/tables.h"
#include "schema/catalog.h"

enum { MAKER_ROOM = 8 }; /* columns and indexes a test may add to a table */

static inline const char *maker_type(enum mlt_target_kind kind,
                                     const struct mlt_column_info *info) {
  static const char *const pg[] = {"integer", "bigint", "double precision", "boolean", NULL};
  static const char *const lite[] = {"INTEGER", "BIGINT", "FLOAT", "BOOLEAN", NULL};
  const char *name = kind == MLT_TARGET_PG ? pg[info->type] : lite[info->type];
  if (name)
    return name;
  if (kind == MLT_TARGET_PG)
    return info->characters ? "character varying" : "text";
  return info->characters ? "VARCHAR" : "TEXT";
}

static inline void maker_add_column(struct mlt_cat_table *t, const char *name, const char *type,
                                    bool not_null, bool has_default) {
  t->columns[t->n_columns++] = (struct mlt_cat_column){
      .name = name, .type = type, .not_null = not_null, .has_default = has_default};
}

/* columns ends with NULL */
static inline void maker_add_index(struct mlt_arena *a, struct mlt_cat_table *t, bool unique,
                                   const char *const *columns) {
  struct mlt_cat_index *x = &t->indexes[t->n_indexes++];
  *x = (struct mlt_cat_index){.name = "an_index", .unique = unique, .valid = true};
  x->columns = mlt_arena_alloc(a, 8 * sizeof *x->columns);
  while (columns[x->n]) {
    x->columns[x->n] = columns[x->n];
    x->n++;
  }
}

static inline void maker_table(struct mlt_arena *a, enum mlt_target_kind kind, uint32_t features,
                               enum mlt_table table, struct mlt_cat_table *t) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  *t = (struct mlt_cat_table){.name = mlt_table_name(table), .relkind = 'r'};
  t->columns = mlt_arena_zalloc(a, (n + MAKER_ROOM) * sizeof *t->columns);
  t->indexes = mlt_arena_zalloc(a, 2 * MAKER_ROOM * sizeof *t->indexes);
  for (unsigned i = 0; i < n; i++) {
    const struct mlt_column_info *info = mlt_column_info(first + i);
    if ((features & info->feature) != info->feature)
      continue;
    maker_add_column(t, info->name, maker_type(kind, info), false, false);
    t->columns[t->n_columns - 1].chars = info->characters;
    t->columns[t->n_columns - 1].has_default = first + i == MLT_C_EXPERIMENTS_experiment_id;
  }
  static const struct {
    enum mlt_table table;
    bool unique;
    uint32_t feature;
    const char *columns[8];
  } indexes[] = {
#define MLT_IDENTITY(t, ...) {MLT_T_##t, true, 0, {__VA_ARGS__}},
#include "schema/shape.def"
#define MLT_INDEX(t, feature, ...) {MLT_T_##t, false, feature, {__VA_ARGS__}},
#include "schema/shape.def"
  };
  for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++)
    if (indexes[i].table == table && (features & indexes[i].feature) == indexes[i].feature)
      maker_add_index(a, t, indexes[i].unique, indexes[i].columns);
  if (mlt_table_in_workspace(table, features))
    maker_add_column(t, "workspace", "character varying", true, true);
}

static inline struct mlt_catalog maker_catalog(struct mlt_arena *a, enum mlt_target_kind kind,
                                               const char *head, uint32_t features) {
  struct mlt_catalog c = {.database = kind == MLT_TARGET_PG ? "PostgreSQL 15" : "SQLite 3.40",
                          .schema = kind == MLT_TARGET_PG ? "public" : "",
                          .encoding = "UTF8",
                          .head = head,
                          .head_rows = head ? 1 : 0};
  c.tables = mlt_arena_zalloc(a, (MLT_T_COUNT + 1) * sizeof *c.tables);
  c.tables[c.n_tables++] = (struct mlt_cat_table){.name = "alembic_version", .relkind = 'r'};
  for (enum mlt_table t = 0; t < MLT_T_COUNT; t++)
    if ((features & mlt_table_feature(t)) == mlt_table_feature(t))
      maker_table(a, kind, features, t, &c.tables[c.n_tables++]);
  return c;
}

static inline struct mlt_cat_table *maker_find(struct mlt_catalog *c, const char *table) {
  for (size_t i = 0; i < c->n_tables; i++)
    if (strcmp(c->tables[i].name, table) == 0)
      return &c->tables[i];
  return NULL;
}

static inline struct mlt_cat_column *maker_column(struct mlt_catalog *c, const char *table,
                                                  const char *column) {
  struct mlt_cat_table *t = maker_find(c, table);
  for (size_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->columns[i].name, column) == 0)
      return &t->columns[i];
  return NULL;
}

static inline void maker_drop_table(struct mlt_catalog *c, const char *table) {
  struct mlt_cat_table *t = maker_find(c, table);
  *t = c->tables[--c->n_tables];
}

static inline void maker_drop_column(struct mlt_catalog *c, const char *table, const char *column) {
  struct mlt_cat_column *col = maker_column(c, table, column);
  struct mlt_cat_table *t = maker_find(c, table);
  *col = t->columns[--t->n_columns];
}

/* The n-th index of a table, in the order of shape.def: identities first. */
static inline struct mlt_cat_index *maker_index(struct mlt_catalog *c, const char *table,
                                                size_t n) {
  return &maker_find(c, table)->indexes[n];
}

#endif
