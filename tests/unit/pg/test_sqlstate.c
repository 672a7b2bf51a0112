#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "pg/sqlstate.h"

static void every_state_that_matters_has_its_class(void **state) {
  (void)state;
  static const struct {
    const char *sqlstate;
    enum mlt_rc rc;
  } cases[] = {
      {"08000", MLT_UNAVAILABLE}, {"08006", MLT_UNAVAILABLE}, {"57P01", MLT_UNAVAILABLE},
      {"57P02", MLT_UNAVAILABLE}, {"57P03", MLT_UNAVAILABLE}, {"57P05", MLT_UNAVAILABLE},
      {"25P03", MLT_UNAVAILABLE}, {"3D000", MLT_UNAVAILABLE}, {"28000", MLT_NOPERM},
      {"28P01", MLT_NOPERM},      {"42501", MLT_NOPERM},      {"25006", MLT_NOPERM},
      {"42P01", MLT_SCHEMA},      {"42703", MLT_SCHEMA},      {"23502", MLT_SCHEMA},
      {"3F000", MLT_SCHEMA},      {"23505", MLT_TEMPFAIL},    {"40001", MLT_TEMPFAIL},
      {"40P01", MLT_TEMPFAIL},    {"55P03", MLT_TEMPFAIL},    {"57014", MLT_TEMPFAIL},
      {"53100", MLT_TEMPFAIL},    {"53300", MLT_TEMPFAIL},    {"22001", MLT_DATA},
      {"22003", MLT_DATA},        {"22021", MLT_DATA},        {"23503", MLT_DATA},
      {"23514", MLT_DATA},        {"P0001", MLT_DATA},        {"42601", MLT_PROTOCOL},
      {"XX000", MLT_PROTOCOL},    {"00000", MLT_PROTOCOL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (mlt_pg_sqlstate_rc(cases[i].sqlstate) != cases[i].rc)
      fail_msg("%s is %s", cases[i].sqlstate, mlt_rc_name(mlt_pg_sqlstate_rc(cases[i].sqlstate)));
}

static void other_writers_in_the_way_are_told_from_other_passing_failures(void **state) {
  (void)state;
  assert_true(mlt_pg_sqlstate_is_contention("23505"));
  assert_true(mlt_pg_sqlstate_is_contention("40P01"));
  assert_true(mlt_pg_sqlstate_is_contention("55P03"));
  assert_false(mlt_pg_sqlstate_is_contention("53100"));
  assert_false(mlt_pg_sqlstate_is_contention(""));
}

static void a_connection_that_is_lost_for_good_is_told_from_one_to_be_had_again(void **state) {
  (void)state;
  static const char *const passing[] = {"",      "08006", "57P01", "57P02",
                                        "57P03", "57P05", "25P03", "53300"};
  static const char *const final[] = {"3D000", "57P04", "25P04", "28P01", "25006", "57014"};
  for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
    assert_true(mlt_pg_sqlstate_is_passing(passing[i]));
  for (size_t i = 0; i < sizeof final / sizeof *final; i++)
    assert_false(mlt_pg_sqlstate_is_passing(final[i]));
}

static void hints_are_given_where_something_can_be_done(void **state) {
  (void)state;
  assert_non_null(strstr(mlt_pg_sqlstate_hint("28P01"), "PGPASSWORD"));
  assert_non_null(strstr(mlt_pg_sqlstate_hint("28000"), "pg_hba.conf"));
  assert_null(mlt_pg_sqlstate_hint("22001"));
  assert_null(mlt_pg_sqlstate_hint("ZZZZZ"));
}

static void a_failed_connection_tells_its_state(void **state) {
  (void)state;
  char found[6];
  assert_int_equal(
      mlt_pg_sqlstate_find("connection to server at \"::1\", port 5432 failed: FATAL:  28P01: "
                           "password authentication failed for user \"u\"\nLOCATION:  auth_failed",
                           found),
      0);
  assert_string_equal(found, "28P01");
  assert_int_equal(mlt_pg_sqlstate_find("x:  y:  FATAL:  3D000: no such database", found), 0);
  assert_string_equal(found, "3D000");
}

static void a_server_that_was_not_reached_has_none(void **state) {
  (void)state;
  char found[6] = "";
  assert_int_equal(mlt_pg_sqlstate_find("", found), -1);
  assert_int_equal(mlt_pg_sqlstate_find("failed: Connection refused\n", found), -1);
  assert_int_equal(mlt_pg_sqlstate_find("FATAL:  28P0", found), -1);
  assert_int_equal(mlt_pg_sqlstate_find("FATAL:  28P01", found), -1);
  assert_int_equal(mlt_pg_sqlstate_find("FATAL:  a text", found), -1);
  assert_string_equal(found, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_state_that_matters_has_its_class),
      cmocka_unit_test(other_writers_in_the_way_are_told_from_other_passing_failures),
      cmocka_unit_test(a_connection_that_is_lost_for_good_is_told_from_one_to_be_had_again),
      cmocka_unit_test(hints_are_given_where_something_can_be_done),
      cmocka_unit_test(a_failed_connection_tells_its_state),
      cmocka_unit_test(a_server_that_was_not_reached_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
