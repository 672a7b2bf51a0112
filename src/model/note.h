/* Something to tell the user about one record: why it was rejected, changed or left out. The same
   struct goes from sources, batches and sinks into the report, the rejects file and the terminal.
 */
#ifndef MLT_MODEL_NOTE_H
#define MLT_MODEL_NOTE_H

#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "model/tables.h"

/* Where in the source: path relative to the source's root, line from 1 (0 = the whole file), field
 * or key. */
struct mlt_place {
  struct mlt_str path;
  uint64_t line;
  struct mlt_str field;
};

enum mlt_note_kind {
  MLT_NOTE_REJECT,   /* `rows` rows of `table` were not imported; needs --on-error skip to go on */
  MLT_NOTE_CONFLICT, /* as REJECT, because the target holds something else under that identity */
  MLT_NOTE_CHANGED,  /* imported, but not as it stood: truncated, name cut, missing folder taken as
                        empty */
  MLT_NOTE_IGNORED,  /* a kind of thing we do not import (traces, assessments); never an error */
  MLT_NOTE_DIFFERS,  /* of a proof: the target does not hold what the source does */
};

struct mlt_note {
  enum mlt_note_kind kind;
  enum mlt_table table; /* of the rows concerned; for IGNORED see `what` */
  const char
      *code; /* stable word for machines: "bad-yaml", "bad-utf8", "too-long", "run-conflict" ... */
  const char *what;  /* IGNORED: "traces", "assessments"; else NULL */
  uint64_t rows;     /* how many rows this note stands for (at least 1; 0: an artifact) */
  struct mlt_str id; /* run id, experiment name, model name: whose row it is; may be absent */
  struct mlt_place place;
  struct mlt_str reason; /* one sentence for people */
};

/* Rows of one table, each counted once: read = inserted + present + updated + merged + rejected. */
struct mlt_counts {
  uint64_t read;
  uint64_t inserted;
  uint64_t present; /* the target holds the identical row already */
  uint64_t updated; /* the target held another value, which a merge replaced */
  uint64_t merged;  /* exact duplicate of a row read before */
  uint64_t rejected;
  uint64_t changed; /* of the inserted: stored cut or mapped, see the notes */
};

/* A reject or conflict as the error that ends an import under --on-error stop; returns MLT_DATA or
 * MLT_CONFLICT. */
enum mlt_rc mlt_note_error(struct mlt_err *err, const struct mlt_note *n);

#endif
