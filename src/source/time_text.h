/* Points in time as logs write them: numbers of some unit since 1970 UTC, and ISO 8601. No I/O,
   never depends on the locale or the time zone of the process. */
#ifndef MLT_SOURCE_TIME_TEXT_H
#define MLT_SOURCE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/str.h"

enum mlt_time_unit { MLT_TIME_AUTO, MLT_TIME_S, MLT_TIME_MS, MLT_TIME_US, MLT_TIME_NS };

const char *mlt_time_unit_name(enum mlt_time_unit u); /* "seconds" */

/* The unit in which a number since 1970 most likely is: the smallest that puts it before the year
   5138. */
enum mlt_time_unit mlt_time_guess(double number);
/* A number of `unit` (not AUTO) as milliseconds: whole numbers exactly and rounded down, others
   rounded to the nearest. False: no number, or out of range. */
bool mlt_time_number(struct mlt_str text, enum mlt_time_unit unit, int64_t *ms);
/* YYYY-MM-DD[T or blank HH:MM[:SS[.fraction]]][Z or +HH:MM or +HHMM] as milliseconds; a time
   without a zone is taken for UTC and *zoned is false. False: not of this form. */
bool mlt_time_iso(struct mlt_str text, int64_t *ms, bool *zoned);

#endif
