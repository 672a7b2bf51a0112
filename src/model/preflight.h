/* What was looked at before the first write, for people and for --json. What stands in the way is
   an error of whoever looked; the rest is here. Strings live in the arena. */
#ifndef MLT_MODEL_PREFLIGHT_H
#define MLT_MODEL_PREFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"

/* Worth a word, but no reason to stop. */
struct mlt_preflight_warning {
  const char *code; /* "few-connections" */
  const char *text, *mend;
};

/* Room on a file system that will be written to. */
struct mlt_preflight_room {
  const char *what; /* "database" */
  const char *path; /* the folder */
  uint64_t free;    /* bytes */
  uint64_t needs;   /* bytes, by estimate; 0: not known */
};

enum { MLT_PREFLIGHT_WARNINGS = 8, MLT_PREFLIGHT_ROOMS = 3 };

struct mlt_preflight {
  struct mlt_arena *arena; /* borrowed */
  /* PostgreSQL; role NULL: it was not looked at */
  const char *role;     /* quoted, as GRANT takes it */
  size_t rights;        /* looked up, by object */
  const char *lacking;  /* GRANTs that are missing, one a line; NULL: none */
  const char *may_lack; /* likewise of rights that an import takes now and then */
  bool standby, read_only;
  unsigned connections;     /* wanted */
  int64_t connections_free; /* so many more there could be; -1: no bound */
  const char *valid_until;  /* the role's password; ISO 8601, UTC; NULL: for ever */
  uint32_t statement_timeout, transaction_timeout, idle_in_transaction_timeout,
      lock_timeout; /* milliseconds; 0: none */
  /* every target */
  struct mlt_preflight_room rooms[MLT_PREFLIGHT_ROOMS];
  size_t n_rooms;
  struct mlt_preflight_warning warnings[MLT_PREFLIGHT_WARNINGS];
  size_t n_warnings;
};

/* Keeps a copy of text and mend; code is borrowed. One warning too many is left out. */
enum mlt_rc mlt_preflight_warn(struct mlt_preflight *p, const char *code, const char *text,
                               const char *mend, struct mlt_err *err) MLT_NODISCARD;

#endif
