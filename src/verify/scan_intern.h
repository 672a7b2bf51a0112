/* What scan.c (threads and their jobs) and folder.c (one folder, one file) share. */
#ifndef MLT_VERIFY_SCAN_INTERN_H
#define MLT_VERIFY_SCAN_INTERN_H

#include <pthread.h>
#include <stdatomic.h>

#include "artifact/manifest.h"
#include "base/hash.h"
#include "verify/scan.h"

enum { MLT_SCAN_QUEUE = 256, MLT_SCAN_THREADS = 64, MLT_SCAN_BUFFER = 256 << 10 };

/* A folder while somebody works on it. */
struct mlt_scan_job {
  atomic_uint users;
  int top; /* descriptor, -1 until it is open */
  enum mlt_table table;
  struct mlt_str id, experiment;
  const char *root, *path; /* absolute; relative to it */
  char full[PATH_MAX];     /* both */
  char text[];             /* the strings */
};

/* A file that is to be read, or, with no path, a folder that is to be gone through. */
struct mlt_scan_task {
  struct mlt_scan_job *job;
  char *path; /* relative to the folder, owned */
  struct mlt_manifest_entry was;
};

struct mlt_scan_worker {
  struct mlt_scan *s;
  pthread_t thread;
  bool started;
  struct mlt_hasher *hasher;
  char *buffer; /* MLT_SCAN_BUFFER */
};

struct mlt_scan {
  struct mlt_scan_options o;
  struct mlt_access *self; /* o.as, or who we are */
  pthread_mutex_t lock;
  pthread_cond_t work, room, idle;
  struct mlt_scan_task files[MLT_SCAN_QUEUE], folders[MLT_SCAN_QUEUE]; /* rings */
  unsigned file_head, n_files, folder_head, n_folders, busy;
  bool quit;
  atomic_bool stopped; /* err is set: nothing more is done */
  struct mlt_err err;
  _Atomic uint64_t sum_folders, sum_manifests, sum_files, sum_bytes, sum_hashed, sum_hashed_bytes;
  unsigned n_workers;
  struct mlt_scan_worker worker[MLT_SCAN_THREADS];
};

/* scan.c */
bool mlt_scan_over(struct mlt_scan *s); /* stopped or cancelled */
void mlt_scan_fail(struct mlt_scan *s, const struct mlt_err *err);
/* Leaves the task to another thread; false: all have enough to do. */
bool mlt_scan_give(struct mlt_scan *s, const struct mlt_scan_task *t);
void mlt_scan_done(struct mlt_scan_job *job);

/* folder.c */
void mlt_scan_run_folder(struct mlt_scan_worker *w, struct mlt_scan_job *job);
void mlt_scan_run_file(struct mlt_scan_worker *w, const struct mlt_scan_job *job, const char *path,
                       const struct mlt_manifest_entry *was);

#endif
