/* A root and what we keep below it while we work:

     ROOT/.mltrack/staging/TOKEN/       files that have no place yet
     ROOT/.mltrack/staging/TOKEN.lock   locked with flock(2) while its run lives
     ROOT/.mltrack/manifests/.lock      locked while manifests change

   A staging whose lock is free belongs to a run that was killed. */
#include "artifact/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#define STAGING ".mltrack/staging"
#define LOCK_SUFFIX ".lock"
enum { TRIES = 100 };
static const struct timespec POLL = {.tv_nsec = 20 * 1000000L};

void mlt_staged_name(char name[MLT_STAGED_NAME], unsigned long long serial) {
  (void)snprintf(name, MLT_STAGED_NAME, "%llx", serial);
}

unsigned long long mlt_stage_name(struct mlt_placer *p, char name[MLT_STAGED_NAME]) {
  unsigned long long serial = atomic_fetch_add(&p->serial, 1) + 1;
  mlt_staged_name(name, serial);
  return serial;
}

/* Opens and locks a file; -EWOULDBLOCK: another has the lock. */
static int open_locked(int dir, const char *name, int flags) {
  int fd = openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0666);
  struct stat st;
  if (fd < 0)
    return -errno;
  int failed = flock(fd, LOCK_EX | LOCK_NB) != 0 ? -errno : fstat(fd, &st) != 0 ? -errno : 0;
  if (!failed && (!S_ISREG(st.st_mode) || st.st_nlink == 0))
    failed = -EWOULDBLOCK; /* removed by the one who had the lock before us */
  if (!failed)
    return fd;
  (void)close(fd);
  return failed;
}

/* Removes the files in staging/TOKEN, then itself. */
static void remove_staged(int staging, const char *token) {
  int fd = mlt_file_open(staging, token, O_RDONLY | O_DIRECTORY);
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  for (struct dirent *e; d && (e = readdir(d));)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      (void)unlinkat(fd, e->d_name, 0);
  if (d)
    (void)closedir(d);
  else if (fd >= 0)
    (void)close(fd);
  (void)unlinkat(staging, token, AT_REMOVEDIR);
}

/* What dead runs left. Nothing here fails: what cannot be removed now is removed next time. */
static void sweep(int staging) {
  int fd = openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d = fd < 0 ? NULL : fdopendir(fd);
  for (struct dirent *e; d && (e = readdir(d));) {
    char token[33];
    if (strlen(e->d_name) != 32 + strlen(LOCK_SUFFIX) || strcmp(e->d_name + 32, LOCK_SUFFIX) != 0)
      continue;
    (void)snprintf(token, sizeof token, "%.32s", e->d_name);
    int lock = open_locked(staging, e->d_name, 0);
    if (lock < 0)
      continue;
    remove_staged(staging, token);
    (void)unlinkat(staging, e->d_name, 0);
    (void)close(lock);
  }
  if (d)
    (void)closedir(d);
  else if (fd >= 0)
    (void)close(fd);
}

/* A lock and a staging of our own. Another run's sweep or end may take the folders away until we
   have the lock: then again. */
static int make_staging(struct mlt_placer_root *root, int staging) {
  char name[32 + sizeof LOCK_SUFFIX];
  struct mlt_err err = MLT_ERR_INIT;
  if (mlt_random_uuid(root->token, &err) != MLT_OK)
    return -EIO;
  (void)snprintf(name, sizeof name, "%s" LOCK_SUFFIX, root->token);
  root->lock_fd = open_locked(staging, name, O_CREAT | O_EXCL);
  if (root->lock_fd < 0)
    return root->lock_fd;
  root->staging = mlt_file_folder(staging, root->token, root->each, NULL);
  if (root->staging >= 0)
    return 0;
  (void)unlinkat(staging, name, 0);
  (void)close(root->lock_fd);
  root->lock_fd = -1;
  return root->staging;
}

static enum mlt_rc open_staging(struct mlt_placer_root *root) {
  int failed = 0;
  for (int i = 0; i < TRIES; i++) {
    int staging = mlt_file_folder(root->fd, STAGING, root->each, NULL);
    if (staging >= 0) {
      if (i == 0)
        sweep(staging);
      failed = make_staging(root, staging);
      (void)close(staging);
    } else {
      failed = staging;
    }
    if (failed != -ENOENT && failed != -EWOULDBLOCK)
      break;
  }
  return failed ? mlt_placer_failed(root, -failed, "cannot make", STAGING, NULL) : MLT_OK;
}

/* syncfs(2) does not reach what a FUSE daemon holds back. */
static bool syncs_whole(int fd) {
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_SUPER_MAGIC;
}

/* As mkdir -p: links are followed, for the path is the user's. 0 or errno. */
static int make_parents(char *path) {
  for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    int failed = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
    *slash = '/';
    if (failed)
      return failed;
  }
  return mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
}

static enum mlt_rc open_folder(struct mlt_placer_root *root, struct mlt_err *err) {
  bool dry = root->p->o.dry_run;
  int failed = dry ? 0 : make_parents(root->path);
  struct stat st;
  if (!failed)
    root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!failed && root->fd < 0)
    failed = errno;
  if (dry && failed == ENOENT)
    return MLT_OK;
  if (!failed && fstat(root->fd, &st) != 0)
    failed = errno;
  if (failed) {
    struct mlt_err why = MLT_ERR_INIT;
    enum mlt_rc rc = mlt_err_errno(&why, failed, "cannot make the artifact folder %s", root->path);
    return mlt_err_set(err, rc == MLT_NOINPUT || failed == EEXIST ? MLT_CANTCREAT : rc, "%s",
                       why.msg);
  }
  root->dev = st.st_dev;
  root->ino = st.st_ino;
  root->each = root->p->o.sync == MLT_SYNC_EACH ||
               (root->p->o.sync == MLT_SYNC_AUTO && !syncs_whole(root->fd));
  return MLT_OK;
}

static struct mlt_placer_root *find_root(struct mlt_placer *p, const struct mlt_placer_root *like) {
  for (struct mlt_placer_root *r = p->roots; r; r = r->next)
    if (strcmp(r->path, like->path) == 0 ||
        (like->fd >= 0 && r->fd >= 0 && r->dev == like->dev && r->ino == like->ino))
      return r;
  return NULL;
}

static enum mlt_rc new_root(struct mlt_placer *p, const char *path, struct mlt_placer_root **out,
                            struct mlt_err *err) {
  struct mlt_placer_root *root = mlt_calloc(1, sizeof *root);
  if (!root || !(root->path = mlt_strdup(path))) {
    mlt_free(root);
    return mlt_err_nomem(err);
  }
  root->p = p;
  root->fd = root->staging = root->lock_fd = -1;
  for (size_t n = strlen(root->path); n > 1 && root->path[n - 1] == '/';)
    root->path[--n] = '\0';
  *out = root;
  return MLT_OK;
}

enum mlt_rc mlt_placer_root(struct mlt_placer *p, const char *path, struct mlt_placer_root **out,
                            struct mlt_err *err) {
  struct mlt_placer_root *root = NULL;
  *out = NULL;
  if (path[0] != '/')
    return mlt_err_set(err, MLT_USAGE, "the artifact folder %s is not an absolute path", path);
  if (strlen(path) >= PATH_MAX)
    return mlt_err_set(err, MLT_USAGE, "the path of the artifact folder is too long");
  enum mlt_rc rc = mlt_placer_result(p, err);
  if (rc == MLT_OK)
    rc = new_root(p, path, &root, err);
  if (rc != MLT_OK)
    return rc;
  (void)pthread_mutex_lock(&p->caller_lock);
  rc = open_folder(root, err);
  struct mlt_placer_root *known = rc == MLT_OK ? find_root(p, root) : NULL;
  if (rc == MLT_OK && !known && !p->o.dry_run && open_staging(root) != MLT_OK)
    rc = mlt_placer_result(p, err);
  if (rc == MLT_OK && !known) {
    (void)pthread_mutex_lock(&p->lock);
    root->next = p->roots;
    p->roots = known = root;
    (void)pthread_mutex_unlock(&p->lock);
    root = NULL;
  }
  (void)pthread_mutex_unlock(&p->caller_lock);
  mlt_placer_root_close(root);
  *out = known;
  return rc;
}

/* Folders of ours that are empty by now go, too; another run that needs them makes them again. */
static void drop_staging(struct mlt_placer_root *root) {
  char name[32 + sizeof LOCK_SUFFIX];
  int staging = mlt_file_open(root->fd, STAGING, O_RDONLY | O_DIRECTORY);
  (void)close(root->staging);
  if (staging >= 0) {
    remove_staged(staging, root->token);
    (void)snprintf(name, sizeof name, "%s" LOCK_SUFFIX, root->token);
    (void)unlinkat(staging, name, 0);
    (void)close(staging);
    (void)unlinkat(root->fd, STAGING, AT_REMOVEDIR);
    (void)unlinkat(root->fd, ".mltrack", AT_REMOVEDIR);
  }
  (void)close(root->lock_fd);
}

void mlt_placer_root_close(struct mlt_placer_root *root) {
  if (!root)
    return;
  if (root->staging >= 0)
    drop_staging(root);
  if (root->fd >= 0)
    (void)close(root->fd);
  mlt_free(root->path);
  mlt_free(root);
}

int mlt_root_lock(struct mlt_placer_root *root) {
  bool made;
  for (;;) {
    int dir = mlt_file_folder(root->fd, MLT_MANIFEST_FOLDER, root->each, &made);
    int fd = dir < 0 ? dir : open_locked(dir, ".lock", O_CREAT);
    if (dir >= 0)
      (void)close(dir);
    if (fd >= 0)
      return fd;
    if (fd != -EWOULDBLOCK && fd != -ENOENT) {
      (void)mlt_placer_failed(root, -fd, "cannot lock", MLT_MANIFEST_FOLDER, NULL);
      return -1;
    }
    if (mlt_placer_over(root->p))
      return -1;
    (void)nanosleep(&POLL, NULL);
  }
}

bool mlt_root_sync(struct mlt_placer_root *root) {
  if (root->each || root->p->o.sync != MLT_SYNC_AUTO || syncfs(root->fd) == 0)
    return true;
  (void)mlt_placer_failed(root, errno, "cannot make durable what was placed in", NULL, NULL);
  return false;
}
