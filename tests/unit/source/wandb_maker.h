/* Logs of wandb, made by hand: fields of protocol buffers, records, fragments with either checksum.
 */
#ifndef MLT_TEST_WANDB_MAKER_H
#define MLT_TEST_WANDB_MAKER_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/crc32c.h"

static bool masked; /* which checksum add_record gives */

static inline void put_byte(struct mlt_buf *b, unsigned v) {
  assert_int_equal(mlt_buf_add(b, &(unsigned char){(unsigned char)v}, 1), MLT_OK);
}

static inline void put_varint(struct mlt_buf *b, uint64_t v) {
  for (; v > 127; v >>= 7)
    put_byte(b, 128 | (v & 127));
  put_byte(b, (unsigned)v);
}

static inline void put_int(struct mlt_buf *b, unsigned number, uint64_t v) {
  put_varint(b, number << 3);
  put_varint(b, v);
}

static inline void put_field(struct mlt_buf *b, unsigned number, struct mlt_str s) {
  put_varint(b, number << 3 | 2);
  put_varint(b, s.len);
  if (s.len)
    assert_int_equal(mlt_buf_add(b, s.p, s.len), MLT_OK);
}

static inline void put_text(struct mlt_buf *b, unsigned number, const char *s) {
  put_field(b, number, mlt_str_c(s));
}

/* Field `number` of b becomes the message m, which is emptied. */
static inline void put_message(struct mlt_buf *b, unsigned number, struct mlt_buf *m) {
  put_field(b, number, mlt_buf_str(m));
  mlt_buf_clear(m);
}

static inline void add_fragment(struct mlt_buf *log, unsigned kind, struct mlt_str data) {
  char text[1 + 32768];
  text[0] = (char)kind;
  memcpy(text + 1, data.p, data.len);
  uint32_t sum = masked ? mlt_crc32c_mask(mlt_crc32c(0, text, data.len + 1))
                        : (uint32_t)crc32(0, (unsigned char *)text, (unsigned)data.len + 1);
  for (int i = 0; i < 4; i++)
    put_byte(log, sum >> 8 * i & 255);
  put_byte(log, data.len & 255);
  put_byte(log, (unsigned)(data.len >> 8));
  assert_int_equal(mlt_buf_add(log, text, data.len + 1), MLT_OK);
}

/* In as many fragments as it takes. */
static inline void add_record(struct mlt_buf *log, struct mlt_str data) {
  enum { BLOCK = 32768, HEADER = 7, FULL = 1, FIRST, MIDDLE, LAST };
  bool first = true;
  while (BLOCK - log->len % BLOCK < HEADER)
    put_byte(log, 0);
  do {
    size_t room = BLOCK - log->len % BLOCK - HEADER, n = data.len < room ? data.len : room;
    bool last = n == data.len;
    add_fragment(log,
                 first  ? last ? FULL : FIRST
                 : last ? LAST
                        : MIDDLE,
                 (struct mlt_str){data.p, n});
    data = (struct mlt_str){data.p + n, data.len - n};
    first = false;
  } while (data.len);
}

static inline void begin_log(struct mlt_buf *log) {
  mlt_buf_init(log, 8 << 20);
  assert_int_equal(mlt_buf_add(log, ":W&B\xe1\xbe\0", 7), MLT_OK);
}

#endif
