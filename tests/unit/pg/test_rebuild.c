/* The parts of a rebuild that need no server: which locks are taken in which order, and how the
   catalogs before and after are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "pg/rebuild_intern.h"

static void assert_locks(const struct mlt_pg_locks *locks, uint32_t features, const char *part) {
  struct mlt_pg pg = {.quoted = (char[]){"\"s\""}};
  struct mlt_buf b;
  mlt_buf_init(&b, 16 * 1024);
  assert_int_equal(mlt_pg_add_locks(&pg, &b, locks, features), MLT_OK);
  if (!strstr(mlt_buf_cstr(&b), part))
    fail_msg("%s is not in %s", part, mlt_buf_cstr(&b));
  mlt_buf_free(&b);
}

static void a_writer_locks_every_table_alike_in_one_statement(void **state) {
  (void)state;
  const struct mlt_pg_locks locks = {.timeout_ms = 800};
  assert_locks(&locks, 0,
               "SET LOCAL lock_timeout = '800ms'; LOCK TABLE \"s\".experiments, "
               "\"s\".experiment_tags, \"s\".runs, \"s\".params, \"s\".tags, \"s\".metrics, "
               "\"s\".latest_metrics, \"s\".registered_models, \"s\".registered_model_tags, "
               "\"s\".model_versions, \"s\".model_version_tags IN ROW EXCLUSIVE MODE; "
               "SET LOCAL lock_timeout TO DEFAULT; ");
}

static void stronger_locks_do_not_change_the_order(void **state) {
  (void)state;
  const struct mlt_pg_locks locks = {.timeout_ms = 5,
                                     .exclusive = 1U << MLT_T_RUNS | 1U << MLT_T_METRICS |
                                                  1U << MLT_T_LATEST_METRICS};
  assert_locks(&locks, MLT_F_DATASETS,
               "LOCK TABLE \"s\".experiments, \"s\".experiment_tags IN ROW EXCLUSIVE MODE; "
               "LOCK TABLE \"s\".runs IN ACCESS EXCLUSIVE MODE; "
               "LOCK TABLE \"s\".params, \"s\".tags IN ROW EXCLUSIVE MODE; "
               "LOCK TABLE \"s\".metrics, \"s\".latest_metrics IN ACCESS EXCLUSIVE MODE; "
               "LOCK TABLE \"s\".datasets, ");
}

static void no_time_to_wait_is_not_for_ever(void **state) {
  (void)state;
  const struct mlt_pg_locks locks = {.timeout_ms = 0};
  assert_locks(&locks, 0, "SET LOCAL lock_timeout = '1ms'; ");
}

struct object {
  const char *name, *state;
};

static PGresult *catalog(const struct object *v, int n) {
  PGresAttDesc columns[] = {{.name = (char[]){"object"}}, {.name = (char[]){"state"}}};
  PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
  assert_int_equal(PQsetResultAttrs(res, 2, columns), 1);
  for (int i = 0; i < n; i++) {
    assert_int_equal(PQsetvalue(res, i, 0, (char *)v[i].name, (int)strlen(v[i].name)), 1);
    assert_int_equal(PQsetvalue(res, i, 1, (char *)v[i].state, (int)strlen(v[i].state)), 1);
  }
  return res;
}

#define A                                                                                          \
  { "index a", "1" }
#define B                                                                                          \
  { "index b", "2" }
#define Z                                                                                          \
  { "table t", "3" }
static const struct object before[] = {A, B, Z};

static void assert_difference(const struct object *after, int n, const char *name) {
  PGresult *old = catalog(before, 3), *new = catalog(after, n);
  const char *found = mlt_pg_rebuild_difference(old, new);
  if (name) {
    assert_non_null(found);
    assert_string_equal(found, name);
  } else {
    assert_null(found);
  }
  PQclear(old);
  PQclear(new);
}

static void equal_catalogs_have_no_difference(void **state) {
  (void)state;
  assert_difference(before, 3, NULL);
}

static void the_object_that_differs_is_named(void **state) {
  (void)state;
  static const struct object changed[] = {A, {"index b", "other"}, Z};
  static const struct object renamed[] = {A, {"index bb", "2"}, Z};
  static const struct object missing[] = {A, Z};
  static const struct object added[] = {A, {"index aa", "2"}, B, Z};
  static const struct object added_last[] = {A, B, Z, {"table u", ""}};
  assert_difference(changed, 3, "index b");
  assert_difference(renamed, 3, "index b");
  assert_difference(missing, 2, "index b");
  assert_difference(before, 2, "table t");
  assert_difference(added, 4, "index aa");
  assert_difference(added_last, 4, "table u");
}

static void only_a_well_server_can_refuse(void **state) {
  (void)state;
  static const char *const refusals[] = {"42501", "2BP01", "0A000", "55P03", "42P01", "XX000"};
  static const char *const others[] = {"", "57P01", "57014", "53100", "08006", "25P03"};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    struct mlt_pg_refusal why = {.text = ""};
    struct mlt_err err = {.rc = MLT_NOPERM, .msg = "it said so"};
    memcpy(err.sqlstate, refusals[i], 6);
    assert_int_equal(mlt_pg_rebuild_refused(&err, &why), MLT_OK);
    assert_string_equal(why.text, "it said so");
    assert_int_equal(err.rc, MLT_OK);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct mlt_pg_refusal why = {.text = ""};
    struct mlt_err err = {.rc = MLT_UNAVAILABLE, .msg = "gone"};
    memcpy(err.sqlstate, others[i], strlen(others[i]) + 1);
    assert_int_equal(mlt_pg_rebuild_refused(&err, &why), MLT_UNAVAILABLE);
    assert_string_equal(why.text, "");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_writer_locks_every_table_alike_in_one_statement),
      cmocka_unit_test(stronger_locks_do_not_change_the_order),
      cmocka_unit_test(no_time_to_wait_is_not_for_ever),
      cmocka_unit_test(equal_catalogs_have_no_difference),
      cmocka_unit_test(the_object_that_differs_is_named),
      cmocka_unit_test(only_a_well_server_can_refuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
