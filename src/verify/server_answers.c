/* What the server answers about a run, set against what the database says. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/mix.h"
#include "verify/server.h"

/* MLflow stores NaN as 0 beside a flag, and gives it out as NaN. */
static double shown_value(struct mlt_metric_point p) {
  return p.is_nan ? (double)NAN : p.value;
}

void mlt_server_sum(struct mlt_point_sum *s, struct mlt_metric_point p) {
  double value = shown_value(p) + 0.0; /* -0.0 and 0.0 are one in MLflow's key */
  uint64_t bits = 1;                   /* of NaN, whatever its bits are */
  if (!(value != value))
    memcpy(&bits, &value, sizeof bits);
  uint64_t h = mlt_mix64((uint64_t)p.step + 0x9e3779b97f4a7c15u);
  h = mlt_mix64(h ^ (uint64_t)p.timestamp);
  s->sum += mlt_mix64(h ^ bits);
  s->n++;
}

size_t mlt_server_point(char out[MLT_SERVER_POINT], struct mlt_metric_point p) {
  char value[MLT_DOUBLE_TEXT];
  (void)mlt_text_double(value, shown_value(p) + 0.0);
  int n = snprintf(out, MLT_SERVER_POINT, "step %" PRId64 ", time %" PRId64 ", value %s", p.step,
                   p.timestamp, value);
  return n < 0 ? 0 : (size_t)n;
}

enum mlt_rc mlt_server_name(struct mlt_server *s, const char *kind, struct mlt_str key) {
  mlt_buf_clear(&s->name);
  enum mlt_rc rc = mlt_buf_adds(&s->name, kind);
  if (rc == MLT_OK && key.p)
    rc = mlt_buf_add(&s->name, " ", 1);
  return rc == MLT_OK ? mlt_buf_add(&s->name, key.p ? key.p : "", key.len) : rc;
}

void mlt_server_found(struct mlt_server *s, enum mlt_finding_id what, struct mlt_str field,
                      const char *fmt, ...) {
  char text[1200];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  const struct mlt_finding f = {.what = what,
                                .table = MLT_T_RUNS,
                                .id = s->run,
                                .experiment = mlt_str_c(s->experiment),
                                .field = field};
  mlt_verify_foundf(s->v, &f, "%s", text);
}

/* ---- one fact ---- */

static const char *none_or_quote(struct mlt_str s) {
  return s.p ? "'" : "";
}

static int shown_length(struct mlt_str s) {
  return s.p ? (int)(s.len > 200 ? 200 : s.len) : (int)sizeof "nothing" - 1;
}

static const char *shown(struct mlt_str s) {
  return s.p ? s.p : "nothing";
}

static enum mlt_rc hold(struct mlt_server *s, const char *kind, struct mlt_str key,
                        struct mlt_str value) {
  struct mlt_str known = MLT_STR_NULL;
  enum mlt_rc rc = mlt_server_name(s, kind, key);
  if (rc != MLT_OK)
    return rc;
  struct mlt_str name = mlt_buf_str(&s->name);
  enum mlt_fact_verdict verdict = mlt_facts_hold(s->facts, name, value, &known);
  const char *a = none_or_quote(known), *b = none_or_quote(value);
  if (verdict == MLT_FACT_DIFFERS)
    mlt_server_found(s, MLT_FINDING_SERVER_DIFFERS, name,
                     "the database has %s%.*s%s, the server says %s%.*s%s", a, shown_length(known),
                     shown(known), a, b, shown_length(value), shown(value), b);
  else if (verdict == MLT_FACT_NEW && value.p)
    mlt_server_found(s, MLT_FINDING_SERVER_DIFFERS, name,
                     "the database has none, the server says '%.*s'", shown_length(value), value.p);
  return MLT_OK;
}

/* What MLflow gives where it has nothing: protobuf leaves it out, or "". */
static struct mlt_str text_of(const struct mlt_json *object, const char *key) {
  return mlt_json_text(mlt_json_get(object, key));
}

static int64_t int_of(const struct mlt_json *object, const char *key) {
  int64_t n = 0;
  return mlt_parse_i64(text_of(object, key), &n) ? n : 0;
}

static struct mlt_metric_point point_of(const struct mlt_json *metric) {
  struct mlt_metric_point p = {.step = int_of(metric, "step"),
                               .timestamp = int_of(metric, "timestamp")};
  if (!mlt_parse_double(text_of(metric, "value"), &p.value))
    p.value = 0; /* protobuf leaves zeros out */
  if (p.value != p.value)
    p.is_nan = true;
  return p;
}

/* ---- a run ---- */

static enum mlt_rc hold_info(struct mlt_server *s, const struct mlt_json *info) {
  static const char *const names[] = {"run_name",     "status",        "lifecycle_stage",
                                      "artifact_uri", "experiment_id", "start_time",
                                      "end_time"};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof names / sizeof *names; i++)
    rc = hold(s, names[i], MLT_STR_NULL, text_of(info, names[i]));
  return rc;
}

static enum mlt_rc hold_pairs(struct mlt_server *s, const char *kind,
                              const struct mlt_json *pairs) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < mlt_json_length(pairs); i++) {
    const struct mlt_json *pair = mlt_json_at(pairs, i);
    struct mlt_str value = text_of(pair, "value");
    rc = hold(s, kind, text_of(pair, "key"), value.p ? value : MLT_STR_LIT(""));
  }
  return rc;
}

static enum mlt_rc hold_metrics(struct mlt_server *s, const struct mlt_json *metrics) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < mlt_json_length(metrics); i++) {
    const struct mlt_json *metric = mlt_json_at(metrics, i);
    char text[MLT_SERVER_POINT];
    size_t n = mlt_server_point(text, point_of(metric));
    rc = hold(s, "metric", text_of(metric, "key"), (struct mlt_str){text, n});
  }
  return rc;
}

enum mlt_rc mlt_server_hold_run(struct mlt_server *s, const struct mlt_json *run) {
  const struct mlt_json *data = mlt_json_get(run, "data");
  enum mlt_rc rc = hold_info(s, mlt_json_get(run, "info"));
  if (rc == MLT_OK)
    rc = hold_pairs(s, "param", mlt_json_get(data, "params"));
  if (rc == MLT_OK)
    rc = hold_pairs(s, "tag", mlt_json_get(data, "tags"));
  if (rc == MLT_OK)
    rc = hold_metrics(s, mlt_json_get(data, "metrics"));
  struct mlt_str name, value;
  for (size_t pos = 0; rc == MLT_OK && mlt_facts_rest(s->facts, &pos, &name, &value);)
    if (value.p)
      mlt_server_found(s, MLT_FINDING_SERVER_DIFFERS, name,
                       "the database has '%.*s', the server nothing", shown_length(value), value.p);
  return rc;
}

enum mlt_rc mlt_server_sum_page(const struct mlt_json *page, struct mlt_point_sum *sum,
                                struct mlt_buf *token, struct mlt_err *err) {
  const struct mlt_json *metrics = mlt_json_get(page, "metrics");
  struct mlt_str next = text_of(page, "next_page_token");
  for (size_t i = 0; i < mlt_json_length(metrics); i++)
    mlt_server_sum(sum, point_of(mlt_json_at(metrics, i)));
  mlt_buf_clear(token);
  if (mlt_buf_add(token, next.p ? next.p : "", next.len) == MLT_OK)
    return MLT_OK;
  return mlt_err_set(err, MLT_PROTOCOL, "the server's next_page_token is too long");
}
