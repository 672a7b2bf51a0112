/* A folder for one test, files in it, and a placer whose faults are kept as lines of text. */
#ifndef MLT_TEST_SCRATCH_H
#define MLT_TEST_SCRATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "artifact/artifact.h"
#include "artifact/manifest.h"

static char scratch[64];

static inline int new_scratch(void **state) {
  (void)state;
  (void)snprintf(scratch, sizeof scratch, "/tmp/mltrack-artifact-XXXXXX");
  return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *w) {
  (void)st, (void)w;
  if (flag == FTW_DNR)
    (void)chmod(path, 0700);
  return remove(path);
}

static inline int drop_scratch(void **state) {
  (void)state;
  return nftw(scratch, remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Absolute; the last four stay valid. */
static inline const char *in(const char *path) {
  static char full[4][8192];
  static unsigned turn;
  char *p = full[turn++ % 4];
  (void)snprintf(p, sizeof full[0], "%s/%s", scratch, path);
  return p;
}

static inline void put_bytes(const char *path, const void *bytes, size_t n) {
  char full[8192];
  (void)snprintf(full, sizeof full, "%s", in(path));
  for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    (void)mkdir(full, 0777);
    *slash = '/';
  }
  if (full[strlen(full) - 1] == '/')
    return;
  int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, n), (ssize_t)n);
  assert_int_equal(close(fd), 0);
}

/* A path that ends in "/" is a folder. */
static inline void put(const char *path, const char *text) {
  put_bytes(path, text, strlen(text));
}

/* What is in a small file; NULL if there is none. */
static inline const char *text_of(const char *path) {
  static char text[65536];
  int fd = open(in(path), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  ssize_t n = read(fd, text, sizeof text - 1);
  (void)close(fd);
  assert_true(n >= 0);
  text[n] = '\0';
  return text;
}

static inline bool is_there(const char *path) {
  struct stat st;
  return lstat(in(path), &st) == 0;
}

static unsigned counted;
static inline int count_file(const char *path, const struct stat *st, int flag, struct FTW *w) {
  (void)path, (void)st, (void)w;
  counted += flag == FTW_F || flag == FTW_SL;
  return 0;
}

/* Files below a folder, links among them. */
static inline unsigned files_in(const char *path) {
  counted = 0;
  (void)nftw(in(path), count_file, 32, FTW_PHYS);
  return counted;
}

static char faults[8192];

static inline void note_fault(void *ctx, const struct mlt_place_fault *f) {
  (void)ctx;
  size_t n = strlen(faults), top = strlen(scratch) + 1;
  assert_true(strlen(f->reason) > 0);
  (void)snprintf(faults + n, sizeof faults - n, "%s %s\n", f->code,
                 strncmp(f->path, scratch, top - 1) == 0 && f->path[top - 1] ? f->path + top
                                                                             : f->path);
}

static struct mlt_placer_options opts;
static struct mlt_placer *placer;
static struct mlt_placer_root *root;
static struct mlt_placer_group *group;
static struct mlt_placer_folder *folder;
static struct mlt_err err;

/* A placer, its root "root" and the folder 1/run/artifacts there. */
static inline void start(enum mlt_placing mode) {
  opts.mode = mode;
  opts.on_fault = note_fault;
  faults[0] = '\0';
  mlt_err_clear(&err);
  assert_int_equal(mlt_placer_open(&placer, &opts, &err), MLT_OK);
  assert_int_equal(mlt_placer_root(placer, in("root"), &root, &err), MLT_OK);
  assert_int_equal(mlt_placer_group(placer, &group, &err), MLT_OK);
  assert_int_equal(mlt_placer_folder(group, root, "1/run/artifacts", "run", &folder, &err), MLT_OK);
}

/* Waits and ends it. */
static inline struct mlt_placed finish(enum mlt_rc want) {
  struct mlt_placed placed;
  assert_int_equal(mlt_placer_wait(group, &placed, &err), want);
  mlt_placer_group_free(group);
  mlt_placer_close(placer);
  placer = NULL;
  assert_false(is_there("root/.mltrack/staging"));
  return placed;
}

static inline struct mlt_placed place_tree(enum mlt_placing mode, const char *source) {
  start(mode);
  assert_int_equal(mlt_placer_tree(folder, in(source), "", &err), MLT_OK);
  return finish(MLT_OK);
}

static inline int reset_options(void **state) {
  opts = (struct mlt_placer_options){.threads = 3};
  return new_scratch(state);
}

#define PLACED "root/1/run/artifacts/"

#endif
