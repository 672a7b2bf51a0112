/* Random identifiers from the kernel. */
#ifndef MLT_BASE_RANDOM_H
#define MLT_BASE_RANDOM_H

#include <stdint.h>

#include "base/err.h"

/* uuid4().hex as MLflow makes them: 32 lower-case hex digits and a NUL. */
enum mlt_rc mlt_random_uuid(char out[33], struct mlt_err *err) MLT_NODISCARD;
/* A number below `bound` (> 0), for jitter; never fails, not for secrets. */
uint32_t mlt_random_below(uint32_t bound);

#endif
