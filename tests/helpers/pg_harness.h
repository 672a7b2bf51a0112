/* Shared by the helpers that drive pg/store.h against a real server, whose database has MLflow's
   schema at a head and nothing in it. tests/integration/test_pg_store.py starts them: MLT_TEST_PG
   is the conninfo, MLT_TEST_HEAD the revision. Every test leaves its rows behind under run ids of
   its own. */
#ifndef MLT_TEST_PG_HARNESS_H
#define MLT_TEST_PG_HARNESS_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pg/internal.h"
#include "schema/schema.h"

static const char *conninfo, *head;
static uint32_t features;

struct table_rows { /* rows kept in memory, for mlt_rows */
  const struct mlt_value (*v)[MLT_MAX_COLUMNS];
  unsigned columns;
};

static inline enum mlt_rc get_row(const void *ctx, size_t i, struct mlt_value *out,
                                  struct mlt_err *err) {
  (void)err;
  const struct table_rows *t = ctx;
  memcpy(out, t->v[i], sizeof t->v[i]);
  return MLT_OK;
}

#define I(x)                                                                                       \
  { .kind = MLT_V_INT, .i = (x) }
#define D(x)                                                                                       \
  { .kind = MLT_V_DOUBLE, .d = (x) }
#define B(x)                                                                                       \
  { .kind = MLT_V_BOOL, .b = (x) }
#define T(x)                                                                                       \
  { .kind = MLT_V_TEXT, .s = MLT_STR_LIT(x) }
#define NUL                                                                                        \
  { .kind = MLT_V_NULL }

static inline struct mlt_pg *open_pg(void) {
  struct mlt_pg *pg;
  struct mlt_err err = MLT_ERR_INIT;
  if (mlt_pg_open(&pg, conninfo, "mltrack test", &err) != MLT_OK)
    fail_msg("%s", err.msg);
  return pg;
}

static inline void must(enum mlt_rc rc, const struct mlt_err *err) {
  if (rc != MLT_OK)
    fail_msg("%s: %s [%s] %s", mlt_rc_name(rc), err->msg, err->sqlstate, err->hint);
}

static inline void run(struct mlt_pg *pg, const char *sql) {
  struct mlt_err err = MLT_ERR_INIT;
  must(mlt_pg_command(pg, sql, NULL, &err), &err);
}

static inline int64_t number(struct mlt_pg *pg, const char *sql) {
  struct mlt_err err = MLT_ERR_INIT;
  PGresult *res;
  must(mlt_pg_command(pg, sql, &res, &err), &err);
  int64_t v = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
  PQclear(res);
  return v;
}

static inline void begin(struct mlt_pg *pg) {
  struct mlt_err err = MLT_ERR_INIT;
  must(mlt_pg_begin(pg, false, head, features, &err), &err);
}

static inline void commit(struct mlt_pg *pg) {
  struct mlt_err err = MLT_ERR_INIT;
  must(mlt_pg_commit(pg, &err), &err);
}

static inline enum mlt_rc insert(struct mlt_pg *pg, enum mlt_table table,
                                 const struct mlt_value (*v)[MLT_MAX_COLUMNS], size_t n,
                                 struct mlt_err *err) {
  const struct table_rows t = {.v = v};
  const struct mlt_rows rows = {.table = table, .n = n, .get = get_row, .ctx = &t};
  return mlt_pg_insert(pg, &rows, features, err);
}

static inline int64_t new_experiment(struct mlt_pg *pg, const char *name, int64_t wanted) {
  struct mlt_err err = MLT_ERR_INIT;
  int64_t id;
  const struct mlt_value row[MLT_MAX_COLUMNS] = {
      I(0), {.kind = MLT_V_TEXT, .s = mlt_str_c(name)}, NUL, T("active"), I(1), NUL};
  must(mlt_pg_insert_experiment(pg, row, wanted, NULL, &id, &err), &err);
  return id;
}

/* A run with nothing but what the tests' rows refer to. */
static inline void new_run(struct mlt_pg *pg, const char *run_uuid) {
  struct mlt_err err = MLT_ERR_INIT;
  char name[64];
  (void)snprintf(name, sizeof name, "experiment of %s", run_uuid);
  int64_t experiment = new_experiment(pg, name, -1);
  const struct mlt_value runs[1][MLT_MAX_COLUMNS] = {
      {{.kind = MLT_V_TEXT, .s = mlt_str_c(run_uuid)},
       T("n"),
       T("LOCAL"),
       T(""),
       T(""),
       T("u"),
       T("FINISHED"),
       I(1),
       I(2),
       NUL,
       T(""),
       T("active"),
       T("file:///a"),
       I(experiment)}};
  must(insert(pg, MLT_T_RUNS, runs, 1, &err), &err);
}

struct seen {
  size_t n, stop_at;
  struct mlt_value last[MLT_MAX_COLUMNS];
  char text[64 * 1024];
  size_t used;
  int64_t sum;
  enum mlt_column add; /* integer column to add up */
};

/* Keeps the last row, with its own copies of the strings. */
static inline enum mlt_rc see(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct seen *s = ctx;
  s->used = 0;
  memcpy(s->last, row, sizeof s->last);
  for (unsigned i = 0; i < MLT_MAX_COLUMNS; i++) {
    struct mlt_value *v = &s->last[i];
    if (v->kind != MLT_V_TEXT)
      continue;
    assert_true(s->used + v->s.len <= sizeof s->text);
    memcpy(s->text + s->used, v->s.p, v->s.len);
    v->s.p = s->text + s->used;
    s->used += v->s.len;
  }
  if (s->add)
    s->sum += row[s->add - MLT_C_METRICS_key].i;
  if (++s->n == s->stop_at)
    return mlt_err_set(err, MLT_CONFLICT, "seen enough");
  return MLT_OK;
}

static inline void select_by(struct mlt_pg *pg, enum mlt_table table, enum mlt_column by,
                             const char *key, struct seen *s) {
  struct mlt_err err = MLT_ERR_INIT;
  const struct mlt_str keys[] = {mlt_str_c(key)};
  const struct mlt_where where = {.by = by, .keys = keys, .n_keys = 1};
  must(mlt_pg_select(pg, table, &where, features, see, s, &err), &err);
}

static inline void assert_value(const struct mlt_value *a, const struct mlt_value *b) {
  assert_int_equal(a->kind, b->kind);
  switch (a->kind) {
  case MLT_V_NULL:
    break;
  case MLT_V_INT:
    assert_true(a->i == b->i);
    break;
  case MLT_V_DOUBLE:
    assert_memory_equal(&a->d, &b->d, sizeof a->d);
    break;
  case MLT_V_BOOL:
    assert_int_equal(a->b, b->b);
    break;
  case MLT_V_TEXT:
    assert_true(mlt_str_eq(a->s, b->s));
    break;
  }
}

/* False, with a message, when the environment does not say where to test. */
static inline bool read_environment(void) {
  conninfo = getenv("MLT_TEST_PG");
  head = getenv("MLT_TEST_HEAD");
  const struct mlt_head *known = head ? mlt_head_by_revision(head) : NULL;
  if (conninfo && known)
    features = known->features;
  else
    (void)fprintf(stderr, "MLT_TEST_PG and MLT_TEST_HEAD say which database to test with\n");
  return conninfo && known;
}

#endif
