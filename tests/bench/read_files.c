/* Reads every file below a folder and does nothing with it: what a program that imports from files
   cannot do without. Usage: read_files FOLDER */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 16];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_file(int folder, const char *name) {
  int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    fail(name);
  ssize_t n;
  do
    n = read(fd, text, sizeof text);
  while (n == (ssize_t)sizeof text);
  if (n < 0 || close(fd) != 0)
    fail(name);
}

/* Takes the folder over. */
static void read_folder(int fd) {
  _Alignas(struct dirent64) char entries[32 * 1024];
  ssize_t n;
  while ((n = getdents64(fd, entries, sizeof entries)) > 0) {
    for (ssize_t at = 0; at < n;) {
      const struct dirent64 *d = (const struct dirent64 *)(const void *)(entries + at);
      at += d->d_reclen;
      if (d->d_type == DT_REG)
        read_file(fd, d->d_name);
      else if (d->d_type == DT_DIR && strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
        read_folder(openat(fd, d->d_name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW));
    }
  }
  if (n < 0 || close(fd) != 0)
    fail("a folder");
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 64;
  read_folder(open(argv[1], O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  return 0;
}
