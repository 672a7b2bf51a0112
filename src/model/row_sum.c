/* A chain of hashes, each the seed of the next, so that every value is in with all its bits; the
   last is of a text, which always mixes: a sum of anything weaker could hide two errors behind each
   other. The SQL in pg/sum.c is the same chain. */
#include "model/row_sum.h"

#include "base/lookup3.h"

static uint64_t text_hash(struct mlt_str s, uint64_t seed) {
  return mlt_lookup3(s.p, s.len, seed);
}

static uint64_t kv_hash(const struct mlt_value *key, const struct mlt_value *value) {
  uint64_t h = text_hash(key->s, 0);
  return value->kind == MLT_V_NULL ? h : text_hash(value->s, h);
}

static uint64_t point_hash(const struct mlt_value *key, const struct mlt_value *step,
                           const struct mlt_value *timestamp, const struct mlt_value *value,
                           const struct mlt_value *is_nan) {
  if (step->kind != MLT_V_INT || timestamp->kind != MLT_V_INT || value->kind != MLT_V_DOUBLE ||
      is_nan->kind != MLT_V_BOOL)
    return text_hash(key->s, 0);
  uint64_t h = mlt_lookup3_u32(is_nan->b, (uint64_t)timestamp->i);
  h = mlt_lookup3_double(value->d, h ^ (uint64_t)step->i);
  return text_hash(key->s, h);
}

#define AT(table, column) (&row[MLT_C_##table##_##column - MLT_C_##table##_key])

uint64_t mlt_row_hash(enum mlt_table table, const struct mlt_value *row) {
  switch (table) {
  case MLT_T_PARAMS:
    return kv_hash(AT(PARAMS, key), AT(PARAMS, value));
  case MLT_T_TAGS:
    return kv_hash(AT(TAGS, key), AT(TAGS, value));
  case MLT_T_METRICS:
    return point_hash(AT(METRICS, key), AT(METRICS, step), AT(METRICS, timestamp),
                      AT(METRICS, value), AT(METRICS, is_nan));
  default:
    return point_hash(AT(LATEST_METRICS, key), AT(LATEST_METRICS, step),
                      AT(LATEST_METRICS, timestamp), AT(LATEST_METRICS, value),
                      AT(LATEST_METRICS, is_nan));
  }
}
