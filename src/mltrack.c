/* The public API over the inner layers: checks what callers hand in and translates between the
   library's own structs and those of mltrack.h. Decides nothing about imports itself. */
#include "mltrack.h"

const char *mlt_version(void) {
  return MLT_VERSION;
}
