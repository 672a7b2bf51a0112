/* mlt_meta_parse: whatever comes, it is taken or refused with a reason, and what was taken can be
   read back: a field is found under its name, text holds no less than its length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "source/meta_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct mlt_meta_value *v) {
  bool scalar = v->kind != MLT_YAML_NULL && v->kind != MLT_YAML_LIST && v->kind != MLT_YAML_MAP;
  if (scalar != (v->text.p != NULL) || (scalar && v->text.p[v->text.len] != '\0'))
    abort();
}

static void check_children(const struct mlt_meta *m, const char *key) {
  struct mlt_str name;
  const struct mlt_meta_value *v;
  for (size_t pos = 0; mlt_meta_child(m, key, &pos, &name, &v);) {
    if (!name.p || mlt_meta_get(m, key)->kind != MLT_YAML_MAP)
      abort();
    check_value(v);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const keys[] = {"name", "run_id", "status", "start_time", "tags", "a", ""};
  static struct mlt_meta *m; /* kept, as a source does */
  struct mlt_err err = MLT_ERR_INIT;
  if (!m && !(m = mlt_meta_new()))
    return 0;
  enum mlt_rc rc = mlt_meta_parse(m, (struct mlt_str){(const char *)data, size}, &err);
  if (rc != MLT_OK && (rc != MLT_DATA || !err.msg[0]))
    abort();
  for (size_t i = 0; rc == MLT_OK && i < sizeof keys / sizeof *keys; i++) {
    const struct mlt_meta_value *v = mlt_meta_get(m, keys[i]);
    if (v)
      check_value(v);
    check_children(m, keys[i]);
  }
  return 0;
}
