/* Records in few words, for the tests of batch/. */
#ifndef TESTS_BATCH_HELPERS_H
#define TESTS_BATCH_HELPERS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "batch/batch.h"
#include "model/rules.h"

#define S(text) mlt_str_c(text)

static inline struct mlt_batch *new_batch(void) {
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, 0);
  assert_non_null(b);
  return b;
}

static inline void add(struct mlt_batch *b, struct mlt_record rec) {
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_batch_add(b, &rec, &err);
  if (rc != MLT_OK)
    fail_msg("%s", err.msg);
}

static inline void seal(struct mlt_batch *b) {
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_batch_seal(b, &err);
  if (rc != MLT_OK)
    fail_msg("%s", err.msg);
}

static inline struct mlt_record experiment_record(const char *key, const char *name) {
  return (struct mlt_record){.kind = MLT_REC_EXPERIMENT,
                             .experiment = {.key = S(key), .name = S(name)}};
}

static inline struct mlt_record run_record(const char *id) {
  return (struct mlt_record){.kind = MLT_REC_RUN,
                             .run = {.run_uuid = S(id),
                                     .experiment = S("1"),
                                     .user_id = S("u"),
                                     .status = MLT_RUN_FINISHED,
                                     .start_time = {5, true},
                                     .artifact_uri = S("/a")}};
}

static inline struct mlt_record kv_record(enum mlt_rec_kind kind, const char *key,
                                          const char *value) {
  return (struct mlt_record){.kind = kind, .kv = {S(key), S(value)}};
}

static inline struct mlt_record bare(enum mlt_rec_kind kind) {
  return (struct mlt_record){.kind = kind};
}

static inline void add_point(struct mlt_batch *b, const char *key, int64_t step, int64_t ts,
                             double value) {
  add(b, (struct mlt_record){
             .kind = MLT_REC_POINTS,
             .points = {.key = S(key), .n = 1, .timestamp = &ts, .step = &step, .value = &value}});
}

static inline const struct mlt_note *only_note(const struct mlt_batch *b) {
  assert_int_equal(b->notes.n, 1);
  return &b->notes.v[0];
}

static inline void assert_text(struct mlt_str s, const char *expected) {
  if (!mlt_str_is(s, expected))
    fail_msg("'%.*s' is not '%s'", MLT_STR_ARG(s), expected);
}

#endif
