/* Rows of logs in JSON, fed whole and cut at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <inttypes.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "source/json_rows.h"

static struct mlt_json_rows rows;
static struct mlt_buf said;

static const char *rows_of(struct mlt_str text, bool history, size_t piece) {
  struct mlt_str row;
  uint64_t line;
  size_t at = 0;
  mlt_json_rows_reset(&rows, history);
  mlt_buf_clear(&said);
  for (;;) {
    enum mlt_rc rc = mlt_json_rows_next(&rows, &row, &line);
    if (rc == MLT_END)
      return mlt_buf_cstr(&said);
    if (rc != MLT_AGAIN) {
      const char *what = rc == MLT_TOOBIG ? "too long" : rc == MLT_DATA ? "open" : "";
      assert_int_equal(mlt_buf_printf(&said, "%" PRIu64 " %s", line, what), MLT_OK);
      if (rc == MLT_OK)
        assert_int_equal(mlt_buf_add(&said, row.p, row.len), MLT_OK);
      assert_int_equal(mlt_buf_adds(&said, "|"), MLT_OK);
      continue;
    }
    size_t room, n = text.len - at < piece ? text.len - at : piece;
    char *p = mlt_json_rows_room(&rows, &room);
    assert_true(room >= MLT_JSON_ROW_MAX);
    memcpy(p, text.p + at, n);
    at += n;
    if (n)
      mlt_json_rows_fed(&rows, n);
    else
      mlt_json_rows_eof(&rows);
  }
}

static void expect(bool history, const char *text, const char *seen) {
  for (size_t piece = 1; piece <= strlen(text) + 1; piece++)
    assert_string_equal(rows_of(mlt_str_c(text), history, piece), seen);
}

static void each_line_is_a_row(void **state) {
  (void)state;
  expect(false, "", "");
  expect(false, "{\"a\": 1}\n\n \r\n{}\n", "1 {\"a\": 1}|4 {}|");
  expect(false, "{\"a\": 1}", "1 {\"a\": 1}|");
  expect(false, "\xef\xbb\xbf{}\n", "1 {}|");
  expect(false, "\xef\xbb", "1 \xef\xbb|");
  expect(false, "{\"a\": \"x\n{}\n", "1 {\"a\": \"x|2 {}|");
}

static void the_elements_of_the_history_are_rows(void **state) {
  (void)state;
  expect(true, "{\"a\": 1, \"log_history\": [{\"x\": 1},\n {\"y\": [{}]}], \"b\": [{\"z\": 2}]}",
         "1 {\"x\": 1}|2 {\"y\": [{}]}|");
  expect(true, "{\"log_history\": [{\"s\": \"}]{\\\"\"}]}", "1 {\"s\": \"}]{\\\"\"}|");
  expect(true, "{\"x\": {\"log_history\": [{\"a\": 1}]}, \"log_history\": []}", "");
  expect(true, "{\"log_historyy\": [{}], \"y\": \"log_history\"}", "");
}

static void a_document_that_ends_too_early_is_told(void **state) {
  (void)state;
  expect(true, "{\"log_history\": [{\"a\": 1}, {\"b\"", "1 {\"a\": 1}|1 open|");
  expect(true, "{\"log_history\": [{\"a\": 1}\n", "1 {\"a\": 1}|2 open|");
  expect(true, "]]}}{\"log_history\": [{}]", "1 {}|1 open|");
}

static void a_row_too_long_is_skipped(void **state) {
  (void)state;
  static char text[4 * MLT_JSON_ROW_MAX];
  const size_t pieces[] = {4096, MLT_JSON_ROW_MAX - 1, MLT_JSON_ROW_MAX};
  for (int history = 0; history < 2; history++)
    for (size_t p = 0; p < 3; p++) {
      const char *head = history ? "{\"log_history\": [{\"a\": \"" : "{\"a\": \"";
      const char *tail = history ? "\"},\n {\"b\": 2}]}" : "\"}\n{\"b\": 2}\n";
      size_t n = strlen(head), body = 5 * MLT_JSON_ROW_MAX / 2;
      memcpy(text, head, n);
      memset(text + n, 'x', body);
      memcpy(text + n + body, tail, strlen(tail) + 1);
      assert_string_equal(rows_of(mlt_str_c(text), history, pieces[p]), "1 too long|2 {\"b\": 2}|");
    }
}

static int begin(void **state) {
  (void)state;
  mlt_buf_init(&said, 16 << 20);
  return mlt_json_rows_init(&rows, NULL) == MLT_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  mlt_buf_free(&said);
  mlt_json_rows_free(&rows);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_line_is_a_row),
      cmocka_unit_test(the_elements_of_the_history_are_rows),
      cmocka_unit_test(a_document_that_ends_too_early_is_told),
      cmocka_unit_test(a_row_too_long_is_skipped),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
