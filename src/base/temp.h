/* Temporary files without a name: gone when they are closed, whatever becomes of the process. */
#ifndef MLT_BASE_TEMP_H
#define MLT_BASE_TEMP_H

#include "base/err.h"

/* Where they are made: TMPDIR, else /tmp. */
const char *mlt_temp_folder(void);
/* An empty file, readable and writable by this user only, closed on exec. MLT_CANTCREAT names the
   folder and what to do. */
enum mlt_rc mlt_temp_open(int *fd, struct mlt_err *err) MLT_NODISCARD;
/* errnum of an operation on such a file, which `what` begins to describe: "cannot write to". */
enum mlt_rc mlt_temp_failed(int errnum, const char *what, struct mlt_err *err);

#endif
