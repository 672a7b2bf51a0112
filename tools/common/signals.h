/* Signals that ask a program to end, or how far it is. */
#ifndef MLT_COMMON_SIGNALS_H
#define MLT_COMMON_SIGNALS_H

#include <signal.h>
#include "base/err.h"

/* The number of the first SIGINT, SIGTERM or SIGHUP, for who looks; the second ends the process, as
   does a wait for the database that goes on for some seconds after the first. */
extern volatile sig_atomic_t mlt_signalled;

/* Set by SIGUSR1: somebody asks how far it is. Whoever answers sets it to 0. */
extern volatile sig_atomic_t mlt_progress_asked;

/* Catches them. interrupted (borrowed, with its newline): what is written to standard error where a
   wait is cut short. SIGPIPE and SIGXFSZ become errors of the write. */
void mlt_signals_catch(const char *interrupted);
/* The exit status of what ended with rc. */
int mlt_signals_exit(enum mlt_rc rc);

#endif
