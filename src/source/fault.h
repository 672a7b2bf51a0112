/* What is wrong with the one thing a source has at hand. The first fault stays until it is told. */
#ifndef MLT_SOURCE_FAULT_H
#define MLT_SOURCE_FAULT_H

#include "base/err.h"
#include "model/record.h"

struct mlt_fault {
  const char *code; /* the stable word for machines; NULL: nothing is wrong */
  char text[512];
};

/* Describes a fault, unless there is one already; returns MLT_DATA. */
enum mlt_rc mlt_blame(struct mlt_fault *f, const char *code, const char *fmt, ...) MLT_PRINTF(3, 4);
/* Completes rec, a MLT_REC_NOTE that has its place, to a note that tells the fault: `n` with id (it
   may be empty), place, code and reason. The fault is over then; rec borrows its text. */
void mlt_fault_tell(struct mlt_fault *f, struct mlt_record *rec, struct mlt_str id,
                    struct mlt_note n);

#endif
