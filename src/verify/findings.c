/* The rows of findings.def and amounts.def as data. */
#include "verify/verify.h"

static const struct mlt_finding_info findings[] = {
#define MLT_FINDING(id, code, severity, meaning) {code, MLT_SEVERITY_##severity, meaning},
#include "verify/findings.def"
#undef MLT_FINDING
};

const struct mlt_finding_info *mlt_finding_info(enum mlt_finding_id what) {
  return &findings[what];
}

const char *mlt_severity_name(enum mlt_severity s) {
  static const char *const names[] = {"error", "warning", "info"};
  return names[s];
}

const char *mlt_verify_amount_name(enum mlt_verify_amount a) {
  static const char *const names[] = {
#define MLT_AMOUNT(id, name) name,
#include "verify/amounts.def"
#undef MLT_AMOUNT
  };
  return names[a];
}

bool mlt_verify_ok(const struct mlt_verify_result *r) {
  return r->found[MLT_SEVERITY_ERROR] == 0;
}
