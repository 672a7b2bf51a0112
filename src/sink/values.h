/* Small helpers over struct mlt_value. Internal to sink/. */
#ifndef MLT_SINK_VALUES_H
#define MLT_SINK_VALUES_H

#include "model/record.h"
#include "model/row.h"

static inline struct mlt_value mlt_v_text(struct mlt_str s) {
  return (struct mlt_value){.kind = s.p ? MLT_V_TEXT : MLT_V_NULL, .s = s};
}
static inline struct mlt_value mlt_v_c(const char *s) {
  return mlt_v_text(mlt_str_c(s));
}
static inline struct mlt_value mlt_v_int(int64_t i) {
  return (struct mlt_value){.kind = MLT_V_INT, .i = i};
}
static inline struct mlt_value mlt_v_opt(struct mlt_opt_i64 o) {
  return (struct mlt_value){.kind = o.has ? MLT_V_INT : MLT_V_NULL, .i = o.v};
}
static inline struct mlt_value mlt_v_double(double d) {
  return (struct mlt_value){.kind = MLT_V_DOUBLE, .d = d};
}
static inline struct mlt_value mlt_v_bool(bool b) {
  return (struct mlt_value){.kind = MLT_V_BOOL, .b = b};
}
static inline struct mlt_str mlt_lifecycle(bool deleted) {
  return deleted ? MLT_STR_LIT("deleted") : MLT_STR_LIT("active");
}

/* Equal as MLflow would see them: NULL equals NULL, 0.0 equals -0.0. */
bool mlt_value_eq(const struct mlt_value *a, const struct mlt_value *b);
/* For messages: NULL, a number, or the text in quotes, cut at 40 characters. Returns out. */
const char *mlt_value_show(const struct mlt_value *v, char *out, size_t cap);
/* The first column of the table in which the rows differ, from column `skip_mask` bits on left out;
 * -1 if none. */
int mlt_row_difference(enum mlt_table table, const struct mlt_value *a, const struct mlt_value *b,
                       uint32_t skip_mask);

#endif
