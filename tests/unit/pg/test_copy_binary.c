#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <float.h>
#include <string.h>
#include <cmocka.h>

#include "nomem.h"
#include "pg/copy_binary.h"

static const struct mlt_copy_columns all = {5,
                                            {{"key", 0, MLT_COPY_TEXT},
                                             {"value", 1, MLT_COPY_F8},
                                             {"step", 2, MLT_COPY_I8},
                                             {"is_nan", 3, MLT_COPY_BOOL},
                                             {"experiment_id", 4, MLT_COPY_I4}}};

#define TEXT(x)                                                                                    \
  { .kind = MLT_V_TEXT, .s = MLT_STR_LIT(x) }
#define INT(x)                                                                                     \
  { .kind = MLT_V_INT, .i = (x) }

/* The bytes that one row becomes. */
static void becomes(const struct mlt_copy_columns *columns, const struct mlt_value *row,
                    const char *bytes, size_t n) {
  struct mlt_buf b;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_buf_init(&b, 1000);
  assert_int_equal(mlt_copy_row(&b, columns, row, &err), MLT_OK);
  assert_int_equal(b.len, n);
  assert_memory_equal(b.p, bytes, n);
  mlt_buf_free(&b);
}

static void the_file_starts_and_ends_as_the_manual_says(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 100);
  assert_int_equal(mlt_copy_header(&b), MLT_OK);
  assert_int_equal(mlt_copy_trailer(&b), MLT_OK);
  static const char want[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377";
  assert_int_equal(b.len, sizeof want - 1);
  assert_memory_equal(b.p, want, b.len);
  mlt_buf_free(&b);
}

static void every_type_has_its_bytes(void **state) {
  (void)state;
  const struct mlt_value row[] = {TEXT("l\xC3\xA9"),
                                  {.kind = MLT_V_DOUBLE, .d = -2.5},
                                  INT(INT64_C(0x0102030405060708)),
                                  {.kind = MLT_V_BOOL, .b = true},
                                  INT(-2)};
  static const char want[] = "\0\5"
                             "\0\0\0\3l\xC3\xA9"
                             "\0\0\0\10\xC0\4\0\0\0\0\0\0"
                             "\0\0\0\10\1\2\3\4\5\6\7\10"
                             "\0\0\0\1\1"
                             "\0\0\0\4\377\377\377\376";
  becomes(&all, row, want, sizeof want - 1);
}

static void null_and_the_empty_string_differ(void **state) {
  (void)state;
  const struct mlt_copy_columns three = {
      3, {{"key", 0, MLT_COPY_TEXT}, {"value", 1, MLT_COPY_TEXT}, {"end_time", 2, MLT_COPY_I8}}};
  const struct mlt_value row[] = {
      TEXT(""), {.kind = MLT_V_TEXT, .s = {NULL, 0}}, {.kind = MLT_V_NULL}};
  static const char want[] = "\0\3\0\0\0\0\377\377\377\377\377\377\377\377";
  becomes(&three, row, want, sizeof want - 1);
}

static void only_the_columns_of_the_list_are_sent(void **state) {
  (void)state;
  const struct mlt_copy_columns second = {1, {{"value", 1, MLT_COPY_TEXT}}};
  const struct mlt_value row[] = {TEXT("left out"), TEXT("x")};
  becomes(&second, row, "\0\1\0\0\0\1x", 7);
}

static void integers_are_held_to_their_column(void **state) {
  (void)state;
  const struct mlt_copy_columns one = {1, {{"experiment_id", 0, MLT_COPY_I4}}};
  static const struct {
    int64_t v;
    enum mlt_rc rc;
  } cases[] = {{INT32_MAX, MLT_OK},
               {INT32_MIN, MLT_OK},
               {INT64_C(2147483648), MLT_DATA},
               {INT64_C(-2147483649), MLT_DATA},
               {INT64_C(0x100000001), MLT_DATA}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct mlt_buf b;
    struct mlt_err err = MLT_ERR_INIT;
    const struct mlt_value row[] = {INT(cases[i].v)};
    mlt_buf_init(&b, 100);
    assert_int_equal(mlt_copy_row(&b, &one, row, &err), cases[i].rc);
    assert_int_equal(b.len, cases[i].rc == MLT_OK ? 10 : 0);
    if (cases[i].rc != MLT_OK)
      assert_non_null(strstr(err.msg, "experiment_id"));
    mlt_buf_free(&b);
  }
}

static void a_value_of_the_wrong_kind_is_a_bug_and_adds_nothing(void **state) {
  (void)state;
  for (enum mlt_copy_type type = MLT_COPY_I4; type <= MLT_COPY_TEXT; type++) {
    const struct mlt_copy_columns one = {1, {{"value", 0, type}}};
    const struct mlt_value row[] = {
        {.kind = type == MLT_COPY_F8 ? MLT_V_TEXT : MLT_V_DOUBLE, .s = MLT_STR_LIT("x")}};
    struct mlt_buf b;
    struct mlt_err err = MLT_ERR_INIT;
    mlt_buf_init(&b, 100);
    assert_int_equal(mlt_copy_row(&b, &one, row, &err), MLT_INTERNAL);
    assert_int_equal(b.len, 0);
    mlt_buf_free(&b);
  }
}

static void a_row_beyond_the_limit_is_refused(void **state) {
  (void)state;
  const struct mlt_copy_columns one = {1, {{"value", 0, MLT_COPY_TEXT}}};
  const struct mlt_value row[] = {TEXT("a text of more than thirty-two bytes, surely")};
  struct mlt_buf b;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_buf_init(&b, 32);
  assert_int_equal(mlt_copy_row(&b, &one, row, &err), MLT_TOOBIG);
  assert_int_equal(err.rc, MLT_TOOBIG);
  mlt_buf_free(&b);
}

static enum nomem_result encode(void *ctx) {
  static const char long_text[300] = "";
  (void)ctx;
  const struct mlt_copy_columns one = {1, {{"value", 0, MLT_COPY_TEXT}}};
  const struct mlt_value row[] = {{.kind = MLT_V_TEXT, .s = {long_text, sizeof long_text}}};
  struct mlt_buf b;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_buf_init(&b, 1000);
  enum mlt_rc rc = mlt_copy_row(&b, &one, row, &err);
  mlt_buf_free(&b);
  return rc == MLT_OK                             ? NOMEM_DONE
         : rc == MLT_NOMEM && err.rc == MLT_NOMEM ? NOMEM_FAILED
                                                  : NOMEM_WRONG;
}

static void out_of_memory_is_an_error(void **state) {
  (void)state;
  nomem_each(encode, NULL, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_of_memory_is_an_error), /* first: it counts */
      cmocka_unit_test(the_file_starts_and_ends_as_the_manual_says),
      cmocka_unit_test(every_type_has_its_bytes),
      cmocka_unit_test(null_and_the_empty_string_differ),
      cmocka_unit_test(only_the_columns_of_the_list_are_sent),
      cmocka_unit_test(integers_are_held_to_their_column),
      cmocka_unit_test(a_value_of_the_wrong_kind_is_a_bug_and_adds_nothing),
      cmocka_unit_test(a_row_beyond_the_limit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
