/* MLflow's DDL of every known head, deflated into the library by the build (cmake/embed.cmake). */
#ifndef MLT_SCHEMA_DDL_H
#define MLT_SCHEMA_DDL_H

#include <stddef.h>

struct mlt_blob {
  const char *name; /* "dc11669786a5.pg", "dc11669786a5.sqlite" */
  const unsigned char *data;
  size_t len;     /* of the zlib stream */
  size_t raw_len; /* inflated */
};

extern const struct mlt_blob mlt_mlflow_ddl[]; /* ends with name == NULL */

#endif
