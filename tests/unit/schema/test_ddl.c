/* MLflow's DDL as it comes out of the library: whole, and runnable anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/mem.h"
#include "schema/schema.h"

static char *ddl_of(const struct mlt_head *head, enum mlt_target_kind kind) {
  struct mlt_err err = MLT_ERR_INIT;
  char *script = NULL;
  assert_int_equal(mlt_schema_ddl(head, kind, &script, &err), MLT_OK);
  assert_non_null(script);
  return script;
}

static void assert_ends_with_version(const char *script, const struct mlt_head *head) {
  char row[96];
  (void)snprintf(row, sizeof row, "INSERT INTO alembic_version (version_num) VALUES ('%s');",
                 head->revision);
  assert_non_null(strstr(script, row));
  assert_int_equal(strstr(script, "INSERT INTO workspaces") != NULL,
                   (head->features & MLT_F_WORKSPACE) != 0);
}

static void every_head_has_a_script_for_postgresql_that_names_no_schema(void **state) {
  (void)state;
  for (size_t i = 0; i < mlt_heads_count; i++) {
    char *s = ddl_of(&mlt_heads[i], MLT_TARGET_PG);
    assert_non_null(strstr(s, "CREATE TABLE metrics ("));
    assert_non_null(strstr(s, "nextval('experiments_experiment_id_seq'::regclass)"));
    assert_null(strstr(s, "public."));
    assert_null(strstr(s, "search_path"));
    assert_null(strstr(s, "\nSET "));
    assert_null(strstr(s, "\n\\"));
    assert_ends_with_version(s, &mlt_heads[i]);
    mlt_free(s);
  }
}

static void every_head_has_a_script_for_sqlite(void **state) {
  (void)state;
  for (size_t i = 0; i < mlt_heads_count; i++) {
    char *s = ddl_of(&mlt_heads[i], MLT_TARGET_SQLITE);
    assert_non_null(strstr(s, "CREATE TABLE experiments (")
                        ? s
                        : strstr(s, "CREATE TABLE IF NOT EXISTS \"experiments\" ("));
    assert_null(strstr(s, "sqlite_sequence"));
    assert_ends_with_version(s, &mlt_heads[i]);
    mlt_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_head_has_a_script_for_postgresql_that_names_no_schema),
      cmocka_unit_test(every_head_has_a_script_for_sqlite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
