#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static struct {
  FILE *f;
  char *text;
  size_t n;
} sink;

static void begin(enum mlt_log_level level, bool json, bool color) {
  sink.f = open_memstream(&sink.text, &sink.n);
  mlt_log_init(&(struct mlt_log_setup){
      .program = "prog", .level = level, .json = json, .color = color, .out = sink.f});
}

static void end(const char *expected) {
  assert_int_equal(fclose(sink.f), 0);
  if (expected)
    assert_string_equal(sink.text, expected);
}

static int drop(void **state) {
  (void)state;
  free(sink.text);
  sink.text = NULL;
  return 0;
}

static void text_messages_name_level_and_fields(void **state) {
  (void)state;
  begin(MLT_LOG_INFO, false, false);
  mlt_log(MLT_LOG_INFO, "done");
  mlt_log(MLT_LOG_WARN, "index is missing", MLT_KV_CSTR("table", "metrics"), MLT_KV_UINT("rows", 7),
          MLT_KV_INT("step", -1), MLT_KV_DOUBLE("s", 0.5));
  mlt_log(MLT_LOG_DEBUG, "not wanted");
  end("prog: done\nprog: warning: index is missing (table=metrics, rows=7, step=-1, s=0.5)\n");
}

static void hostile_names_and_passwords_do_not_get_through(void **state) {
  (void)state;
  begin(MLT_LOG_INFO, false, false);
  mlt_log(MLT_LOG_ERROR, "run \033[31mred\n", MLT_KV_CSTR("uri", "postgresql://u:pw@h/d"));
  end("prog: error: run \\x1b[31mred\\n (uri=postgresql://u:***@h/d)\n");
}

static void only_the_label_is_coloured(void **state) {
  (void)state;
  begin(MLT_LOG_INFO, false, true);
  mlt_log(MLT_LOG_ERROR, "x");
  mlt_log(MLT_LOG_INFO, "y");
  end("prog: \033[1;31merror: \033[0mx\nprog: y\n");
}

static void an_error_shows_its_hint(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_err_set(&err, MLT_NOPERM, "cannot log in");
  mlt_err_hint(&err, "set a password");
  begin(MLT_LOG_ERROR, false, false);
  mlt_log_err(&err);
  end("prog: error: cannot log in\n  set a password\n");
}

static void json_messages_are_one_object_a_line(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  mlt_err_set(&err, MLT_NOPERM, "password=x refused\n");
  mlt_err_hint(&err, "h");
  begin(MLT_LOG_WARN, true, true);
  mlt_log_err(&err);
  mlt_log(MLT_LOG_INFO, "not wanted");
  mlt_log(MLT_LOG_WARN, "w", MLT_KV_UINT("n", 3), MLT_KV_STR("none", MLT_STR_NULL));
  end(NULL);
  const char *first = strstr(sink.text, ",\"level\"");
  assert_non_null(first);
  assert_memory_equal(sink.text, "{\"time\":\"20", 11);
  assert_memory_equal(first - 2, "Z\"", 2);
  assert_memory_equal(
      first,
      ",\"level\":\"error\",\"message\":\"password=*** refused\\n\",\"hint\":\"h\","
      "\"code\":\"NOPERM\"}\n{",
      strlen(",\"level\":\"error\",\"message\":\"password=*** refused\\n\",\"hint\":\"h\","
             "\"code\":\"NOPERM\"}\n{"));
  assert_string_equal(strstr(first + 1, ",\"level\""),
                      ",\"level\":\"warning\",\"message\":\"w\",\"n\":3,\"none\":null}\n");
}

static void a_message_wipes_the_progress_line_once(void **state) {
  (void)state;
  begin(MLT_LOG_INFO, false, false);
  mlt_log_line_open(true);
  mlt_log(MLT_LOG_INFO, "first");
  mlt_log(MLT_LOG_INFO, "second");
  mlt_log_line_open(true);
  mlt_log(MLT_LOG_DEBUG, "not wanted");
  mlt_log_line_open(false);
  mlt_log(MLT_LOG_INFO, "third");
  end("\r\033[Kprog: first\nprog: second\nprog: third\n");
}

static void huge_messages_are_cut(void **state) {
  (void)state;
  size_t n = 1 << 20;
  char *big = calloc(n + 1, 1);
  memset(big, 'a', n);
  begin(MLT_LOG_INFO, false, false);
  mlt_log(MLT_LOG_INFO, "big", MLT_KV_STR("v", ((struct mlt_str){big, n})));
  end(NULL);
  assert_true(sink.n < 20000);
  assert_int_equal(sink.text[sink.n - 1], '\n');
  (void)drop(state);
  memset(big, 7, 10000); /* fits until it is escaped */
  begin(MLT_LOG_INFO, false, false);
  mlt_log(MLT_LOG_INFO, "bells", MLT_KV_STR("v", ((struct mlt_str){big, 10000})));
  mlt_log(MLT_LOG_INFO, "next");
  end(NULL);
  assert_string_equal(sink.text + sink.n - 12, "\nprog: next\n");
  free(big);
}

static void colour_follows_option_and_environment(void **state) {
  (void)state;
  FILE *f = tmpfile();
  unsetenv("NO_COLOR");
  unsetenv("CLICOLOR_FORCE");
  assert_true(mlt_color_wanted("always", f));
  assert_false(mlt_color_wanted("never", f));
  assert_false(mlt_color_wanted("auto", f));
  setenv("CLICOLOR_FORCE", "1", 1);
  assert_true(mlt_color_wanted("auto", f));
  assert_false(mlt_color_wanted("never", f));
  setenv("NO_COLOR", "1", 1);
  assert_false(mlt_color_wanted("auto", f));
  assert_true(mlt_color_wanted("always", f));
  setenv("NO_COLOR", "", 1);
  setenv("CLICOLOR_FORCE", "0", 1);
  assert_false(mlt_color_wanted("auto", f));
  (void)fclose(f);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, drop)
  const struct CMUnitTest tests[] = {TEST(text_messages_name_level_and_fields),
                                     TEST(hostile_names_and_passwords_do_not_get_through),
                                     TEST(only_the_label_is_coloured),
                                     TEST(an_error_shows_its_hint),
                                     TEST(json_messages_are_one_object_a_line),
                                     TEST(a_message_wipes_the_progress_line_once),
                                     TEST(huge_messages_are_cut),
                                     TEST(colour_follows_option_and_environment)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
