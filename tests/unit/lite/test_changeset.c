/* Which bytes are a changeset: one that SQLite has made, and every piece of it. */
#include "scratch.h"

#include "lite/changeset.h"

/* Is it one, with the mark of its size behind? */
static bool marked(const void *changes, size_t size) {
  unsigned char *record = malloc(size + MLT_CHANGESET_MARK);
  assert_non_null(record);
  if (size)
    memcpy(record, changes, size);
  mlt_lite_changeset_mark(record + size, size);
  bool whole = mlt_lite_changeset_whole(record, size + MLT_CHANGESET_MARK);
  free(record);
  return whole;
}

/* A changeset with an insert, an update and a delete, values of every kind. */
static void *record(int *size) {
  sqlite3 *db;
  sqlite3_session *session;
  void *changes = NULL;
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db,
                                "CREATE TABLE t (k TEXT PRIMARY KEY, i, d, b, n);"
                                "CREATE TABLE other (k INTEGER PRIMARY KEY, v TEXT);"
                                "INSERT INTO other VALUES (1, 'was'), (2, 'goes')",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3session_create(db, "main", &session), SQLITE_OK);
  assert_int_equal(sqlite3session_attach(session, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db,
                                "INSERT INTO t VALUES ('a', -1, 0.5, x'00ff', NULL),"
                                " (printf('%300s', 'long'), 9e18, 1, '', 'x');"
                                "UPDATE other SET v = 'is' WHERE k = 1;"
                                "DELETE FROM other WHERE k = 2",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3session_changeset(session, size, &changes), SQLITE_OK);
  sqlite3session_delete(session);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  return changes;
}

static void test_what_sqlite_records_is_whole(void **state) {
  (void)state;
  int size;
  void *changes = record(&size);
  assert_true(size > 300);
  assert_true(marked(changes, (size_t)size));
  assert_true(marked(NULL, 0));
  sqlite3_free(changes);
}

/* Where a record ends, what is before is a changeset of its own: five ends of four records and two
   heads of tables. Only the mark says that more belongs to it. */
static void test_pieces_are_not_whole(void **state) {
  (void)state;
  int size, whole = 0;
  char *changes = record(&size);
  for (int n = 1; n < size; n++)
    whole += marked(changes, (size_t)n);
  assert_int_equal(whole, 5);
  unsigned char *all = malloc((size_t)size + MLT_CHANGESET_MARK);
  assert_non_null(all);
  memcpy(all, changes, (size_t)size);
  mlt_lite_changeset_mark(all + size, (size_t)size);
  size += MLT_CHANGESET_MARK;
  assert_true(mlt_lite_changeset_whole(all, (size_t)size));
  for (int n = 0; n < size; n++) {
    assert_false(mlt_lite_changeset_whole(all, (size_t)n));
    assert_false(n && mlt_lite_changeset_whole(all + n, (size_t)(size - n)));
  }
  free(all);
  sqlite3_free(changes);
}

static void test_what_is_no_changeset_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
  } bad[] = {
      {"\0", 1},
      {"x", 1},
      {"T", 1},
      {"T\x7f", 2},
      {"T\0t\0", 4},                 /* no columns */
      {"T\x01\x01\0", 4},            /* no name */
      {"T\x01\x01t", 4},             /* a name without an end */
      {"\x12\0\x05", 3},             /* a record of no table */
      {"T\x01\x01t\0\x13\0\x05", 8}, /* no operation */
      {"T\x01\x01t\0\x12\0\x06", 8}, /* no kind of value */
      {"T\x01\x01t\0\x12\0\x01\0\0", 10} /* a number cut off */,
      {"T\x01\x01t\0\x12\0\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff", 17},
      {"T\x01\x01t\0\x12\0\x03\x02x", 10},
      {"T\x01\x01t\0\x17\0\x05", 8}, /* an update with one row */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (marked(bad[i].bytes, bad[i].n))
      fail_msg("number %zu is taken for a changeset", i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_sqlite_records_is_whole),
      cmocka_unit_test(test_pieces_are_not_whole),
      cmocka_unit_test(test_what_is_no_changeset_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
