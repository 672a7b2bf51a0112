/* Is a text one JSON document, as PostgreSQL's type json wants it: RFC 8259, so without the NaN and
   Infinity that Python writes. UTF-8 is not looked at. Any length, no memory, thread-safe. */
#ifndef MLT_BASE_JSON_VALID_H
#define MLT_BASE_JSON_VALID_H

#include <stdbool.h>
#include "base/str.h"

enum { MLT_JSON_VALID_DEPTH = 512 }; /* what is deeper counts as invalid */

bool mlt_json_valid(struct mlt_str text);

#endif
