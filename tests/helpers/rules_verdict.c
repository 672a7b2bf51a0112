/* Puts model/'s rules to the test from outside: one question a line on standard input, "WHAT HEX
   [HEX]" with the bytes of a text in hex; one answer a line. Names and keys: 1 valid, 0 refused.
   Numbers: the bits in hex, or "-" for no number. argv[1] is the MLflow to follow, 3.17 or 3.18. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/rules.h"

enum { MAX_URI = 1 << 16 };

static enum mlt_rules_version version;

/* Decodes hex in place. */
static struct mlt_str unhex(char *hex) {
  size_t n = strlen(hex) / 2;
  for (size_t i = 0; i < n; i++) {
    char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
    hex[i] = (char)strtoul(digits, NULL, 16);
  }
  return (struct mlt_str){hex, n};
}

static void print_double(double d) {
  uint64_t bits;
  memcpy(&bits, &d, sizeof bits);
  if (isnan(d))
    puts("nan");
  else
    printf("%016" PRIx64 "\n", bits);
}

static void answer_double(struct mlt_str s) {
  double d;
  if (mlt_parse_double(s, &d))
    print_double(d);
  else
    puts("-");
}

static void answer_int(struct mlt_str s) {
  int64_t v;
  if (mlt_parse_i64(s, &v))
    printf("%" PRId64 "\n", v);
  else
    puts("-");
}

static void answer_metric(struct mlt_str s) {
  double d;
  bool is_nan;
  if (!mlt_parse_double(s, &d)) {
    puts("-");
    return;
  }
  d = mlt_metric_map(d, &is_nan);
  printf("%d ", is_nan);
  print_double(d);
}

static void answer_uri(struct mlt_str location, struct mlt_str run_id) {
  static char out[MAX_URI];
  size_t n = mlt_rule_artifact_uri(out, sizeof out, location, run_id);
  for (size_t i = 0; i < n && i + 1 < sizeof out; i++)
    printf("%02x", (unsigned char)out[i]);
  putchar('\n');
}

static int answer(const char *what, struct mlt_str s, struct mlt_str t) {
  static const struct {
    const char *what;
    const char *(*rule)(struct mlt_str s, enum mlt_rules_version v);
  } rules[] = {
      {"key", mlt_rule_key},
      {"experiment_name", mlt_rule_experiment_name},
      {"model_name", mlt_rule_model_name},
      {"alias", mlt_rule_alias},
      {"run_id", mlt_rule_run_id},
      {"logged_model_name", mlt_rule_logged_model_name},
  };
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (strcmp(what, rules[i].what) == 0)
      return puts(rules[i].rule(s, version) ? "0" : "1");
  if (strcmp(what, "path") == 0)
    puts(mlt_rule_path_unique(s) ? "1" : "0");
  else if (strcmp(what, "float") == 0)
    answer_double(s);
  else if (strcmp(what, "int") == 0)
    answer_int(s);
  else if (strcmp(what, "metric") == 0)
    answer_metric(s);
  else if (strcmp(what, "uri") == 0)
    answer_uri(s, t);
  else
    return -1;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 64;
  version = strcmp(argv[1], "3.17") == 0 ? MLT_RULES_3_17 : MLT_RULES_3_18;
  char *line = NULL, *rest = NULL;
  size_t cap = 0;
  int status = 0;
  while (status >= 0 && getline(&line, &cap, stdin) > 0) {
    char none[] = "";
    line[strcspn(line, "\n")] = '\0';
    char *what = strtok_r(line, " ", &rest);
    char *first = strtok_r(NULL, " ", &rest);
    char *second = strtok_r(NULL, " ", &rest);
    status = what ? answer(what, unhex(first ? first : none), unhex(second ? second : none)) : -1;
  }
  free(line);
  return status < 0 ? 65 : 0;
}
