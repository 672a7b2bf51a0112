/* mltrack-bulk import: options in, one import, the result out. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "import_report.h"
#include "pg/store.h"
#include "session.h"

enum { MAX_JOBS = 64, MAX_READERS = 64, MAX_MAPS = 256 };

static enum mlt_rc print_result(const struct mlt_args *args, const struct mlt_import_result *res,
                                struct mlt_err *err) {
  if (mlt_args_flag(args, MLT_OPT_JSON)) {
    struct mlt_json *doc = mlt_import_json(res);
    enum mlt_rc rc = mlt_json_write(stdout, doc, true, err);
    mlt_json_free(doc);
    return rc;
  }
  if (mlt_args_flag(args, MLT_OPT_QUIET) || (!mlt_session_done(res->rc) && !res->report->batches))
    return MLT_OK;
  mlt_import_print_text(stdout, res);
  return fflush(stdout) == 0 ? MLT_OK : mlt_err_errno(err, errno, "cannot write the result");
}

/* As MLflow reads its switches. */
static bool cutting_is_off(void) {
  const char *value = getenv("MLFLOW_TRUNCATE_LONG_VALUES");
  return value && (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0);
}

static enum mlt_load load_of(const struct mlt_args *args) {
  enum mlt_load load = MLT_LOAD_AUTO;
  (void)mlt_load_parse(mlt_args_str(args, MLT_OPT_LOAD), &load); /* one of the option's choices */
  return load;
}

static enum mlt_artifacts_how artifacts_how(const struct mlt_args *args) {
  static const char *const words[] = {"keep", "copy", "link", "move"};
  const char *word = mlt_args_str(args, MLT_OPT_ARTIFACTS);
  enum mlt_artifacts_how how = MLT_ARTIFACTS_KEEP;
  while (how < MLT_ARTIFACTS_MOVE && strcmp(words[how], word) != 0)
    how++;
  return how;
}

static struct mlt_artifact_opts artifacts(const struct mlt_args *args, const char **maps) {
  size_t n = 0;
  while (n < MAX_MAPS && (maps[n] = mlt_args_list(args, MLT_OPT_MAP, n)))
    n++;
  return (struct mlt_artifact_opts){.how = artifacts_how(args),
                                    .root = mlt_args_str(args, MLT_OPT_ARTIFACT_ROOT),
                                    .destination =
                                        mlt_args_str(args, MLT_OPT_ARTIFACTS_DESTINATION),
                                    .maps = maps,
                                    .n_maps = n};
}

static struct mlt_import_opts options(const struct mlt_args *args, const struct mlt_target *target,
                                      const char **maps, struct mlt_session *s) {
  uint64_t jobs = mlt_args_uint(args, MLT_OPT_JOBS);
  uint64_t readers = mlt_args_uint(args, MLT_OPT_READERS);
  struct mlt_source_opts reading = mlt_bulk_reading(args);
  reading.window_seconds = (double)mlt_args_time(args, MLT_OPT_BATCH_TIME);
  return (struct mlt_import_opts){
      .source = args->argv[0],
      .format = mlt_args_str(args, MLT_OPT_FORMAT),
      .reading = reading,
      .target = target,
      .mlflow_version = mlt_args_str(args, MLT_OPT_MLFLOW_VERSION),
      .artifacts = artifacts(args, maps),
      .load = load_of(args),
      .trust_runs = mlt_args_flag(args, MLT_OPT_TRUST_RUNS),
      .max_rows_per_second = mlt_args_uint(args, MLT_OPT_MAX_ROWS_PER_SECOND),
      .jobs = (unsigned)(jobs > MAX_JOBS ? MAX_JOBS : jobs),
      .readers = (unsigned)(readers > MAX_READERS ? MAX_READERS : readers),
      .restart = mlt_args_flag(args, MLT_OPT_RESTART),
      .no_ledger = mlt_args_flag(args, MLT_OPT_NO_LEDGER),
      .dry_run = mlt_args_flag(args, MLT_OPT_DRY_RUN),
      .skip_errors = strcmp(mlt_args_str(args, MLT_OPT_ON_ERROR), "skip") == 0,
      .reject_long = cutting_is_off(),
      .max_errors = mlt_args_uint(args, MLT_OPT_MAX_ERRORS),
      .batch_rows = mlt_args_uint(args, MLT_OPT_BATCH_ROWS),
      .memory = mlt_args_size(args, MLT_OPT_MEMORY),
      .cancelled = &mlt_signalled,
      .on_preflight = mlt_session_preflight,
      .on_progress = mlt_session_progress,
      .on_note = mlt_session_note,
      .on_retry = mlt_session_retry,
      .on_start_over = mlt_session_start_over,
      .retry_seconds = (double)mlt_args_time(args, MLT_OPT_RETRY_TIMEOUT),
      .ctx = s};
}

/* What people should know about the ledger. */
static void tell_ledger(const struct mlt_import_opts *opts, const struct mlt_report *report) {
  const struct mlt_ledger_state *l = &report->ledger;
  bool new_file = opts->target->kind == MLT_TARGET_SQLITE && report->load.whole;
  if (l->made && l->id && !new_file)
    mlt_log(MLT_LOG_INFO, opts->target->kind == MLT_TARGET_PG
                              ? "made schema mltrack, which keeps what was imported"
                              : "made tables mltrack_*, which keep what was imported");
  if (l->why[0])
    mlt_log(MLT_LOG_WARN, "no ledger is kept, so that this import cannot be resumed or undone",
            MLT_KV_CSTR("because", l->why), MLT_KV_CSTR("mend", l->remedy));
  if (l->beside)
    mlt_log(MLT_LOG_WARN,
            "another import of this source is at work: either finds what the other writes",
            MLT_KV_INT("import", l->beside));
}

static enum mlt_rc run(const struct mlt_import_opts *opts, struct mlt_session *s,
                       struct mlt_report *report, struct mlt_err *err) {
  enum mlt_rc rc = mlt_import(opts, report, err);
  mlt_progress_clear(&s->progress);
  if (report->load.why)
    mlt_log(MLT_LOG_DEBUG, "rows were appended, not loaded before their indexes",
            MLT_KV_CSTR("because", report->load.why));
  tell_ledger(opts, report);
  enum mlt_rc close_rc = mlt_session_close_rejects(s, err);
  return mlt_session_done(rc) && close_rc != MLT_OK ? close_rc : rc;
}

static enum mlt_rc parse_target(const struct mlt_args *args, struct mlt_target *target,
                                struct mlt_err *err) {
  const char *origin;
  enum mlt_rc rc = mlt_target_parse(target, mlt_bulk_target(args, &origin), err);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "%s", origin);
  if (rc == MLT_OK && mlt_args_list(args, MLT_OPT_MAP, MAX_MAPS))
    rc = mlt_err_set(err, MLT_USAGE, "more than %d --map", MAX_MAPS);
  return rc;
}

static void warn_of_network(const struct mlt_target *target) {
  if (target->kind == MLT_TARGET_PG && mlt_pg_is_unverified(target->conninfo))
    mlt_log_fields(MLT_LOG_WARN,
                   "nobody checks which server answers: over a network, sslmode=verify-full does",
                   NULL, 0);
}

/* The import's own code stands unless verifying failed. */
static enum mlt_rc verify(struct mlt_import_proof *proof, const struct mlt_import_opts *opts,
                          const struct mlt_report *report, enum mlt_rc imported,
                          struct mlt_err *err) {
  enum mlt_rc rc = mlt_import_verify(proof, opts, report, err);
  return rc == MLT_OK ? imported : rc;
}

int mlt_cmd_import(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_target target = {0};
  struct mlt_session session;
  struct mlt_report report = {0};
  struct mlt_import_proof proof = {.n_experiments = 0};
  const char *maps[MAX_MAPS];
  const struct mlt_import_opts opts = options(args, &target, maps, &session);
  mlt_session_init(&session, args, "importing");
  enum mlt_rc rc = parse_target(args, &target, &err);
  if (rc == MLT_OK)
    warn_of_network(&target);
  if (rc == MLT_OK)
    rc = mlt_session_open_rejects(&session, args, &err);
  if (rc == MLT_OK)
    rc = run(&opts, &session, &report, &err);
  if (mlt_session_done(rc) && mlt_args_flag(args, MLT_OPT_VERIFY))
    rc = verify(&proof, &opts, &report, rc, &err);
  const int status = mlt_session_done(rc) && mlt_import_proof_differs(&proof)
                         ? mlt_rc_exit(MLT_DIFFERS)
                         : mlt_signals_exit(rc);
  const struct mlt_import_result result = {&opts, &report, rc, status, &err, &proof};
  enum mlt_rc print_rc = print_result(args, &result, &err);
  if (mlt_session_done(rc) && print_rc != MLT_OK)
    rc = print_rc;
  mlt_import_proof_close(&proof);
  mlt_report_free(&report);
  mlt_target_free(&target);
  if (mlt_session_done(rc))
    return status;
  (void)mlt_bulk_fail(&err);
  return mlt_signals_exit(rc);
}
