/* What scan.c (threads and their jobs) and folder.c (one folder, one file) share. */
#ifndef MLT_VERIFY_SCAN_INTERN_H
#define MLT_VERIFY_SCAN_INTERN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "artifact/manifest.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/vec.h"
#include "verify/scan.h"

enum { MLT_SCAN_QUEUE = 256, MLT_SCAN_THREADS = 64, MLT_SCAN_BUFFER = 256 << 10 };

/* Files that are missing, and files that were added, of a folder: some of them may be the same. So
   many are kept until the folder's end; what goes beyond is told at once. */
enum { MLT_SCAN_KEPT = 4096 };
struct mlt_scan_kept {
  char *path; /* owned */
  uint64_t size;
  int64_t mtime_ns;
  unsigned char sha256[MLT_SHA256_BYTES]; /* of a missing one; of an added one, if read */
  enum { MLT_KEPT, MLT_KEPT_READ, MLT_KEPT_UNREADABLE, MLT_KEPT_MATCHED } state;
};
struct mlt_scan_list {
  struct mlt_scan_kept *v; /* NULL: none yet */
  size_t n;
};

/* struct mlt_scanned while it is counted. */
struct mlt_scan_sums {
  _Atomic uint64_t folders, manifests, files, bytes, hashed, hashed_bytes;
};
/* Of the folder and of all. */
#define MLT_SCAN_COUNT(s, job, field, n)                                                           \
  (atomic_fetch_add_explicit(&(s)->sum.field, (n), memory_order_relaxed),                          \
   atomic_fetch_add_explicit(&(job)->sum.field, (n), memory_order_relaxed))

/* A folder while somebody works on it. */
struct mlt_scan_job {
  atomic_uint users;
  struct mlt_scan_sums sum;
  struct mlt_arena *arena; /* of what was found; NULL: nothing, or nobody asks for it */
  MLT_VEC(struct mlt_finding) found;
  struct mlt_scan_list missing, added; /* of the thread that goes through it; then of the last */
  int top;                             /* descriptor, -1 until it is open */
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
  pthread_mutex_t found_lock; /* of what was found in each folder */
  struct mlt_scan_task files[MLT_SCAN_QUEUE], folders[MLT_SCAN_QUEUE]; /* rings */
  unsigned file_head, n_files, folder_head, n_folders, busy;
  bool quit;
  atomic_bool stopped; /* err is set: nothing more is done */
  struct mlt_err err;
  struct mlt_scan_sums sum;
  unsigned n_workers;
  struct mlt_scan_worker worker[MLT_SCAN_THREADS];
};

/* scan.c */
bool mlt_scan_over(struct mlt_scan *s); /* stopped or cancelled */
void mlt_scan_fail(struct mlt_scan *s, const struct mlt_err *err);
/* Leaves the task to another thread; false: all have enough to do. */
bool mlt_scan_give(struct mlt_scan *s, const struct mlt_scan_task *t);
/* One task less of a folder; w: the worker that did it, NULL for none. The last one ends it. */
void mlt_scan_done(struct mlt_scan_worker *w, struct mlt_scan_job *job);

/* folder.c */
void mlt_scan_run_folder(struct mlt_scan_worker *w, struct mlt_scan_job *job);
void mlt_scan_run_file(struct mlt_scan_worker *w, struct mlt_scan_job *job, const char *path,
                       const struct mlt_manifest_entry *was);

/* Tells a finding about a file of the folder; path: relative to it, "" is itself. */
void mlt_scan_tell(struct mlt_scan *s, struct mlt_scan_job *job, enum mlt_finding_id what,
                   const char *path, const char *fmt, ...) MLT_PRINTF(5, 6);
/* The sum of a regular file, read to its end: 0, or errno; ECANCELED when all is over. st: what it
   is when it is read. */
int mlt_scan_hash(struct mlt_scan_worker *w, struct mlt_scan_job *job, const char *path,
                  unsigned char sha[MLT_SHA256_BYTES], uint64_t *size, struct stat *st);

/* renamed.c */
/* Keeps a file that is missing (sha256: as it was recorded) or was added (NULL) until the folder's
   end. False: no room. */
bool mlt_scan_keep(struct mlt_scan_job *job, struct mlt_str path, uint64_t size, int64_t mtime_ns,
                   const unsigned char *sha256);
/* Tells of the files kept: which have another name now, are missing, were added. Frees them. */
void mlt_scan_tell_kept(struct mlt_scan_worker *w, struct mlt_scan_job *job);
void mlt_scan_forget_kept(struct mlt_scan_job *job);

#endif
