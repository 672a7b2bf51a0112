/* What a run of wandb is: gathered from all of its logs, then given as RUN, params, tags; then its
   points (wandb_points.c). Without an exit record the run was killed. */
#include "source/wandb.h"

#include <stdio.h>
#include <string.h>

#include "base/json_read.h"

/* ---- gathering ---- */

static void widen(struct mlt_wb *s, int64_t ms) {
  if (!s->first || ms < s->first)
    s->first = ms;
  if (ms > s->last)
    s->last = ms;
}

static enum mlt_rc take_time(void *ctx, const struct mlt_wb_leaf *leaf) {
  int64_t ms;
  if (leaf->kind == MLT_WB_NUMBER && mlt_str_is(leaf->name, "_timestamp") &&
      mlt_wb_seconds(leaf->number, &ms))
    widen(ctx, ms);
  return MLT_OK;
}

/* wandb's own: what the run ran on, and what can be told from times and steps. */
static bool is_own(struct mlt_str name) {
  static const char *const own[] = {"_wandb", "_runtime", "_step", "_timestamp"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (mlt_str_is(name, own[i]))
      return true;
  return mlt_str_starts(name, "_wandb.");
}

static enum mlt_rc take_config(void *ctx, const struct mlt_wb_leaf *leaf) {
  struct mlt_wb *s = ctx;
  return is_own(leaf->name) ? MLT_OK : mlt_wb_set(&s->config, leaf);
}

static enum mlt_rc take_summary(void *ctx, const struct mlt_wb_leaf *leaf) {
  struct mlt_wb *s = ctx;
  return is_own(leaf->name) || leaf->kind == MLT_WB_NULL ? MLT_OK : mlt_wb_set(&s->summary, leaf);
}

enum { UPDATE = 1, REMOVE = 2 };

static enum mlt_rc forget(void *ctx, const struct mlt_wb_leaf *leaf) {
  struct mlt_wb_slots *l = ctx;
  uint64_t i;
  if (mlt_map_get(l->index, leaf->name, &i) && i < l->list.n)
    l->list.v[i].removed = true;
  return MLT_OK;
}

static enum mlt_rc values(struct mlt_wb *s, struct mlt_str message, mlt_wb_leaf_fn fn,
                          struct mlt_wb_slots *slots) {
  enum mlt_rc rc = mlt_wb_leaves(&s->names, message, UPDATE, fn, s, &s->reason);
  return rc == MLT_OK ? mlt_wb_leaves(&s->names, message, REMOVE, forget, slots, &s->reason) : rc;
}

static enum mlt_rc tag(struct mlt_wb *s, const char *name, struct mlt_str value) {
  if (!value.len)
    return MLT_OK;
  return mlt_wb_set(&s->tags, &(struct mlt_wb_leaf){mlt_str_c(name), MLT_WB_TEXT, 0, value});
}

/* wandb's tags of a run, which have no values, as one. */
static enum mlt_rc join_tags(struct mlt_wb *s) {
  enum { TAGS = 10 };
  struct mlt_pb pb = mlt_pb_of(s->body);
  struct mlt_pb_field f;
  enum mlt_rc rc = MLT_OK;
  mlt_buf_clear(&s->key);
  while (rc == MLT_OK && mlt_pb_next(&pb, &f, NULL) == MLT_OK)
    if (f.number == TAGS && f.wire == MLT_PB_BYTES) {
      rc = s->key.len ? mlt_buf_adds(&s->key, ", ") : MLT_OK;
      if (rc == MLT_OK)
        rc = mlt_buf_add(&s->key, f.bytes.p, f.bytes.len);
    }
  return rc == MLT_OK ? tag(s, "wandb.tags", mlt_buf_str(&s->key)) : rc;
}

static enum mlt_rc take_run(struct mlt_wb *s) {
  static const struct {
    uint32_t number;
    const char *tag;
  } tags[] = {{1, "wandb.run_id"},    {2, "wandb.entity"},   {6, "wandb.group"},
              {7, "wandb.job_type"},  {8, "mlflow.runName"}, {9, "mlflow.note.content"},
              {12, "wandb.sweep_id"}, {13, "wandb.host"}};
  enum { CONFIG = 4, SUMMARY = 5, START_TIME = 17, GIT = 21, COMMIT = 2 };
  int64_t ms;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < sizeof tags / sizeof *tags && rc == MLT_OK; i++)
    rc = tag(s, tags[i].tag, mlt_wb_bytes(s->body, tags[i].number));
  if (rc == MLT_OK)
    rc = join_tags(s);
  if (rc == MLT_OK)
    rc = tag(s, "mlflow.source.git.commit", mlt_wb_bytes(mlt_wb_bytes(s->body, GIT), COMMIT));
  if (mlt_wb_time(s->body, START_TIME, &ms) && (!s->start || ms < s->start))
    s->start = ms;
  if (rc == MLT_OK)
    rc = values(s, mlt_wb_bytes(s->body, CONFIG), take_config, &s->config);
  return rc == MLT_OK ? values(s, mlt_wb_bytes(s->body, SUMMARY), take_summary, &s->summary) : rc;
}

static enum mlt_rc take_environment(struct mlt_wb *s) {
  enum { PROGRAM = 6, GIT = 9, COMMIT = 2, USERNAME = 13 };
  struct mlt_str user = mlt_wb_bytes(s->body, USERNAME);
  struct mlt_str program = mlt_wb_bytes(s->body, PROGRAM);
  if (user.len && user.len < sizeof s->flat.owner)
    (void)snprintf(s->flat.owner, sizeof s->flat.owner, "%.*s", MLT_STR_ARG(user));
  if (program.len && program.len < sizeof s->source_name)
    (void)snprintf(s->source_name, sizeof s->source_name, "%.*s", MLT_STR_ARG(program));
  return tag(s, "mlflow.source.git.commit", mlt_wb_bytes(mlt_wb_bytes(s->body, GIT), COMMIT));
}

static enum mlt_rc take(struct mlt_wb *s) {
  enum { EXIT_CODE = 1, RUNTIME = 2, TIMESTAMP = 2, ITEM = 1 };
  int64_t ms;
  switch (s->kind) {
  case MLT_WB_RUN:
    return take_run(s);
  case MLT_WB_CONFIG:
    return values(s, s->body, take_config, &s->config);
  case MLT_WB_SUMMARY:
    return values(s, s->body, take_summary, &s->summary);
  case MLT_WB_HISTORY:
    return mlt_wb_leaves(&s->names, s->body, ITEM, take_time, s, &s->reason);
  case MLT_WB_STATS:
    if (mlt_wb_time(s->body, TIMESTAMP, &ms))
      widen(s, ms);
    return MLT_OK;
  case MLT_WB_EXIT:
    s->exited = true;
    s->exit_code = mlt_wb_int(s->body, EXIT_CODE);
    s->runtime = mlt_wb_int(s->body, RUNTIME);
    return MLT_OK;
  case MLT_WB_ENVIRONMENT:
    return take_environment(s);
  default:
    s->artifacts += s->kind == MLT_WB_ARTIFACT;
    s->alerts += s->kind == MLT_WB_ALERT;
    return MLT_OK;
  }
}

static const mlt_wb_step nothing[] = {NULL};

/* What this run has not, none of the last one's. */
static enum mlt_rc begin(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)rec;
  struct mlt_wb_slots *slots[] = {&s->config, &s->summary, &s->texts, &s->tags};
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
    mlt_wb_slots_clear(slots[i]);
  mlt_params_clear(&s->params);
  mlt_gather_reset(&s->gather);
  s->flat = (struct mlt_flat){.experiment = s->logs[s->at].project};
  s->exited = s->told_of_end = false;
  s->exit_code = s->runtime = s->start = s->first = s->last = s->samples = s->last_step = 0;
  s->artifacts = s->alerts = s->renamed = s->lost_params = s->lost_points = 0;
  s->stepless = s->timeless = 0;
  *s->source_name = '\0';
  enum mlt_rc rc = mlt_wb_open_log(s, s->at, err);
  if (rc != MLT_DATA)
    return rc == MLT_OK ? MLT_END : rc;
  s->step = nothing; /* gone since it was identified */
  return mlt_wb_reject(s, rec, MLT_T_RUNS);
}

static enum mlt_rc gather(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = s->fd < 0 ? MLT_END : mlt_wb_next(s, err);
    if (rc == MLT_OK && ((rc = take(s)) == MLT_DATA || rc == MLT_TOOBIG))
      (void)snprintf(s->fault, sizeof s->fault, "the record at byte %llu is damaged: %s",
                     (unsigned long long)s->wlog.record_at,
                     rc == MLT_TOOBIG ? "its tags are too long" : s->reason);
    if (rc == MLT_DATA || rc == MLT_TOOBIG)
      return mlt_wb_reject(s, rec, MLT_T_METRICS);
    if (rc == MLT_NOMEM)
      return mlt_err_nomem(err);
    if (rc == MLT_END && s->logs[s->log].next == SIZE_MAX)
      return MLT_END;
    if (rc == MLT_END)
      rc = mlt_wb_open_log(s, s->logs[s->log].next, err);
    if (rc == MLT_DATA)
      return mlt_wb_reject(s, rec, MLT_T_METRICS);
    if (rc != MLT_OK)
      return rc;
  }
}

/* ---- giving ---- */

static struct mlt_str slot_text(const struct mlt_wb_slot *slot) {
  return (struct mlt_str){slot->text ? slot->text : "", slot->len};
}

static struct mlt_str tag_value(const struct mlt_wb *s, const char *name) {
  uint64_t i;
  return mlt_map_get(s->tags.index, mlt_str_c(name), &i) ? slot_text(&s->tags.list.v[i])
                                                         : MLT_STR_NULL;
}

static enum mlt_rc make_params(struct mlt_wb *s) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < s->config.list.n && rc == MLT_OK; i++) {
    const struct mlt_wb_slot *slot = &s->config.list.v[i];
    if (slot->removed)
      continue;
    if (s->params.list.n == MLT_PARAMS_MAX)
      s->lost_params++;
    else
      rc = mlt_params_add(&s->params, slot->name,
                          slot->kind == MLT_WB_NULL ? MLT_STR_LIT("None") : slot_text(slot));
  }
  s->lost_params += s->config.lost + s->params.unread;
  return rc;
}

static int64_t later(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t exit_time(const struct mlt_wb *s) {
  int64_t ms;
  bool known = s->exited && !__builtin_mul_overflow(s->runtime, 1000, &ms) &&
               !__builtin_add_overflow(ms, s->start, &ms);
  return known ? ms : 0;
}

/* ---- files ---- */

/* The log of the run at hand that was written last. */
static size_t last_log(const struct mlt_wb *s) {
  size_t i = s->at;
  while (s->logs[i].next != SIZE_MAX)
    i = s->logs[i].next;
  return i;
}

/* All that wandb keeps for the log in files/: what the user saved, media, and its own records. */
static struct mlt_str files_of(struct mlt_wb *s, size_t log) {
  mlt_tree_path_beside(&s->tree, log, "files", s->files);
  return *s->files ? mlt_str_c(s->files) : MLT_STR_NULL;
}

/* Of a run that was resumed: the files of earlier logs, in folders named after those of wandb. */
static enum mlt_rc give_files(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  size_t log = s->at, last = last_log(s);
  for (size_t i = 0; i < s->item && log != last; i++)
    log = s->logs[log].next;
  if (log == last)
    return MLT_END;
  s->item++;
  struct mlt_str file = files_of(s, log);
  struct mlt_str folder = mlt_tree_folder(&s->tree, log);
  const char *slash = folder.len ? memrchr(folder.p, '/', folder.len) : NULL;
  size_t from = slash ? (size_t)(slash - folder.p) + 1 : 0;
  (void)snprintf(s->folder, sizeof s->folder, "%.*s", (int)(folder.len - from), folder.p + from);
  *rec = (struct mlt_record){.kind = MLT_REC_ARTIFACT, .place.path = s->flat.path};
  rec->artifact = (struct mlt_artifact){.path = mlt_str_c(s->folder), .file = file};
  return MLT_OK;
}

static enum mlt_rc give_run(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  s->step++;
  enum mlt_rc rc = make_params(s);
  if (rc != MLT_OK)
    return mlt_err_nomem(err);
  struct mlt_str id = s->logs[s->at].run, name = tag_value(s, "mlflow.runName");
  s->flat.path = mlt_str_c(mlt_tree_path(&s->tree, s->at));
  /* not the path, which depends on what SOURCE was called */
  s->flat.source_name =
      mlt_str_c(*s->source_name ? s->source_name : mlt_tree_name(&s->tree, s->at));
  s->start = s->start ? s->start : s->first;
  s->flat.start_time = s->start;
  s->flat.end_time = later(later(s->last, s->start), exit_time(s));
  s->flat.run_name = id;
  rc = mlt_flat_run(&s->flat, rec, err);
  s->flat.run_name = name.len ? name : id;
  if (rc != MLT_OK)
    return rc;
  rec->run.name = s->flat.run_name;
  rec->run.files = files_of(s, last_log(s));
  rec->run.status = !s->exited ? MLT_RUN_KILLED : s->exit_code ? MLT_RUN_FAILED : MLT_RUN_FINISHED;
  return MLT_OK;
}

static enum mlt_rc give_tags(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (mlt_flat_tag(&s->flat, rec))
    return MLT_OK;
  for (; s->item < s->tags.list.n; s->item++) {
    const struct mlt_wb_slot *slot = &s->tags.list.v[s->item];
    if (mlt_str_is(slot->name, "mlflow.runName"))
      continue; /* has been given */
    *rec = (struct mlt_record){.kind = MLT_REC_TAG, .place.path = s->flat.path};
    rec->kv = (struct mlt_kv){slot->name, slot_text(slot)};
    s->item++;
    return MLT_OK;
  }
  return MLT_END;
}

static enum mlt_rc give_params(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return mlt_flat_param(&s->flat, &s->params, rec) ? MLT_OK : MLT_END;
}

/* Which metrics had values that no metric can hold. */
static enum mlt_rc note_texts(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (s->item == s->texts.list.n)
    return MLT_END;
  const struct mlt_wb_slot *slot = &s->texts.list.v[s->item++];
  bool media = slot->kind == MLT_WB_MEDIA;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_IGNORED,
                                         .code = "ignored",
                                         .what = media ? "media, tables and histograms of wandb"
                                                       : "values that are no numbers",
                                         .rows = slot->count,
                                         .place.field = slot->name},
                       "%.*s has %llu values that are no numbers", MLT_STR_ARG(slot->name),
                       (unsigned long long)slot->count);
}

static enum mlt_rc note_count(struct mlt_wb *s, struct mlt_record *rec, const char *what,
                              uint64_t *n) {
  uint64_t rows = *n;
  *n = 0;
  return rows ? mlt_flat_ignored(&s->flat, rec, what, rows) : MLT_END;
}

static enum mlt_rc note_lost(struct mlt_wb *s, struct mlt_record *rec, enum mlt_table table,
                             uint64_t *n) {
  uint64_t rows = *n;
  *n = 0;
  if (!rows)
    return MLT_END;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = table, .code = "bad-key", .rows = rows},
      "%llu values have names that are none for MLflow, are too long, are more than %d, or become "
      "the name of another",
      (unsigned long long)rows, table == MLT_T_PARAMS ? (int)MLT_PARAMS_MAX : (int)MLT_GATHER_KEYS);
}

static enum mlt_rc note_steps(struct mlt_wb *s, struct mlt_record *rec) {
  uint64_t rows = s->stepless;
  s->stepless = 0;
  if (!rows)
    return MLT_END;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = "bad-step",
                                         .rows = rows,
                                         .place.field = MLT_STR_LIT("_step")},
                       "%llu values stand in rows whose _step is no whole number up to 2^53",
                       (unsigned long long)rows);
}

static enum mlt_rc note_times(struct mlt_wb *s, struct mlt_record *rec) {
  uint64_t rows = s->timeless;
  s->timeless = 0;
  if (!rows)
    return MLT_END;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_CHANGED,
                                         .table = MLT_T_METRICS,
                                         .code = "no-times",
                                         .place.field = MLT_STR_LIT("_timestamp")},
                       "%llu rows of the history have no time: their points have that of the "
                       "run's start",
                       (unsigned long long)rows);
}

static enum mlt_rc note_names(struct mlt_wb *s, struct mlt_record *rec) {
  uint64_t n = s->renamed + s->params.renamed;
  s->renamed = s->params.renamed = 0;
  if (!n)
    return MLT_END;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){.kind = MLT_NOTE_CHANGED, .table = MLT_T_METRICS, .code = "renamed"},
      "%llu names that MLflow cannot take were made fit", (unsigned long long)n);
}

/* Its last values are then others, and a run that has them in the target is in conflict. */
static enum mlt_rc note_end(struct mlt_wb *s, struct mlt_record *rec) {
  if (s->exited || s->told_of_end)
    return MLT_END;
  s->told_of_end = true;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){.kind = MLT_NOTE_CHANGED, .table = MLT_T_RUNS, .code = "unfinished"},
      "the log has no end: the run was killed, or still goes on; when it has gone on, "
      "--load merge brings the rest");
}

static enum mlt_rc note_rest(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  static enum mlt_rc (*const notes[])(struct mlt_wb *, struct mlt_record *) = {
      note_steps, note_times, note_names, note_end};
  (void)err;
  s->lost_points += s->summary.lost;
  s->summary.lost = 0;
  enum mlt_rc rc = note_lost(s, rec, MLT_T_PARAMS, &s->lost_params);
  if (rc == MLT_END)
    rc = note_lost(s, rec, MLT_T_METRICS, &s->lost_points);
  if (rc == MLT_END)
    rc = note_count(s, rec, "values that are no numbers", &s->texts.lost);
  if (rc == MLT_END)
    rc = note_count(s, rec, "artifacts of wandb", &s->artifacts);
  if (rc == MLT_END)
    rc = note_count(s, rec, "alerts of wandb", &s->alerts);
  for (size_t i = 0; i < sizeof notes / sizeof *notes && rc == MLT_END; i++)
    rc = notes[i](s, rec);
  return rc;
}

static enum mlt_rc end(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->step++;
  s->progress.runs_done++;
  mlt_flat_end(&s->flat, rec);
  return MLT_OK;
}

const mlt_wb_step mlt_wb_run_steps[] = {begin,      gather,      give_run,      give_files,
                                        give_tags,  give_params, mlt_wb_points, mlt_wb_summary,
                                        note_texts, note_rest,   end,           NULL};
