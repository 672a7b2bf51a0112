#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"

static void the_vectors_of_rfc_3720_come_out(void **state) {
  unsigned char b[32];
  (void)state;
  memset(b, 0, sizeof b);
  assert_int_equal(mlt_crc32c(0, b, sizeof b), 0x8a9136aaU);
  memset(b, 0xff, sizeof b);
  assert_int_equal(mlt_crc32c(0, b, sizeof b), 0x62a8ab43U);
  for (unsigned char i = 0; i < sizeof b; i++)
    b[i] = i;
  assert_int_equal(mlt_crc32c(0, b, sizeof b), 0x46dd794eU);
  for (unsigned char i = 0; i < sizeof b; i++)
    b[i] = (unsigned char)(31 - i);
  assert_int_equal(mlt_crc32c(0, b, sizeof b), 0x113fdb5cU);
  static const unsigned char scsi_read[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0,    0};
  assert_int_equal(mlt_crc32c(0, scsi_read, sizeof scsi_read), 0xd9963a56U);
  assert_int_equal(mlt_crc32c(0, "123456789", 9), 0xe3069283U);
  assert_int_equal(mlt_crc32c(0, "", 0), 0);
}

static void parts_give_what_the_whole_gives(void **state) {
  unsigned char b[100];
  (void)state;
  for (size_t i = 0; i < sizeof b; i++)
    b[i] = (unsigned char)(i * 37);
  uint32_t whole = mlt_crc32c(0, b, sizeof b);
  for (size_t cut = 0; cut <= sizeof b; cut++)
    assert_int_equal(mlt_crc32c(mlt_crc32c(0, b, cut), b + cut, sizeof b - cut), whole);
}

/* As leveldb/util/crc32c_test.cc: Mask(Value("foo")), and the constant of util/crc32c.h. */
static void a_mask_turns_and_adds(void **state) {
  (void)state;
  assert_int_equal(mlt_crc32c_mask(0), 0xa282ead8U);
  assert_int_equal(mlt_crc32c_mask(0x8000), 0xa282ead9U);
  assert_int_equal(mlt_crc32c_mask(1), 0xa282ead8U + 0x20000U);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_vectors_of_rfc_3720_come_out),
      cmocka_unit_test(parts_give_what_the_whole_gives),
      cmocka_unit_test(a_mask_turns_and_adds),
  };
  return cmocka_run_group_tests_name("base/crc32c", tests, NULL, NULL);
}
