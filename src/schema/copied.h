/* Tables that are copied as they are (model/copied.def): what their columns are in a database,
   whether two databases have the same, and what is read of them. */
#ifndef MLT_SCHEMA_COPIED_H
#define MLT_SCHEMA_COPIED_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/uri.h"
#include "model/row.h"
#include "schema/catalog.h"

/* What is copied whole or not at all. */
enum mlt_copied_group {
  MLT_COPIED_TRACES,
  MLT_COPIED_EVALUATION,
  MLT_COPIED_SCORERS,
  MLT_COPIED_LINKS, /* they join the others, so that they come with all of them alone */
  MLT_COPIED_GROUPS
};

enum { MLT_IDENTITIES = 2, MLT_IDENTITY_COLUMNS = 4 };

struct mlt_copied {
  enum mlt_copied_group group;
  enum mlt_table owner;                 /* MLT_T_ALL: none */
  const char *owned_by;                 /* as the identities: names, one space between them */
  const char *identity[MLT_IDENTITIES]; /* "": there is none */
};

/* Of a table from MLT_T_COUNT on. */
const struct mlt_copied *mlt_copied_info(enum mlt_table table);
/* The columns of a list of names, as indices into the shape. Returns how many: 0 for an empty list,
   and when one of them is not there. */
unsigned mlt_copied_columns(const struct mlt_shape *shape, const char *names,
                            unsigned out[MLT_IDENTITY_COLUMNS]);

/* The shapes of all copied tables, MLT_COPIED_COUNT of them. Names are the catalog's. */
void mlt_copied_shapes(const struct mlt_catalog *cat, enum mlt_target_kind kind,
                       struct mlt_shape *out);
/* Which groups can be copied from one into the other: a bit for each. */
unsigned mlt_copied_groups(const struct mlt_shape *from, const struct mlt_shape *to);

/* What the SELECT gives behind the columns of the shape, all of it text. */
enum mlt_copied_extra {
  MLT_COPIED_EXPERIMENT, /* the id of the experiment the row is in, NULL: in none */
  MLT_COPIED_WORKSPACE,  /* the workspace it is in, NULL: the default one, or none */
  MLT_COPIED_ORPHAN,     /* not NULL: what it belongs to does not exist */
  MLT_COPIED_EXTRAS
};
/* Appends the SELECT that reads a table; shapes as above, of the database that is read. The same
   for both databases. MLT_NOMEM, MLT_TOOBIG. */
enum mlt_rc mlt_copied_sql(struct mlt_buf *out, const struct mlt_shape *shapes,
                           enum mlt_table table, uint32_t features) MLT_NODISCARD;

#endif
