/* Opening files of every condition, locks between connections, and transactions. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "base/clock.h"

static const struct mlt_value tag_row[] = {{.kind = MLT_V_TEXT, .s = MLT_STR_LIT("k")},
                                           {.kind = MLT_V_TEXT, .s = MLT_STR_LIT("v")},
                                           {.kind = MLT_V_TEXT, .s = MLT_STR_LIT("r")}};

static enum mlt_rc get_tag(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  (void)ctx, (void)i;
  memcpy(out, tag_row, sizeof tag_row);
  return MLT_OK;
}

static enum mlt_rc insert_tag(struct mlt_lite *db, struct mlt_err *err) {
  const struct mlt_rows rows = {.table = MLT_T_TAGS, .n = 1, .get = get_tag};
  return mlt_lite_insert(db, &rows, EVERYTHING, err);
}

static enum mlt_rc count(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  (void)row, (void)err;
  ++*(size_t *)ctx;
  return MLT_OK;
}

static size_t experiments(struct scratch *s, struct mlt_lite *db) {
  size_t n = 0;
  assert_works(s, mlt_lite_select(db, MLT_T_EXPERIMENTS, NULL, EVERYTHING, count, &n, &s->err));
  return n;
}

static void write_file(const char *path, const char *text) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static void a_missing_file_is_made_in_create_mode_only(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db;
  assert_int_equal(unlink(s->path), 0);
  assert_fails(s, mlt_lite_open(&db, s->path, MLT_LITE_READ, &s->err), MLT_NOINPUT, s->path);
  assert_null(db);
  assert_fails(s, mlt_lite_open(&db, s->path, MLT_LITE_WRITE, &s->err), MLT_NOINPUT, s->path);
  assert_int_not_equal(access(s->path, F_OK), 0);
  assert_works(s, mlt_lite_open(&db, s->path, MLT_LITE_CREATE, &s->err));
  mlt_lite_close(db);
  mode_t mask = umask(0);
  (void)umask(mask);
  struct stat st;
  assert_int_equal(stat(s->path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0644 & ~mask);
}

static void a_file_in_a_missing_folder_cannot_be_created(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db;
  char path[400];
  (void)snprintf(path, sizeof path, "%s/none/x.db", s->folder);
  assert_fails(s, mlt_lite_open(&db, path, MLT_LITE_CREATE, &s->err), MLT_CANTCREAT,
               "folder is missing");
  assert_string_equal(s->err.hint, "Make the folder first.");
  (void)snprintf(path, sizeof path, "%s/x.db", s->path);
  assert_fails(s, mlt_lite_open(&db, path, MLT_LITE_CREATE, &s->err), MLT_CANTCREAT, "folder");
  assert_null(db);
}

static void what_is_no_database_is_refused(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db;
  assert_fails(s, mlt_lite_open(&db, s->folder, MLT_LITE_READ, &s->err), MLT_NOINPUT, "a folder");
  assert_fails(s, mlt_lite_open(&db, "/dev/null", MLT_LITE_WRITE, &s->err), MLT_NOINPUT,
               "no regular file");
  assert_fails(s, mlt_lite_open(&db, "", MLT_LITE_CREATE, &s->err), MLT_NOINPUT, "empty");
  write_file(s->path, "step,loss\n1,0.5\n2,0.25\n");
  assert_fails(s, mlt_lite_open(&db, s->path, MLT_LITE_READ, &s->err), MLT_DATA, "not a database");
  assert_fails(s, mlt_lite_open(&db, s->path, MLT_LITE_CREATE, &s->err), MLT_DATA,
               "not a database");
  assert_true(s->err.hint[0]);
}

static void a_damaged_file_is_bad_data(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db;
  int fd = open(s->path, O_WRONLY);
  char junk[4096];
  memset(junk, 0xA5, sizeof junk);
  for (off_t page = 1; page < 8; page++)
    assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
  assert_int_equal(close(fd), 0);
  enum mlt_rc rc = mlt_lite_open(&db, s->path, MLT_LITE_WRITE, &s->err);
  if (rc == MLT_OK)
    rc = insert_tag(db, &s->err);
  mlt_lite_close(db);
  assert_int_equal(rc, MLT_DATA);
  assert_non_null(strstr(s->err.hint, "integrity_check"));
}

static void any_name_is_a_plain_file_name(void **state) {
  static const char *const names[] = {
      "a?mode=memory", "b#c.db",      "with space.db", "100%41.db", "file:d.db",
      ":memory:",      "\xff\xfe.db", "e&vfs=none",    "sp\tt\n.db"};
  struct scratch *s = *state;
  int home = open(".", O_RDONLY | O_DIRECTORY);
  assert_int_equal(chdir(s->folder), 0);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct mlt_lite *db;
    assert_works(s, mlt_lite_open(&db, names[i], MLT_LITE_CREATE, &s->err));
    assert_works(s, mlt_lite_run_ddl(db, "CREATE TABLE t (x)", &s->err));
    mlt_lite_close(db);
    struct stat st;
    assert_int_equal(lstat(names[i], &st), 0);
    assert_true(st.st_size > 0);
  }
  assert_int_equal(fchdir(home), 0);
  assert_int_equal(close(home), 0);
}

static void reading_writes_nothing_and_refuses_to_write(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  assert_fails(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_NOPERM,
               "no permission");
  assert_fails(s, insert_tag(db, &s->err), MLT_NOPERM, "tags");
  mlt_lite_close(db);
  db = scratch_open(s, MLT_LITE_WRITE);
  assert_works(s, mlt_lite_begin(db, true, HEAD, EVERYTHING, &s->err));
  assert_fails(s, insert_tag(db, &s->err), MLT_NOPERM, "tags");
  mlt_lite_rollback(db);
  scratch_sql(s->path, "INSERT INTO runs (run_uuid) VALUES ('r')");
  assert_works(s, insert_tag(db, &s->err));
  mlt_lite_close(db);
}

/* Runs `check` as a user whom the file's permissions bind: root may write anything. */
static void as_nobody(struct scratch *s, void (*check)(struct scratch *)) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
      _exit(2);
    check(s);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (status != 0)
    fail_msg("check failed in the child, status %d", status);
}

/* In the child: assertions of cmocka belong to the parent. */
static void must(struct scratch *s, bool ok) {
  if (ok)
    return;
  (void)fprintf(stderr, "in the child: %s (%s)\n", s->err.msg, s->err.hint);
  _exit(1);
}

static enum mlt_rc open_close(struct scratch *s, enum mlt_lite_mode mode) {
  struct mlt_lite *db;
  mlt_err_clear(&s->err);
  enum mlt_rc rc = mlt_lite_open(&db, s->path, mode, &s->err);
  mlt_lite_close(db);
  return rc;
}

static void check_read_only_file(struct scratch *s) {
  must(s, open_close(s, MLT_LITE_READ) == MLT_OK);
  must(s, open_close(s, MLT_LITE_WRITE) == MLT_NOPERM && s->err.hint[0]);
  must(s, open_close(s, MLT_LITE_CREATE) == MLT_NOPERM);
}

static void a_file_without_write_permission_can_be_read(void **state) {
  struct scratch *s = *state;
  assert_int_equal(chmod(s->folder, 0755), 0);
  assert_int_equal(chmod(s->path, 0444), 0);
  as_nobody(s, check_read_only_file);
}

static void check_unreadable_file(struct scratch *s) {
  must(s, open_close(s, MLT_LITE_READ) == MLT_NOPERM);
  must(s, open_close(s, MLT_LITE_WRITE) == MLT_NOPERM);
}

static void a_file_without_read_permission_is_refused(void **state) {
  struct scratch *s = *state;
  assert_int_equal(chmod(s->folder, 0755), 0);
  assert_int_equal(chmod(s->path, 0), 0);
  as_nobody(s, check_unreadable_file);
}

static void check_unwritable_folder(struct scratch *s) {
  (void)snprintf(s->path, sizeof s->path, "%s/new.db", s->folder);
  must(s, open_close(s, MLT_LITE_CREATE) == MLT_CANTCREAT);
  must(s, strstr(s->err.msg, "not writable") != NULL);
}

static void a_file_in_an_unwritable_folder_cannot_be_created(void **state) {
  struct scratch *s = *state;
  assert_int_equal(chmod(s->folder, 0555), 0);
  as_nobody(s, check_unwritable_folder);
}

static void check_wal_on_read_only_media(struct scratch *s) {
  struct mlt_lite *db;
  mlt_err_clear(&s->err);
  must(s, mlt_lite_open(&db, s->path, MLT_LITE_READ, &s->err) == MLT_OK);
  size_t n = 0;
  must(s, mlt_lite_select(db, MLT_T_EXPERIMENTS, NULL, EVERYTHING, count, &n, &s->err) == MLT_OK);
  must(s, n == 1);
  mlt_lite_close(db);
}

static void a_wal_file_on_read_only_media_can_be_read(void **state) {
  struct scratch *s = *state;
  char odd[300];
  scratch_sql(s->path, "PRAGMA journal_mode = WAL; INSERT INTO experiments (name) VALUES ('e')");
  (void)snprintf(odd, sizeof odd, "%s/a?b#c%%20 \xff.db", s->folder);
  assert_int_equal(rename(s->path, odd), 0);
  memcpy(s->path, odd, sizeof odd);
  assert_int_equal(chmod(s->path, 0444), 0);
  assert_int_equal(chmod(s->folder, 0555), 0);
  as_nobody(s, check_wal_on_read_only_media);
}

static void check_orphaned_wal(struct scratch *s) {
  must(s, open_close(s, MLT_LITE_READ) != MLT_OK);
}

/* What the -wal file holds is part of the database: reading without it would be reading old rows.
 */
static void a_wal_file_with_unreachable_changes_is_refused(void **state) {
  struct scratch *s = *state;
  char wal[400], copy[400];
  sqlite3 *raw;
  assert_int_equal(sqlite3_open(s->path, &raw), SQLITE_OK);
  assert_int_equal(sqlite3_exec(raw,
                                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                                "INSERT INTO experiments (name) VALUES ('e')",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  (void)snprintf(wal, sizeof wal, "%s-wal", s->path);
  (void)snprintf(copy, sizeof copy, "%s.copy", s->path);
  assert_int_equal(link(wal, copy), 0);
  assert_int_equal(sqlite3_close(raw), SQLITE_OK);
  assert_int_not_equal(access(wal, F_OK), 0);
  assert_int_equal(rename(copy, wal), 0);
  assert_int_equal(chmod(s->path, 0444), 0);
  assert_int_equal(chmod(wal, 0444), 0);
  assert_int_equal(chmod(s->folder, 0555), 0);
  as_nobody(s, check_orphaned_wal);
}

static void a_wal_file_that_a_server_has_open_can_be_read_and_written(void **state) {
  struct scratch *s = *state;
  sqlite3 *server;
  assert_int_equal(sqlite3_open(s->path, &server), SQLITE_OK);
  const char *sql = "PRAGMA journal_mode = WAL; INSERT INTO runs (run_uuid) VALUES ('r'); INSERT "
                    "INTO experiments (name) VALUES ('e'); BEGIN; SELECT * FROM experiments";
  assert_int_equal(sqlite3_exec(server, sql, NULL, NULL, NULL), SQLITE_OK);
  struct mlt_lite *reader = scratch_open(s, MLT_LITE_READ);
  struct mlt_lite *writer = scratch_open(s, MLT_LITE_WRITE);
  assert_works(s, mlt_lite_begin(writer, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, insert_tag(writer, &s->err));
  assert_int_equal(experiments(s, reader), 1);
  assert_works(s, mlt_lite_commit(writer, &s->err));
  mlt_lite_close(reader);
  mlt_lite_close(writer);
  assert_int_equal(sqlite3_close(server), SQLITE_OK);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM tags"), 1);
}

static void reading_a_wal_file_leaves_nothing_beside_it(void **state) {
  struct scratch *s = *state;
  char wal[400], shm[400];
  (void)snprintf(wal, sizeof wal, "%s-wal", s->path);
  (void)snprintf(shm, sizeof shm, "%s-shm", s->path);
  scratch_sql(s->path, "PRAGMA journal_mode = WAL; INSERT INTO experiments (name) VALUES ('e')");
  char *before = scratch_slurp(s->path);
  struct mlt_lite *db = scratch_open(s, MLT_LITE_READ);
  assert_int_equal(experiments(s, db), 1);
  assert_works(s, mlt_lite_begin(db, true, HEAD, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
  assert_fails(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_NOPERM,
               "no permission");
  assert_fails(s, insert_tag(db, &s->err), MLT_NOPERM, "tags");
  mlt_lite_close(db);
  assert_int_not_equal(access(wal, F_OK), 0);
  assert_int_not_equal(access(shm, F_OK), 0);
  char *after = scratch_slurp(s->path);
  assert_memory_equal(before, after, 1 << 20);
  free(before);
  free(after);
}

static void another_process_lock_is_a_temporary_failure(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  struct mlt_lite *other = scratch_open(s, MLT_LITE_WRITE);
  mlt_lite_busy_timeout(db, 50);
  assert_works(s, mlt_lite_begin(other, false, HEAD, EVERYTHING, &s->err));
  assert_fails(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_TEMPFAIL, "locked");
  assert_non_null(strstr(s->err.hint, "Another process"));
  assert_fails(s, mlt_lite_run_ddl(db, "CREATE TABLE t (x)", &s->err), MLT_TEMPFAIL, "locked");
  mlt_lite_rollback(other);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  mlt_lite_close(db);
  mlt_lite_close(other);
}

/* A commit needs the readers out of the way; the transaction stays open and can be given up. */
static void a_commit_that_a_reader_blocks_can_be_tried_again(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  sqlite3 *reader;
  scratch_sql(s->path, "INSERT INTO runs (run_uuid) VALUES ('r')");
  assert_int_equal(sqlite3_open(s->path, &reader), SQLITE_OK);
  assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM runs", NULL, NULL, NULL), SQLITE_OK);
  mlt_lite_busy_timeout(db, 50);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, insert_tag(db, &s->err));
  assert_fails(s, mlt_lite_commit(db, &s->err), MLT_TEMPFAIL, "cannot commit");
  assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  assert_works(s, mlt_lite_commit(db, &s->err));
  assert_int_equal(sqlite3_close(reader), SQLITE_OK);
  mlt_lite_close(db);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM tags"), 1);
}

static void long_writing_leaves_the_lock_to_others_for_a_while(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
  assert_true(db->held > 0 && db->held < 2);
  db->held = 2;
  double start = mlt_clock_seconds();
  assert_works(s, mlt_lite_begin(db, true, HEAD, EVERYTHING, &s->err));
  mlt_lite_rollback(db);
  assert_true(db->held >= 2); /* readers need no pause */
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_true(mlt_clock_seconds() - start >= 0.12);
  assert_true(db->held == 0);
  mlt_lite_close(db);
}

static void a_rolled_back_transaction_leaves_nothing(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  scratch_sql(s->path, "INSERT INTO runs (run_uuid) VALUES ('r')");
  mlt_lite_rollback(db);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, insert_tag(db, &s->err));
  mlt_lite_rollback(db);
  mlt_lite_rollback(db);
  assert_works(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err));
  assert_works(s, insert_tag(db, &s->err));
  mlt_lite_close(db);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM tags"), 0);
}

static void a_head_that_moved_meanwhile_stops_the_transaction(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db = scratch_open(s, MLT_LITE_WRITE);
  assert_fails(s, mlt_lite_begin(db, false, "acf3f17fdcc7", EVERYTHING, &s->err), MLT_SCHEMA,
               "from acf3f17fdcc7 to " HEAD);
  assert_works(s, mlt_lite_begin(db, true, HEAD, EVERYTHING, &s->err));
  assert_works(s, mlt_lite_commit(db, &s->err));
  scratch_sql(s->path, "DELETE FROM alembic_version");
  assert_fails(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_SCHEMA, "to none");
  scratch_sql(s->path, "DROP TABLE alembic_version");
  assert_fails(s, mlt_lite_begin(db, false, HEAD, EVERYTHING, &s->err), MLT_SCHEMA,
               "alembic_version");
  assert_works(s, mlt_lite_begin(db, false, NULL, EVERYTHING, &s->err));
  mlt_lite_close(db);
}

static void ddl_is_made_whole_or_not_at_all(void **state) {
  struct scratch *s = *state;
  struct mlt_lite *db;
  assert_int_equal(unlink(s->path), 0);
  assert_works(s, mlt_lite_open(&db, s->path, MLT_LITE_CREATE, &s->err));
  assert_fails(s, mlt_lite_run_ddl(db, "CREATE TABLE a (x); CREATE TABLE a (y)", &s->err),
               MLT_SCHEMA, "already exists");
  char *ddl = scratch_slurp(MLT_SOURCE_DIR "/sql/mlflow/" HEAD ".sqlite.sql");
  assert_works(s, mlt_lite_run_ddl(db, ddl, &s->err));
  free(ddl);
  mlt_lite_close(db);
  assert_int_equal(scratch_int(s->path, "SELECT count(*) FROM sqlite_master WHERE name = 'a'"), 0);
  assert_true(scratch_int(s->path, "SELECT count(*) FROM sqlite_master") > 100);
}

static void every_code_of_sqlite_has_a_class(void **state) {
  (void)state;
  static const struct {
    int code, os_error;
    enum mlt_rc rc;
  } cases[] = {
      {SQLITE_FULL, ENOSPC, MLT_IO},
      {SQLITE_IOERR_FSYNC, EIO, MLT_IO},
      {SQLITE_IOERR_NOMEM, 0, MLT_NOMEM},
      {SQLITE_NOMEM, 0, MLT_NOMEM},
      {SQLITE_BUSY_SNAPSHOT, 0, MLT_TEMPFAIL},
      {SQLITE_READONLY_DBMOVED, 0, MLT_NOPERM},
      {SQLITE_CORRUPT_VTAB, 0, MLT_DATA},
      {SQLITE_CONSTRAINT_NOTNULL, 0, MLT_DATA},
      {SQLITE_CONSTRAINT_CHECK, 0, MLT_DATA},
      {SQLITE_CONSTRAINT_FOREIGNKEY, 0, MLT_DATA},
      {SQLITE_CONSTRAINT_UNIQUE, 0, MLT_CONFLICT},
      {SQLITE_CANTOPEN, ENOENT, MLT_NOINPUT},
      {SQLITE_CANTOPEN_FULLPATH, EACCES, MLT_NOPERM},
      {SQLITE_CANTOPEN, EMFILE, MLT_IO},
      {SQLITE_TOOBIG, 0, MLT_TOOBIG},
      {SQLITE_INTERRUPT, 0, MLT_CANCELLED},
      {SQLITE_MISUSE, 0, MLT_INTERNAL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *hint;
    assert_string_equal(mlt_rc_name(mlt_lite_class(cases[i].code, cases[i].os_error, &hint)),
                        mlt_rc_name(cases[i].rc));
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_missing_file_is_made_in_create_mode_only),
      TEST(a_file_in_a_missing_folder_cannot_be_created),
      TEST(what_is_no_database_is_refused),
      TEST(a_damaged_file_is_bad_data),
      TEST(any_name_is_a_plain_file_name),
      TEST(reading_writes_nothing_and_refuses_to_write),
      TEST(a_file_without_write_permission_can_be_read),
      TEST(a_file_without_read_permission_is_refused),
      TEST(a_file_in_an_unwritable_folder_cannot_be_created),
      TEST(a_wal_file_on_read_only_media_can_be_read),
      TEST(a_wal_file_with_unreachable_changes_is_refused),
      TEST(a_wal_file_that_a_server_has_open_can_be_read_and_written),
      TEST(reading_a_wal_file_leaves_nothing_beside_it),
      TEST(another_process_lock_is_a_temporary_failure),
      TEST(a_commit_that_a_reader_blocks_can_be_tried_again),
      TEST(long_writing_leaves_the_lock_to_others_for_a_while),
      TEST(a_rolled_back_transaction_leaves_nothing),
      TEST(a_head_that_moved_meanwhile_stops_the_transaction),
      TEST(ddl_is_made_whole_or_not_at_all),
      cmocka_unit_test(every_code_of_sqlite_has_a_class),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
