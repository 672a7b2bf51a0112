/* The public API over the inner layers: checks what callers hand in and translates between the
   library's own structs and those of mltrack.h. Decides nothing about imports itself. */
#include "mltrack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/uri.h"
#include "model/tables.h"
#include "pipeline/import.h"
#include "sink/sink.h"

_Static_assert(MLT_T_ALL <= MLT_MAX_TABLES, "struct mlt_import_result holds every table");

enum { DEFAULT_RETRY_SECONDS = 300 };

#define SMALLER(a, b) ((a) < (b) ? (a) : (b))

const char *mlt_version(void) {
  return MLT_VERSION;
}

/* The caller's struct may be shorter than ours (older header) or longer (newer header). */
static void hand_out(void *theirs, size_t their_size, void *ours, size_t our_size) {
  memcpy(ours, &their_size, sizeof their_size); /* struct_size stays the caller's */
  memcpy(theirs, ours, SMALLER(their_size, our_size));
}

/* What a longer struct holds beyond ours must be zero: it asks for something we cannot do. */
static enum mlt_rc take_in(void *ours, size_t our_size, const void *theirs, size_t their_size,
                           struct mlt_err *err) {
  if (their_size < sizeof(size_t))
    return mlt_err_set(err, MLT_USAGE, "struct_size is not set");
  memset(ours, 0, our_size);
  memcpy(ours, theirs, SMALLER(their_size, our_size));
  for (size_t i = our_size; i < their_size; i++)
    if (((const char *)theirs)[i] != 0)
      return mlt_err_set(err, MLT_USAGE,
                         "the program asks for something that libmltrack %s does not know",
                         MLT_VERSION);
  return MLT_OK;
}

static int status_of(enum mlt_rc rc, const struct mlt_err *err, struct mlt_error *out) {
  const int status = mlt_rc_exit(rc);
  if (status != 0 && out && out->struct_size >= sizeof(size_t)) {
    struct mlt_error mine = {.status = status};
    (void)snprintf(mine.message, sizeof mine.message, "%s",
                   err->msg[0] ? err->msg : mlt_rc_meaning(rc));
    (void)snprintf(mine.hint, sizeof mine.hint, "%s", err->hint);
    hand_out(out, out->struct_size, &mine, sizeof mine);
  }
  return status;
}

static void result_of(const struct mlt_report *report, struct mlt_import_result *out) {
  struct mlt_import_result mine = {.rejected = report->rejects,
                                   .conflicts = report->conflicts,
                                   .changed = report->changes,
                                   .seconds = report->seconds,
                                   .n_tables = MLT_T_ALL};
  for (int t = 0; t < MLT_T_ALL; t++) {
    const struct mlt_counts *c = &report->counts[t];
    mine.tables[t] = (struct mlt_table_counts){.table = mlt_table_name((enum mlt_table)t),
                                               .read = c->read,
                                               .inserted = c->inserted,
                                               .present = c->present,
                                               .updated = c->updated,
                                               .merged = c->merged,
                                               .rejected = c->rejected};
  }
  hand_out(out, out->struct_size, &mine, sizeof mine);
}

static enum mlt_rc target_of(struct mlt_target *out, const char *uri, struct mlt_err *err) {
  const char *origin;
  return mlt_target_parse(out, mlt_target_default(uri, NULL, &origin), err);
}

static double retry_seconds(int asked) {
  return asked < 0 ? 0 : asked > 0 ? asked : DEFAULT_RETRY_SECONDS;
}

static enum mlt_rc import_into(const struct mlt_import_params *params,
                               const struct mlt_target *target, struct mlt_report *report,
                               struct mlt_err *err) {
  enum mlt_load load = MLT_LOAD_AUTO;
  if (params->load && !mlt_load_parse(params->load, &load))
    return mlt_err_set(err, MLT_USAGE, "load is '%s', not auto, append, merge or rebuild",
                       params->load);
  const struct mlt_import_opts opts = {.source = params->source,
                                       .format = params->format,
                                       .target = target,
                                       .mlflow_version = params->mlflow_version,
                                       .dry_run = params->dry_run != 0,
                                       .skip_errors = params->skip_errors != 0,
                                       .max_errors = params->max_errors,
                                       .load = load,
                                       .memory = params->memory,
                                       .jobs = params->jobs,
                                       .readers = params->readers,
                                       .retry_seconds = retry_seconds(params->retry_seconds),
                                       .cancelled = params->cancelled};
  return mlt_import(&opts, report, err);
}

int mlt_import_store(const struct mlt_import_params *params, struct mlt_import_result *result,
                     struct mlt_error *err) {
  struct mlt_err why = MLT_ERR_INIT;
  struct mlt_import_params mine;
  struct mlt_target target = {0};
  struct mlt_report report = {0};
  enum mlt_rc rc = params ? take_in(&mine, sizeof mine, params, params->struct_size, &why)
                          : mlt_err_set(&why, MLT_USAGE, "no parameters given");
  if (rc == MLT_OK && !mine.source)
    rc = mlt_err_set(&why, MLT_USAGE, "no source given");
  if (rc == MLT_OK)
    rc = target_of(&target, mine.target, &why);
  if (rc == MLT_OK)
    rc = import_into(&mine, &target, &report, &why);
  if (result && result->struct_size >= sizeof(size_t))
    result_of(&report, result);
  mlt_report_free(&report);
  mlt_target_free(&target);
  return status_of(rc, &why, err);
}

static void info_of(const struct mlt_schema *schema, struct mlt_schema_info *out) {
  struct mlt_schema_info mine = {0};
  (void)snprintf(mine.head, sizeof mine.head, "%s", schema->head);
  (void)snprintf(mine.release, sizeof mine.release, "%s",
                 schema->known ? schema->known->first : "");
  (void)snprintf(mine.schema, sizeof mine.schema, "%s", schema->name);
  hand_out(out, out->struct_size, &mine, sizeof mine);
}

int mlt_schema_check_uri(const char *uri, struct mlt_schema_info *info, struct mlt_error *err) {
  struct mlt_err why = MLT_ERR_INIT;
  struct mlt_target target = {0};
  struct mlt_sink *sink = NULL;
  const struct mlt_sink_ops *ops = NULL;
  enum mlt_rc rc = target_of(&target, uri, &why);
  if (rc == MLT_OK && target.kind == MLT_TARGET_SQLITE && access(target.path, F_OK) != 0)
    rc = mlt_err_errno(&why, errno, "%s", target.path);
  if (rc == MLT_OK) {
    const struct mlt_sink_opts opts = {
        .target = &target, .application_name = "mltrack", .dry_run = true};
    ops = mlt_sink_for(target.kind);
    rc = ops->open(&sink, &opts, &why);
  }
  if (rc == MLT_OK && info && info->struct_size >= sizeof(size_t))
    info_of(ops->schema(sink), info);
  if (ops)
    ops->close(sink);
  mlt_target_free(&target);
  return status_of(rc, &why, err);
}
