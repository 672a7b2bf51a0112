/* The tables that are copied, in the schemas of all heads that we know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "lite/store.h"
#include "schema/copied.h"
#include "schema/schema.h"

struct known {
  struct mlt_lite *db;
  struct mlt_arena *arena;
  struct mlt_catalog cat;
  struct mlt_shape shapes[MLT_COPIED_COUNT];
};

static void open_head(struct known *k, const struct mlt_head *head) {
  char *ddl;
  struct mlt_err err = MLT_ERR_INIT;
  k->arena = mlt_arena_new();
  assert_int_equal(mlt_schema_ddl(head, MLT_TARGET_SQLITE, &ddl, &err), MLT_OK);
  assert_int_equal(mlt_lite_open_memory(&k->db, &err), MLT_OK);
  assert_int_equal(mlt_lite_run_ddl(k->db, ddl, &err), MLT_OK);
  assert_int_equal(mlt_lite_catalog(k->db, k->arena, &k->cat, &err), MLT_OK);
  mlt_copied_shapes(&k->cat, MLT_TARGET_SQLITE, k->shapes);
  mlt_free(ddl);
}

static void close_head(struct known *k) {
  mlt_lite_close(k->db);
  mlt_arena_free(k->arena);
}

static const struct mlt_shape *shape(const struct known *k, enum mlt_table t) {
  return &k->shapes[t - MLT_T_COUNT];
}

/* Whatever a head has of these tables has a shape: no type or key of any is unknown. */
static void every_table_of_every_head_has_a_shape(void **state) {
  (void)state;
  for (size_t h = 0; h < mlt_heads_count; h++) {
    struct known k;
    open_head(&k, &mlt_heads[h]);
    for (unsigned i = 0; i < MLT_COPIED_COUNT; i++) {
      const char *name = mlt_table_name((enum mlt_table)(MLT_T_COUNT + i));
      const struct mlt_cat_table *t = mlt_cat_table(&k.cat, name);
      size_t n = 0;
      for (size_t c = 0; t && c < t->n_columns; c++)
        n += !t->columns[c].generated;
      assert_int_equal(k.shapes[i].n, n);
    }
    assert_int_equal(mlt_copied_groups(k.shapes, k.shapes), (1 << MLT_COPIED_GROUPS) - 1);
    close_head(&k);
  }
}

static void columns_are_by_name_without_what_is_computed(void **state) {
  (void)state;
  struct known k;
  unsigned at[MLT_IDENTITY_COLUMNS];
  open_head(&k, mlt_head_by_version("3.17"));
  const struct mlt_shape *spans = shape(&k, MLT_T_SPANS);
  assert_int_equal(mlt_copied_columns(spans, "duration_ns", at), 0);
  assert_int_equal(mlt_copied_columns(spans, "trace_id span_id", at), 2);
  assert_string_equal(spans->c[at[0]].name, "trace_id");
  assert_string_equal(spans->c[at[1]].name, "span_id");
  for (unsigned i = 1; i < spans->n; i++)
    assert_true(strcmp(spans->c[i - 1].name, spans->c[i].name) < 0);
  const struct mlt_shape *records = shape(&k, MLT_T_EVALUATION_DATASET_RECORDS);
  assert_int_equal(mlt_copied_columns(records, "inputs", at), 1);
  assert_true(records->c[at[0]].json && records->c[at[0]].not_null);
  close_head(&k);
}

static void groups_that_differ_are_left_out_whole(void **state) {
  (void)state;
  struct known old, new;
  open_head(&old, mlt_head_by_version("3.10.1"));
  open_head(&new, mlt_head_by_version("3.17.2"));
  assert_int_equal(mlt_copied_groups(old.shapes, new.shapes),
                   1 << MLT_COPIED_SCORERS | 1 << MLT_COPIED_EVALUATION);
  close_head(&old);
  open_head(&old, mlt_head_by_version("2.0"));
  assert_int_equal(mlt_copied_groups(old.shapes, new.shapes), 0);
  close_head(&old);
  close_head(&new);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_table_of_every_head_has_a_shape),
                                     cmocka_unit_test(columns_are_by_name_without_what_is_computed),
                                     cmocka_unit_test(groups_that_differ_are_left_out_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
