/* See tf_event.h. */
#include "source/tf_event.h"

#include <math.h>
#include <string.h>

static bool is_bytes(const struct mlt_pb_field *f, uint32_t number) {
  return f->number == number && f->wire == MLT_PB_BYTES;
}

static bool is_varint(const struct mlt_pb_field *f, uint32_t number) {
  return f->number == number && f->wire == MLT_PB_VARINT;
}

/* ---- Event ---- */

static bool is_start(struct mlt_str session_log) {
  struct mlt_pb pb = mlt_pb_of(session_log);
  struct mlt_pb_field f;
  bool start = false;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK)
    if (is_varint(&f, 1)) /* status; 1 is START */
      start = f.u == 1;
  return start;
}

static void take_event(struct mlt_tf_event *e, const struct mlt_pb_field *f) {
  if (f->number == 1 && f->wire == MLT_PB_FIXED64)
    e->wall_time = mlt_pb_double(f->u);
  else if (is_varint(f, 2))
    e->step = (int64_t)f->u;
  else if (is_bytes(f, 3))
    e->file_version = f->bytes;
  else if (is_bytes(f, 5))
    e->summary = f->bytes;
  else if (is_bytes(f, 7))
    e->start = is_start(f->bytes);
  else if (is_bytes(f, 4) || is_bytes(f, 9))
    e->graph = true;
}

/* Only the key and length of a field are there. */
static void take_cut(struct mlt_tf_event *e, struct mlt_pb pb) {
  uint64_t key;
  if (mlt_pb_varint(&pb, &key, NULL) != MLT_OK || (key & 7) != MLT_PB_BYTES || key >> 3 > 100)
    return;
  struct mlt_pb_field f = {.number = (uint32_t)(key >> 3),
                           .wire = MLT_PB_BYTES,
                           .bytes = {(const char *)pb.p, (size_t)(pb.end - pb.p)}};
  if (f.number != 7)
    take_event(e, &f);
}

enum mlt_rc mlt_tf_event(struct mlt_str record, bool cut, struct mlt_tf_event *out,
                         const char **why) {
  struct mlt_pb pb = mlt_pb_of(record);
  struct mlt_pb_field f;
  enum mlt_rc rc;
  *out = (struct mlt_tf_event){.step = 0};
  while ((rc = mlt_pb_next(&pb, &f, why)) == MLT_OK)
    take_event(out, &f);
  if (rc == MLT_DATA && cut) {
    take_cut(out, pb);
    return MLT_OK;
  }
  return rc == MLT_END ? MLT_OK : rc;
}

/* ---- Summary.Value ---- */

static void take_metadata(struct mlt_tf_value *v, struct mlt_str metadata) {
  struct mlt_pb pb = mlt_pb_of(metadata);
  struct mlt_pb_field f;
  v->has_metadata = true;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK) {
    if (!is_bytes(&f, 1))
      continue;
    struct mlt_pb data = mlt_pb_of(f.bytes);
    while (mlt_pb_next(&data, &f, NULL) == MLT_OK)
      if (is_bytes(&f, 1))
        v->plugin = f.bytes;
      else if (is_bytes(&f, 2))
        v->content = f.bytes;
  }
}

static void take_value(struct mlt_tf_value *v, const struct mlt_pb_field *f) {
  if (f->number == 2 && f->wire == MLT_PB_FIXED32) {
    v->kind = MLT_TF_SIMPLE;
    v->simple = (double)mlt_pb_float((uint32_t)f->u);
    return;
  }
  if (f->wire != MLT_PB_BYTES)
    return;
  switch (f->number) {
  case 1:
    v->tag = f->bytes;
    break;
  case 4:
    v->kind = MLT_TF_IMAGE;
    break;
  case 5:
    v->kind = MLT_TF_HISTOGRAM;
    break;
  case 6:
    v->kind = MLT_TF_AUDIO;
    break;
  case 8:
    v->kind = MLT_TF_TENSOR;
    v->tensor = f->bytes;
    break;
  case 9:
    take_metadata(v, f->bytes);
    break;
  default:
    break;
  }
}

enum mlt_rc mlt_tf_value(struct mlt_pb *summary, struct mlt_tf_value *out, const char **why) {
  struct mlt_pb_field f;
  enum mlt_rc rc;
  *out = (struct mlt_tf_value){.tag = MLT_STR_LIT("")};
  do
    rc = mlt_pb_next(summary, &f, why);
  while (rc == MLT_OK && !is_bytes(&f, 1));
  if (rc != MLT_OK)
    return rc;
  struct mlt_pb pb = mlt_pb_of(f.bytes);
  while ((rc = mlt_pb_next(&pb, &f, why)) == MLT_OK)
    take_value(out, &f);
  return rc == MLT_END ? MLT_OK : rc;
}

/* ---- TensorProto ---- */

enum dtype { /* tensorflow/core/framework/types.proto */
             DT_FLOAT = 1,
             DT_DOUBLE = 2,
             DT_INT32 = 3,
             DT_UINT8 = 4,
             DT_INT16 = 5,
             DT_INT8 = 6,
             DT_INT64 = 9,
             DT_BOOL = 10,
             DT_BFLOAT16 = 14,
             DT_UINT16 = 17,
             DT_HALF = 19,
             DT_UINT32 = 22,
             DT_UINT64 = 23
};

/* Which field holds values of the type, and how wide they are in tensor_content. */
static const struct {
  enum dtype type;
  uint32_t field;
  unsigned bytes;
} types[] = {
    {DT_FLOAT, 5, 4},   {DT_DOUBLE, 6, 8}, {DT_INT32, 7, 4},   {DT_UINT8, 7, 1},
    {DT_INT16, 7, 2},   {DT_INT8, 7, 1},   {DT_INT64, 10, 8},  {DT_BOOL, 11, 1},
    {DT_UINT16, 7, 2},  {DT_HALF, 13, 2},  {DT_UINT32, 16, 4}, {DT_BFLOAT16, 13, 2},
    {DT_UINT64, 17, 8},
};

struct tensor {
  uint64_t type;
  bool has_shape, one; /* one: every dimension is 1 */
  struct mlt_str content;
  uint64_t bits[32]; /* by field number: the last value of it */
  size_t n[32];      /* how many */
};

static double half(uint16_t h) {
  int exponent = (h >> 10) & 31, fraction = h & 1023;
  double v = exponent == 31 ? (fraction ? NAN : INFINITY)
             : exponent     ? ldexp(1024 + fraction, exponent - 25)
                            : ldexp(fraction, -24);
  return h & 0x8000 ? -v : v;
}

static double number_of(enum dtype type, uint64_t bits) {
  switch (type) {
  case DT_FLOAT:
    return (double)mlt_pb_float((uint32_t)bits);
  case DT_DOUBLE:
    return mlt_pb_double(bits);
  case DT_HALF:
    return half((uint16_t)bits);
  case DT_BFLOAT16:
    return (double)mlt_pb_float((uint32_t)(bits & 0xffff) << 16);
  case DT_INT8:
    return (double)(int8_t)bits;
  case DT_INT16:
    return (double)(int16_t)bits;
  case DT_INT32:
    return (double)(int32_t)bits;
  case DT_INT64:
    return (double)(int64_t)bits;
  default:
    return (double)bits;
  }
}

static bool dimensions_are_one(struct mlt_str shape) {
  struct mlt_pb pb = mlt_pb_of(shape), dim;
  struct mlt_pb_field f;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK) {
    if (!is_bytes(&f, 2))
      continue;
    uint64_t size = 0;
    dim = mlt_pb_of(f.bytes);
    while (mlt_pb_next(&dim, &f, NULL) == MLT_OK)
      size = is_varint(&f, 1) ? f.u : size;
    if (size != 1)
      return false;
  }
  return true;
}

/* Numbers of one field, packed or not. */
static bool take_numbers(struct tensor *t, const struct mlt_pb_field *f) {
  if (f->wire != MLT_PB_BYTES) {
    t->bits[f->number] = f->u;
    t->n[f->number]++;
    return true;
  }
  size_t width = f->number == 5 ? 4 : f->number == 6 ? 8 : 0;
  struct mlt_pb pb = mlt_pb_of(f->bytes);
  if (width && f->bytes.len % width)
    return false;
  while (pb.p < pb.end) {
    if (width) {
      t->bits[f->number] = width == 4 ? mlt_pb_le32(pb.p) : mlt_pb_le64(pb.p);
      pb.p += width;
    } else if (mlt_pb_varint(&pb, &t->bits[f->number], NULL) != MLT_OK) {
      return false;
    }
    t->n[f->number]++;
  }
  return true;
}

static bool is_numbers(uint32_t field) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].field == field)
      return true;
  return false;
}

static bool read_tensor(struct mlt_str tensor, struct tensor *t) {
  struct mlt_pb pb = mlt_pb_of(tensor);
  struct mlt_pb_field f;
  enum mlt_rc rc;
  *t = (struct tensor){.one = true};
  while ((rc = mlt_pb_next(&pb, &f, NULL)) == MLT_OK) {
    if (is_varint(&f, 1))
      t->type = f.u;
    else if (is_bytes(&f, 2))
      t->one = dimensions_are_one(f.bytes);
    else if (is_bytes(&f, 4))
      t->content = f.bytes;
    else if (is_numbers(f.number) && !take_numbers(t, &f))
      return false;
  }
  return rc == MLT_END;
}

static uint64_t little_endian(struct mlt_str s) {
  uint64_t v = 0;
  for (size_t i = s.len; i-- > 0;)
    v = v << 8 | (unsigned char)s.p[i];
  return v;
}

bool mlt_tf_number(struct mlt_str tensor, double *out, const char **why) {
  struct tensor t;
  if (!read_tensor(tensor, &t)) {
    *why = "its tensor cannot be read";
    return false;
  }
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (types[i].type != t.type)
      continue;
    bool content = t.content.len == types[i].bytes;
    if (!t.one || (!content && t.n[types[i].field] != 1)) {
      *why = "its tensor does not hold one number";
      return false;
    }
    *out = number_of(types[i].type, content ? little_endian(t.content) : t.bits[types[i].field]);
    return true;
  }
  *why = "its tensor is of a type that is no number";
  return false;
}

/* ---- hparams ---- */

struct mlt_str mlt_tf_session(struct mlt_str content, bool *failed) {
  struct mlt_pb pb = mlt_pb_of(content), end;
  struct mlt_pb_field f;
  struct mlt_str session = MLT_STR_NULL;
  *failed = false;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK) {
    if (is_bytes(&f, 3))
      session = f.bytes;
    if (!is_bytes(&f, 4))
      continue;
    end = mlt_pb_of(f.bytes);
    while (mlt_pb_next(&end, &f, NULL) == MLT_OK)
      if (is_varint(&f, 1)) /* status; 2 is FAILURE */
        *failed = f.u == 2;
  }
  return session;
}

/* google.protobuf.Value */
static void take_param(struct mlt_tf_param *p, struct mlt_str value) {
  struct mlt_pb pb = mlt_pb_of(value);
  struct mlt_pb_field f;
  while (mlt_pb_next(&pb, &f, NULL) == MLT_OK) {
    if (f.number == 2 && f.wire == MLT_PB_FIXED64) {
      p->kind = MLT_TF_PARAM_NUMBER;
      p->number = mlt_pb_double(f.u);
    } else if (is_bytes(&f, 3)) {
      p->kind = MLT_TF_PARAM_TEXT;
      p->text = f.bytes;
    } else if (is_varint(&f, 4)) {
      p->kind = MLT_TF_PARAM_BOOL;
      p->number = f.u ? 1 : 0;
    }
  }
}

enum mlt_rc mlt_tf_param(struct mlt_pb *session, struct mlt_tf_param *out, const char **why) {
  struct mlt_pb_field f;
  enum mlt_rc rc;
  *out = (struct mlt_tf_param){.key = MLT_STR_LIT("")};
  do
    rc = mlt_pb_next(session, &f, why);
  while (rc == MLT_OK && !is_bytes(&f, 1));
  if (rc != MLT_OK)
    return rc;
  struct mlt_pb entry = mlt_pb_of(f.bytes);
  while ((rc = mlt_pb_next(&entry, &f, why)) == MLT_OK)
    if (is_bytes(&f, 1))
      out->key = f.bytes;
    else if (is_bytes(&f, 2))
      take_param(out, f.bytes);
  return rc == MLT_END ? MLT_OK : rc;
}
