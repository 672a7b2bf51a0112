/* Runs the checks one after another and keeps what they find. */
#include "verify/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "verify/private.h"

enum { TEXT_MAX = 1024 };
static const double TICK_SECONDS = 0.1;

/* ---- which checks ---- */

const char *mlt_verify_check_name(size_t i) {
  return i < mlt_checks_count ? mlt_checks[i]->name : NULL;
}

static bool is_asked_for(const struct mlt_verify *v, const char *name) {
  for (size_t i = 0; i < v->opts.n_checks; i++)
    if (strcmp(v->opts.checks[i], name) == 0)
      return true;
  return v->opts.n_checks == 0;
}

static bool is_check(const char *name) {
  for (size_t i = 0; i < mlt_checks_count; i++)
    if (strcmp(mlt_checks[i]->name, name) == 0)
      return true;
  return false;
}

static enum mlt_rc refuse_unknown(const struct mlt_verify *v, struct mlt_err *err) {
  char names[400] = "";
  size_t n = 0;
  for (size_t i = 0; i < mlt_checks_count && n < sizeof names; i++)
    n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", mlt_checks[i]->name);
  for (size_t i = 0; i < v->opts.n_checks; i++)
    if (!is_check(v->opts.checks[i]))
      return mlt_err_set(err, MLT_USAGE, "'%s' is no check; there are: %s", v->opts.checks[i],
                         names);
  return MLT_OK;
}

/* ---- opening and closing ---- */

static enum mlt_rc prepare(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = refuse_unknown(v, err);
  if (rc != MLT_OK)
    return rc;
  v->arena = mlt_arena_new();
  v->kept_arena = mlt_arena_new();
  v->checks = mlt_calloc(mlt_checks_count, sizeof *v->checks);
  if (!v->arena || !v->kept_arena || !v->checks)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < mlt_checks_count; i++)
    v->checks[i] = (struct mlt_check_result){.name = mlt_checks[i]->name, .why = "not reached"};
  rc = mlt_verify_connect(v, err);
  return rc == MLT_OK ? mlt_verify_choose(v, err) : rc;
}

enum mlt_rc mlt_verify_open(struct mlt_verify **out, const struct mlt_verify_opts *opts,
                            struct mlt_err *err) {
  struct mlt_verify *v = mlt_calloc(1, sizeof *v);
  *out = NULL;
  if (!v)
    return mlt_err_nomem(err);
  v->opts = *opts;
  v->began = mlt_clock_seconds();
  (void)pthread_mutex_init(&v->lock, NULL);
  enum mlt_rc rc = prepare(v, err);
  if (rc == MLT_OK)
    *out = v;
  else
    mlt_verify_close(v);
  return rc;
}

void mlt_verify_close(struct mlt_verify *v) {
  if (!v)
    return;
  mlt_verify_disconnect(v);
  mlt_verify_choose_free(v);
  mlt_arena_free(v->arena);
  mlt_arena_free(v->kept_arena);
  mlt_free(v->kept.v);
  mlt_free(v->check_of.v);
  mlt_free(v->checks);
  (void)pthread_mutex_destroy(&v->lock);
  mlt_free(v);
}

const struct mlt_verify_opts *mlt_verify_options(const struct mlt_verify *v) {
  return &v->opts;
}

const struct mlt_schema *mlt_verify_schema(const struct mlt_verify *v) {
  return &v->schema;
}

const struct mlt_catalog *mlt_verify_catalog(const struct mlt_verify *v) {
  return &v->catalog;
}

/* ---- findings ---- */

static bool keep_strings(struct mlt_arena *a, struct mlt_finding *f) {
  struct mlt_str *const all[] = {&f->id,    &f->experiment, &f->path,
                                 &f->field, &f->text,       &f->command};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (mlt_arena_str(a, *all[i], all[i]) != 0)
      return false;
  return true;
}

static void keep(struct mlt_verify *v, const struct mlt_finding *f) {
  struct mlt_finding copy = *f;
  if (v->result.by_code[f->what] > v->opts.max_findings)
    return;
  if (!MLT_VEC_ROOM(v->kept) || !MLT_VEC_ROOM(v->check_of) || !keep_strings(v->kept_arena, &copy)) {
    v->no_memory = true;
    return;
  }
  v->kept.v[v->kept.n++] = copy;
  v->check_of.v[v->check_of.n++] = v->check;
  if (v->opts.on_finding)
    v->opts.on_finding(v->opts.ctx, &copy);
}

void mlt_verify_found(struct mlt_verify *v, const struct mlt_finding *f) {
  enum mlt_severity s = mlt_finding_info(f->what)->severity;
  (void)pthread_mutex_lock(&v->lock);
  v->result.found[s]++;
  v->result.by_code[f->what]++;
  v->checks[v->check].found[s]++;
  keep(v, f);
  (void)pthread_mutex_unlock(&v->lock);
}

void mlt_verify_foundf(struct mlt_verify *v, const struct mlt_finding *f, const char *fmt, ...) {
  char text[TEXT_MAX];
  struct mlt_finding with_text = *f;
  va_list args;
  va_start(args, fmt);
  (void)vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  with_text.text = mlt_str_c(text);
  mlt_verify_found(v, &with_text);
}

void mlt_verify_count(struct mlt_verify *v, enum mlt_verify_amount what, uint64_t n) {
  atomic_fetch_add_explicit(&v->amounts[what], n, memory_order_relaxed);
}

/* ---- progress ---- */

static void read_amounts(const struct mlt_verify *v, uint64_t out[MLT_AMOUNT_COUNT]) {
  for (size_t i = 0; i < MLT_AMOUNT_COUNT; i++) {
    uint64_t n = atomic_load_explicit(&v->amounts[i], memory_order_relaxed);
    out[i] = n > v->most[i] ? n : v->most[i];
  }
}

/* A check has ended: the next one counts from 0. */
static void settle_amounts(struct mlt_verify *v) {
  read_amounts(v, v->most);
  for (size_t i = 0; i < MLT_AMOUNT_COUNT; i++)
    atomic_store_explicit(&v->amounts[i], 0, memory_order_relaxed);
}

static void tell(struct mlt_verify *v, double now) {
  struct mlt_verify_progress p = {.check = mlt_checks[v->check]->name,
                                  .done = v->check,
                                  .checks = mlt_checks_count,
                                  .seconds = now - v->began};
  read_amounts(v, p.amounts);
  (void)pthread_mutex_lock(&v->lock);
  for (size_t s = 0; s < MLT_SEVERITY_COUNT; s++)
    p.found[s] = v->result.found[s];
  (void)pthread_mutex_unlock(&v->lock);
  v->opts.on_progress(v->opts.ctx, &p);
}

enum mlt_rc mlt_verify_tick(struct mlt_verify *v, struct mlt_err *err) {
  if (v->opts.cancelled && *v->opts.cancelled)
    return mlt_err_set(err, MLT_CANCELLED, "interrupted");
  double now = v->opts.on_progress ? mlt_clock_seconds() : 0;
  if (v->opts.on_progress && now - v->told >= TICK_SECONDS) {
    v->told = now;
    tell(v, now);
  }
  return MLT_OK;
}

/* ---- running ---- */

/* Why a check does not apply; NULL if it does. */
static const char *left_out(const struct mlt_verify *v, const struct mlt_check_ops *c) {
  if (!is_asked_for(v, c->name))
    return "not asked for";
  if (!(c->modes & (1U << v->opts.mode)))
    return "not in this mode";
  if (v->partial && !c->of_runs)
    return "not about the runs that were chosen";
  return c->left_out ? c->left_out(&v->opts) : NULL;
}

static enum mlt_rc run_check(struct mlt_verify *v, size_t i, struct mlt_err *err) {
  struct mlt_check_result *r = &v->checks[i];
  double began = mlt_clock_seconds();
  v->check = i;
  r->why = left_out(v, mlt_checks[i]);
  if (r->why)
    return MLT_OK;
  enum mlt_rc rc = mlt_verify_tick(v, err);
  if (rc == MLT_OK)
    rc = mlt_checks[i]->run(v, err);
  settle_amounts(v);
  r->seconds = mlt_clock_seconds() - began;
  r->ran = rc == MLT_OK;
  if (rc != MLT_OK)
    r->why = "failed";
  return rc;
}

enum mlt_rc mlt_verify_run(struct mlt_verify *v, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < mlt_checks_count && rc == MLT_OK; i++)
    rc = run_check(v, i, err);
  if (rc == MLT_OK && v->no_memory)
    rc = mlt_err_nomem(err);
  return rc;
}

const struct mlt_verify_result *mlt_verify_result(struct mlt_verify *v) {
  struct mlt_verify_result *r = &v->result;
  read_amounts(v, r->amounts);
  r->findings = v->kept.v;
  r->check_of = v->check_of.v;
  r->n_findings = v->kept.n;
  r->checks = v->checks;
  r->n_checks = mlt_checks_count;
  r->seconds = mlt_clock_seconds() - v->began;
  r->database = v->catalog.database;
  r->head = v->schema.head;
  return r;
}
