#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "mltrack.h"

#define SAMPLE MLT_SOURCE_DIR "/samples/mlruns"

struct place {
  char folder[64], file[96], uri[128];
};

static int make_place(void **state) {
  struct place *p = calloc(1, sizeof *p);
  assert_non_null(p);
  (void)snprintf(p->folder, sizeof p->folder, "/tmp/mlt-api-XXXXXX");
  assert_non_null(mkdtemp(p->folder));
  (void)snprintf(p->file, sizeof p->file, "%s/new.db", p->folder);
  (void)snprintf(p->uri, sizeof p->uri, "sqlite:///%s", p->file);
  *state = p;
  return 0;
}

static int remove_place(void **state) {
  struct place *p = *state;
  (void)unlink(p->file);
  assert_int_equal(rmdir(p->folder), 0);
  free(p);
  return 0;
}

static void statuses_are_what_the_programs_exit_with(void **state) {
  (void)state;
  assert_int_equal(mlt_rc_exit(MLT_OK), MLT_STATUS_OK);
  assert_int_equal(mlt_rc_exit(MLT_REJECTED), MLT_STATUS_REJECTED);
  assert_int_equal(mlt_rc_exit(MLT_USAGE), MLT_STATUS_USAGE);
  assert_int_equal(mlt_rc_exit(MLT_DATA), MLT_STATUS_DATA);
  assert_int_equal(mlt_rc_exit(MLT_CONFLICT), MLT_STATUS_DATA);
  assert_int_equal(mlt_rc_exit(MLT_TOOBIG), MLT_STATUS_DATA);
  assert_int_equal(mlt_rc_exit(MLT_NOINPUT), MLT_STATUS_NOINPUT);
  assert_int_equal(mlt_rc_exit(MLT_UNAVAILABLE), MLT_STATUS_UNAVAILABLE);
  assert_int_equal(mlt_rc_exit(MLT_INTERNAL), MLT_STATUS_INTERNAL);
  assert_int_equal(mlt_rc_exit(MLT_NOMEM), MLT_STATUS_NOMEM);
  assert_int_equal(mlt_rc_exit(MLT_CANTCREAT), MLT_STATUS_CANTCREAT);
  assert_int_equal(mlt_rc_exit(MLT_IO), MLT_STATUS_IO);
  assert_int_equal(mlt_rc_exit(MLT_TEMPFAIL), MLT_STATUS_TEMPFAIL);
  assert_int_equal(mlt_rc_exit(MLT_PROTOCOL), MLT_STATUS_PROTOCOL);
  assert_int_equal(mlt_rc_exit(MLT_NOPERM), MLT_STATUS_NOPERM);
  assert_int_equal(mlt_rc_exit(MLT_SCHEMA), MLT_STATUS_SCHEMA);
  assert_int_equal(mlt_rc_exit(MLT_CANCELLED), MLT_STATUS_CANCELLED);
}

static const struct mlt_table_counts *counts_of(const struct mlt_import_result *r,
                                                const char *table) {
  for (size_t i = 0; i < r->n_tables; i++)
    if (strcmp(r->tables[i].table, table) == 0)
      return &r->tables[i];
  fail_msg("no table %s", table);
  return NULL;
}

static void importing_twice_finds_everything_present(void **state) {
  const struct place *p = *state;
  struct mlt_import_params params = MLT_IMPORT_PARAMS_INIT;
  struct mlt_import_result first = MLT_IMPORT_RESULT_INIT, second = MLT_IMPORT_RESULT_INIT;
  struct mlt_error err = MLT_ERROR_INIT;
  params.source = SAMPLE;
  params.target = p->uri;
  assert_int_equal(mlt_import_store(&params, &first, &err), MLT_STATUS_OK);
  const struct mlt_table_counts *runs = counts_of(&first, "runs");
  assert_int_equal(runs->read, 9);
  assert_int_equal(runs->inserted, 9);
  assert_true(counts_of(&first, "metrics")->inserted > 1000);
  assert_int_equal(mlt_import_store(&params, &second, &err), MLT_STATUS_OK);
  for (size_t i = 0; i < second.n_tables; i++)
    assert_int_equal(second.tables[i].inserted, 0);
  assert_int_equal(counts_of(&second, "runs")->present, 9);
}

static void a_dry_run_makes_no_file(void **state) {
  const struct place *p = *state;
  struct mlt_import_params params = MLT_IMPORT_PARAMS_INIT;
  params.source = SAMPLE;
  params.target = p->uri;
  params.dry_run = 1;
  assert_int_equal(mlt_import_store(&params, NULL, NULL), MLT_STATUS_OK);
  assert_int_not_equal(access(p->file, F_OK), 0);
}

static void options_of_the_program_are_those_of_the_library(void **state) {
  const struct place *p = *state;
  struct mlt_import_params params = MLT_IMPORT_PARAMS_INIT;
  struct mlt_import_result result = MLT_IMPORT_RESULT_INIT;
  struct mlt_error err = MLT_ERROR_INIT;
  params.source = SAMPLE;
  params.target = p->uri;
  params.load = "sideways";
  assert_int_equal(mlt_import_store(&params, NULL, &err), MLT_STATUS_USAGE);
  assert_non_null(strstr(err.message, "sideways"));
  params.load = "append";
  params.memory = 1 << 20;
  assert_int_equal(mlt_import_store(&params, NULL, &err), MLT_STATUS_USAGE);
  assert_non_null(strstr(err.message, "1 MiB of memory are too little"));
  params.memory = 64 << 20;
  params.readers = 2;
  params.jobs = 2;
  assert_int_equal(mlt_import_store(&params, &result, &err), MLT_STATUS_OK);
  assert_int_equal(counts_of(&result, "runs")->inserted, 9);
  params.load = "merge";
  assert_int_equal(mlt_import_store(&params, &result, &err), MLT_STATUS_OK);
  assert_int_equal(counts_of(&result, "runs")->present, 9);
}

static void schema_check_names_the_release(void **state) {
  const struct place *p = *state;
  struct mlt_import_params params = MLT_IMPORT_PARAMS_INIT;
  struct mlt_schema_info info = MLT_SCHEMA_INFO_INIT;
  struct mlt_error err = MLT_ERROR_INIT;
  assert_int_equal(mlt_schema_check_uri(p->uri, &info, &err), MLT_STATUS_NOINPUT);
  assert_non_null(strstr(err.message, p->file));
  params.source = SAMPLE;
  params.target = p->uri;
  params.mlflow_version = "3.17";
  assert_int_equal(mlt_import_store(&params, NULL, &err), MLT_STATUS_OK);
  assert_int_equal(mlt_schema_check_uri(p->uri, &info, &err), MLT_STATUS_OK);
  assert_string_equal(info.head, "dc11669786a5");
  assert_int_equal(strncmp(info.release, "3.", 2), 0);
}

static void a_struct_without_its_size_is_refused(void **state) {
  (void)state;
  struct mlt_import_params params = {.source = SAMPLE};
  struct mlt_error err = MLT_ERROR_INIT;
  assert_int_equal(mlt_import_store(&params, NULL, &err), MLT_STATUS_USAGE);
  assert_int_equal(err.status, MLT_STATUS_USAGE);
  assert_non_null(strstr(err.message, "struct_size"));
  assert_int_equal(mlt_import_store(NULL, NULL, NULL), MLT_STATUS_USAGE);
}

/* A program built against a newer header may ask for what this library does not know, or not. */
static void a_longer_struct_is_taken_if_the_rest_is_zero(void **state) {
  (void)state;
  struct {
    struct mlt_import_params known;
    uint64_t later;
  } params = {.known = MLT_IMPORT_PARAMS_INIT};
  struct mlt_error err = MLT_ERROR_INIT;
  params.known.struct_size = sizeof params;
  params.known.source = "/nowhere/mlruns";
  params.known.target = "mysql://h/db";
  assert_int_equal(mlt_import_store(&params.known, NULL, &err), MLT_STATUS_USAGE);
  assert_non_null(strstr(err.message, "mysql"));
  params.later = 1;
  assert_int_equal(mlt_import_store(&params.known, NULL, &err), MLT_STATUS_USAGE);
  assert_non_null(strstr(err.message, "does not know"));
}

static void a_shorter_struct_is_not_written_past_its_end(void **state) {
  (void)state;
  struct mlt_error err;
  memset(&err, 0x5A, sizeof err);
  err.struct_size = offsetof(struct mlt_error, hint);
  assert_int_equal(mlt_import_store(NULL, NULL, &err), MLT_STATUS_USAGE);
  assert_int_equal(err.struct_size, offsetof(struct mlt_error, hint));
  assert_string_equal(err.message, "no parameters given");
  for (size_t i = 0; i < sizeof err.hint; i++)
    assert_int_equal(err.hint[i], 0x5A);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statuses_are_what_the_programs_exit_with),
      cmocka_unit_test(a_struct_without_its_size_is_refused),
      cmocka_unit_test(a_longer_struct_is_taken_if_the_rest_is_zero),
      cmocka_unit_test(a_shorter_struct_is_not_written_past_its_end),
      cmocka_unit_test_setup_teardown(importing_twice_finds_everything_present, make_place,
                                      remove_place),
      cmocka_unit_test_setup_teardown(a_dry_run_makes_no_file, make_place, remove_place),
      cmocka_unit_test_setup_teardown(options_of_the_program_are_those_of_the_library, make_place,
                                      remove_place),
      cmocka_unit_test_setup_teardown(schema_check_names_the_release, make_place, remove_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
