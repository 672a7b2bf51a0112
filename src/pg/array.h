/* text[] parameters in binary form: keys go as lengths and bytes, so that nothing needs quoting. */
#ifndef MLT_PG_ARRAY_H
#define MLT_PG_ARRAY_H

#include "base/buf.h"

/* Appends the array of n strings; an absent one is NULL. */
enum mlt_rc mlt_pg_text_array(struct mlt_buf *out, const struct mlt_str *v, size_t n) MLT_NODISCARD;

#endif
