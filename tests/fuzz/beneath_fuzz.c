/* mlt_beneath_dir, mlt_beneath_file: wherever a symbolic link says to go, what is opened lies
   beneath the root. */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/beneath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_TARGET = 1000 };
static char folder[] = "/tmp/mlt-beneath-XXXXXX";
static char root_path[PATH_MAX];
static int root = -1, sub;

static void check(bool held) {
  if (!held)
    abort();
}

static void make_file(const char *path) {
  int fd = openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  check(fd >= 0 && close(fd) == 0);
}

static void in_folder(char out[PATH_MAX], const char *rest) {
  (void)snprintf(out, PATH_MAX, "%s/%s", folder, rest);
}

/* outside/secret, root/in, root/sub/{file,link}, root/sub/up -> .., root/out -> ../outside */
static void make_tree(void) {
  static const char *const folders[] = {"outside", "root", "root/sub"};
  static const char *const files[] = {"outside/secret", "root/in", "root/sub/file"};
  char path[PATH_MAX];
  check(mkdtemp(folder) != NULL);
  for (size_t i = 0; i < 3; i++) {
    in_folder(path, folders[i]);
    check(mkdir(path, 0700) == 0);
  }
  for (size_t i = 0; i < 3; i++) {
    in_folder(path, files[i]);
    make_file(path);
  }
  in_folder(path, "root");
  check(realpath(path, root_path) != NULL);
  root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(root >= 0 && symlinkat("..", root, "sub/up") == 0);
  check(symlinkat("../outside", root, "out") == 0);
  sub = openat(root, "sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(sub >= 0);
}

static void remove_tree(void) {
  static const char *const all[] = {"outside/secret", "root/in",  "root/sub/file", "root/sub/up",
                                    "root/out",       "root/sub", "root",          "outside"};
  char path[PATH_MAX];
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    in_folder(path, all[i]);
    (void)remove(path);
  }
  (void)remove(folder);
}

static void check_beneath(int fd) {
  char proc[64], path[PATH_MAX];
  if (fd < 0)
    return;
  (void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(proc, path, sizeof path - 1);
  size_t len = strlen(root_path);
  check(n > 0);
  path[n] = '\0';
  check(strncmp(path, root_path, len) == 0 && (path[len] == '/' || path[len] == '\0'));
  check(close(fd) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char target[MAX_TARGET + 1];
  if (size == 0 || size > MAX_TARGET || memchr(data, '\0', size))
    return 0;
  if (root < 0) {
    make_tree();
    (void)atexit(remove_tree);
  }
  memcpy(target, data, size);
  target[size] = '\0';
  if (symlinkat(target, sub, "link") != 0)
    return 0;
  check_beneath(mlt_beneath_file(root, sub, "link", "sub/link", false));
  check_beneath(mlt_beneath_file(root, sub, "link", "sub/link", true));
  check_beneath(mlt_beneath_dir(root, sub, "link", "sub/link"));
  check(unlinkat(sub, "link", 0) == 0);
  return 0;
}
