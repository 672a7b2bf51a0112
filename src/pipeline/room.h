/* Is there room for what an import will write? An estimate, for a word of warning; refused is only
   what cannot work. */
#ifndef MLT_PIPELINE_ROOM_H
#define MLT_PIPELINE_ROOM_H

#include "base/err.h"
#include "base/uri.h"
#include "model/preflight.h"
#include "source/source.h"

struct mlt_room_opts { /* borrowed */
  const char *source;
  enum mlt_source_holds holds;
  const struct mlt_target *target;
  const char *artifacts; /* the folder that files are copied to; NULL: none are */
};

/* Fills p->rooms, and warns where there is less free than is needed by estimate. A PostgreSQL
   server's disk is not ours to see. MLT_IO: not even an empty database has room. */
enum mlt_rc mlt_room_look(const struct mlt_room_opts *opts, struct mlt_preflight *p,
                          struct mlt_err *err) MLT_NODISCARD;

#endif
