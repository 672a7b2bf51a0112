#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "batch_helpers.h"

static void assert_point(const struct mlt_batch *b, const struct mlt_batch_points *p, size_t i,
                         const char *key, int64_t step, double value, bool is_nan) {
  assert_true(i < p->n);
  assert_text(b->keys.v[p->key[i]], key);
  assert_int_equal(p->step[i], step);
  assert_true(p->value[i] == value);
  assert_int_equal(p->is_nan[i], is_nan);
}

static void points_are_sorted_by_key_and_step_and_repeats_are_merged(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, run_record("r"));
  add_point(b, "b", 2, 0, 1.0);
  add_point(b, "a", 7, 0, 1.5);
  add_point(b, "b", 1, 0, 2.0);
  add_point(b, "b", 2, 0, 1.0);
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
  assert_int_equal(b->points.n, 3);
  assert_point(b, &b->points, 0, "a", 7, 1.5, false);
  assert_point(b, &b->points, 1, "b", 1, 2.0, false);
  assert_point(b, &b->points, 2, "b", 2, 1.0, false);
  assert_int_equal(b->latest.n, 2);
  assert_point(b, &b->latest, 0, "a", 7, 1.5, false);
  assert_point(b, &b->latest, 1, "b", 2, 1.0, false);
  assert_int_equal(b->counts[MLT_T_METRICS].read, 4);
  assert_int_equal(b->counts[MLT_T_METRICS].merged, 1);
  assert_int_equal(b->counts[MLT_T_LATEST_METRICS].read, 2);
  mlt_batch_free(b);
}

static void nan_and_infinities_are_mapped_as_mlflow_does(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, run_record("r"));
  add_point(b, "m", 0, 0, (double)NAN);
  add_point(b, "m", 1, 0, (double)INFINITY);
  add_point(b, "m", 2, 0, -(double)INFINITY);
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
  assert_point(b, &b->points, 0, "m", 0, 0.0, true);
  assert_point(b, &b->points, 1, "m", 1, DBL_MAX, false);
  assert_point(b, &b->points, 2, "m", 2, -DBL_MAX, false);
  mlt_batch_free(b);
}

static void zero_and_minus_zero_are_one_point_but_nan_is_another(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  add(b, run_record("r"));
  add_point(b, "m", 0, 0, (double)NAN);
  add_point(b, "m", 0, 0, -0.0);
  add_point(b, "m", 0, 0, 0.0);
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
  assert_int_equal(b->points.n, 2);
  assert_true(signbit(b->points.value[0])); /* the first of the two zeros to arrive */
  assert_int_equal(b->points.is_nan[1], 1);
  mlt_batch_free(b);
}

static void a_tie_for_the_latest_keeps_the_earlier_to_arrive(void **state) {
  (void)state;
  const double orders[2][2] = {{(double)NAN, 0.0}, {0.0, (double)NAN}};
  for (int i = 0; i < 2; i++) {
    struct mlt_batch *b = new_batch();
    add(b, run_record("r"));
    add_point(b, "m", 3, 9, orders[i][0]);
    add_point(b, "m", 3, 9, orders[i][1]);
    add(b, bare(MLT_REC_RUN_END));
    seal(b);
    assert_int_equal(b->points.n, 2);
    assert_int_equal(b->latest.is_nan[0], i == 0);
    mlt_batch_free(b);
  }
}

static void each_run_knows_its_ranges(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  for (int r = 0; r < 3; r++) {
    add(b, run_record(r == 0 ? "r0" : r == 1 ? "r1" : "r2"));
    for (int i = 0; i < r; i++) {
      add_point(b, "z", 1, 0, i);
      add_point(b, "k", 0, 0, i);
    }
    add(b, bare(MLT_REC_RUN_END));
  }
  seal(b);
  assert_int_equal(b->runs.v[0].points.n, 0);
  assert_int_equal(b->runs.v[1].points.first, 0);
  assert_int_equal(b->runs.v[1].points.n, 2);
  assert_int_equal(b->runs.v[2].points.first, 2);
  assert_int_equal(b->runs.v[2].points.n, 4);
  assert_int_equal(b->runs.v[2].latest.first, 2);
  assert_int_equal(b->runs.v[2].latest.n, 2);
  mlt_batch_free(b);
}

static void a_key_too_long_rejects_all_its_points(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  char key[252];
  memset(key, 'k', 251);
  key[251] = '\0';
  int64_t zero[3] = {0, 1, 2};
  double value[3] = {0};
  add(b, run_record("r"));
  add(b, (struct mlt_record){
             .kind = MLT_REC_POINTS,
             .points = {.key = S(key), .n = 3, .timestamp = zero, .step = zero, .value = value}});
  add(b, bare(MLT_REC_RUN_END));
  seal(b);
  assert_int_equal(b->points.n, 0);
  assert_int_equal(b->counts[MLT_T_METRICS].read, 3);
  assert_int_equal(b->counts[MLT_T_METRICS].rejected, 3);
  assert_int_equal(b->counts[MLT_T_LATEST_METRICS].read, 0);
  assert_string_equal(only_note(b)->code, "too-long");
  assert_int_equal(only_note(b)->rows, 3);
  assert_text(only_note(b)->reason, "its key has 251 characters; the column metrics.key holds 250");
  mlt_batch_free(b);
}

static void an_odd_key_is_kept_and_noted_once_a_run(void **state) {
  (void)state;
  struct mlt_batch *b = new_batch();
  for (int r = 0; r < 2; r++) {
    add(b, run_record(r ? "r1" : "r0"));
    add_point(b, "a@b", 0, 0, 1);
    add_point(b, "a@b", 1, 0, 1);
    add(b, bare(MLT_REC_RUN_END));
  }
  seal(b);
  assert_int_equal(b->points.n, 4);
  assert_int_equal(b->notes.n, 2);
  assert_string_equal(b->notes.v[0].code, "odd-key");
  assert_int_equal(b->notes.v[0].kind, MLT_NOTE_CHANGED);
  assert_text(b->notes.v[1].id, "r1");
  assert_int_equal(b->counts[MLT_T_METRICS].changed, 0);
  mlt_batch_free(b);
}

/* The same by the shortest road: sort all by definition, drop what equals its predecessor. */
struct naive {
  int run, key;
  int64_t step, ts;
  double value; /* raw */
};

static const char *const naive_keys[] = {"b", "a/z", "a", "\xc3\xa9", "loss"};

static double mapped(const struct naive *p, bool *is_nan) {
  return mlt_metric_map(p->value, is_nan);
}

static int naive_compare(const void *x, const void *y) {
  const struct naive *a = x, *b = y;
  if (a->run != b->run)
    return a->run - b->run;
  int key = strcmp(naive_keys[a->key], naive_keys[b->key]);
  if (key)
    return key;
  if (a->step != b->step)
    return a->step < b->step ? -1 : 1;
  if (a->ts != b->ts)
    return a->ts < b->ts ? -1 : 1;
  bool an, bn;
  double av = mapped(a, &an), bv = mapped(b, &bn);
  if (av < bv || av > bv)
    return av < bv ? -1 : 1;
  return an - bn;
}

static double random_value(void) {
  static const double special[] = {0.0, -0.0, 1.0, -1.0, (double)NAN, (double)INFINITY, 2.5};
  return special[rand() % 7];
}

/* Insertion sort: stable. */
static size_t naive_seal(struct naive *p, size_t n) {
  for (size_t i = 1; i < n; i++)
    for (size_t k = i; k && naive_compare(&p[k - 1], &p[k]) > 0; k--) {
      struct naive t = p[k];
      p[k] = p[k - 1];
      p[k - 1] = t;
    }
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (kept == 0 || naive_compare(&p[kept - 1], &p[i]) != 0)
      p[kept++] = p[i];
  return kept;
}

static void check_points(const struct mlt_batch *b, const struct naive *p, size_t n) {
  assert_int_equal(b->points.n, n);
  for (size_t i = 0; i < n; i++) {
    bool is_nan;
    double value = mapped(&p[i], &is_nan);
    assert_int_equal(b->points.run[i], p[i].run);
    assert_text(b->keys.v[b->points.key[i]], naive_keys[p[i].key]);
    assert_int_equal(b->points.step[i], p[i].step);
    assert_int_equal(b->points.timestamp[i], p[i].ts);
    assert_memory_equal(&b->points.value[i], &value, sizeof value);
    assert_int_equal(b->points.is_nan[i], is_nan);
  }
}

static void check_latest(const struct mlt_batch *b, const struct naive *arrived, size_t n) {
  for (size_t i = 0; i < b->latest.n; i++) {
    const struct naive *best = NULL;
    for (size_t k = 0; k < n; k++) {
      const struct naive *p = &arrived[k];
      bool ignored;
      if (p->run == (int)b->latest.run[i] &&
          mlt_str_is(b->keys.v[b->latest.key[i]], naive_keys[p->key]) &&
          (!best || mlt_metric_later(p->step, p->ts, mapped(p, &ignored), best->step, best->ts,
                                     mapped(best, &ignored))))
        best = p;
    }
    assert_non_null(best);
    bool is_nan;
    double value = mapped(best, &is_nan);
    assert_int_equal(b->latest.step[i], best->step);
    assert_int_equal(b->latest.timestamp[i], best->ts);
    assert_memory_equal(&b->latest.value[i], &value, sizeof value);
    assert_int_equal(b->latest.is_nan[i], is_nan);
    if (i)
      assert_true(b->latest.run[i] > b->latest.run[i - 1] ||
                  mlt_str_cmp(b->keys.v[b->latest.key[i]], b->keys.v[b->latest.key[i - 1]]) > 0);
  }
}

/* A few runs of points in pieces of one key each, as a source gives them. */
static size_t random_points(struct mlt_batch *b, struct naive *out) {
  size_t n = 0;
  for (int run = 0; run < 3; run++) {
    add(b, run_record(run == 0 ? "r0" : run == 1 ? "r1" : "r2"));
    for (int pieces = rand() % 6; pieces > 0; pieces--) {
      int64_t step[12], ts[12];
      double value[12];
      size_t count = (size_t)(rand() % 12);
      int key = rand() % 5;
      bool ascending = rand() % 2;
      for (size_t i = 0; i < count; i++) {
        step[i] = ascending ? (int64_t)i : rand() % 4 - 1;
        ts[i] = rand() % 2;
        value[i] = random_value();
        out[n++] = (struct naive){run, key, step[i], ts[i], value[i]};
      }
      add(b, (struct mlt_record){.kind = MLT_REC_POINTS,
                                 .points = {.key = S(naive_keys[key]),
                                            .n = count,
                                            .timestamp = ts,
                                            .step = step,
                                            .value = value}});
    }
    add(b, bare(MLT_REC_RUN_END));
  }
  return n;
}

static void random_points_are_as_by_the_naive_way(void **state) {
  (void)state;
  srand(20240229);
  struct mlt_batch *b = new_batch();
  for (int round = 0; round < 2000; round++) {
    struct naive arrived[3 * 6 * 12], sorted[3 * 6 * 12];
    size_t n = random_points(b, arrived);
    memcpy(sorted, arrived, n * sizeof *sorted);
    size_t kept = naive_seal(sorted, n);
    seal(b);
    check_points(b, sorted, kept);
    check_latest(b, arrived, n);
    assert_int_equal(b->counts[MLT_T_METRICS].read, n);
    assert_int_equal(b->counts[MLT_T_METRICS].merged, n - kept);
    mlt_batch_reset(b);
  }
  mlt_batch_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(points_are_sorted_by_key_and_step_and_repeats_are_merged),
      cmocka_unit_test(nan_and_infinities_are_mapped_as_mlflow_does),
      cmocka_unit_test(zero_and_minus_zero_are_one_point_but_nan_is_another),
      cmocka_unit_test(a_tie_for_the_latest_keeps_the_earlier_to_arrive),
      cmocka_unit_test(each_run_knows_its_ranges),
      cmocka_unit_test(a_key_too_long_rejects_all_its_points),
      cmocka_unit_test(an_odd_key_is_kept_and_noted_once_a_run),
      cmocka_unit_test(random_points_are_as_by_the_naive_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
