/* lines.def as tables, and the words that fields may hold. */
#include "lines/lines.h"

static const char *const words[MLT_LINE_COUNT] = {
#define MLT_LINE(type, word) [MLT_LINE_##type] = (word),
#define MLT_FIELD(type, name, kind, required)
#include "lines/lines.def"
#undef MLT_LINE
#undef MLT_FIELD
};

static const struct mlt_line_field fields[MLT_LINE_COUNT][MLT_LINE_FIELDS] = {
#define MLT_LINE(type, word)
#define MLT_FIELD(type, name, kind, required)                                                      \
  [MLT_LINE_##type][MLT_AT_##type##_##name] = {#name, MLT_LINE_##kind, (required)},
#include "lines/lines.def"
#undef MLT_LINE
#undef MLT_FIELD
};

const char *mlt_line_word(enum mlt_line_type t) {
  return words[t];
}

bool mlt_line_type_parse(struct mlt_str word, enum mlt_line_type *out) {
  for (unsigned i = 0; i < MLT_LINE_COUNT; i++)
    if (mlt_str_is(word, words[i])) {
      *out = (enum mlt_line_type)i;
      return true;
    }
  return false;
}

const struct mlt_line_field *mlt_line_fields(enum mlt_line_type t) {
  return fields[t];
}

/* entities/logged_model_status.py */
static const char *const model_statuses[] = {"UNSPECIFIED", "PENDING", "READY", "FAILED"};
enum { MODEL_STATUSES = sizeof model_statuses / sizeof *model_statuses };

const char *mlt_model_status_name(int status) {
  return status >= 0 && status < MODEL_STATUSES ? model_statuses[status] : NULL;
}

bool mlt_model_status_parse(struct mlt_str name, int *status) {
  for (int i = 0; i < MODEL_STATUSES; i++)
    if (mlt_str_is(name, model_statuses[i])) {
      *status = i;
      return true;
    }
  return false;
}
