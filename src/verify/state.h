/* What is kept of a long check, so that one that was interrupted goes on where it stopped: the
   folders of artifacts that are done, with what was found in them. JSON lines, a head and then one
   line a folder, each written when the folder is done:

       {"mltrack_verify_state":1,"options":{"target":"sqlite:///mlflow.db","mode":"full",...}}
       {"table":"runs","id":"41f7...","path":"/srv/...","sum":{"files":12,...},"findings":[...]}

   The database is never remembered: it is another one the next time. A folder that was done is not
   looked at again, whatever has happened to it since. Names that are not UTF-8 are not found again,
   and their folders looked at anew. */
#ifndef MLT_VERIFY_STATE_H
#define MLT_VERIFY_STATE_H

#include "verify/scan.h"

struct mlt_state;

/* Makes the file, or goes on with it. MLT_USAGE: it was begun with other options, or for another
   database. MLT_DATA: it is no such file; it is left as it is. MLT_TEMPFAIL: somebody uses it.
   MLT_CANTCREAT, MLT_IO. */
enum mlt_rc mlt_state_open(struct mlt_state **out, const char *path,
                           const struct mlt_verify_opts *o, struct mlt_err *err) MLT_NODISCARD;
/* Is the folder done? Then *sum is what was looked at, and fn is given what was found. One thread
   at a time. MLT_DATA, MLT_IO. */
enum mlt_rc mlt_state_find(struct mlt_state *s, const struct mlt_scan_folder *f, bool *done,
                           struct mlt_scanned *sum, mlt_scan_found_fn fn, void *ctx,
                           struct mlt_err *err) MLT_NODISCARD;
/* As mlt_scan_ended_fn; ctx is the state. Any thread. */
enum mlt_rc mlt_state_add(void *state, const struct mlt_scan_ended *e,
                          struct mlt_err *err) MLT_NODISCARD;
/* finished: the check came to its end, the file is removed. NULL is fine. */
void mlt_state_close(struct mlt_state *s, bool finished);

#endif
