/* meta.yaml: what is read as what, and what is refused with which words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "source/meta_yaml.h"

static struct mlt_meta *meta;
static struct mlt_err why;

static enum mlt_rc parse_bytes(const char *p, size_t n) {
  why = (struct mlt_err)MLT_ERR_INIT;
  return mlt_meta_parse(meta, (struct mlt_str){p, n}, &why);
}

static void accept(const char *yaml) {
  enum mlt_rc rc = parse_bytes(yaml, strlen(yaml));
  assert_string_equal(why.msg, "");
  assert_int_equal(rc, MLT_OK);
}

static void refuse(const char *yaml, const char *words) {
  assert_int_equal(parse_bytes(yaml, strlen(yaml)), MLT_DATA);
  if (!strstr(why.msg, words))
    fail_msg("'%s' does not say '%s'", why.msg, words);
}

static void expect_text(const char *key, const char *text) {
  const struct mlt_meta_value *v = mlt_meta_get(meta, key);
  assert_non_null(v);
  assert_non_null(v->text.p);
  assert_string_equal(v->text.p, text);
  assert_int_equal(v->text.len, strlen(text));
}

static void expect_kind(const char *key, enum mlt_yaml_kind kind) {
  const struct mlt_meta_value *v = mlt_meta_get(meta, key);
  assert_non_null(v);
  assert_int_equal(v->kind, kind);
}

static void fields_are_found_by_name(void **state) {
  (void)state;
  accept("a: x y\nb: 'q ''r'\nc: 12\nd:\ne: null\nf: []\ng: {}\nh: 1.50\ni: yes\nj: no\n"
         "k: \"\\u00e9\\n\"\nl: 2020-01-01\nm: 0x1F\n");
  expect_text("a", "x y");
  expect_text("b", "q 'r");
  expect_text("c", "12");
  expect_kind("c", MLT_YAML_INT);
  assert_int_equal(mlt_meta_get(meta, "c")->i, 12);
  expect_kind("d", MLT_YAML_NULL);
  assert_null(mlt_meta_get(meta, "d")->text.p);
  expect_kind("e", MLT_YAML_NULL);
  expect_kind("f", MLT_YAML_LIST);
  expect_kind("g", MLT_YAML_MAP);
  expect_text("h", "1.50");
  expect_text("i", "1");
  expect_text("j", "0");
  expect_text("k", "\xc3\xa9\n");
  expect_text("l", "2020-01-01");
  expect_text("m", "31");
  assert_null(mlt_meta_get(meta, "z"));
  assert_null(mlt_meta_get(meta, "A"));
}

static void quoted_numbers_and_words_stay_text(void **state) {
  (void)state;
  accept("a: '12'\nb: \"null\"\nc: !!str 12\nd: ''\ne: 'yes'\n");
  for (const char *key = "abcde"; *key; key++)
    expect_kind((char[]){*key, '\0'}, MLT_YAML_TEXT);
  expect_text("c", "12");
  expect_text("d", "");
}

static void scalars_may_span_lines(void **state) {
  (void)state;
  accept(
      "a: 'one\n  two\n\n  three'\nb: >\n  folded\n  text\nc: |\n  kept\n  so\nd: plain\n  on\n");
  expect_text("a", "one two\nthree");
  expect_text("b", "folded text\n");
  expect_text("c", "kept\nso\n");
  expect_text("d", "plain on");
}

static void line_ends_and_a_byte_order_mark_do_not_matter(void **state) {
  (void)state;
  accept("\xef\xbb\xbf"
         "a: x\r\nb: y\r\n");
  expect_text("a", "x");
  expect_text("b", "y");
  accept("---\na: x\n...\n");
  expect_text("a", "x");
  accept("{a: x, b: {c: d}}");
  expect_text("a", "x");
}

static void the_last_of_two_fields_counts(void **state) {
  (void)state;
  accept("a: 1\nt: {k: old, l: x}\na: 2\nt: {k: 1, m: y, k: 2}\n");
  expect_text("a", "2");
  struct mlt_str name;
  const struct mlt_meta_value *v;
  size_t pos = 0;
  assert_true(mlt_meta_child(meta, "t", &pos, &name, &v));
  assert_true(mlt_str_is(name, "m"));
  assert_true(mlt_meta_child(meta, "t", &pos, &name, &v));
  assert_true(mlt_str_is(name, "k"));
  assert_true(mlt_str_is(v->text, "2"));
  assert_false(mlt_meta_child(meta, "t", &pos, &name, &v));
}

static void children_are_those_of_their_map_alone(void **state) {
  (void)state;
  accept("x: {a: 1}\nt:\n  b: 2\n  deep: {c: 3}\n  list: [d, {e: 4}]\n  f: 5\ng: 6\n");
  struct mlt_str name;
  const struct mlt_meta_value *v;
  const char *names[] = {"b", "deep", "list", "f"};
  size_t pos = 0;
  for (size_t i = 0; i < 4; i++) {
    assert_true(mlt_meta_child(meta, "t", &pos, &name, &v));
    assert_string_equal(name.p, names[i]);
  }
  assert_false(mlt_meta_child(meta, "t", &pos, &name, &v));
  pos = 0;
  assert_false(mlt_meta_child(meta, "g", &pos, &name, &v));
  pos = 0;
  assert_false(mlt_meta_child(meta, "none", &pos, &name, &v));
  assert_null(mlt_meta_get(meta, "b"));
  assert_null(mlt_meta_get(meta, "c"));
  expect_text("g", "6");
}

static void what_is_no_map_of_fields_is_refused(void **state) {
  (void)state;
  refuse("", "empty");
  refuse("# nothing\n", "empty");
  refuse("just text\n", "not a map");
  refuse("- a\n", "a list where");
  refuse("a: 1\n---\nb: 2\n", "more than one document");
  refuse("? [a]\n: b\n", "a key that is not a word");
  accept("{}");
  assert_null(mlt_meta_get(meta, "a"));
}

static void what_grows_or_runs_code_is_refused(void **state) {
  (void)state;
  refuse("a: &x 1\nb: *x\n", "line 1: an anchor");
  refuse("a: 1\nb: *x\n", "line 2: an anchor");
  refuse("a: &x [1]\n", "anchor");
  refuse("<<: {a: 1}\n", "merge key");
  refuse("a: !!python/object:os.system x\n", "tag");
  refuse("a: !!binary aGk=\n", "tag");
}

static void broken_yaml_names_the_line(void **state) {
  (void)state;
  refuse("a: 1\nb: [\n", "line 3");
  refuse("a: 'x\n", "not YAML");
  refuse("a: 1\n b: 2\n", "line 2");
  refuse("a: \x01\n", "not YAML");
  refuse("a: \xff\n", "not UTF-8 text (byte 3)");
  assert_int_equal(parse_bytes("a\0: 1", 6), MLT_DATA);
  assert_int_equal(parse_bytes("\xff\xfe"
                               "a\0:\0 \0b\0",
                               10),
                   MLT_DATA);
}

static void limits_hold(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 4 << 20);
  for (int i = 0; i < MLT_META_MAX_DEPTH; i++)
    assert_int_equal(mlt_buf_adds(&b, "{a: "), MLT_OK);
  for (int i = 0; i < MLT_META_MAX_DEPTH; i++)
    assert_int_equal(mlt_buf_adds(&b, "}"), MLT_OK);
  accept(mlt_buf_cstr(&b));
  mlt_buf_clear(&b);
  for (int i = 0; i < MLT_META_MAX_DEPTH + 1; i++)
    assert_int_equal(mlt_buf_adds(&b, "{a: "), MLT_OK);
  refuse(mlt_buf_cstr(&b), "too deep");
  mlt_buf_clear(&b);
  for (int i = 0; i < 100000; i++)
    assert_int_equal(mlt_buf_adds(&b, "["), MLT_OK);
  refuse(mlt_buf_cstr(&b), "a list where");
  mlt_buf_clear(&b);
  for (int i = 0; i <= MLT_META_MAX_FIELDS; i++)
    assert_int_equal(mlt_buf_printf(&b, "k%d: 1\n", i), MLT_OK);
  refuse(mlt_buf_cstr(&b), "more fields");
  assert_int_equal(mlt_buf_reserve(&b, MLT_META_MAX_BYTES + 1), MLT_OK);
  memset(b.p, ' ', MLT_META_MAX_BYTES + 1);
  assert_int_equal(parse_bytes(b.p, MLT_META_MAX_BYTES + 1), MLT_DATA);
  assert_non_null(strstr(why.msg, "larger"));
  mlt_buf_free(&b);
}

static void every_prefix_of_a_meta_is_taken_or_refused(void **state) {
  (void)state;
  static const char yaml[] = "artifact_uri: file:///a\nend_time: 1656833990508\nrun_id: 'x'\n"
                             "tags: {a: \"b\\n\", c: [1, 2]}\nuser_id: \xc3\xa9\n";
  for (size_t n = 0; n < sizeof yaml; n++) {
    char *copy = malloc(n ? n : 1);
    memcpy(copy, yaml, n);
    enum mlt_rc rc = parse_bytes(copy, n);
    assert_true(rc == MLT_OK || (rc == MLT_DATA && why.msg[0]));
    free(copy);
  }
}

static int new_meta(void **state) {
  (void)state;
  meta = mlt_meta_new();
  return meta ? 0 : -1;
}

static int free_meta(void **state) {
  (void)state;
  mlt_meta_free(meta);
  mlt_meta_free(NULL);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_are_found_by_name),
      cmocka_unit_test(quoted_numbers_and_words_stay_text),
      cmocka_unit_test(scalars_may_span_lines),
      cmocka_unit_test(line_ends_and_a_byte_order_mark_do_not_matter),
      cmocka_unit_test(the_last_of_two_fields_counts),
      cmocka_unit_test(children_are_those_of_their_map_alone),
      cmocka_unit_test(what_is_no_map_of_fields_is_refused),
      cmocka_unit_test(what_grows_or_runs_code_is_refused),
      cmocka_unit_test(broken_yaml_names_the_line),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(every_prefix_of_a_meta_is_taken_or_refused),
  };
  return cmocka_run_group_tests(tests, new_meta, free_meta);
}
