/* What a source reads of MLflow's database: named reads (reads.def) whose SQL both back ends share
   but for their dialect. A read has either no keys, or gives the rows of the owners whose keys it
   is started with. Running them is lite/read.h's and pg/read.h's part. */
#ifndef MLT_SCHEMA_READS_H
#define MLT_SCHEMA_READS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "model/row.h"
#include "model/tables.h"

enum mlt_read {
#define MLT_READ(id, table, at_once, extra, columns, rest) MLT_READ_##id,
#include "schema/reads.def"
#undef MLT_READ
  MLT_READ_COUNT
};

enum { MLT_READ_EXTRA = 5, MLT_READ_KEYS = 256 /* of one start */ };

struct mlt_read_info {
  enum mlt_table table;
  unsigned at_once; /* 0: extra columns alone */
  unsigned n_extra;
};

/* One row. v as model/row.h has it; a value that is not of its column's type is NULL, and `bad` the
   first such column (MLT_C_COUNT: none), `odd` what it holds, as text: only SQLite stores such. Of
   a copied table, v is as its shape has it, extra as schema/copied.h, and bad counts from
   MLT_C_COUNT + 1, its first column. */
struct mlt_read_row {
  struct mlt_value v[MLT_MAX_COLUMNS];
  struct mlt_str extra[MLT_READ_EXTRA];
  enum mlt_column bad;
  struct mlt_str odd;
};

const struct mlt_read_info *mlt_read_info(enum mlt_read what);
/* Has a database with these features the table that is read? */
bool mlt_read_exists(enum mlt_read what, uint32_t features);

/* What the databases differ in, see reads.def. */
struct mlt_read_dialect {
  const char *keys, *ints, *bytes, *ledger, *here;
};

/* Appends the SELECT; columns that the features lack are NULL. MLT_NOMEM, MLT_TOOBIG. */
enum mlt_rc mlt_read_sql(struct mlt_buf *out, const struct mlt_read_dialect *d, enum mlt_read what,
                         uint32_t features) MLT_NODISCARD;

#endif
