/* See flat.h. */
#include "source/flat.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "source/beneath.h"

static void begin(const struct mlt_flat *f, struct mlt_record *rec, enum mlt_rec_kind kind) {
  *rec = (struct mlt_record){.kind = kind, .place.path = f->path};
}

void mlt_flat_experiment(const struct mlt_flat *f, struct mlt_record *rec) {
  struct mlt_opt_i64 now = {mlt_clock_wall_ms(), true};
  begin(f, rec, MLT_REC_EXPERIMENT);
  rec->experiment = (struct mlt_experiment){.key = f->experiment,
                                            .name = f->experiment,
                                            .placed = true,
                                            .creation_time = now,
                                            .last_update_time = now};
}

enum mlt_rc mlt_flat_run(struct mlt_flat *f, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_str empty = MLT_STR_LIT("");
  f->tag = 0;
  f->param = 0;
  if (!mlt_run_identity(f->run_id, f->experiment, f->run_name))
    return mlt_err_nomem(err);
  begin(f, rec, MLT_REC_RUN);
  rec->run = (struct mlt_run){
      .run_uuid = mlt_str_c(f->run_id),
      .experiment = f->experiment,
      .name = f->run_name,
      .source_type = MLT_STR_LIT("UNKNOWN"), /* as MLflow's own store: the tags say it */
      .source_name = empty,
      .entry_point_name = empty,
      .source_version = empty,
      .user_id = mlt_str_c(f->owner),
      .status = f->failed ? MLT_RUN_FAILED : MLT_RUN_FINISHED,
      .start_time = {f->start_time, true},
      .end_time = {f->end_time, true},
  };
  return MLT_OK;
}

bool mlt_flat_tag(struct mlt_flat *f, struct mlt_record *rec) {
  const struct mlt_kv tags[] = {
      {MLT_STR_LIT("mlflow.runName"), f->run_name},
      {MLT_STR_LIT("mlflow.source.name"), f->source_name},
      {MLT_STR_LIT("mlflow.source.type"), MLT_STR_LIT("LOCAL")},
      {MLT_STR_LIT("mlflow.user"), mlt_str_c(f->owner)},
  };
  size_t n = sizeof tags / sizeof *tags - (*f->owner ? 0 : 1);
  if (f->tag >= n)
    return false;
  begin(f, rec, MLT_REC_TAG);
  rec->kv = tags[f->tag++];
  return true;
}

bool mlt_flat_param(struct mlt_flat *f, const struct mlt_params *p, struct mlt_record *rec) {
  if (f->param >= p->list.n)
    return false;
  begin(f, rec, MLT_REC_PARAM);
  rec->kv = p->list.v[f->param++];
  return true;
}

void mlt_flat_points(const struct mlt_flat *f, struct mlt_record *rec, struct mlt_points points) {
  begin(f, rec, MLT_REC_POINTS);
  rec->points = points;
}

void mlt_flat_end(struct mlt_flat *f, struct mlt_record *rec) {
  begin(f, rec, MLT_REC_RUN_END);
  *f->run_id = '\0';
}

enum mlt_rc mlt_flat_note(struct mlt_flat *f, struct mlt_record *rec, struct mlt_note note,
                          const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(f->reason, sizeof f->reason, fmt, ap);
  va_end(ap);
  begin(f, rec, MLT_REC_NOTE);
  note.place.path = f->path;
  note.id = *f->run_id ? mlt_str_c(f->run_id) : MLT_STR_NULL;
  note.reason = mlt_str_c(f->reason);
  if (!note.rows)
    note.rows = 1;
  rec->place = note.place;
  rec->note = note;
  return MLT_OK;
}

enum mlt_rc mlt_flat_ignored(struct mlt_flat *f, struct mlt_record *rec, const char *what,
                             uint64_t n) {
  return mlt_flat_note(
      f, rec,
      (struct mlt_note){.kind = MLT_NOTE_IGNORED, .code = "ignored", .what = what, .rows = n},
      "%s are not imported", what);
}

enum mlt_rc mlt_flat_unreadable(struct mlt_flat *f, struct mlt_record *rec, int errnum) {
  const char *code, *why = mlt_beneath_reason(errnum, &code);
  return mlt_flat_note(
      f, rec, (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = MLT_T_RUNS, .code = code},
      "cannot be read: %s", why);
}
