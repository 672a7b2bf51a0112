/* The framing of wandb's logs: records of every length, fed in pieces, with either checksum; logs
   that end early and logs that are damaged. */
#include "wandb_maker.h"

#include "source/wandb_log.h"

/* Lengths of the records, or "!offset" for damage, then "cut" or "end". */
static void read_log(struct mlt_str log, size_t piece, struct mlt_buf *said) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_wlog l;
  struct mlt_str record;
  bool cut;
  enum mlt_rc rc;
  assert_int_equal(mlt_wlog_init(&l, &err), MLT_OK);
  mlt_buf_clear(said);
  while ((rc = mlt_wlog_next(&l, &record, &cut)) != MLT_END) {
    if (rc == MLT_AGAIN) {
      size_t room, n = piece < log.len ? piece : log.len;
      char *to = mlt_wlog_room(&l, &room);
      n = n < room ? n : room;
      memcpy(to, log.p, n);
      mlt_wlog_fed(&l, n);
      log = (struct mlt_str){log.p + n, log.len - n};
      if (!n)
        mlt_wlog_eof(&l);
    } else if (rc == MLT_DATA) {
      assert_non_null(l.reason);
      assert_int_equal(mlt_buf_printf(said, "!%d ", (int)l.fault_at), MLT_OK);
    } else {
      assert_int_equal(rc, MLT_OK);
      for (size_t i = 0; i < record.len; i++)
        assert_int_equal((unsigned char)record.p[i], i * 7 & 255);
      assert_int_equal(mlt_buf_printf(said, "%zu ", record.len), MLT_OK);
    }
  }
  assert_int_equal(mlt_buf_adds(said, cut ? "cut" : "end"), MLT_OK);
  mlt_wlog_free(&l);
}

static void expect(struct mlt_str log, const char *want) {
  static const size_t pieces[] = {1, 5, 4096, 32768, 1 << 20};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct mlt_buf said;
    mlt_buf_init(&said, 1 << 16);
    read_log(log, pieces[i], &said);
    assert_string_equal(mlt_buf_cstr(&said), want);
    mlt_buf_free(&said);
  }
}

static void add(struct mlt_buf *log, size_t n) {
  static char text[200000];
  for (size_t i = 0; i < n; i++)
    text[i] = (char)(i * 7 & 255);
  add_record(log, (struct mlt_str){text, n});
}

static void records_of_every_length_come_back(void **state) {
  (void)state;
  for (masked = false;; masked = true) {
    struct mlt_buf log;
    begin_log(&log);
    add(&log, 0);
    add(&log, 5);
    add(&log, 100000);
    size_t a = 32768 - log.len % 32768 - 7 - 3; /* leaves no room for a header */
    add(&log, a);
    add(&log, 10);
    size_t b = 32768 - log.len % 32768 - 7 - 7; /* room for a header alone */
    add(&log, b);
    add(&log, 3);
    add(&log, 70000);
    struct mlt_buf want;
    mlt_buf_init(&want, 100);
    assert_int_equal(mlt_buf_printf(&want, "0 5 100000 %zu 10 %zu 3 70000 end", a, b), MLT_OK);
    expect(mlt_buf_str(&log), mlt_buf_cstr(&want));
    mlt_buf_free(&want);
    mlt_buf_free(&log);
    if (masked)
      break;
  }
  masked = false;
}

static void a_log_may_end_anywhere(void **state) {
  struct mlt_buf log, said;
  (void)state;
  begin_log(&log);
  mlt_buf_init(&said, 1 << 16);
  add(&log, 10);
  size_t first = log.len;
  add(&log, 40000);
  for (size_t n = 8; n < log.len; n += n < first + 20 ? 1 : 997) {
    read_log((struct mlt_str){log.p, n}, 4096, &said);
    assert_string_equal(mlt_buf_cstr(&said), n < first ? "cut" : n == first ? "10 end" : "10 cut");
  }
  read_log((struct mlt_str){log.p, 7}, 4096, &said);
  assert_string_equal(mlt_buf_cstr(&said), "end");
  mlt_buf_free(&said);
  mlt_buf_free(&log);
}

static void damage_costs_its_block(void **state) {
  struct mlt_buf log;
  (void)state;
  begin_log(&log);
  add(&log, 10);
  size_t at = log.len;
  add(&log, 20);
  add(&log, 100000); /* begins in the first block */
  add(&log, 30);
  log.p[at + 9] ^= 1;
  expect(mlt_buf_str(&log), "10 !24 30 end");
  log.p[at + 9] ^= 1;
  log.p[at + 6] = 9; /* a kind there is not: the sum is of it, too */
  expect(mlt_buf_str(&log), "10 !24 30 end");
  log.p[at + 6] = 1;
  log.p[2 * 32768 + 100] ^= 1; /* in the middle of the long one */
  expect(mlt_buf_str(&log), "10 20 !65536 30 end");
  log.p[2 * 32768 + 100] ^= 1;
  memset(log.p + at + 4, 0xff, 2); /* longer than the block */
  expect(mlt_buf_str(&log), "10 !24 30 end");
  mlt_buf_free(&log);
}

static void fragments_belong_together(void **state) {
  struct mlt_buf log;
  (void)state;
  begin_log(&log);
  add_fragment(&log, 3, MLT_STR_LIT("lost"));
  add(&log, 4);
  expect(mlt_buf_str(&log), "!7 end"); /* the rest of the block goes with it */
  mlt_buf_free(&log);
  begin_log(&log);
  add_fragment(&log, 2, MLT_STR_LIT("begun"));
  add(&log, 4);
  expect(mlt_buf_str(&log), "!7 end");
  mlt_buf_free(&log);
}

static void what_is_no_log_is_refused_once(void **state) {
  (void)state;
  expect(MLT_STR_LIT("not a log at all, but long enough"), "!0 end");
  expect(MLT_STR_LIT(":W&B\xe1\xbe\x07 a later version"), "!0 end");
  expect(MLT_STR_LIT(":W&"), "!0 end");
  expect(MLT_STR_LIT(""), "!0 end");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_of_every_length_come_back),
      cmocka_unit_test(a_log_may_end_anywhere),
      cmocka_unit_test(damage_costs_its_block),
      cmocka_unit_test(fragments_belong_together),
      cmocka_unit_test(what_is_no_log_is_refused_once),
  };
  return cmocka_run_group_tests_name("source/wandb_log", tests, NULL, NULL);
}
