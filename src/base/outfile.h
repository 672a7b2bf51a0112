/* Where a command's data go: standard output, or a file that appears whole or not at all
   (base/newfile.h), compressed if its name says so. One thread uses an instance. */
#ifndef MLT_BASE_OUTFILE_H
#define MLT_BASE_OUTFILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct mlt_outfile;

struct mlt_outfile_opts {
  const char *path; /* "-": standard output. *.gz: gzip, *.zst: zstd. What is no regular file (a
                       FIFO, a device) is written to as it is */
  bool replace;     /* a file that is there; else MLT_CANTCREAT */
  const volatile sig_atomic_t *cancelled; /* ends a write that waits; may be NULL */
};

/* MLT_CANTCREAT. Strings of opts are borrowed. */
enum mlt_rc mlt_outfile_open(struct mlt_outfile **out, const struct mlt_outfile_opts *opts,
                             struct mlt_err *err) MLT_NODISCARD;
/* MLT_IO names the file. MLT_CANCELLED. MLT_END, without an error: whoever read from the pipe has
   gone. */
enum mlt_rc mlt_outfile_write(struct mlt_outfile *f, const char *p, size_t n,
                              struct mlt_err *err) MLT_NODISCARD;
/* All is written: has a file on the disk and gives it its name. Errors as of write, and
   MLT_TEMPFAIL: a file of this name came into being meanwhile. */
enum mlt_rc mlt_outfile_finish(struct mlt_outfile *f, struct mlt_err *err) MLT_NODISCARD;
uint64_t mlt_outfile_bytes(const struct mlt_outfile *f); /* written so far, compressed */
/* Removes what was not finished. NULL is fine. */
void mlt_outfile_close(struct mlt_outfile *f);

#endif
