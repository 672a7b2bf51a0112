#include "schema/copied.h"

#include <stdlib.h>
#include <string.h>

#include "schema/types.h"

/* How a row's experiment is found. */
enum home {
  MLT_HOME_EXPERIMENT, /* it names it */
  MLT_HOME_TRACE,      /* its trace does: column request_id */
  MLT_HOME_TRACE_OF,   /* likewise: column trace_id */
  MLT_HOME_SPAN,
  MLT_HOME_SCORER,
  MLT_HOME_WORKSPACE, /* it is in none; the evaluation dataset is in a workspace itself */
  MLT_HOME_LINK,      /* one of its ends may be one */
};

static const enum home homes[MLT_COPIED_COUNT] = {
#define MLT_COPIED(name, sql, group, home, owner, owned_by, identity, other) MLT_HOME_##home,
#include "model/copied.def"
#undef MLT_COPIED
};

static const struct mlt_copied infos[MLT_COPIED_COUNT] = {
#define MLT_COPIED(name, sql, group, home, owner, owned_by, identity, other)                       \
  {MLT_COPIED_##group, MLT_T_##owner, owned_by, {identity, other}},
#include "model/copied.def"
#undef MLT_COPIED
};

const struct mlt_copied *mlt_copied_info(enum mlt_table table) {
  return &infos[table - MLT_T_COUNT];
}

unsigned mlt_copied_columns(const struct mlt_shape *shape, const char *names,
                            unsigned out[MLT_IDENTITY_COLUMNS]) {
  unsigned n = 0;
  while (*names && n < MLT_IDENTITY_COLUMNS) {
    size_t len = strcspn(names, " ");
    unsigned i = 0;
    while (i < shape->n &&
           (strncmp(shape->c[i].name, names, len) != 0 || shape->c[i].name[len] != '\0'))
      i++;
    if (i == shape->n)
      return 0;
    out[n++] = i;
    names += len + (names[len] == ' ');
  }
  return n;
}

/* ---- shapes ---- */

/* The kinds of values that MLflow keeps in these tables. */
static bool column_type(enum mlt_target_kind kind, const struct mlt_cat_column *c,
                        struct mlt_shape_column *out) {
  static const enum mlt_coltype types[] = {MLT_TYPE_I8, MLT_TYPE_I4, MLT_TYPE_F8, MLT_TYPE_BOOL,
                                           MLT_TYPE_TEXT};
  bool sqlite = kind == MLT_TARGET_SQLITE;
  out->json = strcmp(c->type, sqlite ? "JSON" : "json") == 0;
  if (out->json) {
    out->type = MLT_TYPE_TEXT;
    return true;
  }
  if (sqlite && strcmp(c->type, "BOOLEAN") == 0) { /* its affinity would be that of a number */
    out->type = MLT_TYPE_BOOL;
    return true;
  }
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i] != MLT_TYPE_BOOL || !sqlite)
      if (mlt_type_fits(kind, c->type, types[i])) {
        out->type = types[i];
        return true;
      }
  return false;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct mlt_shape_column *)a)->name,
                ((const struct mlt_shape_column *)b)->name);
}

/* Triggers, rules and row security of a user's change what is stored. */
static bool is_plain(const struct mlt_cat_table *t) {
  return (t->relkind == 'r' || t->relkind == 'p') && !t->row_security && !t->trigger && !t->rule;
}

/* False: the table is not one that rows are copied into or out of. */
static bool fill(struct mlt_shape *out, const struct mlt_cat_table *t, enum mlt_target_kind kind) {
  if (!is_plain(t))
    return false;
  for (size_t i = 0; i < t->n_columns; i++) {
    const struct mlt_cat_column *c = &t->columns[i];
    struct mlt_shape_column *to = &out->c[out->n];
    if (c->generated)
      continue;
    if (out->n == MLT_MAX_COLUMNS || !column_type(kind, c, to))
      return false;
    out->n++;
    to->name = c->name;
    to->not_null = c->not_null;
    to->chars = kind == MLT_TARGET_PG ? c->chars : 0;
  }
  qsort(out->c, out->n, sizeof *out->c, by_name);
  return true;
}

/* Are the columns that rows are told apart by, and found by, among them? */
static bool has_identities(const struct mlt_shape *s) {
  const struct mlt_copied *info = mlt_copied_info(s->table);
  unsigned at[MLT_IDENTITY_COLUMNS];
  for (unsigned i = 0; i < MLT_IDENTITIES; i++)
    if (*info->identity[i] &&
        (!mlt_copied_columns(s, info->identity[i], at) || s->c[at[0]].type != MLT_TYPE_TEXT))
      return false;
  return !*info->owned_by || mlt_copied_columns(s, info->owned_by, at);
}

void mlt_copied_shapes(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                       struct mlt_shape *out) {
  for (unsigned i = 0; i < MLT_COPIED_COUNT; i++) {
    enum mlt_table table = (enum mlt_table)(MLT_T_COUNT + i);
    const struct mlt_cat_table *t = mlt_cat_table(cat, mlt_table_name(table));
    out[i] = (struct mlt_shape){.table = table};
    if (t && (!fill(&out[i], t, kind) || !has_identities(&out[i])))
      out[i].n = 0;
  }
}

/* The two databases have names of their own for the same types, and lengths are looked at row by
   row. */
static bool same_column(const struct mlt_shape_column *a, const struct mlt_shape_column *b) {
  bool whole = a->type <= MLT_TYPE_I8 && b->type <= MLT_TYPE_I8;
  return strcmp(a->name, b->name) == 0 && a->json == b->json && (whole || a->type == b->type);
}

static bool same_shape(const struct mlt_shape *a, const struct mlt_shape *b) {
  bool same = a->n == b->n;
  for (unsigned i = 0; same && i < a->n; i++)
    same = same_column(&a->c[i], &b->c[i]);
  return same;
}

unsigned mlt_copied_groups(const struct mlt_shape *from, const struct mlt_shape *to) {
  unsigned same = (1u << MLT_COPIED_GROUPS) - 1;
  for (unsigned i = 0; i < MLT_COPIED_COUNT; i++)
    if (!same_shape(&from[i], &to[i]))
      same &= ~(1u << infos[i].group);
  bool all = same == (1u << MLT_COPIED_GROUPS) - 1;
  return all ? same : same & ~(1u << MLT_COPIED_LINKS);
}

/* ---- reading ---- */

/* e is the experiment, p the row that belongs to it. */
static const char *const joins[] = {
    [MLT_HOME_EXPERIMENT] = "LEFT JOIN experiments e ON e.experiment_id = t.experiment_id",
    [MLT_HOME_TRACE] = "LEFT JOIN trace_info p ON p.request_id = t.request_id"
                       " LEFT JOIN experiments e ON e.experiment_id = p.experiment_id",
    [MLT_HOME_TRACE_OF] = "LEFT JOIN trace_info p ON p.request_id = t.trace_id"
                          " LEFT JOIN experiments e ON e.experiment_id = p.experiment_id",
    [MLT_HOME_SPAN] = "LEFT JOIN spans p ON p.trace_id = t.trace_id AND p.span_id = t.span_id"
                      " LEFT JOIN trace_info i ON i.request_id = p.trace_id"
                      " LEFT JOIN experiments e ON e.experiment_id = i.experiment_id",
    [MLT_HOME_SCORER] = "LEFT JOIN scorers p ON p.scorer_id = t.scorer_id"
                        " LEFT JOIN experiments e ON e.experiment_id = p.experiment_id",
    [MLT_HOME_WORKSPACE] = "LEFT JOIN evaluation_datasets p ON p.dataset_id = t.dataset_id",
    [MLT_HOME_LINK] =
        "LEFT JOIN experiments e ON 'experiment' IN (t.source_type, t.destination_type)"
        " AND CAST(e.experiment_id AS TEXT) = CASE t.destination_type WHEN 'experiment'"
        " THEN t.destination_id ELSE t.source_id END",
};

static const char *orphan(enum home home) {
  if (home == MLT_HOME_WORKSPACE)
    return "p.dataset_id IS NULL";
  return home == MLT_HOME_LINK ? "e.experiment_id IS NULL AND"
                                 " 'experiment' IN (t.source_type, t.destination_type)"
                               : "e.experiment_id IS NULL";
}

static const char *workspace(enum home home, const struct mlt_shape *shapes, uint32_t features) {
  unsigned at[MLT_IDENTITY_COLUMNS];
  if (home == MLT_HOME_WORKSPACE)
    return mlt_copied_columns(&shapes[MLT_T_EVALUATION_DATASETS - MLT_T_COUNT], "workspace", at)
               ? "p.workspace"
               : "'default'";
  return features & MLT_F_WORKSPACE ? "e.workspace" : "'default'";
}

enum mlt_rc mlt_copied_sql(struct mlt_buf *out, const struct mlt_shape *shapes,
                           enum mlt_table table, uint32_t features) {
  const struct mlt_shape *s = &shapes[table - MLT_T_COUNT];
  enum home home = homes[table - MLT_T_COUNT];
  enum mlt_rc rc = mlt_buf_adds(out, "SELECT ");
  for (unsigned i = 0; i < s->n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(out, "t.\"%s\", ", s->c[i].name);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(out, "%s, %s, CASE WHEN %s THEN 'x' END FROM %s t %s",
                        home == MLT_HOME_WORKSPACE ? "NULL" : "CAST(e.experiment_id AS TEXT)",
                        workspace(home, shapes, features), orphan(home), mlt_table_name(table),
                        joins[home]);
  return rc;
}
