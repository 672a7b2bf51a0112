/* The server's eyes: what a running MLflow says about some runs, set against the database. It is
   asked as its own client asks it (mlflow/protos/service.proto), and nobody else is. */
#include "verify/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "base/mix.h"
#include "pipeline/places.h"
#include "verify/private.h"

enum { ANSWER_MAX = 64 << 20, PAGE = 10000, RUNS_QUICK = 20, RUNS_FULL = 500 };

/* ---- which runs ---- */

/* The runs whose ids hash lowest: the same ones every time, whatever else comes and goes. */
struct sample {
  struct mlt_server_run *v;
  size_t n, max;
  struct mlt_arena *arena;
  struct mlt_verify *verify;
};

static uint64_t hash_of(struct mlt_str s) {
  uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, then mixed: its high bits alone are too even */
  for (size_t i = 0; i < s.len; i++)
    h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
  return mlt_mix64(h);
}

static enum mlt_rc take_run(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct sample *s = ctx;
  struct mlt_str id = row->extra[0];
  uint64_t hash = hash_of(id);
  size_t at = s->n;
  if (!id.p || !mlt_verify_has_run(s->verify, id))
    return MLT_OK;
  while (at > 0 && s->v[at - 1].hash > hash)
    at--;
  if (at == s->max)
    return MLT_OK;
  struct mlt_server_run run = {.hash = hash};
  if (mlt_arena_str(s->arena, id, &run.id) < 0)
    return mlt_err_nomem(err);
  size_t kept = s->n < s->max ? s->n : s->max - 1;
  memmove(s->v + at + 1, s->v + at, (kept - at) * sizeof *s->v);
  s->v[at] = run;
  s->n = kept + 1;
  return MLT_OK;
}

/* ---- one run ---- */

static enum mlt_rc put(struct mlt_server *s, const char *kind, struct mlt_str key,
                       struct mlt_str value, struct mlt_err *err) {
  enum mlt_rc rc = mlt_server_name(s, kind, key);
  if (rc == MLT_OK)
    rc = mlt_facts_put(s->facts, mlt_buf_str(&s->name), value);
  return rc == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

static enum mlt_rc put_int(struct mlt_server *s, const char *name, const struct mlt_value *v,
                           struct mlt_err *err) {
  char text[MLT_INT_TEXT];
  if (v->kind != MLT_V_INT)
    return put(s, name, MLT_STR_NULL, MLT_STR_NULL, err);
  size_t n = mlt_text_int(text, v->i);
  return put(s, name, MLT_STR_NULL, (struct mlt_str){text, n}, err);
}

static enum mlt_rc run_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_server *s = ctx;
  static const struct {
    const char *name;
    enum mlt_column column;
  } texts[] = {{"run_name", MLT_C_RUNS_name},
               {"status", MLT_C_RUNS_status},
               {"lifecycle_stage", MLT_C_RUNS_lifecycle_stage},
               {"artifact_uri", MLT_C_RUNS_artifact_uri}};
  enum mlt_rc rc = MLT_OK;
  if (mlt_arena_str(s->arena, mlt_row_at(row, MLT_C_RUNS_artifact_uri)->s, &s->artifact_uri) < 0)
    return mlt_err_nomem(err);
  for (size_t i = 0; rc == MLT_OK && i < sizeof texts / sizeof *texts; i++)
    rc = put(s, texts[i].name, MLT_STR_NULL, mlt_row_at(row, texts[i].column)->s, err);
  if (rc == MLT_OK)
    rc = put_int(s, "experiment_id", mlt_row_at(row, MLT_C_RUNS_experiment_id), err);
  if (rc == MLT_OK)
    rc = put_int(s, "start_time", mlt_row_at(row, MLT_C_RUNS_start_time), err);
  if (rc == MLT_OK)
    rc = put_int(s, "end_time", mlt_row_at(row, MLT_C_RUNS_end_time), err);
  int64_t experiment = mlt_row_at(row, MLT_C_RUNS_experiment_id)->i;
  (void)snprintf(s->experiment, sizeof s->experiment, "%" PRId64, experiment);
  return rc;
}

static enum mlt_rc param_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  return put(ctx, "param", mlt_row_at(row, MLT_C_PARAMS_key)->s,
             mlt_row_at(row, MLT_C_PARAMS_value)->s, err);
}

static enum mlt_rc tag_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  return put(ctx, "tag", mlt_row_at(row, MLT_C_TAGS_key)->s, mlt_row_at(row, MLT_C_TAGS_value)->s,
             err);
}

static enum mlt_rc latest_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_server *s = ctx;
  struct mlt_str key = mlt_row_at(row, MLT_C_LATEST_METRICS_key)->s;
  struct mlt_metric_point p = {.step = mlt_row_at(row, MLT_C_LATEST_METRICS_step)->i,
                               .timestamp = mlt_row_at(row, MLT_C_LATEST_METRICS_timestamp)->i,
                               .value = mlt_row_at(row, MLT_C_LATEST_METRICS_value)->d,
                               .is_nan = mlt_row_at(row, MLT_C_LATEST_METRICS_is_nan)->b};
  char text[MLT_SERVER_POINT];
  size_t n = mlt_server_point(text, p);
  if (s->n_histories < MLT_SERVER_HISTORIES &&
      !mlt_arena_str(s->arena, key, &s->history[s->n_histories].key))
    s->n_histories++;
  return put(s, "metric", key, (struct mlt_str){text, n}, err);
}

static enum mlt_rc point_row(void *ctx, const struct mlt_read_row *row, struct mlt_err *err) {
  struct mlt_server *s = ctx;
  struct mlt_str key = mlt_row_at(row, MLT_C_METRICS_key)->s;
  (void)err;
  for (size_t i = 0; i < s->n_histories; i++)
    if (mlt_str_eq(s->history[i].key, key))
      mlt_server_sum(&s->history[i].here,
                     (struct mlt_metric_point){mlt_row_at(row, MLT_C_METRICS_step)->i,
                                               mlt_row_at(row, MLT_C_METRICS_timestamp)->i,
                                               mlt_row_at(row, MLT_C_METRICS_value)->d,
                                               mlt_row_at(row, MLT_C_METRICS_is_nan)->b});
  return MLT_OK;
}

/* What the database says. */
static enum mlt_rc learn(struct mlt_server *s, struct mlt_err *err) {
  static const struct {
    enum mlt_read what;
    mlt_verify_row_fn fn;
  } reads[] = {{MLT_READ_SERVER_RUNS, run_row}, /* the first: it names the experiment */
               {MLT_READ_PARAMS, param_row},
               {MLT_READ_TAGS, tag_row},
               {MLT_READ_LATEST_METRICS, latest_row},
               {MLT_READ_METRICS, point_row}};
  enum mlt_rc rc = MLT_OK;
  mlt_facts_clear(s->facts);
  memset(s->history, 0, sizeof s->history);
  s->n_histories = 0;
  s->experiment[0] = '\0';
  s->artifact_uri = MLT_STR_NULL;
  for (size_t i = 0; rc == MLT_OK && i < sizeof reads / sizeof *reads; i++)
    rc = mlt_verify_read_of(s->v, reads[i].what, &s->run, 1, reads[i].fn, s, err);
  return rc;
}

/* ---- asking ---- */

enum mlt_rc mlt_server_get(struct mlt_server *s, const char *path,
                           const struct mlt_http_param *params, size_t n, struct mlt_json **out,
                           struct mlt_err *err) {
  enum mlt_rc rc = mlt_http_get_buf(s->http, path, params, n, &s->answer, err);
  if (rc != MLT_OK)
    return rc;
  *out = mlt_json_parse(mlt_buf_str(&s->answer), err);
  if (*out)
    return MLT_OK;
  mlt_err_prefix(err, "%s/%s: ", mlt_http_shown(s->http), path);
  return err->rc == MLT_NOMEM ? MLT_NOMEM : MLT_PROTOCOL;
}

static enum mlt_rc ask_run(struct mlt_server *s, struct mlt_err *err) {
  struct mlt_json *j = NULL;
  struct mlt_http_param id = {"run_id", s->run};
  struct mlt_err refusal = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_server_get(s, "api/2.0/mlflow/runs/get", &id, 1, &j, &refusal);
  if (rc == MLT_NOINPUT) {
    mlt_server_found(s, MLT_FINDING_SERVER_RUN_MISSING, MLT_STR_NULL,
                     "%s knows no such run: does it use another database?",
                     mlt_http_shown(s->http));
    s->gone = true;
    return MLT_OK;
  }
  if (rc != MLT_OK) {
    *err = refusal;
    return rc;
  }
  rc = mlt_server_hold_run(s, mlt_json_get(j, "run"));
  mlt_json_free(j);
  return rc == MLT_OK ? MLT_OK : mlt_err_nomem(err);
}

/* The points of one key, page by page; servers before 2.2 give them all at once. */
static enum mlt_rc ask_history(struct mlt_server *s, struct mlt_history *h, struct mlt_err *err) {
  char page[MLT_INT_TEXT];
  struct mlt_buf token;
  struct mlt_http_param params[] = {{"run_id", s->run},
                                    {"metric_key", h->key},
                                    {"max_results", {page, mlt_text_int(page, PAGE)}},
                                    {"page_token", MLT_STR_NULL}};
  enum mlt_rc rc = MLT_OK;
  mlt_buf_init(&token, 4096);
  do {
    struct mlt_json *j = NULL;
    params[3].value = mlt_buf_str(&token);
    rc = mlt_server_get(s, "api/2.0/mlflow/metrics/get-history", params, token.len > 0 ? 4 : 3, &j,
                        err);
    if (rc == MLT_OK)
      rc = mlt_server_sum_page(j, &h->there, &token, err);
    mlt_json_free(j);
  } while (rc == MLT_OK && token.len > 0 && (rc = mlt_verify_tick(s->v, err)) == MLT_OK);
  mlt_buf_free(&token);
  if (rc == MLT_OK && (h->here.n != h->there.n || h->here.sum != h->there.sum))
    mlt_server_found(s, MLT_FINDING_SERVER_HISTORY, h->key,
                     h->here.n == h->there.n
                         ? "the database has %" PRIu64 " points, the server as many, but others"
                         : "the database has %" PRIu64 " points, the server %" PRIu64,
                     h->here.n, h->there.n);
  return rc;
}

/* Is it found by a search in its experiment? */
static enum mlt_rc ask_search(struct mlt_server *s, struct mlt_err *err) {
  struct mlt_buf text;
  mlt_buf_init(&text, 4096);
  enum mlt_rc rc =
      mlt_buf_printf(&text,
                     "{\"experiment_ids\":[\"%s\"],\"filter\":\"attributes.run_id = '%.*s'\","
                     "\"run_view_type\":\"ALL\",\"max_results\":2}",
                     s->experiment, MLT_STR_ARG(s->run));
  if (rc == MLT_OK)
    rc = mlt_http_post_buf(s->http, "api/2.0/mlflow/runs/search", mlt_buf_str(&text), &s->answer,
                           err);
  else
    rc = mlt_err_nomem(err);
  mlt_buf_free(&text);
  if (rc != MLT_OK)
    return rc;
  struct mlt_json *j = mlt_json_parse(mlt_buf_str(&s->answer), err);
  if (!j)
    return MLT_PROTOCOL;
  if (mlt_json_length(mlt_json_get(j, "runs")) != 1)
    mlt_server_found(s, MLT_FINDING_SERVER_SEARCH, MLT_STR_NULL,
                     "a search in experiment %s finds %zu runs of this id", s->experiment,
                     mlt_json_length(mlt_json_get(j, "runs")));
  mlt_json_free(j);
  return MLT_OK;
}

static enum mlt_rc look_at(struct mlt_server *s, struct mlt_str run, struct mlt_err *err) {
  s->run = run;
  s->gone = false;
  enum mlt_rc rc = learn(s, err);
  if (rc == MLT_OK)
    rc = ask_run(s, err);
  for (size_t i = 0; rc == MLT_OK && !s->gone && i < s->n_histories; i++)
    rc = ask_history(s, &s->history[i], err);
  if (rc == MLT_OK && !s->gone)
    rc = ask_search(s, err);
  if (rc == MLT_OK && !s->gone)
    rc = mlt_server_files(s, err);
  mlt_verify_count(s->v, MLT_AMOUNT_ASKED, 1);
  return rc == MLT_OK ? mlt_verify_tick(s->v, err) : rc;
}

/* ---- the check ---- */

static enum mlt_rc choose(struct mlt_verify *v, struct sample *s, struct mlt_err *err) {
  s->v = mlt_reallocarray(NULL, s->max + 1, sizeof *s->v);
  if (!s->v)
    return mlt_err_nomem(err);
  return mlt_verify_read(v, MLT_READ_BOTH(SCOPE_RUNS), take_run, s, err);
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  const struct mlt_verify_opts *o = mlt_verify_options(v);
  struct mlt_server s = {.v = v, .arena = mlt_arena_new(), .facts = mlt_facts_new()};
  struct sample sample = {
      .max = o->mode == MLT_VERIFY_FULL ? RUNS_FULL : RUNS_QUICK, .arena = s.arena, .verify = v};
  struct mlt_http_opts http = {.base = o->server, .cancelled = o->cancelled};
  const struct mlt_places_opts places = {.destination = o->artifacts_destination,
                                         .maps = o->maps,
                                         .n_maps = o->n_maps,
                                         .target = o->target};
  mlt_buf_init(&s.answer, ANSWER_MAX);
  mlt_buf_init(&s.name, 4096);
  mlt_http_environment(&http);
  enum mlt_rc rc = s.arena && s.facts ? choose(v, &sample, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_places_open(&s.places, &places, err);
  if (rc == MLT_OK)
    rc = mlt_http_open(&s.http, &http, err);
  for (size_t i = 0; rc == MLT_OK && i < sample.n; i++)
    rc = look_at(&s, sample.v[i].id, err);
  mlt_http_close(s.http);
  mlt_places_close(s.places);
  mlt_buf_free(&s.name);
  mlt_buf_free(&s.answer);
  mlt_facts_free(s.facts);
  mlt_arena_free(s.arena);
  mlt_free(sample.v);
  return rc;
}

static const char *left_out(const struct mlt_verify_opts *o) {
  return o->server ? NULL : "no server was given (--server)";
}

const struct mlt_check_ops mlt_check_server = {
    .name = "server", .modes = MLT_IN_ALL, .of_runs = true, .left_out = left_out, .run = check};
