/* Lines of metric files, fed whole and cut at every byte, and the numbers in them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "source/metric_lines.h"

static struct mlt_lines lines;
static struct mlt_buf said;

static void say(const struct mlt_line *line, enum mlt_rc rc) {
  enum mlt_rc added =
      rc == MLT_TOOBIG ? mlt_buf_printf(&said, "%" PRIu64 " too long|", line->number)
      : line->blank
          ? mlt_buf_printf(&said, "%" PRIu64 " blank %" PRIu64 "|", line->number, line->blank)
          : mlt_buf_printf(&said, "%" PRIu64 " %.*s|", line->number, MLT_STR_ARG(line->text));
  assert_int_equal(added, MLT_OK);
}

/* Feeds text in pieces of the given size and gives what was seen as "number text|". */
static const char *lines_of(struct mlt_str text, size_t piece) {
  struct mlt_line line;
  size_t at = 0;
  mlt_buf_clear(&said);
  mlt_lines_reset(&lines);
  for (;;) {
    enum mlt_rc rc = mlt_lines_next(&lines, &line);
    if (rc == MLT_END)
      return mlt_buf_cstr(&said);
    if (rc != MLT_AGAIN) {
      say(&line, rc);
      continue;
    }
    size_t room, n = text.len - at < piece ? text.len - at : piece;
    char *p = mlt_lines_room(&lines, &room);
    assert_true(room >= MLT_LINE_MAX);
    memcpy(p, text.p + at, n);
    at += n;
    mlt_lines_fed(&lines, n);
    if (n == 0)
      mlt_lines_eof(&lines);
  }
}

static void expect_lines(const char *text, const char *seen) {
  for (size_t piece = 1; piece <= strlen(text) + 1; piece++)
    assert_string_equal(lines_of(mlt_str_c(text), piece), seen);
}

static void lines_end_as_in_python(void **state) {
  (void)state;
  expect_lines("", "");
  expect_lines("a", "1 a|");
  expect_lines("a\n", "1 a|");
  expect_lines("a\nb", "1 a|2 b|");
  expect_lines("a\r\nb\rc\n", "1 a|2 b|3 c|");
  expect_lines("a\vb\fc", "1 a|2 b|3 c|");
  expect_lines("a\r", "1 a|");
  expect_lines("a\n\rb", "1 a|2 blank 1|3 b|");
}

static void blanks_around_a_line_go(void **state) {
  (void)state;
  expect_lines("  1 2 3\t \r\n\t4 5\n", "1 1 2 3|2 4 5|");
  expect_lines("1  2\n", "1 1  2|");
}

static void empty_lines_count_only_when_others_follow(void **state) {
  (void)state;
  expect_lines("\n\n\n", "");
  expect_lines("a\n\n \n", "1 a|");
  expect_lines("a\n\n \nb\n\nc\n\n", "1 a|2 blank 2|4 b|5 blank 1|6 c|");
  expect_lines("\na", "1 blank 1|2 a|");
}

static void a_line_too_long_is_skipped_and_counted(void **state) {
  (void)state;
  const size_t sizes[] = {MLT_LINE_MAX - 1, MLT_LINE_MAX, 2 * MLT_LINE_MAX, 5 * MLT_LINE_MAX + 3};
  const size_t pieces[] = {1000, MLT_LINE_MAX, MLT_LINE_MAX - 1, 77};
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < 4; k++)
      for (int ends = 0; ends < 3; ends++) {
        struct mlt_buf b;
        mlt_buf_init(&b, 1 << 20);
        assert_int_equal(mlt_buf_adds(&b, "a\n"), MLT_OK);
        assert_int_equal(mlt_buf_reserve(&b, sizes[i]), MLT_OK);
        memset(b.p + b.len, 'x', sizes[i]);
        b.len += sizes[i];
        assert_int_equal(mlt_buf_adds(&b, ends == 0   ? ""
                                          : ends == 1 ? "\r\nb"
                                                      : "\n\nb\n"),
                         MLT_OK);
        const char *seen = lines_of(mlt_buf_str(&b), pieces[k]);
        if (i > 0)
          assert_string_equal(seen, ends == 0   ? "1 a|2 too long|"
                                    : ends == 1 ? "1 a|2 too long|3 b|"
                                                : "1 a|2 too long|3 blank 1|4 b|");
        else
          assert_null(strstr(seen, "too long"));
        mlt_buf_free(&b);
      }
}

static void blank_lines_before_a_line_too_long_come_first(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 20);
  assert_int_equal(mlt_buf_adds(&b, "\n\n"), MLT_OK);
  assert_int_equal(mlt_buf_reserve(&b, 3 * MLT_LINE_MAX), MLT_OK);
  memset(b.p + b.len, 'x', 3 * MLT_LINE_MAX);
  b.len += 3 * MLT_LINE_MAX;
  assert_int_equal(mlt_buf_adds(&b, "\nb"), MLT_OK);
  for (size_t piece = 1000; piece < 100000; piece += 33333)
    assert_string_equal(lines_of(mlt_buf_str(&b), piece), "1 blank 2|3 too long|4 b|");
  mlt_buf_free(&b);
}

static void expect_point(const char *text, int64_t timestamp, double value, int64_t step) {
  struct mlt_point p;
  struct mlt_line_fault fault;
  assert_true(mlt_line_point(mlt_str_c(text), &p, &fault));
  assert_int_equal(p.timestamp, timestamp);
  assert_int_equal(p.step, step);
  assert_true(p.value == value || (isnan(p.value) && isnan(value)));
}

static void expect_fault(const char *text, const char *field, const char *words) {
  struct mlt_point p;
  struct mlt_line_fault fault;
  assert_false(mlt_line_point(mlt_str_c(text), &p, &fault));
  assert_string_equal(fault.field, field);
  if (!strstr(fault.reason, words))
    fail_msg("'%s' does not say '%s'", fault.reason, words);
}

static void points_have_two_or_more_fields(void **state) {
  (void)state;
  expect_point("1 2", 1, 2, 0);
  expect_point("-1 -2.5e-3 -4", -1, -2.5e-3, -4);
  expect_point("1 2 3 name digest", 1, 2, 3);
  expect_point("1 2 3 x", 1, 2, 3);
  expect_point("1 2 3 a name with blanks digest", 1, 2, 3);
  expect_point("1656833990508 NaN 9223372036854775807", 1656833990508, NAN, INT64_MAX);
  expect_point("1 -Infinity -9223372036854775808", 1, -INFINITY, INT64_MIN);
  expect_point("1 1e400 1", 1, INFINITY, 1);
}

static void bad_fields_are_named_and_shown(void **state) {
  (void)state;
  expect_fault("1", "line", "the line has 1 field where");
  expect_fault("x 1 1", "timestamp", "timestamp 'x' is not a whole number");
  expect_fault("1.5 1 1", "timestamp", "'1.5'");
  expect_fault("1 abc 1", "value", "value 'abc' is not a number");
  expect_fault("1  1", "value", "value '' is not a number");
  expect_fault("1 1 1.0", "step", "step '1.0' is not a whole number");
  expect_fault("1 1 9223372036854775808", "step", "'9223372036854775808'");
  expect_fault("1\t2\t3", "line", "1 field");
  expect_fault("1 \x1b[31m\xff 1", "value", "value '?[31m?' is");
  expect_fault("1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 1", "value",
               "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'");
}

static void metrics_of_models_name_their_run(void **state) {
  (void)state;
  struct mlt_logged_model_metric m;
  struct mlt_line_fault fault;
  assert_true(mlt_line_model_metric(MLT_STR_LIT("1 0.5 3 run"), &m, &fault));
  assert_int_equal(m.timestamp, 1);
  assert_int_equal(m.step, 3);
  assert_true(m.value == 0.5);
  assert_true(mlt_str_is(m.run_id, "run"));
  assert_null(m.dataset_name.p);
  assert_null(m.dataset_digest.p);
  assert_true(mlt_line_model_metric(MLT_STR_LIT("1 0.5 3 run ds dg"), &m, &fault));
  assert_true(mlt_str_is(m.dataset_name, "ds"));
  assert_true(mlt_str_is(m.dataset_digest, "dg"));
  assert_false(mlt_line_model_metric(MLT_STR_LIT("1 0.5 3"), &m, &fault));
  assert_false(mlt_line_model_metric(MLT_STR_LIT("1 0.5 3 run ds"), &m, &fault));
  assert_false(mlt_line_model_metric(MLT_STR_LIT("1 0.5 3 run d s dg x y z"), &m, &fault));
  assert_string_equal(fault.field, "line");
}

static int setup(void **state) {
  (void)state;
  mlt_buf_init(&said, 4 << 20);
  return mlt_lines_init(&lines, NULL) == MLT_OK ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  mlt_lines_free(&lines);
  mlt_buf_free(&said);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_end_as_in_python),
      cmocka_unit_test(blanks_around_a_line_go),
      cmocka_unit_test(empty_lines_count_only_when_others_follow),
      cmocka_unit_test(a_line_too_long_is_skipped_and_counted),
      cmocka_unit_test(blank_lines_before_a_line_too_long_come_first),
      cmocka_unit_test(points_have_two_or_more_fields),
      cmocka_unit_test(bad_fields_are_named_and_shown),
      cmocka_unit_test(metrics_of_models_name_their_run),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
