/* Files that are missing under the name that was recorded, and are there under another. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "verify/scan_intern.h"

bool mlt_scan_keep(struct mlt_scan_job *job, struct mlt_str path, uint64_t size, int64_t mtime_ns,
                   const unsigned char *sha256) {
  struct mlt_scan_list *l = sha256 ? &job->missing : &job->added;
  if (!l->v)
    l->v = mlt_calloc(MLT_SCAN_KEPT, sizeof *l->v);
  if (!l->v || l->n == MLT_SCAN_KEPT)
    return false;
  struct mlt_scan_kept *k = &l->v[l->n];
  *k = (struct mlt_scan_kept){
      .path = mlt_calloc(path.len + 1, 1), .size = size, .mtime_ns = mtime_ns};
  if (!k->path)
    return false;
  memcpy(k->path, path.p, path.len);
  if (sha256)
    memcpy(k->sha256, sha256, sizeof k->sha256);
  l->n++;
  return true;
}

/* The sum of an added file, read once. */
static bool is_read(struct mlt_scan_worker *w, struct mlt_scan_job *job, struct mlt_scan_kept *k) {
  uint64_t size;
  struct stat st;
  if (k->state == MLT_KEPT)
    k->state = mlt_scan_hash(w, job, k->path, k->sha256, &size, &st) == 0 ? MLT_KEPT_READ
                                                                          : MLT_KEPT_UNREADABLE;
  return k->state == MLT_KEPT_READ;
}

/* By --full the content decides, else the time, which a renamed file keeps. */
static bool is_same(struct mlt_scan_worker *w, struct mlt_scan_job *job,
                    const struct mlt_scan_kept *was, struct mlt_scan_kept *k) {
  if (k->state == MLT_KEPT_MATCHED || k->size != was->size)
    return false;
  if (w->s->o.mode != MLT_VERIFY_FULL || was->size == 0)
    return k->mtime_ns == was->mtime_ns;
  return is_read(w, job, k) && memcmp(k->sha256, was->sha256, sizeof k->sha256) == 0;
}

static struct mlt_scan_kept *find(struct mlt_scan_worker *w, struct mlt_scan_job *job,
                                  const struct mlt_scan_kept *was) {
  for (size_t i = 0; i < job->added.n && !mlt_scan_over(w->s); i++)
    if (is_same(w, job, was, &job->added.v[i]))
      return &job->added.v[i];
  return NULL;
}

void mlt_scan_tell_kept(struct mlt_scan_worker *w, struct mlt_scan_job *job) {
  for (size_t i = 0; i < job->missing.n; i++) {
    const struct mlt_scan_kept *was = &job->missing.v[i];
    struct mlt_scan_kept *now = find(w, job, was);
    if (mlt_scan_over(w->s))
      return;
    if (now) {
      now->state = MLT_KEPT_MATCHED;
      mlt_scan_tell(w->s, job, MLT_FINDING_FILE_RENAMED, was->path, "it is called '%s' now",
                    now->path);
    } else {
      mlt_scan_tell(w->s, job, MLT_FINDING_FILE_MISSING, was->path,
                    "not there; %" PRIu64 " bytes were recorded", was->size);
    }
  }
  for (size_t i = 0; i < job->added.n; i++)
    if (job->added.v[i].state != MLT_KEPT_MATCHED)
      mlt_scan_tell(w->s, job, MLT_FINDING_FILE_ADDED, job->added.v[i].path,
                    "%" PRIu64 " bytes, which were not recorded", job->added.v[i].size);
}

static void forget(struct mlt_scan_list *l) {
  for (size_t i = 0; i < l->n; i++)
    mlt_free(l->v[i].path);
  mlt_free(l->v);
  l->v = NULL;
  l->n = 0;
}

void mlt_scan_forget_kept(struct mlt_scan_job *job) {
  forget(&job->missing);
  forget(&job->added);
}
