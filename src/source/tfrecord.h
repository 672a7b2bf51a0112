/* Records of a TFRecord file: u64 length, masked CRC-32C of it, the bytes, masked CRC-32C of them,
   all little-endian. Takes bytes in chunks of any size; the same bytes give the same records
   however they are cut. No I/O. */
#ifndef MLT_SOURCE_TFRECORD_H
#define MLT_SOURCE_TFRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* Of a record that is given whole; a graph may be longer. */
enum { MLT_TFRECORD_MAX = 16 << 20, MLT_TFRECORD_CHUNK = 256 << 10 };

struct mlt_tfrecord {
  struct mlt_buf buf;
  size_t start;
  uint64_t offset; /* in the file, of buf.p[start] */
  uint64_t skip;   /* bytes of a record too long that are still to come */
  bool eof;
};

void mlt_tfrecord_init(struct mlt_tfrecord *r);
void mlt_tfrecord_free(struct mlt_tfrecord *r);
void mlt_tfrecord_reset(struct mlt_tfrecord *r);

/* Where the next bytes go, MLT_TFRECORD_CHUNK of them at most; NULL when out of memory. */
char *mlt_tfrecord_room(struct mlt_tfrecord *r);
void mlt_tfrecord_fed(struct mlt_tfrecord *r, size_t n);
void mlt_tfrecord_eof(struct mlt_tfrecord *r);

/* MLT_OK: *data, valid until the next room, of the record at *offset. MLT_AGAIN: feed more.
   MLT_END: the file is over, perhaps within a record, as is normal while or after it is written.
   MLT_TOOBIG: *data is only the first MLT_TFRECORD_MAX bytes, unchecked; reading goes on behind the
   record. MLT_DATA: a checksum does not match, *why says which: what follows cannot be trusted. */
enum mlt_rc mlt_tfrecord_next(struct mlt_tfrecord *r, struct mlt_str *data, uint64_t *offset,
                              const char **why) MLT_NODISCARD;

#endif
