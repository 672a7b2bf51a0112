/* Places artifact files: whole folders and single files go from where they are to where the server
   that will show them looks. Knows files and folders, nothing of MLflow.

   A placer is a pool of threads. Through it folders are filled: a folder is a place below a root,
   and has an id (a run's, a model's) that its manifest is named after. A group is what becomes
   durable together, the folders of one batch of rows: put what belongs to it, wait for it, then
   commit the rows.

   What holds at any moment, also after kill -9 or power loss:
   - A file has its final name only when it is whole and on the disk. It is made below
     ROOT/.mltrack/staging, where a later run removes what a dead one left, and renamed; a run's
     folder never shows anything half.
   - A file that is there already is never replaced. With equal content it counts as present, so
     that putting the same again does nothing; else it is a fault, "exists".
   - A source is read without following any symbolic link below it but as options.follow says,
     nothing is written outside the root, and a moved file's source goes away only when the new one
     is on the disk. What a link leads to is copied and stays, whatever the mode.

   New files have the source's time of modification and its execute bits; else mode and owner are
   as for any new file of this process (umask, default ACLs). Holes stay holes. Empty folders are
   made, too. Extended attributes are not kept.

   Thread-safe: a placer may be used from any thread; one group by one thread at a time. */
#ifndef MLT_ARTIFACT_ARTIFACT_H
#define MLT_ARTIFACT_ARTIFACT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct mlt_placer;
struct mlt_placer_root;
struct mlt_placer_group;
struct mlt_placer_folder;

enum mlt_placing {
  MLT_PLACE_COPY, /* shares the blocks with the source where the file system can (reflink) */
  MLT_PLACE_LINK, /* hard links; copies where that cannot be, see mlt_placed.copied */
  MLT_PLACE_MOVE, /* as LINK, and then the source is removed, with folders that are empty by then */
};

enum mlt_place_sync {
  MLT_SYNC_AUTO, /* what mlt_placer_wait says is on the disk, is; one syncfs(2) for many files, and
                    fsync(2) for each on file systems that syncfs does not reach (FUSE) */
  MLT_SYNC_EACH, /* fsync(2) for each */
  MLT_SYNC_NONE, /* left to the kernel: for tests, and targets that are thrown away on a crash */
};

/* One thing that was not placed, or not as asked. Strings are valid during the call. */
struct mlt_place_fault {
  const char *id;     /* of the folder */
  const char *path;   /* what it is about, absolute: a source, or for "exists" the destination */
  const char *code;   /* stable word for machines, below */
  const char *reason; /* for people, without the path: "it changed while it was read" */
  int errnum;         /* 0 if no system call said so */
};
/* Codes: "missing" (is not there, or went away), "unreadable", "changed" (while it was read),
   "link-skipped" (a symbolic link), "special-file" (device, FIFO, socket), "exists" (something else
   has the name), "overlap" (destination and source lie within one another), "too-long" (a name or
   path), "too-deep" (more than MLT_PLACE_DEPTH folders), "bad-path" (of what was put: absolute,
   "..", empty), "not-removed" (placed, but the source of a move stays). */
enum { MLT_PLACE_DEPTH = 100 };

/* What is at the end of a symbolic link that says `target`: a descriptor to read, or -errno, -ELOOP
   where it may not be followed. Called from any thread, several at once. */
typedef int (*mlt_place_follow_fn)(void *ctx, const char *target);

/* Called from any thread, one call at a time; must not call the placer. */
typedef void (*mlt_place_fault_fn)(void *ctx, const struct mlt_place_fault *f);

/* Each file that was put is counted once: placed, present or a fault. */
struct mlt_placed {
  uint64_t files, bytes; /* placed: new below the root, their lengths */
  uint64_t linked;       /* of files: as a hard link */
  uint64_t copied;       /* of files: copied, where LINK or MOVE was asked (another file system, or
                            behind a symbolic link) */
  uint64_t present, present_bytes; /* were there already, with equal content */
  uint64_t removed;                /* sources, by MOVE */
  uint64_t faults;                 /* calls of on_fault */
};

struct mlt_placer_options {
  enum mlt_placing mode;
  enum mlt_place_sync sync;
  bool no_manifests; /* else each folder's is kept, see artifact/manifest.h: that is, all is read */
  bool dry_run; /* counts what there is to place, and compares with what is there; writes nothing,
                   not even a root */
  unsigned threads;                       /* 0: one a processor that we may use */
  const volatile sig_atomic_t *cancelled; /* borrowed, may be NULL; set by a signal handler */
  mlt_place_fault_fn on_fault;            /* required */
  mlt_place_follow_fn follow;             /* NULL: no link is followed */
  void *ctx;
};

enum mlt_rc mlt_placer_open(struct mlt_placer **out, const struct mlt_placer_options *o,
                            struct mlt_err *err) MLT_NODISCARD;
/* Ends what runs and removes what is unfinished. All groups are freed by then. NULL is fine. */
void mlt_placer_close(struct mlt_placer *p);

/* The folder beneath which all is placed, made if it is missing (its parents, too); opened once for
   each path, owned by p. path is absolute and may go through links. Removes what dead runs left in
   its staging. MLT_USAGE: not absolute. MLT_CANTCREAT: cannot be made, is no folder. MLT_NOPERM. */
enum mlt_rc mlt_placer_root(struct mlt_placer *p, const char *path, struct mlt_placer_root **out,
                            struct mlt_err *err) MLT_NODISCARD;

enum mlt_rc mlt_placer_group(struct mlt_placer *p, struct mlt_placer_group **out,
                             struct mlt_err *err) MLT_NODISCARD;
/* A folder to fill: path relative to the root ("7/<run>/artifacts"), which is made when there is
   something to put into it. id: a file name of 2 to 100 letters, digits, "-", "_" (a run's id), by
   which its manifest is found. Owned by the group. MLT_USAGE: bad path or id, or a path so long
   that nothing fits below it. */
enum mlt_rc mlt_placer_folder(struct mlt_placer_group *g, struct mlt_placer_root *root,
                              const char *path, const char *id, struct mlt_placer_folder **out,
                              struct mlt_err *err) MLT_NODISCARD;

/* Puts what is in the folder `source` (absolute; its parents may be links, itself may not) into the
   folder, or into its subfolder `below` unless that is "". Returns at once, but when very much is
   waiting. What goes wrong with the source is told to on_fault; an error returned is of the target
   or ours and ends all work of the placer: MLT_IO (disk full: names the place and what to do),
   MLT_NOPERM, MLT_CANTCREAT, MLT_CANCELLED, MLT_NOMEM. After one every call returns it again. */
enum mlt_rc mlt_placer_tree(struct mlt_placer_folder *f, const char *source, const char *below,
                            struct mlt_err *err) MLT_NODISCARD;
/* Puts one file under a name relative to the folder ("plots/a.png"). `source` is absolute; a link
   there is not followed. */
enum mlt_rc mlt_placer_file(struct mlt_placer_folder *f, const char *source, const char *name,
                            struct mlt_err *err) MLT_NODISCARD;

/* Waits until all of the group has its final name and is on the disk, with the manifests, and
   (MOVE) the sources are gone. *placed (may be NULL): what became of it; also after an error, as
   far as it came. The group may be filled again, its counts go on. */
enum mlt_rc mlt_placer_wait(struct mlt_placer_group *g, struct mlt_placed *placed,
                            struct mlt_err *err) MLT_NODISCARD;
/* Drops what was not waited for. NULL is fine. */
void mlt_placer_group_free(struct mlt_placer_group *g);

/* All groups together so far, for a progress line: files count when they are copied, before they
   have their names. */
void mlt_placer_progress(struct mlt_placer *p, struct mlt_placed *out);

#endif
