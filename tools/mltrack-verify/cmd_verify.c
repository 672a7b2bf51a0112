/* The one command: looks, tells, and where --repair asks for it, mends. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/frame.h"
#include "../common/signals.h"
#include "base/log.h"
#include "session.h"

/* ---- repairing ---- */

static bool answers_yes(void) {
  char line[16];
  (void)fputs("go on? [y/N] ", stderr);
  (void)fflush(stderr);
  return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

/* Shows the plan, and whether it is to be done. */
static bool is_wanted(const struct mlt_session *s, const struct mlt_report_repair *r) {
  FILE *out = s->text ? stdout : stderr;
  (void)fprintf(out, "%s: %ju %s\n", r->info->name, (uintmax_t)r->found, r->info->what);
  (void)fflush(out);
  if (mlt_args_flag(s->args, MLT_OPT_YES))
    return true;
  if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
    return answers_yes();
  mlt_log(MLT_LOG_WARN, "nothing was changed: there is no terminal to ask on, and no --yes");
  return false;
}

static enum mlt_rc repair(const struct mlt_session *s, const struct mlt_verify_opts *o,
                          const struct mlt_verify_result *found, struct mlt_report_repair *r,
                          struct mlt_err *err) {
  enum mlt_repair what = (enum mlt_repair)(r->info - mlt_repairs);
  r->found = mlt_repair_found(what, found);
  if (r->found == 0) {
    if (s->text)
      (void)printf("%s: there is nothing to repair\n", r->info->name);
    return MLT_OK;
  }
  if (!is_wanted(s, r))
    return MLT_DIFFERS;
  enum mlt_rc rc = mlt_repair_do(what, o, &r->outcome, err);
  r->done = rc == MLT_OK;
  if (r->done && r->outcome.no_ledger.rc != MLT_OK)
    mlt_log(MLT_LOG_WARN, "the repair is not in the ledger",
            MLT_KV_CSTR("because", r->outcome.no_ledger.msg),
            MLT_KV_CSTR("mend", r->outcome.no_ledger.hint));
  if (r->done && s->text)
    (void)printf("%s: %ju repaired\n", r->info->name, (uintmax_t)r->outcome.rows);
  if (r->done && s->text && r->outcome.import)
    (void)printf("mltrack-bulk imports %jd tells of it\n", (intmax_t)r->outcome.import);
  return rc;
}

static const struct mlt_repair_info *repair_asked_for(const struct mlt_args *args) {
  const char *name = mlt_args_str(args, MLT_OPT_REPAIR);
  for (size_t i = 0; name && i < MLT_REPAIR_COUNT; i++)
    if (strcmp(mlt_repairs[i].name, name) == 0)
      return &mlt_repairs[i];
  return NULL;
}

/* A repair looks with the one check that finds what it mends, at the whole database. */
static enum mlt_rc prepare_repair(struct mlt_session *s, const struct mlt_repair_info *info,
                                  struct mlt_verify_opts *o, struct mlt_err *err) {
  if (o->n_runs || o->n_experiments || o->has_since || o->n_imports || o->n_checks || s->manifests)
    return mlt_err_set(err, MLT_USAGE,
                       "--repair is of the whole database: not with --run, --experiment, --since, "
                       "--import, --check or --manifest-only");
  s->repair = true;
  (void)snprintf(s->repair_command, sizeof s->repair_command, "mltrack-verify --repair %s",
                 info->name);
  o->checks = &info->check;
  o->n_checks = 1;
  return MLT_OK;
}

/* ---- the whole ---- */

static int finish(struct mlt_session *s, const struct mlt_verify_report *r) {
  struct mlt_err output = MLT_ERR_INIT;
  mlt_progress_clear(&s->progress);
  enum mlt_rc printed = mlt_session_print(s, r, &output);
  if (r->rc != MLT_OK && r->rc != MLT_DIFFERS)
    mlt_log_err(r->err);
  if (printed != MLT_OK)
    mlt_log_err(&output);
  return mlt_signals_exit(printed == MLT_OK ? r->rc : printed);
}

static int verify(struct mlt_session *s) {
  struct mlt_report_repair mending = {.info = repair_asked_for(s->args)};
  struct mlt_verify_opts opts;
  struct mlt_verify *v = NULL;
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_session_options(s, &opts, &err);
  if (rc == MLT_OK && mending.info)
    rc = prepare_repair(s, mending.info, &opts, &err);
  if (rc == MLT_OK)
    rc = mlt_verify_open(&v, &opts, &err);
  if (rc == MLT_OK)
    rc = s->manifests ? mlt_verify_manifests(v, &s->made, &err) : mlt_verify_run(v, &err);
  const struct mlt_verify_result *result = v ? mlt_verify_result(v) : NULL;
  if (rc == MLT_OK && mending.info)
    rc = repair(s, &opts, result, &mending, &err);
  else if (rc == MLT_OK && !mlt_verify_ok(result))
    rc = MLT_DIFFERS;
  int status = finish(s, &(struct mlt_verify_report){s->target.display, s->mode, result, rc, &err,
                                                     mending.info ? &mending : NULL});
  mlt_verify_close(v);
  return status;
}

static int print_completion(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  const char *shell = mlt_args_str(args, MLT_OPT_COMPLETION);
  return mlt_opt_print_completion(stdout, args->program, shell, &err) == MLT_OK
             ? 0
             : mlt_frame_fail(&err);
}

int mlt_cmd_verify(const struct mlt_args *args) {
  struct mlt_session s = {.args = args};
  if (mlt_args_given(args, MLT_OPT_COMPLETION))
    return print_completion(args);
  mlt_signals_catch("mltrack-verify: interrupted while it waited for the database\n");
  int status = verify(&s);
  mlt_session_free(&s);
  return status;
}
