/* Batches with hardly any memory against batches with all they want. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "batch_helpers.h"

static struct mlt_batch *small_batch(size_t max_bytes) {
  struct mlt_limits limits;
  mlt_limits_declared(&limits);
  struct mlt_batch *b = mlt_batch_new(&limits, max_bytes);
  assert_non_null(b);
  return b;
}

static struct mlt_batch_cursor *open_cursor(const struct mlt_batch *b, size_t run) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_batch_cursor *c;
  assert_int_equal(mlt_batch_cursor_open(&c, b, run, &err), MLT_OK);
  return c;
}

static void assert_same_point(const struct mlt_batch *a, const struct mlt_batch_point *p,
                              const struct mlt_batch *b, const struct mlt_batch_point *q) {
  assert_true(mlt_str_eq(a->keys.v[p->key], b->keys.v[q->key]));
  assert_int_equal(p->step, q->step);
  assert_int_equal(p->timestamp, q->timestamp);
  assert_memory_equal(&p->value, &q->value, sizeof p->value); /* -0.0 is not 0.0 here */
  assert_int_equal(p->is_nan, q->is_nan);
}

static void assert_same_points(const struct mlt_batch *a, const struct mlt_batch *b, size_t run) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_batch_cursor *x = open_cursor(a, run), *y = open_cursor(b, run);
  struct mlt_batch_point p, q;
  size_t n = 0;
  for (;; n++) {
    enum mlt_rc rc = mlt_batch_cursor_next(x, &p, &err);
    assert_int_equal(mlt_batch_cursor_next(y, &q, &err), rc);
    if (rc == MLT_END)
      break;
    assert_int_equal(rc, MLT_OK);
    assert_same_point(a, &p, b, &q);
  }
  assert_int_equal(n, a->runs.v[run].points.n);
  assert_int_equal(n, b->runs.v[run].points.n);
  assert_int_equal(mlt_batch_cursor_next(x, &p, &err), MLT_END);
  mlt_batch_cursor_close(x);
  mlt_batch_cursor_close(y);
}

static void assert_same_latest(const struct mlt_batch *a, const struct mlt_batch *b) {
  assert_int_equal(a->latest.n, b->latest.n);
  for (size_t i = 0; i < a->latest.n; i++) {
    assert_int_equal(a->latest.run[i], b->latest.run[i]);
    assert_int_equal(a->latest.key[i], b->latest.key[i]);
    assert_int_equal(a->latest.step[i], b->latest.step[i]);
    assert_int_equal(a->latest.timestamp[i], b->latest.timestamp[i]);
    assert_memory_equal(&a->latest.value[i], &b->latest.value[i], sizeof a->latest.value[i]);
    assert_int_equal(a->latest.is_nan[i], b->latest.is_nan[i]);
  }
}

static void assert_same(const struct mlt_batch *a, const struct mlt_batch *b) {
  assert_int_equal(a->runs.n, b->runs.n);
  for (size_t i = 0; i < a->runs.n; i++) {
    assert_same_points(a, b, i);
    assert_int_equal(a->runs.v[i].latest.first, b->runs.v[i].latest.first);
    assert_int_equal(a->runs.v[i].latest.n, b->runs.v[i].latest.n);
  }
  assert_same_latest(a, b);
  assert_memory_equal(a->counts, b->counts, sizeof a->counts);
  assert_int_equal(mlt_batch_rows(a), mlt_batch_rows(b));
}

/* ---- random input ---- */

static const char *const keys[] = {"b", "a/z", "a", "\xc3\xa9", "loss", "B", "zz", "a/"};
enum { KEYS = sizeof keys / sizeof *keys, PIECE = 40 };

/* How the points of a run are strewn. */
enum shape { SORTED, REVERSED, RANDOM, SHAPES };

static double random_value(void) {
  static const double special[] = {
      0.0, -0.0, 1.0, -1.0, (double)NAN, (double)INFINITY, -2.5, -(double)INFINITY};
  return special[rand() % 8];
}

static void add_piece(struct mlt_batch *const b[2], const char *key, enum shape shape,
                      int64_t *at) {
  int64_t step[PIECE], ts[PIECE];
  double value[PIECE];
  size_t n = (size_t)(rand() % PIECE);
  for (size_t i = 0; i < n; i++) {
    step[i] = shape == SORTED ? (*at)++ : shape == REVERSED ? (*at)-- : rand() % 30 - 5;
    ts[i] = rand() % 2;
    value[i] = random_value();
  }
  for (int i = 0; i < 2; i++)
    add(b[i],
        (struct mlt_record){
            .kind = MLT_REC_POINTS,
            .points = {.key = S(key), .n = n, .timestamp = ts, .step = step, .value = value}});
}

static void add_random_run(struct mlt_batch *const b[2], const char *id) {
  enum shape shape = (enum shape)(rand() % SHAPES);
  bool one_key_after_another = rand() % 2;
  int pieces = rand() % 10 ? rand() % 12 : 300; /* the many make more than one level */
  int64_t at = 0;
  for (int i = 0; i < 2; i++)
    add(b[i], run_record(id));
  for (int i = 0; i < pieces; i++)
    add_piece(b, keys[one_key_after_another ? i * KEYS / pieces : rand() % KEYS], shape, &at);
  for (int i = 0; i < 2; i++)
    add(b[i], bare(MLT_REC_RUN_END));
}

static void whatever_is_spilled_comes_back_as_it_would_from_memory(void **state) {
  (void)state;
  static const size_t limits[] = {1, 30000, 60000, 120000};
  size_t spilled = 0, in_memory = 0;
  srand(20261121);
  for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
    struct mlt_batch *const b[2] = {new_batch(), small_batch(limits[l])};
    for (int round = 0; round < 600; round++) {
      for (int run = rand() % 4; run > 0; run--)
        add_random_run(b, run == 1 ? "r1" : run == 2 ? "r2" : "r3");
      for (int i = 0; i < 2; i++)
        seal(b[i]);
      assert_same(b[0], b[1]);
      assert_same(b[0], b[1]); /* a batch may be written again */
      for (size_t r = 0; r < b[1]->runs.n; r++)
        *(b[1]->runs.v[r].spilled ? &spilled : &in_memory) += 1;
      for (int i = 0; i < 2; i++)
        mlt_batch_reset(b[i]);
    }
    mlt_batch_free(b[0]);
    mlt_batch_free(b[1]);
  }
  assert_true(spilled > 1000);
  assert_true(in_memory > 500);
}

static void equal_points_of_different_extents_are_one_and_the_first_stays(void **state) {
  (void)state;
  struct mlt_batch *b = small_batch(1);
  add(b, run_record("r"));
  add_point(b, "m", 1, 0, -0.0);
  add_point(b, "m", 0, 0, 7.0);
  add_point(b, "m", 1, 0, 0.0);
  add_point(b, "m", 1, 0, (double)NAN);
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
  assert_true(b->runs.v[0].spilled);
  assert_int_equal(b->runs.v[0].points.n, 3);
  assert_int_equal(b->points.n, 0);
  assert_int_equal(b->counts[MLT_T_METRICS].read, 4);
  assert_int_equal(b->counts[MLT_T_METRICS].merged, 1);
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_batch_cursor *c = open_cursor(b, 0);
  struct mlt_batch_point p;
  assert_int_equal(mlt_batch_cursor_next(c, &p, &err), MLT_OK);
  assert_int_equal(p.step, 0);
  assert_int_equal(mlt_batch_cursor_next(c, &p, &err), MLT_OK);
  assert_true(p.value == 0 && signbit(p.value));
  assert_int_equal(mlt_batch_cursor_next(c, &p, &err), MLT_OK);
  assert_true(p.is_nan);
  assert_int_equal(mlt_batch_cursor_next(c, &p, &err), MLT_END);
  mlt_batch_cursor_close(c);
  mlt_batch_free(b);
}

/* ---- memory ---- */

enum { CHUNK = 4096 };

static void add_chunk(struct mlt_batch *b, const char *key, int64_t first, int64_t stride) {
  static int64_t step[CHUNK], ts[CHUNK];
  static double value[CHUNK];
  for (int64_t i = 0; i < CHUNK; i++)
    step[i] = first + i * stride;
  add(b, (struct mlt_record){
             .kind = MLT_REC_POINTS,
             .points = {.key = S(key), .n = CHUNK, .timestamp = ts, .step = step, .value = value}});
}

static void a_run_of_any_size_stays_within_the_limit(void **state) {
  (void)state;
  enum { LIMIT = 1 << 20, CHUNKS = 500 };
  for (int64_t stride = -1; stride <= 1; stride += 2) {
    struct mlt_batch *b = small_batch(LIMIT);
    add(b, run_record("r"));
    for (int64_t i = 0; i < CHUNKS; i++) {
      add_chunk(b, i % 2 ? "x" : "y", stride * i * CHUNK, stride);
      assert_true(mlt_batch_bytes(b) <= LIMIT);
    }
    assert_int_equal(mlt_batch_rows(b) > 0, 1);
    add(b, bare(MLT_REC_RUN_END));
    seal(b);
    assert_int_equal(b->runs.v[0].points.n, CHUNKS * CHUNK);
    assert_true(mlt_batch_rows(b) >= CHUNKS * CHUNK); /* time to flush */
    assert_true(mlt_batch_bytes(b) <= LIMIT);
    mlt_batch_free(b);
  }
}

/* ---- folders that fail ---- */

static enum mlt_rc try_to_spill(struct mlt_err *err) {
  struct mlt_batch *b = small_batch(1);
  add(b, run_record("r"));
  int64_t steps[CHUNK] = {0}, stamps[CHUNK];
  double values[CHUNK] = {0};
  for (int i = 0; i < CHUNK; i++)
    stamps[i] = i;
  struct mlt_record rec = {
      .kind = MLT_REC_POINTS,
      .points = {.key = S("m"), .n = CHUNK, .timestamp = stamps, .step = steps, .value = values}};
  enum mlt_rc rc = mlt_batch_add(b, &rec, err);
  mlt_batch_free(b);
  return rc;
}

static void a_missing_folder_is_named(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  setenv("TMPDIR", "/nowhere/at-all", 1);
  assert_int_equal(try_to_spill(&err), MLT_CANTCREAT);
  assert_non_null(strstr(err.msg, "/nowhere/at-all"));
  assert_non_null(strstr(err.hint, "TMPDIR"));
  unsetenv("TMPDIR");
}

static void a_full_folder_is_named(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct rlimit old, tight;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  tight = (struct rlimit){.rlim_cur = 100 * 1000, .rlim_max = old.rlim_max};
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
  enum mlt_rc rc = try_to_spill(&err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
  assert_int_equal(rc, mlt_errno_class(EFBIG));
  assert_non_null(strstr(err.msg, "cannot write to a temporary file in /tmp"));
  assert_non_null(strstr(err.hint, "TMPDIR"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_is_spilled_comes_back_as_it_would_from_memory),
      cmocka_unit_test(equal_points_of_different_extents_are_one_and_the_first_stays),
      cmocka_unit_test(a_run_of_any_size_stays_within_the_limit),
      cmocka_unit_test(a_missing_folder_is_named),
      cmocka_unit_test(a_full_folder_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
