/* What an import or export has done and met: rows counted, notes kept. */
#ifndef MLT_PIPELINE_REPORT_H
#define MLT_PIPELINE_REPORT_H

#include <stdint.h>
#include "base/err.h"
#include "sink/sink.h"
#include "source/source.h"

/* Kinds of ignored things (traces, assessments, ...); the last stands for all that found no place.
 */
#define MLT_REPORT_IGNORED 32

struct mlt_ignored {
  const char *what;
  uint64_t n;
  struct mlt_note
      first; /* owned by the report; its place.field names what they are, or is absent */
};

/* Kinds of changes (truncated, missing-folder, ...); the last likewise. */
#define MLT_REPORT_CHANGES 16

struct mlt_change {
  const char *code;
  uint64_t n;
  struct mlt_note first; /* owned by the report */
};

/* Files of runs and logged models. */
struct mlt_artifact_counts {
  uint64_t folders;                /* of runs and models, that had something to place */
  uint64_t in_place;               /* that are where they are to be */
  uint64_t remote;                 /* in object stores: left as they are */
  uint64_t missing;                /* that could not be placed as a whole; each has a note */
  uint64_t files, bytes;           /* placed */
  uint64_t linked, copied;         /* of files: artifact/artifact.h */
  uint64_t present, present_bytes; /* were there already */
  uint64_t faults;                 /* files that could not be placed; each has a note */
};

/* What has been done so far; complete after mlt_import, mlt_export return, whatever they return. */
struct mlt_report {
  const char *shown;  /* the source as given, for people: no password in it; owned by the report */
  const char *format; /* the source's name */
  struct mlt_preflight preflight; /* what was looked at before anything was written */
  struct mlt_schema schema;       /* the target's */
  struct mlt_load_state load;     /* how rows went in; .why is the report's own copy */
  struct mlt_ledger_state ledger; /* .id 0: none is kept, or nothing was written */
  struct mlt_counts counts[MLT_T_ALL];
  struct mlt_ignored ignored[MLT_REPORT_IGNORED];
  struct mlt_source_progress source;
  uint64_t rejects;   /* rows rejected, conflicts among them */
  uint64_t conflicts; /* notes of kind CONFLICT */
  uint64_t changes;   /* notes of kind CHANGED */
  uint64_t batches;
  uint64_t reconnects; /* connections that were lost and made again */
  uint64_t bytes;      /* written by an export */
  struct mlt_artifact_counts artifacts;
  double seconds;
  struct mlt_id_map *id_map; /* owned by the report */
  size_t n_id_map;
  struct mlt_change changed[MLT_REPORT_CHANGES];
  struct mlt_note *notes; /* the first rejects and conflicts; owned by the report */
  size_t n_notes;
  struct mlt_arena *arena;
};
#define MLT_REPORT_NOTES 100

/* Makes an empty report about `source`, as it was given. MLT_NOMEM. To be freed in every case. */
enum mlt_rc mlt_report_init(struct mlt_report *r, const char *source,
                            struct mlt_err *err) MLT_NODISCARD;
void mlt_report_free(struct mlt_report *r);
/* Counts a note of any kind, and keeps a copy of those that are shown. */
enum mlt_rc mlt_report_note(struct mlt_report *r, const struct mlt_note *note,
                            struct mlt_err *err) MLT_NODISCARD;

#endif
