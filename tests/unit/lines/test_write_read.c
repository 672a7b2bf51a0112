/* lines/read.c gives what lines/write.c was given. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lines/lines.h"

static struct mlt_buf out;
static struct mlt_lines_writer *w;
static struct mlt_line_fault fault;
static struct mlt_err err;

static enum mlt_rc take(void *ctx, const char *p, size_t n, struct mlt_err *e) {
  (void)e;
  return mlt_buf_add(ctx, p, n);
}

static int set_up(void **state) {
  (void)state;
  mlt_buf_init(&out, SIZE_MAX);
  mlt_err_clear(&err);
  w = mlt_lines_writer_new(take, &out, true);
  return w ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  mlt_lines_writer_free(w);
  mlt_lines_writer_free(NULL);
  mlt_buf_free(&out);
  return 0;
}

static void write_record(const struct mlt_record *rec) {
  assert_int_equal(mlt_lines_write(w, rec, &fault, &err), MLT_OK);
}

static uint64_t seed = 1;

static uint64_t any(uint64_t below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (seed >> 33) % below;
}

/* Valid UTF-8 without NUL, of every length and odd corner. */
static struct mlt_str any_text(char *text, size_t cap) {
  static const char *const pieces[] = {
      "a",      "\"",     "\\",         "/",  "\n",      "\x01",   "\x1f",         "\x7f",
      "\u00e9", "\u2028", "\U0001f600", "{}", "\\u0000", "\ufeff", "\xef\xbf\xbf", " "};
  size_t n = 0;
  for (size_t i = any(20); i > 0; i--) {
    const char *piece = pieces[any(sizeof pieces / sizeof *pieces)];
    if (n + strlen(piece) > cap)
      break;
    memcpy(text + n, piece, strlen(piece));
    n += strlen(piece);
  }
  return (struct mlt_str){text, n};
}

static double any_double(void) {
  static const double odd[] = {0,      -0.0, DBL_MAX,  -DBL_MAX,  DBL_MIN,
                               5e-324, NAN,  INFINITY, -INFINITY, 0.1};
  double d;
  uint64_t bits = any(UINT32_MAX) << 32 | any(UINT32_MAX);
  memcpy(&d, &bits, sizeof d);
  return any(3) ? d : odd[any(sizeof odd / sizeof *odd)];
}

static void assert_str(struct mlt_str a, struct mlt_str b) {
  assert_int_equal(a.len, b.len);
  assert_memory_equal(a.p, b.p, a.len);
}

static void same_double(double a, double b) {
  assert_true(isnan(a) ? isnan(b) : memcmp(&a, &b, sizeof a) == 0);
}

/* The last line written, read. */
static void read_last(struct mlt_line_reader *reader, struct mlt_line *line) {
  assert_int_equal(mlt_lines_finish(w, &err), MLT_OK);
  const char *text = mlt_buf_cstr(&out);
  size_t end = out.len - 1, start = end;
  while (start > 0 && text[start - 1] != '\n')
    start--;
  if (mlt_line_read(reader, (struct mlt_str){text + start, end - start}, line, &fault) != MLT_OK)
    fail_msg("%s: %s", text + start, fault.reason);
}

static void a_reader_gives_what_was_written(void **state) {
  (void)state;
  struct mlt_line_reader *reader = mlt_line_reader_new();
  struct mlt_line line;
  write_record(
      &(struct mlt_record){.kind = MLT_REC_EXPERIMENT,
                           .experiment = {.key = MLT_STR_LIT("1"), .name = MLT_STR_LIT("e")}});
  write_record(&(struct mlt_record){.kind = MLT_REC_RUN,
                                    .run = {.run_uuid = MLT_STR_LIT("r"),
                                            .experiment = MLT_STR_LIT("1"),
                                            .status = MLT_RUN_RUNNING}});
  for (int i = 0; i < 20000; i++) {
    char k[200], v[200];
    struct mlt_str key = any_text(k, sizeof k), value = any_text(v, sizeof v);
    write_record(&(struct mlt_record){.kind = MLT_REC_PARAM, .kv = {key, value}});
    read_last(reader, &line);
    assert_int_equal(line.type, MLT_LINE_PARAM);
    assert_str(line.v[MLT_AT_PARAM_key].text, key);
    assert_str(line.v[MLT_AT_PARAM_value].text, value);
    int64_t at[8];
    double values[8];
    size_t n = 1 + any(8);
    for (size_t p = 0; p < n; p++) {
      at[p] = (int64_t)(any(UINT32_MAX) << 32 | any(UINT32_MAX));
      values[p] = any_double();
    }
    struct mlt_record rec = {.kind = MLT_REC_POINTS, .points = {key, n, at, at, values}};
    write_record(&rec);
    read_last(reader, &line);
    assert_int_equal(line.type, MLT_LINE_POINTS);
    assert_str(line.v[MLT_AT_POINTS_key].text, key);
    assert_int_equal(line.v[MLT_AT_POINTS_value].n, n);
    for (size_t p = 0; p < n; p++) {
      assert_true(line.v[MLT_AT_POINTS_step].integers[p] == at[p]);
      assert_true(line.v[MLT_AT_POINTS_timestamp].integers[p] == at[p]);
      same_double(line.v[MLT_AT_POINTS_value].numbers[p], values[p]);
    }
    mlt_buf_clear(&out);
  }
  mlt_line_reader_free(reader);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_reader_gives_what_was_written, set_up, tear_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
