/* From the command line to what checks take, and from what they find to the output. */
#include <inttypes.h>
#include <stdio.h>

#include "../common/frame.h"
#include "../common/signals.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program.h"
#include "session.h"
#include "verify/when.h"

/* ---- options ---- */

static enum mlt_rc take_list(struct mlt_session *s, size_t slot, enum mlt_verify_opt opt,
                             const char *const **out, size_t *n, struct mlt_err *err) {
  for (*n = 0; mlt_args_list(s->args, opt, *n);)
    ++*n;
  if (*n == 0)
    return MLT_OK;
  s->lists[slot] = mlt_calloc(*n, sizeof *s->lists[slot]);
  if (!s->lists[slot])
    return mlt_err_nomem(err);
  for (size_t i = 0; i < *n; i++)
    s->lists[slot][i] = mlt_args_list(s->args, opt, i);
  *out = s->lists[slot];
  return MLT_OK;
}

static enum mlt_rc take_lists(struct mlt_session *s, struct mlt_verify_opts *o,
                              struct mlt_err *err) {
  enum mlt_rc rc = take_list(s, 0, MLT_OPT_RUN, &o->runs, &o->n_runs, err);
  if (rc == MLT_OK)
    rc = take_list(s, 1, MLT_OPT_EXPERIMENT, &o->experiments, &o->n_experiments, err);
  if (rc == MLT_OK)
    rc = take_list(s, 2, MLT_OPT_MAP, &o->maps, &o->n_maps, err);
  if (rc == MLT_OK)
    rc = take_list(s, 3, MLT_OPT_ARTIFACT_ROOT, &o->roots, &o->n_roots, err);
  if (rc == MLT_OK)
    rc = take_list(s, 4, MLT_OPT_CHECK, &o->checks, &o->n_checks, err);
  return rc == MLT_OK ? take_list(s, 5, MLT_OPT_IMPORT, &o->imports, &o->n_imports, err) : rc;
}

static enum mlt_rc take_mode(struct mlt_session *s, struct mlt_verify_opts *o,
                             struct mlt_err *err) {
  const char *sample = mlt_args_str(s->args, MLT_OPT_SAMPLE);
  bool full = mlt_args_flag(s->args, MLT_OPT_FULL), quick = mlt_args_flag(s->args, MLT_OPT_QUICK);
  if (full + quick + (sample != NULL) > 1)
    return mlt_err_set(err, MLT_USAGE, "--quick, --full and --sample exclude each other");
  if (sample && !mlt_parse_share(sample, &o->sample))
    return mlt_err_set(err, MLT_USAGE, "--sample: '%s' is not a share such as 5%%", sample);
  o->mode = full ? MLT_VERIFY_FULL : sample ? MLT_VERIFY_SAMPLE : MLT_VERIFY_QUICK;
  s->manifests = mlt_args_flag(s->args, MLT_OPT_MANIFEST_ONLY);
  if (o->state && (s->manifests || mlt_args_given(s->args, MLT_OPT_REPAIR)))
    return mlt_err_set(err, MLT_USAGE, "--state: not with --manifest-only or --repair");
  s->mode = s->manifests ? "manifest-only" : full ? "full" : sample ? "sample" : "quick";
  return MLT_OK;
}

static enum mlt_rc take_times(struct mlt_session *s, struct mlt_verify_opts *o,
                              struct mlt_err *err) {
  const char *since = mlt_args_str(s->args, MLT_OPT_SINCE);
  const char *stale = mlt_args_str(s->args, MLT_OPT_STALE);
  o->now_ms = mlt_clock_wall_ms();
  o->has_since = since != NULL;
  if (since && !mlt_parse_since(since, o->now_ms, &o->since_ms))
    return mlt_err_set(err, MLT_USAGE,
                       "--since: '%s' is not a time such as 2026-01-31T12:00, 7d or 12h", since);
  if (!mlt_parse_duration(stale, &o->stale_seconds))
    return mlt_err_set(err, MLT_USAGE, "--stale: '%s' is not a duration such as 7d or 12h", stale);
  return MLT_OK;
}

static enum mlt_rc take_target(struct mlt_session *s, struct mlt_err *err) {
  const char *origin;
  bool given = mlt_args_given(s->args, MLT_OPT_TO);
  const char *uri =
      mlt_target_default(given ? mlt_args_str(s->args, MLT_OPT_TO) : NULL, NULL, &origin);
  enum mlt_rc rc = mlt_target_parse(&s->target, uri, err);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "%s", origin);
  else if (s->target.dropped)
    mlt_log(MLT_LOG_WARN, "parts of the database's URI mean nothing here and are left out",
            MLT_KV_CSTR("keys", s->target.dropped));
  return rc;
}

static enum mlt_rc take_output(struct mlt_session *s, struct mlt_err *err) {
  bool json = mlt_args_flag(s->args, MLT_OPT_JSON), md = mlt_args_flag(s->args, MLT_OPT_MD);
  s->text = !json && !md;
  s->quiet = mlt_args_flag(s->args, MLT_OPT_QUIET);
  s->color = s->text && mlt_color_wanted(mlt_args_str(s->args, MLT_OPT_COLOR), stdout);
  mlt_progress_init(&s->progress, "verifying",
                    mlt_args_flag(s->args, MLT_OPT_NO_PROGRESS) || s->quiet || json || md);
  return json && md ? mlt_err_set(err, MLT_USAGE, "--json and --md exclude each other") : MLT_OK;
}

/* What is chosen of the database is chosen of the source. */
static enum mlt_rc take_source(const struct mlt_session *s, struct mlt_verify_opts *o,
                               struct mlt_err *err) {
  const struct mlt_args *a = s->args;
  o->source = mlt_args_str(a, MLT_OPT_SOURCE);
  o->source_format = mlt_args_str(a, MLT_OPT_FORMAT);
  o->reading = (struct mlt_source_opts){.experiment = o->n_experiments ? o->experiments[0] : NULL,
                                        .run = mlt_args_str(a, MLT_OPT_RUN_NAME),
                                        .step_field = mlt_args_str(a, MLT_OPT_STEP_FIELD),
                                        .time_field = mlt_args_str(a, MLT_OPT_TIME_FIELD),
                                        .time_unit = mlt_args_str(a, MLT_OPT_TIME_UNIT)};
  if (!o->reading.run && o->n_runs)
    o->reading.run = o->runs[0];
  if (o->source && (o->n_experiments > 1 || o->n_runs > 1 || o->n_imports || o->has_since))
    return mlt_err_set(err, MLT_USAGE,
                       "--source is compared as a whole, or one --experiment or one --run of it");
  return MLT_OK;
}

static void on_finding(void *ctx, const struct mlt_finding *f) {
  struct mlt_session *s = ctx;
  if (!s->text || (s->repair && !mlt_str_is(f->command, s->repair_command)) ||
      (s->quiet && mlt_finding_info(f->what)->severity == MLT_SEVERITY_INFO))
    return;
  mlt_progress_clear(&s->progress);
  mlt_report_finding(stdout, f, s->color);
}

static void on_progress(void *ctx, const struct mlt_verify_progress *now) {
  struct mlt_session *s = ctx;
  char text[200];
  if (!mlt_progress_is_due(&s->progress, now->seconds))
    return;
  (void)snprintf(text, sizeof text,
                 "check %zu/%zu, %s: %" PRIu64 " runs, %" PRIu64 " files, %.1f MB, %" PRIu64
                 " errors, %.0f s",
                 now->done + 1, now->checks, now->check, now->amounts[MLT_AMOUNT_RUNS],
                 now->amounts[MLT_AMOUNT_FILES], (double)now->amounts[MLT_AMOUNT_HASHED] / 1e6,
                 now->found[MLT_SEVERITY_ERROR], now->seconds);
  mlt_progress_show(&s->progress, text, now->seconds);
}

enum mlt_rc mlt_session_options(struct mlt_session *s, struct mlt_verify_opts *o,
                                struct mlt_err *err) {
  *o = (struct mlt_verify_opts){.target = &s->target,
                                .artifacts_destination =
                                    mlt_args_str(s->args, MLT_OPT_ARTIFACTS_DESTINATION),
                                .as_user = mlt_args_str(s->args, MLT_OPT_AS_USER),
                                .server = mlt_args_str(s->args, MLT_OPT_SERVER),
                                .state = mlt_args_str(s->args, MLT_OPT_STATE),
                                .jobs = (unsigned)mlt_args_uint(s->args, MLT_OPT_JOBS),
                                .max_findings = mlt_args_uint(s->args, MLT_OPT_MAX_FINDINGS),
                                .cancelled = &mlt_signalled,
                                .on_finding = on_finding,
                                .on_progress = on_progress,
                                .ctx = s};
  enum mlt_rc rc = take_output(s, err);
  if (rc == MLT_OK)
    rc = take_mode(s, o, err);
  if (rc == MLT_OK)
    rc = take_times(s, o, err);
  if (rc == MLT_OK)
    rc = take_lists(s, o, err);
  if (rc == MLT_OK)
    rc = take_source(s, o, err);
  return rc == MLT_OK ? take_target(s, err) : rc;
}

/* ---- output ---- */

static void print_made(const struct mlt_session *s) {
  (void)printf("%s: recorded %" PRIu64 " files (%" PRIu64 " bytes) of %" PRIu64 " folders; %" PRIu64
               " folders have a manifest already, %" PRIu64 " are not there\n",
               s->target.display, s->made.files, s->made.bytes, s->made.folders, s->made.recorded,
               s->made.empty);
}

enum mlt_rc mlt_session_print(const struct mlt_session *s, const struct mlt_verify_report *r,
                              struct mlt_err *err) {
  const char *junit = mlt_args_str(s->args, MLT_OPT_JUNIT);
  enum mlt_rc rc = MLT_OK;
  if (mlt_args_flag(s->args, MLT_OPT_JSON))
    rc = mlt_report_json(stdout, r, err);
  else if (r->result && mlt_args_flag(s->args, MLT_OPT_MD))
    mlt_report_md(stdout, r);
  else if (r->result && s->manifests && !s->quiet)
    print_made(s);
  else if (r->result && !r->repair && !s->quiet)
    mlt_report_summary(stdout, r, mlt_args_flag(s->args, MLT_OPT_VERBOSE));
  return rc == MLT_OK && r->result && junit ? mlt_report_junit(junit, r, err) : rc;
}

void mlt_session_free(struct mlt_session *s) {
  mlt_target_free(&s->target);
  for (size_t i = 0; i < MLT_SESSION_LISTS; i++)
    mlt_free(s->lists[i]);
}
