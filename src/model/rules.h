/* MLflow's rules, in one place, with no I/O. Each names the MLflow 3.17 source it follows (paths
   below site-packages/mlflow) and is held to it by tests/integration/test_rules_oracle.py. A
   verdict is NULL when the value is valid, else a static sentence saying why not. */
#ifndef MLT_MODEL_RULES_H
#define MLT_MODEL_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

/* Which MLflow's validators to follow where they differ (3.18 uses fullmatch: no trailing newline
   in keys, no blank experiment names). */
enum mlt_rules_version { MLT_RULES_3_17, MLT_RULES_3_18 };

/* utils/validation.py: _validate_metric_name, _validate_param_name, _validate_tag_name (key rule
   alone: characters and path form, then 250 code points). s must be valid UTF-8. */
const char *mlt_rule_key(struct mlt_str s, enum mlt_rules_version v);
/* _validate_experiment_name */
const char *mlt_rule_experiment_name(struct mlt_str s, enum mlt_rules_version v);
/* _validate_model_name (registered models) */
const char *mlt_rule_model_name(struct mlt_str s, enum mlt_rules_version v);
/* _validate_model_alias_name */
const char *mlt_rule_alias(struct mlt_str s, enum mlt_rules_version v);
/* _validate_run_id */
const char *mlt_rule_run_id(struct mlt_str s, enum mlt_rules_version v);
/* _validate_logged_model_name */
const char *mlt_rule_logged_model_name(struct mlt_str s, enum mlt_rules_version v);
/* path_not_unique / bad_path: does posixpath.normpath(s) differ from s, or leave its folder?
 * utils/validation.py */
bool mlt_rule_path_unique(struct mlt_str s);
/* Text a database can hold: valid UTF-8 without NUL bytes. */
const char *mlt_rule_text(struct mlt_str s);
/* artifact_uri = append_to_uri_path(location, run_id, "artifacts"), utils/uri.py: query strings and
   fragments stay at the end. Locations that MLflow refuses (".." in the query, a broken host) get a
   URI all the same; tabs and newlines, which urllib drops, stay. Writes into out (NUL-terminated),
   returns the length needed as snprintf does. */
size_t mlt_rule_artifact_uri(char *out, size_t cap, struct mlt_str location, struct mlt_str run_id);
/* artifact_location of an experiment that is created without one: ROOT/<id>, where root is the
   server's artifact root (store/tracking/sqlalchemy_store.py: create_experiment). Likewise. */
size_t mlt_rule_artifact_location(char *out, size_t cap, const char *root, int64_t id);

/* store/tracking/sqlalchemy_store.py: sanitize_metric_value. NaN -> 0 with is_nan, infinities ->
 * +-DBL_MAX. */
static inline double mlt_metric_map(double v, bool *is_nan) {
  *is_nan = v != v;
  if (*is_nan)
    return 0.0;
  if (v > 1.7976931348623157e308)
    return 1.7976931348623157e308;
  if (v < -1.7976931348623157e308)
    return -1.7976931348623157e308;
  return v;
}
/* _update_latest_metrics_if_necessary: the new point replaces the latest iff (step, timestamp,
   value) is strictly greater, value compared after mapping. */
static inline bool mlt_metric_later(int64_t step, int64_t ts, double v, int64_t old_step,
                                    int64_t old_ts, double old_v) {
  if (step != old_step)
    return step > old_step;
  if (ts != old_ts)
    return ts > old_ts;
  return v > old_v;
}

/* What tells two points of one run and key apart in MLflow's primary key of `metrics`. */
struct mlt_metric_point {
  int64_t step, timestamp;
  double value;
  bool is_nan;
};
/* The order of sealed batches, spilled points and what is compared with them: step, timestamp,
   value, is_nan; < 0, 0 or > 0. 0: the key holds them for one; 0.0 and -0.0 are. */
static inline int mlt_metric_order(struct mlt_metric_point a, struct mlt_metric_point b) {
  if (a.step != b.step)
    return a.step < b.step ? -1 : 1;
  if (a.timestamp != b.timestamp)
    return a.timestamp < b.timestamp ? -1 : 1;
  if (a.value < b.value || a.value > b.value)
    return a.value < b.value ? -1 : 1;
  return a.is_nan - b.is_nan;
}

/* Numbers as Python reads them from a metric line: float() and int() of a word, blanks around it
   allowed. Only ASCII digits, where Python takes any. false = not a number, or an integer outside
   int64. Never depends on the locale; correctly rounded. */
bool mlt_parse_double(struct mlt_str s, double *out);
bool mlt_parse_i64(struct mlt_str s, int64_t *out);

#endif
