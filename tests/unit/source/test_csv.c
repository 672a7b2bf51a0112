/* Rows of CSV, fed whole and cut at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <inttypes.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "source/csv.h"

static struct mlt_csv csv;
static struct mlt_buf said;

static void say(const struct mlt_csv_row *row, enum mlt_rc rc) {
  assert_int_equal(mlt_buf_printf(&said, "%" PRIu64 "@%" PRIu64 "%s", row->line, row->offset,
                                  rc == MLT_TOOBIG ? " too long"
                                  : rc == MLT_DATA ? " open"
                                                   : ""),
                   MLT_OK);
  for (size_t i = 0; rc == MLT_OK && i < row->n; i++) {
    assert_int_equal(mlt_buf_adds(&said, " ["), MLT_OK);
    assert_int_equal(mlt_buf_add(&said, row->fields[i].p, row->fields[i].len), MLT_OK);
    assert_int_equal(mlt_buf_adds(&said, "]"), MLT_OK);
  }
  assert_int_equal(mlt_buf_adds(&said, "|"), MLT_OK);
}

/* Feeds text in pieces of the given size; rows come out as "line@offset [field] [field]|". */
static const char *rows_of(struct mlt_str text, size_t piece) {
  struct mlt_csv_row row;
  size_t at = 0;
  mlt_buf_clear(&said);
  for (;;) {
    enum mlt_rc rc = mlt_csv_next(&csv, &row);
    if (rc == MLT_END)
      return mlt_buf_cstr(&said);
    if (rc != MLT_AGAIN) {
      say(&row, rc);
      continue;
    }
    size_t room, n = text.len - at < piece ? text.len - at : piece;
    char *p = mlt_csv_room(&csv, &room);
    assert_true(room >= MLT_CSV_ROW_MAX);
    memcpy(p, text.p + at, n);
    at += n;
    if (n)
      mlt_csv_fed(&csv, n);
    else
      mlt_csv_eof(&csv);
  }
}

static void expect_bytes(struct mlt_str text, const char *rows) {
  for (size_t piece = 1; piece <= text.len + 1; piece++) {
    mlt_csv_reset(&csv, 0);
    assert_string_equal(rows_of(text, piece), rows);
  }
}

static void expect_rows(const char *text, const char *rows) {
  expect_bytes(mlt_str_c(text), rows);
}

static void fields_stand_between_delimiters(void **state) {
  (void)state;
  expect_rows("", "");
  expect_rows("a", "1@0 [a]|");
  expect_rows("a,b\n1,2\n", "1@0 [a] [b]|2@4 [1] [2]|");
  expect_rows("a,b\n,\n", "1@0 [a] [b]|2@4 [] []|");
  expect_rows("a, b \n", "1@0 [a] [ b ]|");
}

static void lines_end_in_any_way(void **state) {
  (void)state;
  expect_rows("a\r\nb\rc\nd", "1@0 [a]|2@3 [b]|3@5 [c]|4@7 [d]|");
  expect_rows("a,\r", "1@0 [a] []|");
  expect_rows("\n\r\n\na\n\n\nb\n\n", "4@4 [a]|7@8 [b]|");
}

static void quotes_hold_anything(void **state) {
  (void)state;
  expect_rows("\"a,b\",\"c\"\"d\",\"e\nf\"\ng,h,i\n", "1@0 [a,b] [c\"d] [e\nf]|3@19 [g] [h] [i]|");
  expect_rows("\"\",\"\"\"\"\n", "1@0 [] [\"]|");
  expect_rows("\"a\r\nb\",c\nd,e\n", "1@0 [a\r\nb] [c]|3@9 [d] [e]|");
}

static void quotes_in_odd_places_are_text(void **state) {
  (void)state;
  expect_rows("a\"b,c\n", "1@0 [a\"b] [c]|");
  expect_rows("\"a\"b\"c,d\n", "1@0 [ab\"c] [d]|");
  expect_rows("x, \"y\"\n", "1@0 [x] [ \"y\"]|");
}

static void a_quote_never_closed_costs_one_line(void **state) {
  (void)state;
  expect_rows("a,b\n\"c,d\ne,f\n", "1@0 [a] [b]|2@4 open|3@9 [e] [f]|");
  expect_rows("a,\"b", "1@0 open|");
}

static void the_delimiter_is_found_in_the_first_line(void **state) {
  (void)state;
  expect_rows("a\tb\n1,5\t2\n", "1@0 [a] [b]|2@4 [1,5] [2]|");
  expect_rows("a;b;c,d\n", "1@0 [a] [b] [c,d]|");
  expect_rows("a|b\n", "1@0 [a] [b]|");
  expect_rows("\"a;b;c\",d\n", "1@0 [a;b;c] [d]|");
  mlt_csv_reset(&csv, '\t');
  assert_string_equal(rows_of(mlt_str_c("a,b\tc\n"), 3), "1@0 [a,b] [c]|");
}

static void a_byte_order_mark_is_no_text(void **state) {
  (void)state;
  expect_rows("\xef\xbb\xbf"
              "a,b\n",
              "1@3 [a] [b]|");
  expect_rows("\xef\xbb", "1@0 [\xef\xbb]|");
}

static void reading_goes_on_where_a_row_began(void **state) {
  (void)state;
  static const char text[] = "a;b\n1;2\n3;4\n";
  mlt_csv_reset(&csv, 0);
  (void)rows_of(mlt_str_c(text), 100);
  mlt_csv_seek(&csv, 8, 3);
  assert_string_equal(rows_of(mlt_str_c(text + 8), 1), "3@8 [3] [4]|");
}

static void a_row_too_long_is_skipped(void **state) {
  (void)state;
  static char text[3 * MLT_CSV_ROW_MAX + 64];
  const size_t lengths[] = {MLT_CSV_ROW_MAX - 1, MLT_CSV_ROW_MAX, 3 * MLT_CSV_ROW_MAX};
  const size_t pieces[] = {4096, MLT_CSV_ROW_MAX - 1, MLT_CSV_ROW_MAX};
  const char *const openings[] = {"", "\""};
  for (size_t l = 0; l < 3; l++)
    for (size_t p = 0; p < 3; p++)
      for (size_t q = 0; q < 2; q++) {
        memset(text, 'x', lengths[l]);
        memcpy(text, openings[q], strlen(openings[q]));
        memcpy(text + lengths[l], "\r\na,b\n", 7);
        mlt_csv_reset(&csv, ',');
        const char *rows = rows_of(mlt_str_c(text), pieces[p]);
        assert_int_equal(strncmp(rows, "1@0 too long|2@", 15) == 0, l > 0 || q > 0);
        assert_non_null(strstr(rows, " [a] [b]|"));
      }
}

static void too_many_fields_are_too_long(void **state) {
  (void)state;
  static char text[MLT_CSV_FIELDS + 8];
  memset(text, ',', MLT_CSV_FIELDS);
  memcpy(text + MLT_CSV_FIELDS, "\na\n", 4);
  mlt_csv_reset(&csv, ',');
  assert_string_equal(rows_of(mlt_str_c(text), 5000), "1@0 too long|2@65537 [a]|");
}

static int begin(void **state) {
  (void)state;
  mlt_buf_init(&said, 16 << 20);
  return mlt_csv_init(&csv, NULL) == MLT_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  mlt_buf_free(&said);
  mlt_csv_free(&csv);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_stand_between_delimiters),
      cmocka_unit_test(lines_end_in_any_way),
      cmocka_unit_test(quotes_hold_anything),
      cmocka_unit_test(quotes_in_odd_places_are_text),
      cmocka_unit_test(a_quote_never_closed_costs_one_line),
      cmocka_unit_test(the_delimiter_is_found_in_the_first_line),
      cmocka_unit_test(a_byte_order_mark_is_no_text),
      cmocka_unit_test(reading_goes_on_where_a_row_began),
      cmocka_unit_test(a_row_too_long_is_skipped),
      cmocka_unit_test(too_many_fields_are_too_long),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
