/* Values of options that the option table has no kind for. No I/O. */
#ifndef MLT_VERIFY_WHEN_H
#define MLT_VERIFY_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "90", "90s", "5m", "2h", "7d", "2w" as seconds; false if it is none, or more than a thousand
   years. */
bool mlt_parse_duration(const char *text, uint64_t *seconds);
/* A point in time (source/time_text.h), or a duration before now_ms. */
bool mlt_parse_since(const char *text, int64_t now_ms, int64_t *ms);
/* "5%", "0.5%" as a share of one; above 0, at most 100%. */
bool mlt_parse_share(const char *text, double *share);

#endif
