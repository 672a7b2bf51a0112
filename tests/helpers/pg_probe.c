/* Does step by step what an import does, as told by lines on stdin; one line on stdout answers
   each: "ok VALUE", "refused WHY" or "error CLASS: MESSAGE [HINT]".

     begin LOCK_TIMEOUT_MS WORKERS MEMORY_MB   a rebuild
     append                                    a transaction beside what is there
     trust                                     before it: foreign keys to runs are not checked
     hold RUN_UUID                             a run that exists
     rows KEYS STEPS RUN_UUID                  of a run that is there
     load RUNS KEYS STEPS                      runs with their rows (ok: seconds)
     finish | commit | rollback                (ok: seconds)
     anything else is SQL                      (ok: the first value)

   Started by tests/integration/probe.py; MLT_TEST_PG and MLT_TEST_HEAD as in pg_harness.h.
 */
#include <time.h>

#include "pg_harness.h"
#include "pg/rebuild.h"

struct probe {
  struct mlt_pg *pg;
  struct mlt_pg_rebuild *rebuild;
};

struct points {
  unsigned run, keys, steps;
  char run_uuid[33];
  char key[32];
};

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct mlt_value text(const char *s) {
  return (struct mlt_value){.kind = MLT_V_TEXT, .s = mlt_str_c(s)};
}

/* In the order of the runs' numbers: rows that come sorted make two of the three indexes of metrics
   cheaper to build. */
static void name_run(char out[33], unsigned run) {
  unsigned word = run * 2654435761U;
  (void)snprintf(out, 33, "%04x%04x%08x%08x%08x", run & 0xffff, word >> 16, word, word, word);
}

static void name_key(struct points *p, size_t key) {
  (void)snprintf(p->key, sizeof p->key, "train/metric_%03zu", key);
}

static enum mlt_rc get_metric(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  struct points *p = (struct points *)ctx; /* the key's text lives there */
  size_t step = i % p->steps;
  if (step == 0)
    name_key(p, i / p->steps);
  const struct mlt_value row[] = {text(p->key),
                                  D((double)(i * 7919 % 10007)),
                                  I(1700000000000 + (int64_t)step * 1000),
                                  text(p->run_uuid),
                                  I((int64_t)step),
                                  B(false)};
  memcpy(out, row, sizeof row);
  return MLT_OK;
}

static enum mlt_rc get_latest(const void *ctx, size_t i, struct mlt_value *out,
                              struct mlt_err *err) {
  (void)err;
  struct points *p = (struct points *)ctx;
  name_key(p, i);
  const struct mlt_value row[] = {text(p->key),     D(1.0),
                                  I(1700000000000), I((int64_t)p->steps - 1),
                                  B(false),         text(p->run_uuid)};
  memcpy(out, row, sizeof row);
  return MLT_OK;
}

static enum mlt_rc get_text(const void *ctx, size_t i, struct mlt_value *out, struct mlt_err *err) {
  (void)err;
  struct points *p = (struct points *)ctx;
  name_key(p, i);
  const struct mlt_value row[] = {text(p->key), T("a value"), text(p->run_uuid)};
  memcpy(out, row, sizeof row);
  return MLT_OK;
}

static enum mlt_rc load_run(struct probe *p, struct points *points, struct mlt_err *err) {
  const struct mlt_rows rows[] = {
      {MLT_T_PARAMS, points->keys, get_text, points},
      {MLT_T_TAGS, points->keys, get_text, points},
      {MLT_T_METRICS, (size_t)points->keys * points->steps, get_metric, points},
      {MLT_T_LATEST_METRICS, points->keys, get_latest, points},
  };
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < sizeof rows / sizeof *rows && rc == MLT_OK; i++)
    rc = mlt_pg_insert(p->pg, &rows[i], features, err);
  return rc;
}

static enum mlt_rc load(struct probe *p, unsigned runs, unsigned keys, unsigned steps,
                        struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned run = 0; run < runs && rc == MLT_OK; run++) {
    struct points points = {.run = run, .keys = keys, .steps = steps};
    name_run(points.run_uuid, run);
    new_run(p->pg, points.run_uuid);
    rc = load_run(p, &points, err);
  }
  return rc;
}

static enum mlt_rc load_rows(struct probe *p, unsigned keys, unsigned steps, const char *run,
                             struct mlt_err *err) {
  struct points points = {.keys = keys, .steps = steps};
  (void)snprintf(points.run_uuid, sizeof points.run_uuid, "%s", run);
  return load_run(p, &points, err);
}

static enum mlt_rc hold(struct probe *p, const char *run, struct mlt_err *err) {
  const struct mlt_str runs[] = {mlt_str_c(run)};
  return mlt_pg_hold_runs(p->pg, runs, 1, err);
}

static enum mlt_rc run_sql(struct probe *p, const char *sql, char *value, size_t cap,
                           struct mlt_err *err) {
  PGresult *res;
  enum mlt_rc rc = mlt_pg_command(p->pg, sql, &res, err);
  if (rc == MLT_OK && PQntuples(res) > 0)
    (void)snprintf(value, cap, "%s", PQgetvalue(res, 0, 0));
  PQclear(res);
  return rc;
}

/* The value of the answer goes into `value`, a refusal into `why`. */
static enum mlt_rc obey(struct probe *p, const char *line, char *value, char *why, size_t cap,
                        struct mlt_err *err) {
  unsigned a, b, c;
  char run[33];
  enum mlt_rc rc = MLT_OK;
  double start = now();
  if (sscanf(line, "begin %u %u %u", &a, &b, &c) == 3) {
    const struct mlt_pg_rebuild_opts opts = {
        .head = head, .features = features, .lock_timeout_ms = a, .workers = b, .memory_mb = c};
    mlt_pg_rebuild_free(p->rebuild);
    struct mlt_pg_refusal refusal;
    rc = mlt_pg_rebuild_begin(p->pg, &opts, &p->rebuild, &refusal, err);
    (void)snprintf(why, cap, "%s", refusal.text);
  } else if (sscanf(line, "load %u %u %u", &a, &b, &c) == 3) {
    rc = load(p, a, b, c, err);
  } else if (strcmp(line, "append") == 0) {
    rc = mlt_pg_begin(p->pg, false, head, features, err);
  } else if (strcmp(line, "trust") == 0) {
    rc = mlt_pg_trust_runs(p->pg, err);
  } else if (sscanf(line, "hold %32s", run) == 1) {
    rc = hold(p, run, err);
  } else if (sscanf(line, "rows %u %u %32s", &a, &b, run) == 3) {
    rc = load_rows(p, a, b, run, err);
  } else if (strcmp(line, "finish") == 0) {
    rc = mlt_pg_rebuild_finish(p->rebuild, err);
  } else if (strcmp(line, "commit") == 0) {
    rc = mlt_pg_commit(p->pg, err);
  } else if (strcmp(line, "rollback") == 0) {
    mlt_pg_rollback(p->pg);
  } else {
    return run_sql(p, line, value, cap, err);
  }
  (void)snprintf(value, cap, "%.3f", now() - start);
  return rc;
}

static void answer(struct probe *p, const char *line) {
  struct mlt_err err = MLT_ERR_INIT;
  char value[256] = "", why[512] = "";
  enum mlt_rc rc = obey(p, line, value, why, sizeof value, &err);
  if (rc != MLT_OK)
    (void)printf("error %s: %s [%s]\n", mlt_rc_name(rc), err.msg, err.hint);
  else if (why[0])
    (void)printf("refused %s\n", why);
  else
    (void)printf("ok %s\n", value);
  (void)fflush(stdout);
}

int main(void) {
  char line[1024];
  if (!read_environment())
    return 2;
  struct probe p = {.pg = open_pg()};
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = '\0';
    answer(&p, line);
  }
  mlt_pg_rebuild_free(p.rebuild);
  mlt_pg_close(p.pg);
  return 0;
}
