/* The rules of names on any valid text: they agree where one implies another, and nothing is read
   beyond the text, which is copied to memory of exactly its size. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct mlt_str s, enum mlt_rules_version v) {
  bool key = !mlt_rule_key(s, v);
  bool alias = !mlt_rule_alias(s, v);
  if (key && !mlt_rule_path_unique(s))
    abort();
  if (!mlt_rule_run_id(s, v) && mlt_utf8_length(s) <= 250 && !(key && alias))
    abort();
  if (!mlt_rule_key(s, MLT_RULES_3_18) && mlt_rule_key(s, MLT_RULES_3_17))
    abort();
  (void)mlt_rule_experiment_name(s, v);
  (void)mlt_rule_model_name(s, v);
  (void)mlt_rule_logged_model_name(s, v);
}

static void check_uri(struct mlt_str location) {
  static const struct mlt_str id = {"r", 1};
  size_t n = mlt_rule_artifact_uri(NULL, 0, location, id);
  char *out = malloc(n + 1);
  if (!out)
    return;
  if (mlt_rule_artifact_uri(out, n + 1, location, id) != n || strlen(out) != n ||
      !strstr(out, "r/artifacts"))
    abort();
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size ? size : 1);
  if (!copy)
    return 0;
  if (size)
    memcpy(copy, data, size);
  struct mlt_str s = {copy, size};
  if (!mlt_rule_text(s)) {
    check(s, MLT_RULES_3_17);
    check(s, MLT_RULES_3_18);
    check_uri(s);
  }
  free(copy);
  return 0;
}
