/* What the parts of the placer share.

     placer.c  the pool: threads, jobs, errors, faults, counts
     root.c    a root: staging, locks, syncing
     group.c   groups, folders, what was put
     walk.c    a source folder, walked; each file becomes a job
     file.c    one file: staged (copied, linked), or compared with what is there
     commit.c  staged files get their names, manifests are brought up to date, moved sources go

   Order of locks: group->commit, folder->known_lock, group->lock, placer->lock. */
#ifndef MLT_ARTIFACT_PRIVATE_H
#define MLT_ARTIFACT_PRIVATE_H

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "artifact/artifact.h"
#include "artifact/manifest.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/vec.h"

/* Of a larger buffer less is in the processor's own cache: copying through 256 KiB took twice the
   time of 64. */
enum { MLT_PLACER_QUEUE = 64, MLT_PLACER_THREADS = 64, MLT_PLACER_BUFFER = 64 << 10 };
/* So much is given its names at once, even if nobody waits yet: bounds memory, and what a killed
   run has to do again. */
enum { MLT_COMMIT_FILES = 1 << 16 };
#define MLT_COMMIT_BYTES (UINT64_C(8) << 30)

/* What a thread works with. */
struct mlt_placer_worker {
  struct mlt_placer *p;
  pthread_t thread;
  bool started;
  struct mlt_hasher *hasher;
  char *buffer, *other; /* MLT_PLACER_BUFFER each */
};

/* A folder of which files are being placed: open while a job needs it. */
struct mlt_place_dir {
  atomic_uint users;
  struct mlt_place_put *put;
  DIR *listing; /* of the source; NULL for a single file */
  int source;   /* descriptor */
  int target;   /* descriptor; -1: not there, in a dry run */
  bool fresh;   /* just made: holds nothing */
  bool same;    /* source and target are one folder: nothing is to be done, nor removed */
  char path[];  /* relative to the folder, "" for itself */
};

/* Something that was put: a tree or a file. */
struct mlt_place_put {
  struct mlt_place_put *next;
  struct mlt_placer_folder *folder;
  bool tree;
  bool begun; /* the source is there */
  bool same;  /* the tree is where it belongs */
  dev_t dev;  /* where a tree goes to: it must not be walked into; ino 0: not known */
  ino_t ino;
  atomic_bool no_clones; /* the file system cannot share blocks */
  const char *source;    /* absolute */
  const char *below;     /* tree: subfolder of the folder; file: its path in it */
};

struct mlt_placer_job {
  struct mlt_place_put *put; /* to be begun; or, if NULL: */
  struct mlt_place_dir *dir;
  char *name; /* a file of dir's */
};

struct mlt_placer {
  struct mlt_placer_options o;
  pthread_mutex_t lock, fault_lock;
  pthread_cond_t work, room, idle; /* a job came; one was taken; a group has none left */
  struct mlt_placer_job queue[MLT_PLACER_QUEUE];
  unsigned head, queued;
  bool quit;
  atomic_bool stopped; /* err is set: nothing more is done */
  struct mlt_err err;
  struct mlt_placed sum;
  struct mlt_placer_root *roots;
  atomic_ullong serial; /* names in staging */
  unsigned n_workers;
  struct mlt_placer_worker worker[MLT_PLACER_THREADS];
  struct mlt_placer_worker caller; /* for commits that a caller waits for, under caller_lock */
  pthread_mutex_t caller_lock;
};

struct mlt_placer_root {
  struct mlt_placer *p;
  struct mlt_placer_root *next;
  char *path;
  int fd, staging, lock_fd; /* -1: none (dry run) */
  char token[33];           /* names our part of the staging */
  dev_t dev;
  ino_t ino;
  bool each; /* fsync each file and folder */
};

/* A file that is in its place, or staged to be. */
struct mlt_place_entry {
  const struct mlt_place_put *put;
  struct mlt_manifest_entry is; /* path relative to the folder, NUL behind it */
  unsigned long long staged;    /* its name in staging; 0: has its name already */
  dev_t dev;                    /* of the source, and its time, so that no other is removed */
  ino_t ino;
  bool remove; /* the source, when all is on the disk */
  bool out;    /* got no place after all */
};
typedef MLT_VEC(struct mlt_place_entry) mlt_place_entries;

/* What the manifest says, sorted by path: for telling quickly that a file is there already. */
struct mlt_place_known {
  MLT_VEC(struct mlt_manifest_entry) list;
  struct mlt_arena *arena;
  bool loaded;
};

struct mlt_placer_folder {
  struct mlt_placer_folder *next;
  struct mlt_placer_group *group;
  struct mlt_placer_root *root;
  const char *path, *id;
  mlt_place_entries done; /* under group->lock, with their arena */
  struct mlt_arena *arena;
  pthread_mutex_t known_lock;
  struct mlt_place_known known;
};

struct mlt_placer_group {
  struct mlt_placer *p;
  pthread_mutex_t lock, commit;
  struct mlt_arena *arena;           /* folders and puts; used by the caller's thread only */
  struct mlt_placer_folder *folders; /* under lock */
  struct mlt_place_put *puts;        /* likewise */
  unsigned jobs;                     /* under p->lock */
  struct mlt_placed placed;          /* likewise */
  size_t entries;                    /* done, not committed; under lock */
  uint64_t bytes;                    /* likewise */
};

/* placer.c */

/* Ends all work with this error, unless one has done so; returns the code in force. */
enum mlt_rc mlt_placer_stop(struct mlt_placer *p, const struct mlt_err *err);
/* The same for a failed system call on something of the target: path may be NULL. */
enum mlt_rc mlt_placer_failed(struct mlt_placer_root *root, int errnum, const char *what,
                              const char *folder, const char *path);
enum mlt_rc mlt_placer_nomem(struct mlt_placer *p);
/* True if there is nothing to be done any more; notices the signal. */
bool mlt_placer_over(struct mlt_placer *p);
/* The error in force, into err. */
enum mlt_rc mlt_placer_result(struct mlt_placer *p, struct mlt_err *err);
enum mlt_place_where { MLT_AT_SOURCE, MLT_AT_TARGET };
/* Tells a fault of path (relative to the put's folder there, may be NULL). errnum 0: `reason` says
   it all; else it may be NULL. Counted. */
void mlt_place_fault(const struct mlt_place_put *put, enum mlt_place_where where, const char *path,
                     const char *code, int errnum, const char *reason);
/* The same for what a system call said of a source. Running out of descriptors or memory is none
   of the source's: that stops. */
void mlt_place_source_fault(const struct mlt_place_put *put, const char *path, int errnum);
/* Adds to the counts of the group and of all. */
void mlt_placer_count(struct mlt_placer_group *g, const struct mlt_placed *more);
/* Hands a job to the pool. wait: until there is room; else false if there is none. */
bool mlt_placer_push(struct mlt_placer_group *g, const struct mlt_placer_job *job, bool wait);
bool mlt_worker_init(struct mlt_placer_worker *w, struct mlt_placer *p);
void mlt_worker_free(struct mlt_placer_worker *w);

/* root.c */

/* A name in staging. */
enum { MLT_STAGED_NAME = 24 };
unsigned long long mlt_stage_name(struct mlt_placer *p, char name[MLT_STAGED_NAME]);
void mlt_staged_name(char name[MLT_STAGED_NAME], unsigned long long serial);
void mlt_placer_root_close(struct mlt_placer_root *root);
/* One run at a time changes manifests: a descriptor that holds the lock until it is closed; -1 when
   all is over. */
int mlt_root_lock(struct mlt_placer_root *root);
/* Everything written to the root's file system so far is on the disk. */
bool mlt_root_sync(struct mlt_placer_root *root);

/* group.c */

/* A file that is in its place or staged. path: relative to the folder. */
void mlt_folder_add(struct mlt_placer_worker *w, struct mlt_placer_folder *f,
                    const struct mlt_place_entry *e, const char *path);
/* What the manifest says of path: true, and *out. */
bool mlt_folder_known(struct mlt_placer_folder *f, const char *path,
                      struct mlt_manifest_entry *out);
/* Opens the folder's manifest. MLT_END: there is none, or none that counts. */
enum mlt_rc mlt_folder_manifest(struct mlt_placer_folder *f, struct mlt_manifest_reader **out,
                                struct mlt_err *err);

/* walk.c */

void mlt_place_begin(struct mlt_placer_worker *w, struct mlt_place_put *put);
struct mlt_place_dir *mlt_place_dir_use(struct mlt_place_dir *dir);
void mlt_place_dir_done(struct mlt_place_dir *dir);
/* dir's path and name joined; false when that is too long, which is told. */
bool mlt_place_path(char out[PATH_MAX], const struct mlt_place_dir *dir, const char *name);
/* What is at path in the folder's terms, in the source's: relative to put->source. */
const char *mlt_place_source_path(const struct mlt_place_put *put, const char *path);

/* file.c */

/* The file `name` of dir's source, which gets the place `path`, relative to the folder. */
void mlt_place_file(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                    const char *path);
/* The same of a symbolic link of that name, if it may be followed. */
void mlt_place_link(struct mlt_placer_worker *w, struct mlt_place_dir *dir, const char *name,
                    const char *path);
/* 1: both hold the same from where they are to their ends, which was added to h (unless NULL); 0:
   they differ; -errno, -ECANCELED if all is over. */
int mlt_place_compare(struct mlt_placer_worker *w, int a, int b, struct mlt_hasher *h);

/* commit.c */

/* Names for all that is staged, once it is on the disk. From any thread. */
void mlt_group_commit(struct mlt_placer_worker *w, struct mlt_placer_group *g);
/* Removes the folders of moved trees that are empty by now. No job of the group is running. */
void mlt_group_clear_sources(struct mlt_placer_group *g);

static inline int64_t mlt_mtime_ns(const struct stat *st) {
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)st->st_mtim.tv_sec, INT64_C(1000000000), &ns) ||
      __builtin_add_overflow(ns, st->st_mtim.tv_nsec, &ns))
    return st->st_mtim.tv_sec < 0 ? -INT64_MAX : INT64_MAX;
  return ns;
}

#endif
