/* One JSON document of any size, taken apart while it comes: where objects and lists begin and end,
   the members between, and, where asked for, whole values of bounded size for base/json_read.h.
   Looks at structure only: what a number or string is worth is for who reads it. Takes bytes in
   chunks of any size (ask for room, fill it, say how much). No I/O. */
#ifndef MLT_BASE_JSON_CUT_H
#define MLT_BASE_JSON_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/json_read.h"
#include "base/str.h"

enum { MLT_CUT_CHUNK = 64 * 1024, MLT_CUT_MAX = 16 << 20 /* bytes of a value, with its key */ };

enum mlt_cut_kind {
  MLT_CUT_OPEN, /* an object or list begins: its members come next, unless it is taken or skipped */
  MLT_CUT_CLOSE, /* the innermost one that was opened ends */
  MLT_CUT_VALUE  /* a string, number or literal */
};

struct mlt_cut_event {
  enum mlt_cut_kind kind;
  bool list;          /* OPEN: a list, not an object */
  bool escaped;       /* the key holds escapes: mlt_json_unquote */
  struct mlt_str key; /* of a member of an object, without its quotes; else absent */
  struct mlt_str raw; /* VALUE: as it is written, a string with its quotes */
};

struct mlt_cut {
  char *buf;
  size_t cap, start, at, end; /* start: of the event at hand; at: behind what has been read */
  uint64_t line;              /* of buf[at], from 1 */
  bool eof;
  enum { MLT_CUT_AT_VALUE, MLT_CUT_AT_FIRST, MLT_CUT_AT_NEXT } expect;
  unsigned depth; /* of what is open */
  bool in_list[MLT_JSON_DEPTH];
  size_t opened, scan; /* taking a value: where it begins, how far it has been looked at */
  unsigned scan_depth;
  bool in_string, after_backslash;
  const char *reason; /* why MLT_DATA */
};

enum mlt_rc mlt_cut_init(struct mlt_cut *c, struct mlt_err *err) MLT_NODISCARD;
void mlt_cut_free(struct mlt_cut *c);
void mlt_cut_reset(struct mlt_cut *c); /* for the next document */

/* Where the next bytes go, *n of them at most. NULL when out of memory. Slices of events move. */
char *mlt_cut_room(struct mlt_cut *c, size_t *n);
void mlt_cut_fed(struct mlt_cut *c, size_t n);
void mlt_cut_eof(struct mlt_cut *c);

/* MLT_OK: *out, valid until the next call. MLT_AGAIN: feed more, call again. MLT_END: the document
   is over. MLT_DATA: it is no JSON at c->line, c->reason says why. MLT_TOOBIG: a value on c->line
   has more than MLT_CUT_MAX bytes. After MLT_DATA and MLT_TOOBIG there is no going on. */
enum mlt_rc mlt_cut_next(struct mlt_cut *c, struct mlt_cut_event *out) MLT_NODISCARD;
/* Begins with a document that is all there: text is borrowed, room, fed, eof and free are not for
 * it.
 */
void mlt_cut_whole(struct mlt_cut *c, struct mlt_str text);
/* Right after OPEN: the whole of it as one slice, or nothing of it. Returns as mlt_cut_next; after
   MLT_AGAIN call the same again. */
enum mlt_rc mlt_cut_take(struct mlt_cut *c, struct mlt_str *raw) MLT_NODISCARD;
enum mlt_rc mlt_cut_skip(struct mlt_cut *c) MLT_NODISCARD;

#endif
