/* Files of parameters, flattened, with values as Python's str() has them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "source/params.h"

static struct mlt_params params;
static struct mlt_buf said;
static struct mlt_err err;

static const char *told(enum mlt_rc rc) {
  mlt_buf_clear(&said);
  if (rc != MLT_OK)
    return err.msg;
  for (size_t i = 0; i < params.list.n; i++)
    assert_int_equal(mlt_buf_printf(&said, "%.*s=%.*s|", MLT_STR_ARG(params.list.v[i].key),
                                    MLT_STR_ARG(params.list.v[i].value)),
                     MLT_OK);
  return mlt_buf_cstr(&said);
}

static const char *yaml(const char *text) {
  mlt_err_clear(&err);
  mlt_params_clear(&params);
  return told(mlt_params_yaml(&params, mlt_str_c(text), &err));
}

static const char *json(const char *text) {
  mlt_err_clear(&err);
  mlt_params_clear(&params);
  return told(mlt_params_json(&params, mlt_str_c(text), &err));
}

static void yaml_is_flattened(void **state) {
  (void)state;
  assert_string_equal(yaml("lr: 0.1\nopt:\n  name: adam\n  b: {c: 1e-3}\nlast: x\n"),
                      "lr=0.1|opt/name=adam|opt/b/c=1e-3|last=x|");
  assert_string_equal(yaml("{}\n"), "");
  assert_string_equal(yaml(""), "");
  assert_string_equal(yaml("null\n"), "");
}

static void yaml_values_are_those_of_python(void **state) {
  (void)state;
  assert_string_equal(yaml("a: true\nb: no\nc: ~\nd: 'true'\ne: ''\nf: \"x\\ny\"\n"),
                      "a=True|b=False|c=None|d=true|e=|f=x\ny|");
  assert_string_equal(yaml("a: [1, 'b', null, {c: [2.5], d: x}, []]\nz: 1\n"),
                      "a=[1, 'b', None, {'c': [2.5], 'd': 'x'}, []]|z=1|");
}

static void tags_of_python_are_read_over(void **state) {
  (void)state;
  assert_string_equal(yaml("act: !!python/name:torch.nn.ReLU ''\n"
                           "t: !!python/tuple [1, 2]\n"
                           "ns: !!python/object:argparse.Namespace\n  x: 1\n"),
                      "act=torch.nn.ReLU|t=[1, 2]|ns/x=1|");
}

static void aliases_are_counted(void **state) {
  (void)state;
  assert_string_equal(yaml("a: &x [1]\nb: *x\nc: [*x, 2]\n"), "a=[1]|c=[..., 2]|");
  assert_int_equal(params.unread, 2);
}

static void what_is_no_yaml_of_parameters_is_refused(void **state) {
  (void)state;
  char deep[200] = "a: ";
  memset(deep + 3, '[', 100);
  assert_string_equal(yaml("a: [1\n"), "line 2: did not find expected ',' or ']'");
  assert_string_equal(yaml("- 1\n"), "line 1: not a map of parameters");
  assert_string_equal(yaml("text\n"), "line 1: not a map of parameters");
  assert_string_equal(yaml("? [a]\n: 1\n"), "line 1: a key that is a list or a map");
  assert_string_equal(yaml(deep), "line 1: nested too deep");
}

static void json_is_flattened(void **state) {
  (void)state;
  assert_string_equal(
      json("{\"lr\": 0.10, \"m\": {\"a\": null, \"b\": true}, \"l\": [1,\"x\"], \"s\": \"a/b\", "
           "\"n\": NaN, \"big\": 123456789012345678901234567890.5}"),
      "lr=0.10|m/a=None|m/b=True|l=[1,\"x\"]|s=a/b|n=NaN|big=123456789012345678901234567890.5|");
  assert_string_equal(json("{}"), "");
}

static void what_is_no_json_object_is_refused(void **state) {
  (void)state;
  assert_string_equal(json("[1]"), "it is no object");
  assert_string_equal(json("{\"a\": "), "it ends before the document does");
  assert_string_equal(json("{} x"), "there is something behind the document, or null");
  assert_string_equal(json(""), "it ends before the document does");
}

static void keys_are_made_fit(void **state) {
  (void)state;
  assert_string_equal(json("{\"a(b)\": 1, \"c%d\": 2, \"\": 3, \"e//f\": 4}"),
                      "ab=1|c_d=2|e/_/f=4|");
  assert_int_equal(params.renamed, 3);
  assert_int_equal(params.unread, 1);
}

static int begin(void **state) {
  (void)state;
  mlt_buf_init(&said, 1 << 20);
  return mlt_params_init(&params, NULL) == MLT_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  mlt_buf_free(&said);
  mlt_params_free(&params);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(yaml_is_flattened),
      cmocka_unit_test(yaml_values_are_those_of_python),
      cmocka_unit_test(tags_of_python_are_read_over),
      cmocka_unit_test(aliases_are_counted),
      cmocka_unit_test(what_is_no_yaml_of_parameters_is_refused),
      cmocka_unit_test(json_is_flattened),
      cmocka_unit_test(what_is_no_json_object_is_refused),
      cmocka_unit_test(keys_are_made_fit),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
