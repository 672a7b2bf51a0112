/* What is wrong with a location as it is written: no I/O. Thread-safe. */
#ifndef MLT_VERIFY_LOCATION_H
#define MLT_VERIFY_LOCATION_H

#include "model/location.h"
#include "model/tables.h"
#include "verify/verify.h"

enum { MLT_LOCATION_WHY = 200 };

/* Looks at a location that stands in `column`. True: `out` is what it names. False: it names
   nothing that can be looked for; *what and the text in `why` say what is wrong. */
bool mlt_location_judge(struct mlt_location *out, struct mlt_str uri, enum mlt_finding_id *what,
                        char why[MLT_LOCATION_WHY]);

/* Has it a component "..", plain or encoded, however often, with whichever slashes? */
bool mlt_location_climbs(struct mlt_str uri);

/* Is it too long for the column in PostgreSQL, nearly so, or, of an experiment, so long that the
   URIs of its runs are? Then `why` tells. */
bool mlt_location_is_long(struct mlt_str uri, enum mlt_column column, char why[MLT_LOCATION_WHY]);

#endif
