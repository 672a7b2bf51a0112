/* What somebody would write by hand to fill a SQLite file: rows decoded from PostgreSQL's binary
 * COPY format, which costs next to nothing, inserted with prepared statements in one transaction,
 * indexes made afterwards. A yardstick for the benchmark: it trusts its input.
 *
 * raw_sqlite DATABASE BEFORE.sql AFTER.sql [INSERT-STATEMENT TYPES ROWS.bin]...
 * TYPES has a letter for each column: t text, f double, i integer, b boolean. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_HEADER = 19 };

static _Noreturn void fail(const char *what, const char *why) {
  fprintf(stderr, "raw_sqlite: %s: %s\n", what, why);
  exit(1);
}

static const unsigned char *map_file(const char *path, size_t *len) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
    fail(path, "cannot be read, or is empty");
  *len = (size_t)st.st_size;
  void *text = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (text == MAP_FAILED)
    fail(path, "cannot be mapped");
  close(fd);
  return text;
}

static uint64_t big_endian(const unsigned char *at, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++)
    value = value << 8 | at[i];
  return value;
}

static int bind(sqlite3_stmt *row, int column, char type, const unsigned char *at, unsigned len) {
  uint64_t bits;
  double real;
  switch (type) {
  case 't':
    return sqlite3_bind_text(row, column, (const char *)at, (int)len, SQLITE_STATIC);
  case 'f':
    bits = big_endian(at, 8);
    memcpy(&real, &bits, sizeof real);
    return sqlite3_bind_double(row, column, real);
  default:
    bits = big_endian(at, len);
    return sqlite3_bind_int64(row, column, len == 4 ? (int32_t)bits : (int64_t)bits);
  }
}

static void insert_all(sqlite3 *db, const char *sql, const char *types, const char *path) {
  sqlite3_stmt *row;
  size_t len;
  const unsigned char *at = map_file(path, &len) + COPY_HEADER;
  if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
    fail(sql, sqlite3_errmsg(db));
  while ((int16_t)big_endian(at, 2) >= 0) {
    at += 2;
    for (int column = 0; types[column]; column++) {
      int32_t bytes = (int32_t)big_endian(at, 4);
      at += 4;
      int code = bytes < 0 ? sqlite3_bind_null(row, column + 1)
                           : bind(row, column + 1, types[column], at, (unsigned)bytes);
      if (code != SQLITE_OK)
        fail(path, sqlite3_errmsg(db));
      at += bytes < 0 ? 0 : bytes;
    }
    if (sqlite3_step(row) != SQLITE_DONE || sqlite3_reset(row) != SQLITE_OK)
      fail(path, sqlite3_errmsg(db));
  }
  sqlite3_finalize(row);
}

static void execute(sqlite3 *db, const char *sql) {
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail(sql, sqlite3_errmsg(db));
}

static void execute_file(sqlite3 *db, const char *path) {
  size_t len;
  const unsigned char *text = map_file(path, &len);
  char *sql = strndup((const char *)text, len);
  execute(db, sql);
  free(sql);
}

int main(int argc, char **argv) {
  sqlite3 *db;
  if (argc < 4 || (argc - 4) % 3 != 0)
    fail("usage", "raw_sqlite DATABASE BEFORE.sql AFTER.sql [INSERT TYPES ROWS.bin]...");
  if (sqlite3_open(argv[1], &db) != SQLITE_OK)
    fail(argv[1], sqlite3_errmsg(db));
  execute(db,
          "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536");
  execute(db, "BEGIN");
  execute_file(db, argv[2]);
  for (int i = 4; i < argc; i += 3)
    insert_all(db, argv[i], argv[i + 1], argv[i + 2]);
  execute_file(db, argv[3]);
  execute(db, "COMMIT");
  return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
