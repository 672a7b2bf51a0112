/* Column types as the two databases print them, against the types we send. PostgreSQL must match
   exactly, since binary COPY sends fixed widths; SQLite by the affinity its documentation defines.
 */
#ifndef MLT_SCHEMA_TYPES_H
#define MLT_SCHEMA_TYPES_H

#include <stdbool.h>
#include "base/uri.h"
#include "model/tables.h"

bool mlt_type_fits(enum mlt_target_kind kind, const char *type, enum mlt_coltype want);
const char *mlt_type_name(enum mlt_coltype type); /* "double precision" */

#endif
