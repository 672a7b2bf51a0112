/* The catalog of real files: MLflow's schema at several heads, and odd tables. */
#include "scratch.h"

static const struct mlt_cat_table *table(const struct mlt_catalog *c, const char *name) {
  for (size_t i = 0; i < c->n_tables; i++)
    if (strcmp(c->tables[i].name, name) == 0)
      return &c->tables[i];
  fail_msg("no table %s", name);
  return NULL;
}

static const struct mlt_cat_column *column(const struct mlt_cat_table *t, const char *name) {
  for (size_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->columns[i].name, name) == 0)
      return &t->columns[i];
  fail_msg("no column %s", name);
  return NULL;
}

static const struct mlt_cat_index *primary(const struct mlt_cat_table *t) {
  for (size_t i = 0; i < t->n_indexes; i++)
    if (t->indexes[i].primary)
      return &t->indexes[i];
  fail_msg("no primary key");
  return NULL;
}

static const struct mlt_cat_index *index_named(const struct mlt_cat_table *t, const char *name) {
  for (size_t i = 0; i < t->n_indexes; i++)
    if (strcmp(t->indexes[i].name, name) == 0)
      return &t->indexes[i];
  fail_msg("no index %s", name);
  return NULL;
}

static struct mlt_catalog catalog(struct scratch *s, struct mlt_arena *arena) {
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  struct mlt_catalog c;
  assert_works(s, mlt_lite_catalog(db, arena, &c, &s->err));
  mlt_lite_close(db);
  return c;
}

static void mlflow_tables_are_read_with_types_lengths_and_defaults(void **state) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog c = catalog(*state, arena);
  assert_int_equal(strncmp(c.database, "SQLite 3.", 9), 0);
  assert_string_equal(c.encoding, "UTF8");
  assert_string_equal(c.schema, "");
  assert_string_equal(c.head, HEAD);
  assert_int_equal(c.head_rows, 1);
  const struct mlt_cat_table *runs = table(&c, "runs");
  assert_int_equal(runs->relkind, 'r');
  assert_int_equal(runs->n_columns, 14);
  assert_string_equal(column(runs, "name")->type, "VARCHAR");
  assert_int_equal(column(runs, "name")->chars, 250);
  assert_false(column(runs, "name")->not_null);
  assert_string_equal(column(runs, "start_time")->type, "BIGINT");
  assert_int_equal(column(runs, "start_time")->chars, 0);
  const struct mlt_cat_table *metrics = table(&c, "metrics");
  assert_true(column(metrics, "step")->has_default && column(metrics, "step")->not_null);
  assert_true(column(metrics, "value")->not_null && !column(metrics, "value")->has_default);
  assert_true(column(table(&c, "experiments"), "workspace")->has_default);
  const struct mlt_cat_table *spans = table(&c, "spans");
  assert_true(column(spans, "duration_ns")->generated && !column(spans, "content")->generated);
  assert_int_equal(table(&c, "webhooks")->n_columns, 0);
  mlt_arena_free(arena);
}

static void indexes_are_read_in_column_order(void **state) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog c = catalog(*state, arena);
  static const char *const key[] = {"key", "timestamp", "step", "run_uuid", "value", "is_nan"};
  const struct mlt_cat_index *pk = primary(table(&c, "metrics"));
  assert_int_equal(pk->n, 6);
  for (size_t i = 0; i < 6; i++)
    assert_string_equal(pk->columns[i], key[i]);
  assert_true(pk->unique && pk->valid && !pk->partial);
  const struct mlt_cat_index *plain = index_named(table(&c, "metrics"), "index_metrics_run_uuid");
  assert_true(!plain->unique && !plain->primary && plain->n == 1);
  mlt_arena_free(arena);
}

/* experiments.experiment_id is the rowid itself: a primary key without an index, filled by SQLite.
 */
static void the_rowid_is_a_primary_key_with_a_default(void **state) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog c = catalog(*state, arena);
  const struct mlt_cat_table *t = table(&c, "experiments");
  assert_true(column(t, "experiment_id")->has_default);
  assert_true(column(t, "experiment_id")->not_null);
  assert_int_equal(primary(t)->n, 1);
  assert_string_equal(primary(t)->columns[0], "experiment_id");
  assert_false(column(table(&c, "runs"), "run_uuid")->has_default);
  mlt_arena_free(arena);
}

static void views_triggers_and_odd_indexes_are_told(void **state) {
  struct scratch *s = *state;
  struct mlt_arena *arena = mlt_arena_new();
  scratch_sql(s->path,
              "DROP TABLE params; CREATE VIEW params AS SELECT 1 AS key;"
              "DROP TABLE input_tags; CREATE VIRTUAL TABLE input_tags USING fts5(input_uuid);"
              "CREATE TRIGGER zz AFTER INSERT ON tags BEGIN SELECT 1; END;"
              "CREATE TRIGGER mine AFTER INSERT ON tags BEGIN SELECT 1; END;"
              "CREATE UNIQUE INDEX part ON tags (key) WHERE value IS NULL;"
              "CREATE INDEX expr ON tags (run_uuid, lower(key));"
              "ALTER TABLE tags ADD COLUMN double_key TEXT AS (key || key)");
  struct mlt_catalog c = catalog(s, arena);
  assert_int_equal(table(&c, "params")->relkind, 'v');
  assert_int_equal(table(&c, "input_tags")->relkind, 'v');
  const struct mlt_cat_table *tags = table(&c, "tags");
  assert_string_equal(tags->trigger, "mine");
  assert_null(table(&c, "runs")->trigger);
  assert_true(index_named(tags, "part")->partial && index_named(tags, "part")->unique);
  assert_string_equal(index_named(tags, "expr")->columns[1], "(expression)");
  assert_true(column(tags, "double_key")->has_default);
  mlt_arena_free(arena);
}

static void heads_are_counted(void **state) {
  struct scratch *s = *state;
  struct mlt_arena *arena = mlt_arena_new();
  scratch_sql(s->path, "INSERT INTO alembic_version VALUES ('second')");
  assert_int_equal(catalog(s, arena).head_rows, 2);
  scratch_sql(s->path, "DELETE FROM alembic_version");
  struct mlt_catalog c = catalog(s, arena);
  assert_null(c.head);
  assert_int_equal(c.head_rows, 0);
  assert_int_equal(unlink(s->path), 0);
  scratch_sql(s->path, "VACUUM");
  c = catalog(s, arena);
  assert_int_equal(c.n_tables, 0);
  assert_null(c.head);
  mlt_arena_free(arena);
}

static void the_catalog_can_be_read_inside_a_transaction(void **state) {
  struct scratch *s = *state;
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_catalog c;
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_catalog(db, arena, &c, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
  assert_non_null(table(&c, "runs"));
  mlt_lite_close(db);
  mlt_arena_free(arena);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(mlflow_tables_are_read_with_types_lengths_and_defaults),
      TEST(indexes_are_read_in_column_order),
      TEST(the_rowid_is_a_primary_key_with_a_default),
      TEST(views_triggers_and_odd_indexes_are_told),
      TEST(heads_are_counted),
      TEST(the_catalog_can_be_read_inside_a_transaction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
