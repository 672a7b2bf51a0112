/* Names of our tables and columns as SQL: from the fixed tables of model/, behind the schema's
   name. */
#include "pg/internal.h"

unsigned mlt_pg_columns(enum mlt_table table, uint32_t features, enum mlt_column *out) {
  unsigned count, n = 0;
  enum mlt_column first = mlt_table_columns(table, &count);
  for (unsigned i = 0; i < count; i++) {
    uint32_t feature = mlt_column_info(first + i)->feature;
    if ((feature & ~features) == 0)
      out[n++] = first + i;
  }
  return n;
}

enum mlt_rc mlt_pg_add_table(struct mlt_pg *pg, struct mlt_buf *b, enum mlt_table table) {
  return mlt_buf_printf(b, "%s.%s", pg->quoted, mlt_table_name(table));
}

enum mlt_rc mlt_pg_add_columns(struct mlt_buf *b, const enum mlt_column *columns, unsigned n) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < n && rc == MLT_OK; i++)
    rc = mlt_buf_printf(b, "%s\"%s\"", i ? ", " : "", mlt_column_info(columns[i])->name);
  return rc;
}
