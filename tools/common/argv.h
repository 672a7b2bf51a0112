/* Passwords that were given as arguments, out of the list of processes. */
#ifndef MLT_COMMON_ARGV_H
#define MLT_COMMON_ARGV_H

#include <stdbool.h>

struct mlt_argv {
  char **v;    /* what to read instead of argv: copies of those with a password; else argv's own */
  bool hidden; /* there was a password */
  int n;
};

/* Overwrites the process' own arguments, which others see in ps(1) and /proc/PID/cmdline, where
   mlt_text_mask finds a password. Out of memory: they stay. */
void mlt_argv_hide(struct mlt_argv *out, int argc, char **argv);
void mlt_argv_free(struct mlt_argv *a, char *const *argv);

#endif
