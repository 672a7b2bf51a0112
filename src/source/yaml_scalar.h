/* What a plain YAML scalar means, as PyYAML's safe_load decides it (YAML 1.1): MLflow writes its
   meta.yaml with PyYAML, so "1_000", "0x1f" and "12:30" are numbers here and "1e5" is not. */
#ifndef MLT_SOURCE_YAML_SCALAR_H
#define MLT_SOURCE_YAML_SCALAR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

enum mlt_yaml_kind {
  MLT_YAML_NULL,
  MLT_YAML_BOOL,
  MLT_YAML_INT,
  MLT_YAML_FLOAT,
  MLT_YAML_TEXT, /* timestamps too: they are kept as written */
  MLT_YAML_LIST, /* not scalars: set by the parser, never by mlt_yaml_resolve */
  MLT_YAML_MAP,
};

/* *i: the value of a BOOL or INT; *fits is false for an INT outside int64. */
enum mlt_yaml_kind mlt_yaml_resolve(struct mlt_str plain, int64_t *i, bool *fits);

#endif
