/* Stands in for libFuzzer where it is not: runs a target on every file of the folders given and on
   nothing at all. Fails when a folder holds no file, so that a lost corpus is noticed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void replay(const char *folder, const char *name) {
  char path[4096];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END) != 0)
    die(path);
  long n = ftell(f);
  rewind(f);
  uint8_t *data = malloc(n > 0 ? (size_t)n : 1); /* exactly its size: reading on is an error */
  if (!data || fread(data, 1, (size_t)n, f) != (size_t)n)
    die(path);
  (void)fclose(f);
  (void)LLVMFuzzerTestOneInput(data, (size_t)n);
  free(data);
}

int main(int argc, char **argv) {
  (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  for (int i = 1; i < argc; i++) {
    DIR *d = opendir(argv[i]);
    if (!d)
      die(argv[i]);
    int files = 0;
    for (struct dirent *e; (e = readdir(d));)
      if (e->d_type != DT_DIR && ++files)
        replay(argv[i], e->d_name);
    (void)closedir(d);
    (void)printf("%s: %d inputs\n", argv[i], files);
    if (files == 0)
      return 1;
  }
  return 0;
}
