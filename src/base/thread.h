/* Threads of the library's own. */
#ifndef MLT_BASE_THREAD_H
#define MLT_BASE_THREAD_H

#include <pthread.h>

/* pthread_create; returns its errno. Signals do not come to the thread but for those of its own
   faults: the program's handlers run in the program's threads, and no system call of ours is
   interrupted. */
int mlt_thread_start(pthread_t *out, void *(*run)(void *), void *arg);
/* A condition whose timed waits go by CLOCK_MONOTONIC. */
void mlt_thread_cond_init(pthread_cond_t *out);

#endif
