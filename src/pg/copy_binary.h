/* Encoder of COPY ... (FORMAT binary), PostgreSQL manual, COPY, "Binary Format". Pure: bytes into a
   growing buffer, sent by insert.c. A row costs no allocation once the buffer has grown. */
#ifndef MLT_PG_COPY_BINARY_H
#define MLT_PG_COPY_BINARY_H

#include "base/buf.h"
#include "base/err.h"
#include "model/row.h"

/* What a column of the database takes; it may be wider than model/columns.def says. */
enum mlt_copy_type { MLT_COPY_I4, MLT_COPY_I8, MLT_COPY_F8, MLT_COPY_BOOL, MLT_COPY_TEXT };

struct mlt_copy_column {
  const char *name;
  unsigned at; /* index of its value in a row */
  enum mlt_copy_type type;
};

/* The columns of one COPY, in the order of its column list. */
struct mlt_copy_columns {
  unsigned n;
  struct mlt_copy_column v[MLT_MAX_COLUMNS];
};

enum mlt_rc mlt_copy_header(struct mlt_buf *out) MLT_NODISCARD;
enum mlt_rc mlt_copy_trailer(struct mlt_buf *out) MLT_NODISCARD;
/* Appends one tuple. On error nothing is appended: MLT_DATA for an integer that does not fit its
   column, MLT_INTERNAL for a value of another kind than its column, MLT_NOMEM, MLT_TOOBIG. */
enum mlt_rc mlt_copy_row(struct mlt_buf *out, const struct mlt_copy_columns *columns,
                         const struct mlt_value *row, struct mlt_err *err) MLT_NODISCARD;

#endif
