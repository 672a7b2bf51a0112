#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_read.h"

static struct mlt_json *parse(const char *text) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_json *j = mlt_json_parse(mlt_str_c(text), &err);
  assert_string_equal(err.msg, "");
  assert_non_null(j);
  return j;
}

static void members_are_found_and_come_in_order(void **state) {
  struct mlt_json *j = parse("{\"b\": \"x\\u0000y\", \"a\": 1.50, \"n\": null, \"l\": [true, {}]}");
  static const char *const keys[] = {"b", "a", "n", "l"};
  const void *pos = NULL;
  struct mlt_str key;
  const struct mlt_json *v;
  (void)state;
  for (size_t i = 0; i < 4; i++) {
    assert_true(mlt_json_member(j, &pos, &key, &v));
    assert_true(mlt_str_is(key, keys[i]));
    assert_ptr_equal(v, mlt_json_get(j, keys[i]));
  }
  assert_false(mlt_json_member(j, &pos, &key, &v));
  assert_int_equal(mlt_json_text(mlt_json_get(j, "b")).len, 3);
  assert_true(mlt_str_is(mlt_json_text(mlt_json_get(j, "a")), "1.50"));
  assert_null(mlt_json_text(mlt_json_get(j, "n")).p);
  assert_int_equal(mlt_json_kind(mlt_json_get(j, "n")), MLT_JSON_NULL);
  assert_null(mlt_json_get(j, "absent"));
  v = mlt_json_get(j, "l");
  assert_int_equal(mlt_json_kind(v), MLT_JSON_LIST);
  assert_int_equal(mlt_json_length(v), 2);
  assert_int_equal(mlt_json_kind(mlt_json_at(v, 0)), MLT_JSON_BOOL);
  assert_int_equal(mlt_json_kind(mlt_json_at(v, 1)), MLT_JSON_OBJECT);
  assert_null(mlt_json_at(v, 2));
  mlt_json_free(j);
}

static void what_is_of_another_kind_holds_nothing(void **state) {
  struct mlt_json *j = parse("\"text\"");
  const void *pos = NULL;
  struct mlt_str key;
  const struct mlt_json *v;
  (void)state;
  assert_false(mlt_json_member(j, &pos, &key, &v));
  assert_false(mlt_json_member(NULL, &pos, &key, &v));
  assert_int_equal(mlt_json_length(j), 0);
  assert_int_equal(mlt_json_length(NULL), 0);
  assert_null(mlt_json_get(j, "a"));
  assert_null(mlt_json_get(NULL, "a"));
  assert_int_equal(mlt_json_kind(NULL), MLT_JSON_NULL);
  mlt_json_free(j);
}

static void a_document_may_be_a_bare_value(void **state) {
  static const char *const texts[] = {"true", "17", "-1.5", "NaN", "\"x\"", "[]", " 3 \n"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    mlt_json_free(parse(texts[i]));
  struct mlt_err err = MLT_ERR_INIT;
  assert_null(mlt_json_parse(MLT_STR_LIT("1 2"), &err));
  assert_int_equal(err.rc, MLT_DATA);
}

static void what_is_nearly_json_is_refused(void **state) {
  static const char *const texts[] = {"[1,]",     "{\"a\":1,}", "[01]",   "[1e]",
                                      "[nan]",    "[infinity]", "[TRUE]", "[Null]",
                                      "/* */[1]", "[1] // c",   "[1] x",  "[+1]"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct mlt_err err = MLT_ERR_INIT;
    assert_null(mlt_json_parse(mlt_str_c(texts[i]), &err));
    assert_int_equal(err.rc, MLT_DATA);
    assert_true(strlen(err.msg) > 0);
  }
  mlt_json_free(parse("[NaN, Infinity, -Infinity]")); /* as Python writes them */
}

static void strings_lose_their_quotes_and_escapes(void **state) {
  struct mlt_buf b;
  (void)state;
  mlt_buf_init(&b, 100);
  assert_int_equal(mlt_json_unquote(&b, MLT_STR_LIT("\"a\\n\\u00e9\\\"\\ud83d\\ude00\"")), MLT_OK);
  assert_string_equal(mlt_buf_cstr(&b), "a\n\xc3\xa9\"\xf0\x9f\x98\x80");
  assert_int_equal(mlt_json_unquote(&b, MLT_STR_LIT("\"\"")), MLT_OK);
  assert_int_equal(b.len, 0);
  assert_int_equal(mlt_json_unquote(&b, MLT_STR_LIT("\"\\q\"")), MLT_DATA);
  assert_int_equal(mlt_json_unquote(&b, MLT_STR_LIT("17")), MLT_DATA);
  mlt_buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_are_found_and_come_in_order),
      cmocka_unit_test(what_is_of_another_kind_holds_nothing),
      cmocka_unit_test(a_document_may_be_a_bare_value),
      cmocka_unit_test(what_is_nearly_json_is_refused),
      cmocka_unit_test(strings_lose_their_quotes_and_escapes),
  };
  return cmocka_run_group_tests_name("base/json_read", tests, NULL, NULL);
}
