/* Compares folders of artifacts with their manifests (artifact/manifest.h), on several threads.
   Knows folders, not what is in the database. What was recorded is streamed beside what is there,
   both in the order of the paths: memory does not grow with the number of files.

   A file counts as unchanged when its length and time are as they were recorded; one of another
   time is read, and so are all, or some, if asked for. Nothing is read through a symbolic link.
   One thread uses an instance. */
#ifndef MLT_VERIFY_SCAN_H
#define MLT_VERIFY_SCAN_H

#include <signal.h>

#include "verify/access.h"
#include "verify/verify.h"

struct mlt_scan;

/* Called from any thread, several at a time. */
typedef void (*mlt_scan_found_fn)(void *ctx, const struct mlt_finding *f);

struct mlt_scan_ended;
/* All of a folder was looked at, and no more than MLT_SCAN_ENDED_FINDINGS things found: called from
   any thread, several at a time. An error ends the whole. */
typedef enum mlt_rc (*mlt_scan_ended_fn)(void *ctx, const struct mlt_scan_ended *e,
                                         struct mlt_err *err);

struct mlt_scan_options {
  enum mlt_verify_mode mode;
  double sample; /* MLT_VERIFY_SAMPLE: the share of files that are read. Which they are
                    depends on their paths alone, so it is the same again */
  const struct mlt_access *as;            /* who must be able to read it all; NULL: we */
  unsigned threads;                       /* 0: one a processor that we may use */
  const volatile sig_atomic_t *cancelled; /* borrowed, may be NULL */
  mlt_scan_found_fn found;
  void *ctx;
  mlt_scan_ended_fn ended; /* may be NULL */
  void *ended_ctx;
};

/* A folder and whose it is. Copied. */
struct mlt_scan_folder {
  enum mlt_table table;
  struct mlt_str id, experiment; /* as in mlt_finding */
  const char *root;              /* absolute; may be reached through links */
  const char *path;              /* relative to root; no part of it may be a link that leads out */
};

struct mlt_scanned {
  uint64_t folders;              /* that are there */
  uint64_t manifests;            /* that were compared */
  uint64_t files, bytes;         /* in the folders */
  uint64_t hashed, hashed_bytes; /* of them: read */
};

enum { MLT_SCAN_ENDED_FINDINGS = 500 };
struct mlt_scan_ended {
  enum mlt_table table;
  struct mlt_str id;
  const char *path; /* absolute */
  struct mlt_scanned sum;
  const struct mlt_finding *findings;
  size_t n;
};

/* Where it is, absolute. */
void mlt_scan_full_path(char out[PATH_MAX], const struct mlt_scan_folder *f);

enum mlt_rc mlt_scan_open(struct mlt_scan **out, const struct mlt_scan_options *o,
                          struct mlt_err *err) MLT_NODISCARD;
/* Begins with a folder; waits while very many wait. One that is missing is found to be only if its
   manifest says that there were files. MLT_CANCELLED, MLT_NOMEM, as of whatever ended the work. */
enum mlt_rc mlt_scan_add(struct mlt_scan *s, const struct mlt_scan_folder *f,
                         struct mlt_err *err) MLT_NODISCARD;
/* Waits until all is done, or for so many milliseconds (*done tells). */
enum mlt_rc mlt_scan_wait(struct mlt_scan *s, unsigned ms, bool *done,
                          struct mlt_err *err) MLT_NODISCARD;
void mlt_scan_progress(struct mlt_scan *s, struct mlt_scanned *out);
/* Ends what still runs. NULL is fine. */
void mlt_scan_close(struct mlt_scan *s);

/* The manifest of a folder of this absolute path: below the nearest folder above it that has one.
   A descriptor, and in `name` its path; -1: there is none. */
int mlt_scan_manifest(const char *folder, const char *id, char name[PATH_MAX]);

#endif
