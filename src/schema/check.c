/* Compares what a database says about its tables with what we write. Tables and columns come from
   model/, the rest of the expected shape from shape.def. Decides by what is there; the head's
   name only adds what should be there. Reads no database itself and changes nothing. */
#include "schema/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "schema/types.h"

enum { MAX_INDEX_COLUMNS = 8, MAX_WHAT = 512 };

/* Expected index or set of columns of a table; ends with NULL. */
struct index_shape {
  enum mlt_table table;
  uint32_t feature;
  const char *columns[MAX_INDEX_COLUMNS];
};

static const struct index_shape identities[] = {
#define MLT_IDENTITY(table, ...) {MLT_T_##table, 0, {__VA_ARGS__}},
#include "schema/shape.def"
};

static const struct index_shape indexes[] = {
#define MLT_INDEX(table, feature, ...) {MLT_T_##table, feature, {__VA_ARGS__}},
#include "schema/shape.def"
};

static const uint32_t narrowest[MLT_C_COUNT] = {
#define MLT_NARROWEST(table, column, chars) [MLT_C_##table##_##column] = (chars),
#include "schema/shape.def"
};

static const bool stores_null[MLT_C_COUNT] = {
#define MLT_STORES_NULL(table, column) [MLT_C_##table##_##column] = true,
#include "schema/shape.def"
};

struct check {
  const struct mlt_catalog *cat;
  enum mlt_target_kind kind;
  struct mlt_schema *out;
  uint32_t expected; /* features that must be there in full */
  struct mlt_differences *diffs;
  struct mlt_arena *arena;
  bool nomem;
};

enum severity { WARNING, FATAL /* for a writer */, UNREADABLE };

static bool grow(struct check *k) {
  struct mlt_differences *d = k->diffs;
  if (d->n < d->cap)
    return true;
  size_t cap = d->cap ? d->cap * 2 : 16;
  struct mlt_difference *v = mlt_arena_alloc(k->arena, cap * sizeof *v);
  if (!v)
    return false;
  if (d->n)
    memcpy(v, d->v, d->n * sizeof *v);
  d->v = v;
  d->cap = cap;
  return true;
}

static void add(struct check *k, enum severity severity, const char *table, const char *column,
                const char *fmt, ...) MLT_PRINTF(5, 6);

static void add(struct check *k, enum severity severity, const char *table, const char *column,
                const char *fmt, ...) {
  char what[MAX_WHAT];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(what, sizeof what, fmt, ap);
  va_end(ap);
  struct mlt_difference d = {
      .fatal = severity != WARNING,
      .unreadable = severity == UNREADABLE,
      .table = table ? mlt_arena_cstr(k->arena, table) : NULL,
      .column = column ? mlt_arena_cstr(k->arena, column) : NULL,
      .what = mlt_arena_cstr(k->arena, what),
  };
  if (!d.what || (table && !d.table) || (column && !d.column) || !grow(k)) {
    k->nomem = true;
    return;
  }
  k->diffs->v[k->diffs->n++] = d;
  k->diffs->n_fatal += d.fatal;
}

static void add_missing(struct check *k, const char *table, const char *column, uint32_t feature) {
  if (feature)
    add(k, UNREADABLE, table, column, "is missing (MLflow %s and later have it)",
        mlt_feature_release(feature));
  else
    add(k, UNREADABLE, table, column, "is missing");
}

/* "run_uuid, key, step" */
static void list_columns(char *out, size_t cap, const char *const *columns) {
  size_t at = 0;
  out[0] = '\0';
  for (size_t i = 0; i < MAX_INDEX_COLUMNS && columns[i] && at < cap; i++) {
    int n = snprintf(out + at, cap - at, "%s%s", i ? ", " : "", columns[i]);
    at += n > 0 ? (size_t)n : 0;
  }
}

static bool index_has(const struct mlt_cat_index *x, const char *column) {
  for (size_t i = 0; i < x->n; i++)
    if (strcmp(x->columns[i], column) == 0)
      return true;
  return false;
}

static bool is_identity(const struct mlt_cat_index *x, const char *const *columns) {
  if (!x->unique || x->partial || !x->valid)
    return false;
  size_t n = 0;
  for (; n < MAX_INDEX_COLUMNS && columns[n]; n++)
    if (!index_has(x, columns[n]))
      return false;
  return x->n == n + index_has(x, "workspace");
}

static bool begins_with(const struct mlt_cat_index *x, const char *const *columns) {
  if (x->partial || !x->valid)
    return false;
  for (size_t i = 0; i < MAX_INDEX_COLUMNS && columns[i]; i++)
    if (i >= x->n || strcmp(x->columns[i], columns[i]) != 0)
      return false;
  return true;
}

static bool has_index(const struct mlt_cat_table *t, const char *const *columns,
                      bool (*matches)(const struct mlt_cat_index *, const char *const *)) {
  for (size_t i = 0; i < t->n_indexes; i++)
    if (matches(&t->indexes[i], columns))
      return true;
  return false;
}

static uint32_t column_features(const struct mlt_catalog *cat) {
  uint32_t found = 0;
  for (enum mlt_column c = 0; c < MLT_C_COUNT; c++) {
    const struct mlt_column_info *info = mlt_column_info(c);
    const struct mlt_cat_table *t =
        info->feature ? mlt_cat_table(cat, mlt_table_name(info->table)) : NULL;
    if (t && mlt_cat_column(t, info->name))
      found |= info->feature;
  }
  return found;
}

static uint32_t features_found(const struct mlt_catalog *cat) {
  uint32_t found = column_features(cat);
  for (enum mlt_table t = 0; t < MLT_T_COUNT; t++)
    if (mlt_cat_table(cat, mlt_table_name(t)))
      found |= mlt_table_feature(t);
  const struct mlt_cat_table *experiments = mlt_cat_table(cat, "experiments");
  if (experiments && mlt_cat_column(experiments, "workspace"))
    found |= MLT_F_WORKSPACE;
  const struct mlt_cat_table *metrics = mlt_cat_table(cat, "metrics");
  static const char *const read_order[MAX_INDEX_COLUMNS] = {"run_uuid", "key", "step"};
  if (metrics && has_index(metrics, read_order, begins_with))
    found |= MLT_F_METRIC_INDEX;
  return found;
}

/* MLflow's features came one after the other, so a newer one that is there calls for all older
   ones. The index does not: anyone may add that. */
static uint32_t features_expected(const struct mlt_head *known, uint32_t found) {
  uint32_t want = (known ? known->features : 0) | (found & ~(uint32_t)MLT_F_METRIC_INDEX);
  for (size_t i = 0; i < mlt_heads_count; i++)
    if ((mlt_heads[i].features & want) == want)
      return mlt_heads[i].features;
  return want;
}

static bool is_expected(const struct check *k, uint32_t feature) {
  return (k->expected & feature) == feature;
}

static void check_length(struct check *k, const char *table, enum mlt_column c,
                         const struct mlt_cat_column *col) {
  uint32_t need = narrowest[c] ? narrowest[c] : mlt_column_info(c)->characters;
  if (col->chars == 0 || (need != 0 && col->chars >= need))
    return;
  if (need == 0)
    add(k, FATAL, table, col->name, "holds %u characters, in MLflow's schema any number",
        col->chars);
  else
    add(k, FATAL, table, col->name, "holds %u characters, in MLflow's schema at least %u",
        col->chars, need);
}

static void check_column(struct check *k, const struct mlt_cat_table *t, enum mlt_column c) {
  const struct mlt_column_info *info = mlt_column_info(c);
  if (!is_expected(k, info->feature))
    return;
  const struct mlt_cat_column *col = mlt_cat_column(t, info->name);
  if (!col) {
    add_missing(k, t->name, info->name, info->feature);
    return;
  }
  if (!mlt_type_fits(k->kind, col->type, info->type)) {
    add(k, UNREADABLE, t->name, col->name, "is of type %s, in MLflow's schema %s",
        *col->type ? col->type : "(none)", mlt_type_name(info->type));
  } else if (k->kind == MLT_TARGET_PG && info->type == MLT_TYPE_TEXT) {
    check_length(k, t->name, c, col);
    k->out->limits.chars[c] = col->chars;
  }
  if (col->not_null && stores_null[c])
    add(k, FATAL, t->name, col->name, "is NOT NULL, but in MLflow's schema it may be NULL");
  if (c == MLT_C_EXPERIMENTS_experiment_id && !col->has_default)
    add(k, FATAL, t->name, col->name, "has no sequence or default to number new experiments");
}

static bool is_ours(enum mlt_table table, const char *column) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  for (unsigned i = 0; i < n; i++)
    if (strcmp(mlt_column_info(first + i)->name, column) == 0)
      return true;
  return false;
}

static void check_columns(struct check *k, enum mlt_table table, const struct mlt_cat_table *t) {
  unsigned n;
  enum mlt_column first = mlt_table_columns(table, &n);
  for (unsigned i = 0; i < n; i++)
    check_column(k, t, first + i);
  for (size_t i = 0; i < t->n_columns; i++) {
    const struct mlt_cat_column *col = &t->columns[i];
    if (col->not_null && !col->has_default && !is_ours(table, col->name))
      add(k, FATAL, t->name, col->name, "is NOT NULL without a default and unknown to mltrack");
  }
  if (mlt_table_in_workspace(table, k->out->features) && !mlt_cat_column(t, "workspace"))
    add_missing(k, t->name, "workspace", MLT_F_WORKSPACE);
}

static void check_indexes(struct check *k, enum mlt_table table, const struct mlt_cat_table *t) {
  char columns[256];
  for (size_t i = 0; i < sizeof identities / sizeof *identities; i++) {
    const struct index_shape *x = &identities[i];
    if (x->table != table || has_index(t, x->columns, is_identity))
      continue;
    list_columns(columns, sizeof columns, x->columns);
    add(k, FATAL, t->name, NULL, "has no valid unique index on (%s)", columns);
  }
  for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
    const struct index_shape *x = &indexes[i];
    if (x->table != table || !is_expected(k, x->feature) || has_index(t, x->columns, begins_with))
      continue;
    list_columns(columns, sizeof columns, x->columns);
    add(k, WARNING, t->name, NULL, "has no valid index on (%s): MLflow reads it slowly", columns);
  }
  for (size_t i = 0; i < t->n_indexes; i++)
    if (!t->indexes[i].valid)
      add(k, WARNING, t->name, NULL, "has an invalid index, %s: REINDEX or drop it",
          t->indexes[i].name);
}

static const char *kind_of_relation(char relkind) {
  switch (relkind) {
  case 'v':
    return "view";
  case 'm':
    return "materialized view";
  case 'f':
    return "foreign table";
  default:
    return "different kind of relation";
  }
}

static void check_table(struct check *k, enum mlt_table table) {
  const struct mlt_cat_table *t = mlt_cat_table(k->cat, mlt_table_name(table));
  if (!t) {
    add_missing(k, mlt_table_name(table), NULL, mlt_table_feature(table));
    return;
  }
  if (t->relkind != 'r' && t->relkind != 'p') {
    add(k, UNREADABLE, t->name, NULL, "is a %s, not a table", kind_of_relation(t->relkind));
    return;
  }
  if (t->trigger)
    add(k, FATAL, t->name, NULL, "has a trigger, %s, which MLflow's schema has not", t->trigger);
  if (t->rule)
    add(k, FATAL, t->name, NULL, "has a rule, %s, which MLflow's schema has not", t->rule);
  if (t->row_security)
    add(k, UNREADABLE, t->name, NULL, "has row level security, which MLflow's schema has not");
  check_columns(k, table, t);
  check_indexes(k, table, t);
}

/* False when it is no MLflow database at all, so that there is no point in looking further. */
static bool check_database(struct check *k) {
  const struct mlt_catalog *cat = k->cat;
  if (k->kind == MLT_TARGET_PG && strcmp(cat->encoding, "UTF8") != 0)
    add(k, UNREADABLE, NULL, NULL, "has encoding %s; MLflow's text needs UTF8", cat->encoding);
  if (!mlt_cat_table(cat, "alembic_version")) {
    add(k, UNREADABLE, NULL, NULL, "is not an MLflow database (no alembic_version)");
    return false;
  }
  if (cat->head_rows != 1 || !cat->head) {
    add(k, UNREADABLE, "alembic_version", NULL, "has %zu rows instead of one", cat->head_rows);
    return cat->head != NULL;
  }
  return true;
}

static void check_tables(struct check *k) {
  const struct mlt_schema *s = k->out;
  k->expected = features_expected(s->known, s->features);
  for (enum mlt_table t = 0; t < MLT_T_COUNT; t++)
    if (is_expected(k, mlt_table_feature(t)))
      check_table(k, t);
  if (s->known)
    return;
  if (k->diffs->n_fatal)
    add(k, WARNING, NULL, NULL,
        "has schema revision %s, which mltrack %s does not know (it knows MLflow %s to %s)",
        s->head, MLT_VERSION, mlt_heads[0].first, mlt_heads[mlt_heads_count - 1].last);
  else
    add(k, WARNING, NULL, NULL,
        "has schema revision %s, which mltrack %s does not know; its tables have the shape that "
        "mltrack writes",
        s->head, MLT_VERSION);
}

const char *mlt_difference_text(const struct mlt_difference *d, char *out, size_t cap) {
  if (d->column)
    (void)snprintf(out, cap, "column %s of table %s %s", d->column, d->table, d->what);
  else if (d->table)
    (void)snprintf(out, cap, "table %s %s", d->table, d->what);
  else
    (void)snprintf(out, cap, "the database %s", d->what);
  return out;
}

static bool matters(const struct check *k, const struct mlt_difference *d, bool reading) {
  return reading && k->out->known ? d->unreadable : d->fatal;
}

static enum mlt_rc verdict(const struct check *k, bool reading, struct mlt_err *err) {
  if (k->nomem)
    return mlt_err_nomem(err);
  const struct mlt_difference *first = NULL;
  size_t n = 0;
  for (size_t i = 0; i < k->diffs->n; i++)
    if (matters(k, &k->diffs->v[i], reading) && n++ == 0)
      first = &k->diffs->v[i];
  if (!first)
    return MLT_OK;
  char text[MAX_WHAT + 160], more[64] = "";
  if (n > 1)
    (void)snprintf(more, sizeof more, " (and %zu more differences)", n - 1);
  mlt_err_set(err, MLT_SCHEMA, "%s%s", mlt_difference_text(first, text, sizeof text), more);
  if (k->out->head[0] && !k->out->known)
    mlt_err_hint(err,
                 "Schema revision %s is unknown to mltrack %s: if it is older than MLflow 2.0, run "
                 "`mlflow db upgrade`. `mltrack-bulk schema check` lists every difference.",
                 k->out->head, MLT_VERSION);
  else if (k->out->head[0])
    mlt_err_hint(err, "`mltrack-bulk schema check` lists every difference.");
  else if (!reading && !mlt_cat_table(k->cat, "alembic_version"))
    mlt_err_hint(err, "`mltrack-bulk schema init` makes MLflow's tables in an empty database.");
  return MLT_SCHEMA;
}

static enum mlt_rc run(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                       struct mlt_schema *out, struct mlt_differences *diffs,
                       struct mlt_arena *arena, bool reading, struct mlt_err *err) {
  *out = (struct mlt_schema){0};
  *diffs = (struct mlt_differences){0};
  struct check k = {.cat = cat, .kind = kind, .out = out, .diffs = diffs, .arena = arena};
  (void)snprintf(out->name, sizeof out->name, "%s", cat->schema ? cat->schema : "");
  if (kind == MLT_TARGET_PG)
    mlt_limits_declared(&out->limits);
  else
    mlt_limits_none(&out->limits);
  out->features = features_found(cat);
  if (cat->head) {
    (void)snprintf(out->head, sizeof out->head, "%s", cat->head);
    out->known = mlt_head_by_revision(cat->head);
  }
  if (check_database(&k))
    check_tables(&k);
  return verdict(&k, reading, err);
}

enum mlt_rc mlt_schema_check(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                             struct mlt_schema *out, struct mlt_differences *diffs,
                             struct mlt_arena *arena, struct mlt_err *err) {
  return run(cat, kind, out, diffs, arena, false, err);
}

enum mlt_rc mlt_schema_check_source(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                                    struct mlt_schema *out, struct mlt_arena *arena,
                                    struct mlt_err *err) {
  struct mlt_differences diffs;
  return run(cat, kind, out, &diffs, arena, true, err);
}
