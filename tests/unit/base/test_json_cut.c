/* The cutter, fed whole and in pieces of every size: events as text, "{" "[" "}" for what opens and
   closes, key=raw for values, key=<raw> for what was taken whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json_cut.h"

struct feed {
  struct mlt_cut cut;
  const char *p;
  size_t left, piece;
};

static void feed(struct feed *f) {
  size_t room, n = f->left < f->piece ? f->left : f->piece;
  char *to = mlt_cut_room(&f->cut, &room);
  assert_non_null(to);
  n = n < room ? n : room;
  memcpy(to, f->p, n);
  mlt_cut_fed(&f->cut, n);
  f->p += n;
  f->left -= n;
  if (!n)
    mlt_cut_eof(&f->cut);
}

static void add(struct mlt_buf *b, struct mlt_str s) {
  if (s.p)
    assert_int_equal(mlt_buf_add(b, s.p, s.len), MLT_OK);
}

/* What key "take" and "skip" open is taken and skipped. */
static enum mlt_rc opened(struct feed *f, struct mlt_cut_event *ev, struct mlt_buf *out) {
  struct mlt_str raw;
  enum mlt_rc rc = MLT_OK;
  if (mlt_str_is(ev->key, "take")) {
    while ((rc = mlt_cut_take(&f->cut, &raw)) == MLT_AGAIN)
      feed(f);
    if (rc == MLT_OK) {
      assert_int_equal(mlt_buf_adds(out, "take=<"), MLT_OK);
      add(out, raw);
      assert_int_equal(mlt_buf_adds(out, "> "), MLT_OK);
    }
  } else if (mlt_str_is(ev->key, "skip")) {
    while ((rc = mlt_cut_skip(&f->cut)) == MLT_AGAIN)
      feed(f);
  } else {
    add(out, ev->key);
    assert_int_equal(mlt_buf_adds(out, ev->list ? "[ " : "{ "), MLT_OK);
  }
  return rc;
}

static enum mlt_rc events(struct feed *f, struct mlt_buf *out) {
  struct mlt_cut_event ev;
  enum mlt_rc rc;
  for (;;) {
    while ((rc = mlt_cut_next(&f->cut, &ev)) == MLT_AGAIN)
      feed(f);
    if (rc == MLT_OK && ev.kind == MLT_CUT_OPEN)
      rc = opened(f, &ev, out);
    else if (rc == MLT_OK && ev.kind == MLT_CUT_CLOSE)
      assert_int_equal(mlt_buf_adds(out, "} "), MLT_OK);
    else if (rc == MLT_OK) {
      add(out, ev.key);
      assert_int_equal(mlt_buf_adds(out, ev.key.p ? ev.escaped ? "~" : "=" : ""), MLT_OK);
      add(out, ev.raw);
      assert_int_equal(mlt_buf_adds(out, " "), MLT_OK);
    }
    if (rc != MLT_OK)
      return rc;
  }
}

static enum mlt_rc cut(const char *text, size_t piece, struct mlt_buf *out, uint64_t *line) {
  struct mlt_err err = MLT_ERR_INIT;
  struct feed f = {.p = text, .left = strlen(text), .piece = piece};
  assert_int_equal(mlt_cut_init(&f.cut, &err), MLT_OK);
  mlt_buf_init(out, 1 << 20);
  enum mlt_rc rc = events(&f, out);
  *line = f.cut.line;
  if (rc == MLT_DATA)
    assert_non_null(f.cut.reason);
  mlt_cut_free(&f.cut);
  return rc;
}

static void expect_cut(const char *text, const char *want) {
  for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
    struct mlt_buf out;
    uint64_t line;
    assert_int_equal(cut(text, piece, &out, &line), MLT_END);
    assert_string_equal(mlt_buf_cstr(&out), want);
    mlt_buf_free(&out);
  }
}

static void a_document_comes_as_its_events(void **state) {
  (void)state;
  expect_cut("{}", "{ } ");
  expect_cut(" [ ] ", "[ } ");
  expect_cut("17", "17 ");
  expect_cut("\"a\\\"b\"\n", "\"a\\\"b\" ");
  expect_cut("{\"a\": 1, \"b\": [true, null, -1.5e3], \"c\": {\"d\": \"x,]}\"}}",
             "{ a=1 b[ true null -1.5e3 } c{ d=\"x,]}\" } } ");
  expect_cut("{\"k\\n\": NaN, \"\": -Infinity}", "{ k\\n~NaN =-Infinity } ");
}

static void values_are_taken_whole_or_skipped(void **state) {
  (void)state;
  expect_cut("{\"a\": 1, \"take\": {\"x\": [1, \"]}\\\"\"]} , \"b\":2}",
             "{ a=1 take=<{\"x\": [1, \"]}\\\"\"]}> b=2 } ");
  expect_cut("{\"skip\": [[], {\"q\": \"\\\\\"}], \"b\": {\"skip\": {}}}", "{ b{ } } ");
}

static void what_is_no_json_is_refused_at_its_line(void **state) {
  static const struct {
    const char *text;
    uint64_t line;
  } bad[] = {
      {"", 1},
      {"{", 1},
      {"{\n\"a\"\n1}", 3},
      {"{\"a\": 1\n\"b\": 2}", 2},
      {"[1,\n2,\n", 3},
      {"[1}", 1},
      {"{\"a\": ]}", 1},
      {"1 2", 1},
      {"[\"a\n\"]", 1},
      {"{\"a\": \"", 1},
      {"{1: 2}", 1},
      {"[,]", 1},
      {"{\"take\": [\n1}", 2},
      {"{\"skip\": {\n\n]", 3},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (size_t piece = 1; piece <= strlen(bad[i].text) + 1; piece++) {
      struct mlt_buf out;
      uint64_t line;
      assert_int_equal(cut(bad[i].text, piece, &out, &line), MLT_DATA);
      assert_int_equal(line, bad[i].line);
      mlt_buf_free(&out);
    }
}

static void depth_has_a_limit(void **state) {
  char text[2 * MLT_JSON_DEPTH + 4];
  struct mlt_buf out;
  uint64_t line;
  (void)state;
  memset(text, '[', MLT_JSON_DEPTH);
  memset(text + MLT_JSON_DEPTH, ']', MLT_JSON_DEPTH);
  text[2 * MLT_JSON_DEPTH] = '\0';
  assert_int_equal(cut(text, 64, &out, &line), MLT_END);
  mlt_buf_free(&out);
  memset(text, '[', MLT_JSON_DEPTH + 1);
  assert_int_equal(cut(text, 64, &out, &line), MLT_DATA);
  mlt_buf_free(&out);
}

/* A long value is refused when it is to be held, and costs nothing when it is skipped. */
static void a_value_has_a_limit(void **state) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_cut_event ev;
  size_t n = MLT_CUT_MAX + 2 * MLT_CUT_CHUNK;
  char *text = malloc(n + 3);
  (void)state;
  assert_non_null(text);
  memset(text, '1', n);
  text[0] = '[';
  for (int skip = 0; skip <= 1; skip++) {
    struct feed f = {.p = text, .left = n, .piece = 1 << 20};
    struct mlt_str raw;
    enum mlt_rc rc;
    assert_int_equal(mlt_cut_init(&f.cut, &err), MLT_OK);
    while ((rc = mlt_cut_next(&f.cut, &ev)) == MLT_AGAIN)
      feed(&f);
    assert_int_equal(rc, MLT_OK);
    while ((rc = skip ? mlt_cut_skip(&f.cut) : mlt_cut_take(&f.cut, &raw)) == MLT_AGAIN)
      feed(&f);
    assert_int_equal(rc, skip ? MLT_DATA : MLT_TOOBIG); /* it never ends */
    assert_true(skip ? f.cut.cap <= 4 * MLT_CUT_CHUNK : f.cut.cap <= 4 * (size_t)MLT_CUT_MAX);
    mlt_cut_free(&f.cut);
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_document_comes_as_its_events),
      cmocka_unit_test(values_are_taken_whole_or_skipped),
      cmocka_unit_test(what_is_no_json_is_refused_at_its_line),
      cmocka_unit_test(depth_has_a_limit),
      cmocka_unit_test(a_value_has_a_limit),
  };
  return cmocka_run_group_tests_name("base/json_cut", tests, NULL, NULL);
}
