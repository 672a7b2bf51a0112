/* Build-time program: turns SQL files into C.
     embed strings OUT.c OUT.h FILE.sql...   const char mlt_sql_<name>[]
     embed blobs OUT.c FILE.sql...           struct mlt_blob mlt_mlflow_ddl[]: name, deflated bytes,
   raw length Exits 1 with a message on any failure; never leaves a half-written file behind a
   success. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void die(const char *what, const char *name) {
  (void)fprintf(stderr, "embed: %s %s: %s\n", what, name, strerror(errno));
  exit(1);
}

static unsigned char *read_file(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END) != 0)
    die("cannot read", path);
  long n = ftell(f);
  rewind(f);
  unsigned char *p = malloc((size_t)n + 1);
  if (!p || fread(p, 1, (size_t)n, f) != (size_t)n)
    die("cannot read", path);
  (void)fclose(f);
  *len = (size_t)n;
  return p;
}

/* "sql/pg_find.sql" -> "pg_find" in out; extension kept when keep_ext ("x.pg.sql" -> "x.pg"). */
static void stem(const char *path, char *out, size_t cap) {
  const char *slash = strrchr(path, '/');
  (void)snprintf(out, cap, "%s", slash ? slash + 1 : path);
  char *dot = strrchr(out, '.');
  if (dot)
    *dot = '\0';
}

static void put_bytes(FILE *f, const unsigned char *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    (void)fprintf(f, "%u,%s", p[i], i % 32 == 31 ? "\n" : "");
}

static void close_output(FILE *f, const char *path) {
  if (fflush(f) != 0 || ferror(f) || fclose(f) != 0)
    die("cannot write", path);
}

static FILE *open_output(const char *path) {
  FILE *f = fopen(path, "w");
  if (!f)
    die("cannot create", path);
  return f;
}

static int strings(int n, char **args) {
  FILE *c = open_output(args[0]), *h = open_output(args[1]);
  (void)fprintf(
      h, "/* Generated from sql/ by tools/dev/embed.c. */\n#ifndef MLT_SQL_H\n#define MLT_SQL_H\n");
  (void)fprintf(c, "/* Generated from sql/ by tools/dev/embed.c. */\n#include \"sql.h\"\n");
  for (int i = 2; i < n; i++) {
    char name[256];
    size_t len;
    unsigned char *p = read_file(args[i], &len);
    stem(args[i], name, sizeof name);
    (void)fprintf(h, "extern const char mlt_sql_%s[];\n", name);
    (void)fprintf(c, "const char mlt_sql_%s[] = {\n", name);
    put_bytes(c, p, len);
    (void)fprintf(c, "0};\n");
    free(p);
  }
  (void)fprintf(h, "#endif\n");
  close_output(c, args[0]);
  close_output(h, args[1]);
  return 0;
}

static int blobs(int n, char **args) {
  FILE *c = open_output(args[0]);
  (void)fprintf(
      c, "/* Generated from sql/mlflow/ by tools/dev/embed.c. */\n#include \"schema/ddl.h\"\n");
  for (int i = 1; i < n; i++) {
    size_t len;
    unsigned char *p = read_file(args[i], &len);
    uLongf packed_len = compressBound((uLong)len);
    unsigned char *packed = malloc(packed_len);
    if (!packed || compress2(packed, &packed_len, p, (uLong)len, 9) != Z_OK)
      die("cannot compress", args[i]);
    (void)fprintf(c, "static const unsigned char blob_%d[] = {\n", i);
    put_bytes(c, packed, packed_len);
    (void)fprintf(c, "};\n");
    free(packed);
    free(p);
  }
  (void)fprintf(c, "const struct mlt_blob mlt_mlflow_ddl[] = {\n");
  for (int i = 1; i < n; i++) {
    char name[256];
    size_t len;
    free(read_file(args[i], &len));
    stem(args[i], name, sizeof name);
    (void)fprintf(c, "  {\"%s\", blob_%d, sizeof blob_%d, %zu},\n", name, i, i, len);
  }
  (void)fprintf(c, "  {0}};\n");
  close_output(c, args[0]);
  return 0;
}

int main(int argc, char **argv) {
  if (argc >= 4 && strcmp(argv[1], "strings") == 0)
    return strings(argc - 2, argv + 2);
  if (argc >= 3 && strcmp(argv[1], "blobs") == 0)
    return blobs(argc - 2, argv + 2);
  (void)fprintf(stderr, "usage: embed strings OUT.c OUT.h FILE... | embed blobs OUT.c FILE...\n");
  return 1;
}
