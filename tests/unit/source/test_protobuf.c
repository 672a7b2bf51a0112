#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "source/protobuf.h"

/* The examples of protobuf.dev/programming-guides/encoding, and one field of each wire type. */
static void every_kind_of_field_is_read(void **state) {
  static const char text[] = "\x08\x96\x01"
                             "\x12\x07testing"
                             "\x19\0\0\0\0\0\0\xf8\x3f"
                             "\x25\0\0\x20\x40"
                             "\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  struct mlt_pb pb = mlt_pb_of(((struct mlt_str){text, sizeof text - 1}));
  struct mlt_pb_field f;
  (void)state;
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_OK);
  assert_int_equal(f.number, 1);
  assert_int_equal(f.wire, MLT_PB_VARINT);
  assert_int_equal(f.u, 150);
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_OK);
  assert_int_equal(f.number, 2);
  assert_true(mlt_str_is(f.bytes, "testing"));
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_OK);
  assert_int_equal(f.wire, MLT_PB_FIXED64);
  assert_true(mlt_pb_double(f.u) == 1.5);
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_OK);
  assert_int_equal(f.wire, MLT_PB_FIXED32);
  assert_true(mlt_pb_float(f.u) == 2.5F);
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_OK);
  assert_true((int64_t)f.u == -1);
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_END);
}

static void packed_numbers_are_read(void **state) {
  struct mlt_pb pb = mlt_pb_of(MLT_STR_LIT("\x03\x8e\x02\x9e\xa7\x05"));
  const uint64_t want[] = {3, 270, 86942};
  uint64_t u;
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(mlt_pb_varint(&pb, &u, NULL), MLT_OK);
    assert_int_equal(u, want[i]);
  }
  assert_int_equal(mlt_pb_varint(&pb, &u, NULL), MLT_END);
}

static void what_is_no_message_is_refused_where_it_begins(void **state) {
  const struct mlt_str
      good = MLT_STR_LIT("\x08\x01"),
      bad[] = {
          MLT_STR_LIT("\x08"),                                             /* no value */
          MLT_STR_LIT("\x08\x80"),                                         /* half a number */
          MLT_STR_LIT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),     /* 65 bits */
          MLT_STR_LIT("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), /* 11 bytes */
          MLT_STR_LIT("\x12\x05"
                      "abcd"),                                         /* too short */
          MLT_STR_LIT("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* longer than memory */
          MLT_STR_LIT("\x09\1\2\3\4\5\6\7"),
          MLT_STR_LIT("\x0d\1\2\3"),
          MLT_STR_LIT("\x0b\x0c"), /* a group */
          MLT_STR_LIT("\x0e\x00"),
          MLT_STR_LIT("\x00\x00"), /* field 0 */
          MLT_STR_LIT("\x80\x80\x80\x80\x10\x00"),
      };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[64];
    struct mlt_pb_field f;
    const char *why = NULL;
    memcpy(text, good.p, good.len);
    memcpy(text + good.len, bad[i].p, bad[i].len);
    struct mlt_pb pb = mlt_pb_of((struct mlt_str){text, good.len + bad[i].len});
    assert_int_equal(mlt_pb_next(&pb, &f, &why), MLT_OK);
    assert_int_equal(mlt_pb_next(&pb, &f, &why), MLT_DATA);
    assert_non_null(why);
    assert_ptr_equal(pb.p, text + good.len);
  }
}

static void an_empty_message_has_no_fields(void **state) {
  struct mlt_pb pb = mlt_pb_of(MLT_STR_NULL);
  struct mlt_pb_field f;
  (void)state;
  assert_int_equal(mlt_pb_next(&pb, &f, NULL), MLT_END);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_field_is_read),
      cmocka_unit_test(packed_numbers_are_read),
      cmocka_unit_test(what_is_no_message_is_refused_where_it_begins),
      cmocka_unit_test(an_empty_message_has_no_fields),
  };
  return cmocka_run_group_tests_name("source/protobuf", tests, NULL, NULL);
}
