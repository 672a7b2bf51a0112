/* What a report has met, as text for people and as JSON: rejects, changes, what was left out, and
   the error that ended it. */
#ifndef MLT_BULK_NOTES_H
#define MLT_BULK_NOTES_H

#include <stdio.h>
#include "base/json.h"
#include "pipeline/report.h"

struct mlt_json *mlt_note_json(const struct mlt_note *note);
/* "ignored", "rejects", "conflicts", "changes", "changed" and "notes" of the result's document. */
void mlt_notes_add_json(struct mlt_json *doc, const struct mlt_report *r);
/* "error": null where rc is MLT_OK or MLT_REJECTED. */
void mlt_error_add_json(struct mlt_json *doc, enum mlt_rc rc, const struct mlt_err *err);
/* done: "imported" or "exported". */
void mlt_notes_print_text(FILE *out, const struct mlt_report *r, const char *done);

#endif
