#include "pipeline/export.h"

#include "base/clock.h"
#include "base/outfile.h"
#include "lines/lines.h"
#include "pipeline/choice.h"

static const double PROGRESS_SECONDS = 0.1;

struct pump {
  const struct mlt_export_opts *opts;
  struct mlt_report *report;
  struct mlt_err *err;
  const struct mlt_source_ops *ops;
  struct mlt_source *source;
  struct mlt_outfile *out;
  struct mlt_lines_writer *writer;
  /* What was rejected, so that what belongs to it is left out: up to its end, or its tags alone. */
  bool skip, skip_tags;
  double started, looked;
};

/* What a record is a row of, and what it means for those that follow. */
enum role { ROW, OWNER /* ends with an END */, TAGGED, TAG_OF_IT, END, NOTHING };
static const struct {
  enum mlt_table table;
  enum role role;
} kinds[] = {
    [MLT_REC_EXPERIMENT] = {MLT_T_EXPERIMENTS, TAGGED},
    [MLT_REC_EXPERIMENT_TAG] = {MLT_T_EXPERIMENT_TAGS, TAG_OF_IT},
    [MLT_REC_DATASET] = {MLT_T_DATASETS, ROW},
    [MLT_REC_RUN] = {MLT_T_RUNS, OWNER},
    [MLT_REC_PARAM] = {MLT_T_PARAMS, ROW},
    [MLT_REC_TAG] = {MLT_T_TAGS, ROW},
    [MLT_REC_POINTS] = {MLT_T_METRICS, ROW},
    [MLT_REC_INPUT] = {MLT_T_INPUTS, TAGGED},
    [MLT_REC_INPUT_TAG] = {MLT_T_INPUT_TAGS, TAG_OF_IT},
    [MLT_REC_MODEL_INPUT] = {MLT_T_INPUTS, TAGGED},
    [MLT_REC_OUTPUT] = {MLT_T_INPUTS, TAGGED},
    [MLT_REC_ARTIFACT] = {MLT_T_COUNT, NOTHING},
    [MLT_REC_RUN_END] = {MLT_T_COUNT, END},
    [MLT_REC_LOGGED_MODEL] = {MLT_T_LOGGED_MODELS, OWNER},
    [MLT_REC_LOGGED_MODEL_PARAM] = {MLT_T_LOGGED_MODEL_PARAMS, ROW},
    [MLT_REC_LOGGED_MODEL_TAG] = {MLT_T_LOGGED_MODEL_TAGS, ROW},
    [MLT_REC_LOGGED_MODEL_METRIC] = {MLT_T_LOGGED_MODEL_METRICS, ROW},
    [MLT_REC_LOGGED_MODEL_END] = {MLT_T_COUNT, END},
    [MLT_REC_REGISTERED_MODEL] = {MLT_T_REGISTERED_MODELS, OWNER},
    [MLT_REC_REGISTERED_MODEL_TAG] = {MLT_T_REGISTERED_MODEL_TAGS, ROW},
    [MLT_REC_MODEL_VERSION] = {MLT_T_MODEL_VERSIONS, TAGGED},
    [MLT_REC_MODEL_VERSION_TAG] = {MLT_T_MODEL_VERSION_TAGS, TAG_OF_IT},
    [MLT_REC_ALIAS] = {MLT_T_REGISTERED_MODEL_ALIASES, ROW},
    [MLT_REC_REGISTERED_MODEL_END] = {MLT_T_COUNT, END},
    [MLT_REC_COPIED] = {MLT_T_COUNT, NOTHING}, /* nobody asked for it */
    [MLT_REC_WINDOW_END] = {MLT_T_COUNT, NOTHING},
};

/* ---- notes ---- */

static bool is_reject(const struct mlt_note *n) {
  return n->kind == MLT_NOTE_REJECT || n->kind == MLT_NOTE_CONFLICT;
}

static enum mlt_rc take_note(struct pump *p, const struct mlt_note *n) {
  enum mlt_rc rc = mlt_report_note(p->report, n, p->err);
  if (rc == MLT_OK && p->opts->on_note)
    rc = p->opts->on_note(p->opts->ctx, n, p->err);
  if (rc != MLT_OK || !is_reject(n))
    return rc;
  return p->opts->skip_errors ? MLT_OK : mlt_note_error(p->err, n);
}

static enum mlt_rc count_rejected(struct pump *p, enum mlt_table table, uint64_t rows) {
  p->report->counts[table].read += rows;
  p->report->counts[table].rejected += rows;
  p->report->rejects += rows;
  uint64_t most = p->opts->max_errors;
  return !most || p->report->rejects <= most
             ? MLT_OK
             : mlt_err_set(p->err, MLT_DATA, "more than %llu rows rejected (--max-errors)",
                           (unsigned long long)most);
}

static enum mlt_rc source_note(struct pump *p, const struct mlt_note *n) {
  enum mlt_rc rc = take_note(p, n);
  if (rc == MLT_OK && is_reject(n))
    rc = count_rejected(p, n->table, n->rows);
  if (n->kind == MLT_NOTE_CHANGED)
    p->report->counts[n->table].changed += n->rows;
  return rc;
}

/* Whose row it is, as far as the record says. */
static struct mlt_str id_of(const struct mlt_record *rec) {
  switch (rec->kind) {
  case MLT_REC_EXPERIMENT:
    return rec->experiment.name;
  case MLT_REC_RUN:
    return rec->run.run_uuid;
  case MLT_REC_DATASET:
    return rec->dataset.name;
  case MLT_REC_LOGGED_MODEL:
    return rec->logged_model.model_id;
  case MLT_REC_REGISTERED_MODEL:
    return rec->registered_model.name;
  default:
    return MLT_STR_NULL;
  }
}

static struct mlt_str field_of(const struct mlt_record *rec, struct mlt_str otherwise) {
  switch (rec->kind) {
  case MLT_REC_PARAM:
  case MLT_REC_TAG:
  case MLT_REC_EXPERIMENT_TAG:
  case MLT_REC_INPUT_TAG:
  case MLT_REC_LOGGED_MODEL_PARAM:
  case MLT_REC_LOGGED_MODEL_TAG:
  case MLT_REC_REGISTERED_MODEL_TAG:
  case MLT_REC_MODEL_VERSION_TAG:
    return rec->kv.key;
  case MLT_REC_POINTS:
    return rec->points.key;
  default:
    return otherwise;
  }
}

static enum mlt_rc reject(struct pump *p, const struct mlt_record *rec, uint64_t rows,
                          const struct mlt_line_fault *fault) {
  struct mlt_note n = {.kind = MLT_NOTE_REJECT,
                       .table = kinds[rec->kind].table,
                       .code = fault->code,
                       .rows = rows,
                       .id = id_of(rec),
                       .place = rec->place,
                       .reason = mlt_str_c(fault->reason)};
  n.place.field = field_of(rec, fault->field);
  enum role role = kinds[rec->kind].role;
  p->skip = p->skip || role == OWNER;
  p->skip_tags = role == TAGGED;
  enum mlt_rc rc = take_note(p, &n);
  return rc == MLT_OK ? count_rejected(p, n.table, rows) : rc;
}

/* ---- the pump ---- */

static enum mlt_rc to_file(void *ctx, const char *text, size_t n, struct mlt_err *err) {
  struct pump *p = ctx;
  return mlt_outfile_write(p->out, text, n, err);
}

static bool is_left_out(struct pump *p, const struct mlt_record *rec) {
  enum role role = kinds[rec->kind].role;
  if (role == END && p->skip) {
    p->skip = false;
    return true;
  }
  if (role != TAG_OF_IT)
    p->skip_tags = false;
  return p->skip || p->skip_tags;
}

static enum mlt_rc write_record(struct pump *p, const struct mlt_record *rec) {
  struct mlt_line_fault fault;
  enum mlt_table table = kinds[rec->kind].table;
  uint64_t rows = rec->kind == MLT_REC_POINTS ? rec->points.n : 1;
  if (is_left_out(p, rec))
    return table == MLT_T_COUNT ? MLT_OK : count_rejected(p, table, rows);
  enum mlt_rc rc = mlt_lines_write(p->writer, rec, &fault, p->err);
  if (rc == MLT_REJECTED && table != MLT_T_COUNT)
    return reject(p, rec, rows, &fault);
  if (rc == MLT_REJECTED)
    return mlt_err_set(p->err, MLT_DATA, "cannot write a line: %s", fault.reason);
  /* a run that goes on is no row, but rows of it are */
  if (rc == MLT_OK && table != MLT_T_COUNT &&
      (rec->kind != MLT_REC_RUN || rec->run.part != MLT_RUN_MORE)) {
    p->report->counts[table].read += rows;
    p->report->counts[table].inserted += rows;
  }
  return rc;
}

static void look(struct pump *p, double now) {
  p->looked = now;
  p->report->seconds = now - p->started;
  if (p->source)
    p->ops->progress(p->source, &p->report->source);
  if (p->out)
    p->report->bytes = mlt_outfile_bytes(p->out);
  if (p->opts->on_progress)
    p->opts->on_progress(p->opts->ctx, p->report);
}

static enum mlt_rc interrupted(struct pump *p) {
  mlt_err_clear(p->err);
  return mlt_err_set(p->err, MLT_CANCELLED, "interrupted; the output is not whole");
}

static enum mlt_rc pump_all(struct pump *p) {
  struct mlt_record rec;
  enum mlt_rc rc;
  while ((rc = p->ops->next(p->source, &rec, p->err)) == MLT_OK) {
    double now = mlt_clock_seconds();
    if (p->opts->cancelled && *p->opts->cancelled)
      return MLT_CANCELLED;
    if (now - p->looked >= PROGRESS_SECONDS)
      look(p, now);
    rc = rec.kind == MLT_REC_NOTE ? source_note(p, &rec.note) : write_record(p, &rec);
    if (rc != MLT_OK)
      return rc;
  }
  if (rc == MLT_END)
    rc = mlt_lines_finish(p->writer, p->err);
  return rc == MLT_OK ? mlt_outfile_finish(p->out, p->err) : rc;
}

static enum mlt_rc open_source(struct pump *p) {
  struct mlt_source_opts opts = p->opts->reading;
  opts.path = p->opts->source;
  enum mlt_rc rc = mlt_source_open(&p->source, &p->ops, p->opts->format, &opts, p->err);
  p->report->format = p->ops ? p->ops->name : NULL;
  return rc == MLT_OK
             ? mlt_choose(&p->source, &p->ops, &opts, p->report->shown, p->opts->cancelled, p->err)
             : rc;
}

static enum mlt_rc open_output(struct pump *p) {
  const struct mlt_outfile_opts opts = {
      .path = p->opts->output, .replace = p->opts->replace, .cancelled = p->opts->cancelled};
  bool adds = p->ops->adds && p->ops->adds(p->source);
  enum mlt_rc rc = mlt_outfile_open(&p->out, &opts, p->err);
  if (rc != MLT_OK)
    return rc;
  p->writer = mlt_lines_writer_new(to_file, p, !adds);
  return p->writer ? MLT_OK : mlt_err_nomem(p->err);
}

enum mlt_rc mlt_export(const struct mlt_export_opts *opts, struct mlt_report *report,
                       struct mlt_err *err) {
  struct mlt_err own = MLT_ERR_INIT;
  struct pump p = {
      .opts = opts, .report = report, .err = err ? err : &own, .started = mlt_clock_seconds()};
  enum mlt_rc rc = mlt_report_init(report, opts->source, p.err);
  if (rc == MLT_OK)
    rc = open_source(&p);
  if (rc == MLT_OK)
    rc = open_output(&p);
  if (rc == MLT_OK)
    rc = pump_all(&p);
  look(&p, mlt_clock_seconds());
  mlt_lines_writer_free(p.writer);
  mlt_outfile_close(p.out);
  if (p.ops)
    p.ops->close(p.source);
  if (rc == MLT_CANCELLED)
    return interrupted(&p);
  return rc == MLT_OK && report->rejects ? MLT_REJECTED : rc;
}
