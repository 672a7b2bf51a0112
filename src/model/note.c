#include "model/note.h"

#include <inttypes.h>
#include <stdio.h>

/* "mlruns/1/ab/metrics/loss:17" or "runs ab12..." : whatever names the thing best. */
static void describe(const struct mlt_note *n, char *out, size_t cap) {
  if (n->place.path.p && n->place.line)
    (void)snprintf(out, cap, "%.*s:%" PRIu64, MLT_STR_ARG(n->place.path), n->place.line);
  else if (n->place.path.p)
    (void)snprintf(out, cap, "%.*s", MLT_STR_ARG(n->place.path));
  else if (n->id.p)
    (void)snprintf(out, cap, "%s '%.*s'", mlt_table_name(n->table), MLT_STR_ARG(n->id));
  else
    (void)snprintf(out, cap, "table %s", mlt_table_name(n->table));
}

enum mlt_rc mlt_note_error(struct mlt_err *err, const struct mlt_note *n) {
  char what[512];
  describe(n, what, sizeof what);
  enum mlt_rc rc = n->kind == MLT_NOTE_CONFLICT ? MLT_CONFLICT : MLT_DATA;
  rc = mlt_err_set(err, rc, "%s: %.*s", what, MLT_STR_ARG(n->reason));
  mlt_err_hint(err, "--on-error skip imports the rest, and --rejects FILE lists what was left out");
  return rc;
}
