/* The lines of a file or of standard input, unpacked if need be (inflate.h): a buffer that grows to
   one line, up to MLT_LINE_MAX. Line ends are LF or CRLF; a UTF-8 byte order mark is passed over.
 */
#ifndef MLT_SOURCE_LINE_INPUT_H
#define MLT_SOURCE_LINE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "base/inflate.h"

struct mlt_line_input {
  int fd;
  bool standard; /* fd is standard input, which is not ours to close */
  bool live;     /* a pipe, a terminal, a socket: what comes next may be long in coming */
  double due;    /* of such a one: wait for it until then (base/clock.h); 0: as long as it takes */
  const char *path;
  struct mlt_inflate *inflate; /* NULL: as it stands */
  char *packed;                /* bytes that are still to be unpacked: */
  struct mlt_str rest;
  char *buf;
  size_t cap, start, at, end; /* at: how far it has been looked at */
  uint64_t line;              /* that buf[start] is on, from 1 */
  bool marked;                /* it began with a byte order mark */
  bool read_all, eof, skipping;
  uint64_t bytes; /* read so far, as they are stored */
};

/* path "-" is standard input; else a file or FIFO, borrowed. MLT_NOINPUT, MLT_NOPERM. Call
   mlt_line_input_close in any case. */
enum mlt_rc mlt_line_input_open(struct mlt_line_input *in, const char *path,
                                struct mlt_err *err) MLT_NODISCARD;
void mlt_line_input_close(struct mlt_line_input *in);
/* The next line that is not blank, without its end, and its number; valid until the next call.
   MLT_END. MLT_AGAIN: nothing more came before in->due; nothing is lost. MLT_TOOBIG: line *number
   is longer than MLT_LINE_MAX; reading goes on behind it. MLT_DATA: what is behind *number lines
   cannot be unpacked, err says why; the next call gives MLT_END. Else an error. */
enum mlt_rc mlt_line_input_next(struct mlt_line_input *in, struct mlt_str *line, uint64_t *number,
                                struct mlt_err *err) MLT_NODISCARD;
/* Right after opening: what is at hand of the beginning, unpacked; "" when that fails. */
struct mlt_str mlt_line_input_peek(struct mlt_line_input *in);
/* Right after the first line, which `first` is: a descriptor of its own, at its beginning, that
   gives the whole of the input unpacked and can be read twice: the file's, or that of a nameless
   temporary file. Blank lines before the first stay, so that lines keep their numbers. */
enum mlt_rc mlt_line_input_seekable(struct mlt_line_input *in, struct mlt_str first, int *fd,
                                    struct mlt_err *err) MLT_NODISCARD;

#endif
