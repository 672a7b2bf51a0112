/* What lies in an experiment's folder: meta.yaml, tags/, datasets/, traces/ (counted only). */
#include "source/filestore.h"

#include <dirent.h>
#include <string.h>

#include "model/rules.h"

bool mlt_fs_is_run(const char *name) {
  static const char *const reserved[] = {"tags", "datasets", "traces", "models", ".trash"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (strcmp(name, reserved[i]) == 0)
      return false;
  return true;
}

static struct mlt_str key_of(const struct mlt_fs *s) {
  const struct mlt_fs_dir *over = s->experiments.over;
  return mlt_names_str(&over->names, over->at);
}

/* Rejected as a whole: its runs are counted, for nothing may be lost unsaid. */
static enum mlt_rc lost_runs(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_fs_dir *d = &s->experiments.dir;
  s->experiments.step++;
  enum mlt_rc rc = d->fd < 0 ? MLT_END : mlt_fs_list(s, d, err);
  if (rc != MLT_OK)
    return rc == MLT_DATA ? MLT_END : rc;
  uint64_t n = mlt_fs_count(d, mlt_fs_is_run);
  if (!n)
    return MLT_END;
  mlt_fs_at(s, d);
  (void)mlt_blame(&s->fault, "no-experiment", "the experiment of these runs was rejected");
  return mlt_fs_reject(s, rec, MLT_T_RUNS, n);
}

static enum mlt_rc reject_experiment(struct mlt_fs *s, struct mlt_record *rec) {
  static const mlt_fs_step lost[] = {lost_runs, NULL};
  struct mlt_fs_dir *over = s->experiments.over;
  over->names.v[over->at].marked = true;
  s->experiments.step = lost;
  return mlt_fs_reject(s, rec, MLT_T_EXPERIMENTS, 1);
}

/* The default name is the one MLflow's importer gives. */
static enum mlt_rc set_name(struct mlt_fs *s, struct mlt_err *err) {
  struct mlt_str name = mlt_fs_text_or(s, s->meta, "name", MLT_STR_NULL);
  if (name.p)
    return mlt_fs_set_id(s, name, err);
  enum mlt_rc rc = mlt_fs_set_id(s, MLT_STR_LIT("experiment_"), err);
  struct mlt_str key = key_of(s);
  if (rc == MLT_OK && mlt_buf_add(&s->id, key.p, key.len) != MLT_OK)
    rc = mlt_err_nomem(err);
  return rc;
}

static void fill_experiment(struct mlt_fs *s, struct mlt_experiment *e) {
  bool in_trash = s->experiments.over == &s->trash;
  *e = (struct mlt_experiment){.key = key_of(s), .name = mlt_buf_str(&s->id)};
  e->id.has = mlt_parse_i64(e->key, &e->id.v);
  e->artifact_location = mlt_fs_text(s, s->meta, "artifact_location", MLT_STR_NULL);
  e->deleted = mlt_fs_deleted(s, s->meta, in_trash);
  e->creation_time = mlt_fs_int(s, s->meta, "creation_time");
  e->last_update_time = mlt_fs_int(s, s->meta, "last_update_time");
  if (in_trash && mlt_names_has(&s->active.names, e->key))
    (void)mlt_blame(&s->fault, "experiment-duplicate",
                    "an experiment of this number is there that is not deleted");
}

static enum mlt_rc open_experiment(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  s->traces = s->assessments = 0;
  enum mlt_rc rc = mlt_fs_set_id(s, key_of(s), err);
  if (rc == MLT_OK)
    rc = mlt_fs_open_item(s, &s->experiments, s->meta, err);
  if (mlt_fs_is_fault(rc))
    return reject_experiment(s, rec);
  if (rc == MLT_OK)
    rc = set_name(s, err);
  if (rc != MLT_OK)
    return rc;
  mlt_fs_record(s, rec, MLT_REC_EXPERIMENT);
  fill_experiment(s, &rec->experiment);
  if (!s->fault.code)
    rc = mlt_fs_list(s, &s->experiments.dir, err);
  if (rc != MLT_OK && rc != MLT_DATA)
    return rc;
  if (s->fault.code)
    return reject_experiment(s, rec);
  s->experiments.step++;
  s->progress.runs_total += mlt_fs_count(&s->experiments.dir, mlt_fs_is_run);
  return MLT_OK;
}

static enum mlt_rc tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->experiments.dir, "tags", MLT_T_EXPERIMENT_TAGS,
                               MLT_REC_EXPERIMENT_TAG, rec, err);
  if (rc == MLT_OK)
    rec->owner = key_of(s);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc dataset(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_str none = MLT_STR_LIT("");
  s->items.step++;
  enum mlt_rc rc = mlt_fs_open_item(s, &s->items, s->meta, err);
  if (rc != MLT_OK)
    return mlt_fs_is_fault(rc) ? mlt_fs_reject(s, rec, MLT_T_DATASETS, 1) : rc;
  mlt_fs_record(s, rec, MLT_REC_DATASET);
  rec->dataset = (struct mlt_dataset){
      .experiment = key_of(s),
      .name = mlt_fs_text_or(s, s->meta, "name", none),
      .digest = mlt_fs_text_or(s, s->meta, "digest", none),
      .source_type = mlt_fs_text_or(s, s->meta, "source_type", none),
      .source = mlt_fs_text_or(s, s->meta, "source", none),
      .schema = mlt_fs_text(s, s->meta, "schema", MLT_STR_NULL),
      .profile = mlt_fs_text(s, s->meta, "profile", MLT_STR_NULL),
  };
  return s->fault.code ? mlt_fs_reject(s, rec, MLT_T_DATASETS, 1) : MLT_OK;
}

static enum mlt_rc datasets(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {dataset, NULL};
  return mlt_fs_each_in(s, &s->experiments.dir, "datasets", steps, MLT_T_DATASETS, rec, err);
}

static uint64_t count_yaml(const struct mlt_names *l) {
  uint64_t n = 0;
  for (size_t i = 0; i < l->n; i++) {
    struct mlt_str name = mlt_names_str(l, i);
    n += name.len > 5 && memcmp(name.p + name.len - 5, ".yaml", 5) == 0;
  }
  return n;
}

/* Counted, not read: what is unreadable in a trace is nothing to complain of. */
static enum mlt_rc trace(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)rec;
  struct mlt_fs_level *l = &s->items;
  const char *name = mlt_names_at(&l->over->names, l->over->at);
  s->traces++;
  enum mlt_rc rc = mlt_fs_enter(s, &l->dir, l->over, name, err);
  if (rc == MLT_OK)
    rc = mlt_fs_enter(s, &s->scratch, &l->dir, "assessments", err);
  if (rc == MLT_OK)
    rc = mlt_fs_list(s, &s->scratch, err);
  if (rc == MLT_OK)
    s->assessments += count_yaml(&s->scratch.names);
  mlt_fs_leave(&s->scratch);
  return rc == MLT_OK || mlt_fs_is_fault(rc) ? MLT_END : rc;
}

static enum mlt_rc traces(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {trace, NULL};
  return mlt_fs_each_in(s, &s->experiments.dir, "traces", steps, MLT_T_EXPERIMENTS, rec, err);
}

static enum mlt_rc ignored(struct mlt_fs *s, struct mlt_record *rec, const char *what, uint64_t n) {
  if (!n)
    return MLT_END;
  s->experiments.step++;
  mlt_fs_at(s, &s->experiments.dir);
  return mlt_fs_ignored(s, rec, what, n);
}

static enum mlt_rc note_traces(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return ignored(s, rec, "traces", s->traces);
}

static enum mlt_rc note_assessments(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return ignored(s, rec, "assessments", s->assessments);
}

const mlt_fs_step mlt_fs_experiment_steps[] = {
    open_experiment, tags, datasets, traces, note_traces, note_assessments, NULL};
