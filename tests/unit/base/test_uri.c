#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/uri.h"
#include "nomem.h"

static void pg(const char *uri, const char *conninfo, const char *display, const char *dropped) {
  struct mlt_target t;
  struct mlt_err err = MLT_ERR_INIT;
  if (mlt_target_parse(&t, uri, &err) != MLT_OK)
    fail_msg("%s: %s", uri, err.msg);
  assert_int_equal(t.kind, MLT_TARGET_PG);
  assert_null(t.path);
  assert_string_equal(t.conninfo, conninfo);
  if (display)
    assert_string_equal(t.display, display);
  assert_string_equal(t.dropped ? t.dropped : "", dropped ? dropped : "");
  mlt_target_free(&t);
}

static void sqlite(const char *uri, const char *path, const char *dropped) {
  struct mlt_target t;
  struct mlt_err err = MLT_ERR_INIT;
  if (mlt_target_parse(&t, uri, &err) != MLT_OK)
    fail_msg("%s: %s", uri, err.msg);
  assert_int_equal(t.kind, MLT_TARGET_SQLITE);
  assert_null(t.conninfo);
  assert_string_equal(t.path, path);
  assert_string_equal(t.dropped ? t.dropped : "", dropped ? dropped : "");
  mlt_target_free(&t);
}

static void refused(const char *uri, const char *in_msg, const char *in_hint) {
  struct mlt_target t;
  struct mlt_err err = MLT_ERR_INIT;
  assert_int_equal(mlt_target_parse(&t, uri, &err), MLT_USAGE);
  if (!strstr(err.msg, in_msg) || !strstr(err.hint, in_hint))
    fail_msg("%s: '%s' (%s) lacks '%s' (%s)", uri, err.msg, err.hint, in_msg, in_hint);
  assert_null(strstr(err.msg, "secret"));
  assert_null(t.conninfo);
  mlt_target_free(&t);
}

static void postgres_uris_become_keywords(void **state) {
  (void)state;
  pg("postgresql://u@h:5432/db?sslmode=verify-full",
     "user='u' host='h' port='5432' dbname='db' sslmode='verify-full'", "postgresql://u@h:5432/db",
     NULL);
  pg("postgres://h/db", "host='h' dbname='db'", "postgresql://h/db", NULL);
  pg("postgresql:///db", "dbname='db'", "postgresql:///db", NULL);
  pg("postgresql://", "", "postgresql://", NULL);
  pg("postgresql://[::1]:5433/db", "host='::1' port='5433' dbname='db'", NULL, NULL);
  pg("postgresql://a:1,b:2,c/db", "host='a,b,c' port='1,2,' dbname='db'", NULL, NULL);
  pg("postgresql://me@[fe80::1]:1/db", "user='me' host='fe80::1' port='1' dbname='db'",
     "postgresql://me@[fe80::1]:1/db", NULL);
  pg("postgresql://h:1/db?host=a&host=b", "host='a,b' port=',' dbname='db'", NULL, NULL);
  pg("postgresql://a,b/db", "host='a,b' dbname='db'", NULL, NULL);
}

static void drivers_and_the_plugin_prefix_are_stripped(void **state) {
  (void)state;
  static const char *const schemes[] = {"postgresql+psycopg2", "postgresql+psycopg",
                                        "postgresql+asyncpg",  "postgresql+pg8000",
                                        "mltrack+postgresql",  "mltrack+postgresql+psycopg2"};
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    char uri[128];
    (void)snprintf(uri, sizeof uri, "%s://u:p@h/db", schemes[i]);
    pg(uri, "user='u' password='p' host='h' dbname='db'", NULL, NULL);
  }
  sqlite("mltrack+sqlite:////var/x.db", "/var/x.db", NULL);
}

static void passwords_are_read_as_sqlalchemy_does(void **state) {
  (void)state;
  pg("postgresql://u:p%40ss@h/db", "user='u' password='p@ss' host='h' dbname='db'",
     "postgresql://u@h/db", NULL);
  pg("postgresql://u:p/w@h/db", "user='u' password='p/w' host='h' dbname='db'", NULL, NULL);
  pg("postgresql://u:p?w@h/db", "user='u' password='p?w' host='h' dbname='db'", NULL, NULL);
  pg("postgresql://u:p+w@h/db", "user='u' password='p+w' host='h' dbname='db'", NULL, NULL);
  pg("postgresql://u:50%@h/db", "user='u' password='50%' host='h' dbname='db'", NULL, NULL);
  pg("postgresql://u:it's\\@h/db", "user='u' password='it\\'s\\\\' host='h' dbname='db'", NULL,
     NULL);
  pg("postgresql://me@corp.example@h/db", "user='me@corp.example' host='h' dbname='db'", NULL,
     NULL);
  pg("postgresql://h:5432/db?options=-cx%3Da@b",
     "host='h' port='5432' dbname='db' options='-cx=a@b'", NULL, NULL);
}

static void sockets_options_and_host_lists_of_the_query(void **state) {
  (void)state;
  pg("postgresql:///db?host=/var/run/postgresql", "dbname='db' host='/var/run/postgresql'", NULL,
     NULL);
  pg("postgresql://%2Fvar%2Frun/db", "host='/var/run' dbname='db'", NULL, NULL);
  pg("postgresql+psycopg2:///db?host=a:5432&host=b:5433", "dbname='db' host='a,b' port='5432,5433'",
     NULL, NULL);
  pg("postgresql+psycopg2:///db?host=a&host=b", "dbname='db' host='a,b' port=','", NULL, NULL);
  pg("postgresql:///db?host=a,b&port=1,2", "dbname='db' port='1,2' host='a,b'", NULL, NULL);
  pg("postgresql:///db?options=-csearch_path%3Dml", "dbname='db' options='-csearch_path=ml'", NULL,
     NULL);
  pg("postgresql+psycopg2:///db?options=-c+a%3D1", "dbname='db' options='-c a=1'", NULL, NULL);
  pg("postgresql+asyncpg://h/db?ssl=require", "host='h' dbname='db' sslmode='require'", NULL, NULL);
}

static void keys_of_drivers_are_dropped_and_listed(void **state) {
  (void)state;
  pg("postgresql+asyncpg://h/db?prepared_statement_cache_size=0&client_encoding=utf8&sslmode=disable",
     "host='h' dbname='db' sslmode='disable'", NULL,
     "prepared_statement_cache_size, client_encoding");
  sqlite("sqlite:///x.db?timeout=20&check_same_thread=false", "x.db", "timeout, check_same_thread");
}

static void keywords_are_taken_as_they_are(void **state) {
  (void)state;
  pg("service=prod", "service=prod", "service=prod", NULL);
  pg("host=h password='a b' dbname=d", "host=h password='a b' dbname=d",
     "host=h password=*** dbname=d", NULL);
  pg("dbname = x.db", "dbname = x.db", NULL, NULL);
}

static void sqlite_files(void **state) {
  (void)state;
  sqlite("sqlite:///rel.db", "rel.db", NULL);
  sqlite("sqlite:////abs/x.db", "/abs/x.db", NULL);
  sqlite("sqlite:///C:/x.db", "C:/x.db", NULL);
  sqlite("sqlite+pysqlite:///a b.db", "a b.db", NULL);
  sqlite("sqlite:///a%20b.db", "a b.db", NULL);
  sqlite("mlflow.db", "mlflow.db", NULL);
  sqlite("/data/x.sqlite3", "/data/x.sqlite3", NULL);
  sqlite("100%41.sqlite", "100%41.sqlite", NULL);
}

static void other_targets_are_refused_with_a_way_out(void **state) {
  (void)state;
  refused("sqlite://", "names no file", "sqlite:///FILE");
  refused("sqlite:///", "names no file", "sqlite:///FILE");
  refused("sqlite:///:memory:", "in memory", "sqlite:///FILE");
  refused("sqlite:///file:x?mode=memory&uri=true", "in memory", "sqlite:///FILE");
  refused("sqlite://host/x.db", "no host", "sqlite:///FILE");
  refused("mysql+pymysql://u:secret@h/db", "u:***@h", "SQLite and PostgreSQL");
  refused("mssql+pyodbc://h/db", "not supported", "SQLite and PostgreSQL");
  refused("databricks", "no database", "SQLite and PostgreSQL");
  refused("http://localhost:5000", "is a server", "--backend-store-uri");
  refused("file:///mlruns", "is a file store", "source");
  refused("./mlruns", "is not a database URI", "sqlite:///FILE");
  refused("", "is not a database URI", "sqlite:///FILE");
  refused("postgresql:db", "is not a database URI", "postgresql://");
  refused("postgresql://h:port/db", "'port' is not a port number", "%40");
  refused("postgresql://h:65536/db", "'65536' is not a port number", "");
  refused("postgresql://u:x%00y@h/db", "%00", "");
}

static void very_long_uris_are_refused(void **state) {
  (void)state;
  enum { N = 200 * 1000 };
  struct mlt_target t;
  struct mlt_err err = MLT_ERR_INIT;
  char *uri = malloc(N + 32);
  int n = snprintf(uri, 32, "postgresql://");
  memset(uri + n, 'h', N);
  uri[n + N] = '\0';
  assert_int_not_equal(mlt_target_parse(&t, uri, &err), MLT_OK);
  mlt_target_free(&t);
  free(uri);
}

/* Whatever the bytes: an answer, and no password in what is shown. */
static void random_uris_never_crash_or_leak(void **state) {
  (void)state;
  static const char *const pieces[] = {"postgresql://",
                                       "postgresql+psycopg2://",
                                       "sqlite:///",
                                       "u",
                                       ":",
                                       "@",
                                       "secret",
                                       "/",
                                       "?",
                                       "&",
                                       "=",
                                       "host",
                                       "[",
                                       "]",
                                       ",",
                                       "%4",
                                       "%40",
                                       "%00",
                                       "5432",
                                       "'",
                                       "\\",
                                       " ",
                                       "+",
                                       "password",
                                       "#",
                                       "\xFF",
                                       ".db"};
  uint64_t seed = 42;
  for (int round = 0; round < 200000; round++) {
    char uri[256] = "";
    size_t at = 0;
    for (int k = 0; k < 12; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      const char *piece = pieces[(seed >> 33) % (sizeof pieces / sizeof pieces[0])];
      at += (size_t)snprintf(uri + at, sizeof uri - at, "%s", piece);
    }
    char *exact = malloc(at + 1); /* so that a sanitizer sees a read past the end */
    memcpy(exact, uri, at + 1);
    struct mlt_target t;
    struct mlt_err err = MLT_ERR_INIT;
    if (mlt_target_parse(&t, exact, &err) == MLT_OK) {
      assert_non_null(t.display);
      assert_true((t.conninfo != NULL) == (t.kind == MLT_TARGET_PG));
      assert_true((t.path != NULL) == (t.kind == MLT_TARGET_SQLITE));
    } else {
      assert_true(err.msg[0]);
    }
    mlt_target_free(&t);
    free(exact);
  }
}

static const char *store, *backend, *tracking;

static const char *fake_env(const char *name) {
  if (strcmp(name, "MLTRACK_STORE_URI") == 0)
    return store;
  if (strcmp(name, "MLFLOW_BACKEND_STORE_URI") == 0)
    return backend;
  return strcmp(name, "MLFLOW_TRACKING_URI") == 0 ? tracking : NULL;
}

static void the_target_in_force(void **state) {
  (void)state;
  static const struct {
    const char *flag, *store, *backend, *tracking, *uri, *origin;
  } cases[] = {
      {"f.db", "s.db", "b.db", "sqlite:///t.db", "f.db", "--to"},
      {NULL, "s.db", "b.db", "sqlite:///t.db", "s.db", "MLTRACK_STORE_URI"},
      {NULL, "", "b.db", "sqlite:///t.db", "b.db", "MLFLOW_BACKEND_STORE_URI"},
      {NULL, NULL, NULL, "sqlite:///t.db", "sqlite:///t.db", "MLFLOW_TRACKING_URI"},
      {NULL, NULL, NULL, "postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d",
       "MLFLOW_TRACKING_URI"},
      {NULL, NULL, NULL, "mltrack+postgresql://h/d", "mltrack+postgresql://h/d",
       "MLFLOW_TRACKING_URI"},
      {NULL, NULL, NULL, "http://localhost:5000", "sqlite:///mlflow.db", "default"},
      {NULL, NULL, NULL, "./mlruns", "sqlite:///mlflow.db", "default"},
      {NULL, NULL, NULL, NULL, "sqlite:///mlflow.db", "default"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *origin = NULL;
    store = cases[i].store;
    backend = cases[i].backend;
    tracking = cases[i].tracking;
    assert_string_equal(mlt_target_default(cases[i].flag, fake_env, &origin), cases[i].uri);
    assert_string_equal(origin, cases[i].origin);
  }
}

static void the_environment_is_the_process_own(void **state) {
  (void)state;
  const char *origin;
  assert_int_equal(setenv("MLTRACK_STORE_URI", "here.db", 1), 0);
  assert_string_equal(mlt_target_default(NULL, NULL, &origin), "here.db");
  assert_string_equal(origin, "MLTRACK_STORE_URI");
  assert_int_equal(unsetenv("MLTRACK_STORE_URI"), 0);
}

static const char *root_of(const char *uri) {
  static char out[PATH_MAX];
  struct mlt_target t;
  assert_int_equal(mlt_target_parse(&t, uri, NULL), MLT_OK);
  const char *root = mlt_target_artifact_root(&t, out);
  mlt_target_free(&t);
  return root;
}

static void artifacts_are_where_mlflow_has_them(void **state) {
  (void)state;
  char here[PATH_MAX], want[PATH_MAX + 8];
  assert_non_null(realpath(".", here));
  (void)snprintf(want, sizeof want, "%s/mlruns", here);
  assert_string_equal(root_of("postgresql://h/d"), "mlflow-artifacts:");
  assert_string_equal(root_of("x.db"), want);
  assert_string_equal(root_of("sqlite:///./x.db"), want);
  assert_string_equal(root_of("sqlite:////x.db"), "/mlruns");
  assert_string_equal(root_of("sqlite:////proc/../x.db"), "/mlruns");
  assert_string_equal(root_of("sqlite:////not/there/x.db"), "mlruns");
}

static enum nomem_result parse_all(void *ctx) {
  static const char *const uris[] = {
      "postgresql+psycopg2://us%20er:p%3fw@h:1,[::1]:2,k/d?sslmode=require&bad=1&host=a&host=b:3&host=/s",
      "postgresql:///d?password=x&ssl=true&connect_timeout=3", "host=h password='a b' dbname=d",
      "sqlite:///a%20b.db?mode=ro&x=1", "file.db"};
  (void)ctx;
  for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
    struct mlt_target t;
    struct mlt_err err = MLT_ERR_INIT;
    enum mlt_rc rc = mlt_target_parse(&t, uris[i], &err);
    bool told = rc == MLT_NOMEM && err.rc == MLT_NOMEM && err.msg[0] && !t.conninfo && !t.path;
    mlt_target_free(&t);
    if (rc != MLT_OK)
      return told ? NOMEM_FAILED : NOMEM_WRONG;
  }
  return NOMEM_DONE;
}

static void out_of_memory_is_an_error(void **state) {
  (void)state;
  nomem_each(parse_all, NULL, 30);
}

/* For tests/integration/test_uri.py: a conninfo or path for every URI on standard input, "!" where
   there is none. */
static int dump(void) {
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    struct mlt_target t;
    line[strcspn(line, "\n")] = '\0';
    enum mlt_rc rc = mlt_target_parse(&t, line, NULL);
    (void)puts(rc != MLT_OK ? "!" : t.kind == MLT_TARGET_PG ? t.conninfo : t.path);
    mlt_target_free(&t);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--dump") == 0)
    return dump();

  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_of_memory_is_an_error), /* first: it counts */
      cmocka_unit_test(postgres_uris_become_keywords),
      cmocka_unit_test(the_environment_is_the_process_own),
      cmocka_unit_test(artifacts_are_where_mlflow_has_them),
      cmocka_unit_test(drivers_and_the_plugin_prefix_are_stripped),
      cmocka_unit_test(passwords_are_read_as_sqlalchemy_does),
      cmocka_unit_test(sockets_options_and_host_lists_of_the_query),
      cmocka_unit_test(keys_of_drivers_are_dropped_and_listed),
      cmocka_unit_test(keywords_are_taken_as_they_are),
      cmocka_unit_test(sqlite_files),
      cmocka_unit_test(other_targets_are_refused_with_a_way_out),
      cmocka_unit_test(very_long_uris_are_refused),
      cmocka_unit_test(random_uris_never_crash_or_leak),
      cmocka_unit_test(the_target_in_force)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
