/* Time. Wall clock only for what people and databases see; everything measured is monotonic. */
#ifndef MLT_BASE_CLOCK_H
#define MLT_BASE_CLOCK_H

#include <stdint.h>

double mlt_clock_seconds(void);  /* monotonic, from an arbitrary start */
int64_t mlt_clock_wall_ms(void); /* milliseconds since 1970 UTC */

#endif
