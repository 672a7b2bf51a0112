/* What lies in a run's folder: meta.yaml, params/, tags/, metrics/, inputs/, outputs/. */
#include "source/filestore.h"

#include <string.h>

enum missing { NO_PARAMS = 1, NO_METRICS = 2 };

static struct mlt_str folder_of(const struct mlt_fs_level *l) {
  return mlt_names_str(&l->over->names, l->over->at);
}

static bool is_hex32(struct mlt_str s) {
  return s.len == 32 && strspn(s.p, "0123456789abcdef") == 32;
}

static bool looks_like_run(const struct mlt_fs *s) {
  static const char *const parts[] = {"params", "metrics", "tags", "artifacts"};
  if (is_hex32(folder_of(&s->runs)))
    return true;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (mlt_fs_is_dir(s->runs.dir.fd, parts[i]))
      return true;
  return false;
}

/* The value if Python takes it for true, as in "a or b". */
static struct mlt_str truthy(struct mlt_fs *s, const char *key) {
  const struct mlt_meta_value *v = mlt_meta_get(s->meta, key);
  if (v && (v->kind == MLT_YAML_BOOL || v->kind == MLT_YAML_INT) && v->fits && v->i == 0)
    return MLT_STR_NULL;
  struct mlt_str text = mlt_fs_text(s, s->meta, key, MLT_STR_NULL);
  return text.len ? text : MLT_STR_NULL;
}

static enum mlt_run_status status(struct mlt_fs *s) {
  const struct mlt_meta_value *v = mlt_meta_get(s->meta, "status");
  enum mlt_run_status st = MLT_RUN_RUNNING;
  if (!v)
    return st;
  if (v->kind == MLT_YAML_INT && v->fits && v->i >= MLT_RUN_RUNNING && v->i <= MLT_RUN_KILLED)
    return (enum mlt_run_status)v->i;
  if (v->kind != MLT_YAML_TEXT || !mlt_run_status_parse(v->text, &st))
    (void)mlt_blame(&s->fault, "bad-field", "field status is '%.*s', which is no status of a run",
                    MLT_STR_ARG(v->text));
  return st;
}

/* The number that FileStore writes always stands for LOCAL, whatever it is. */
static struct mlt_str source_type(const struct mlt_fs *s) {
  const struct mlt_meta_value *v = mlt_meta_get(s->meta, "source_type");
  return v && v->kind == MLT_YAML_TEXT ? v->text : MLT_STR_LIT("LOCAL");
}

static void fill_run(struct mlt_fs *s, struct mlt_run *r) {
  const struct mlt_meta *m = s->meta;
  const struct mlt_str empty = MLT_STR_LIT("");
  struct mlt_str name = truthy(s, "run_name");
  struct mlt_str uuid = truthy(s, "run_uuid");
  *r = (struct mlt_run){
      .run_uuid = uuid.p ? uuid : truthy(s, "run_id"),
      .experiment = folder_of(&s->experiments),
      .name = name.p ? name : mlt_fs_text(s, m, "name", MLT_STR_NULL),
      .source_type = source_type(s),
      .source_name = mlt_fs_text(s, m, "source_name", empty),
      .entry_point_name = mlt_fs_text(s, m, "entry_point_name", empty),
      .source_version = mlt_fs_text(s, m, "source_version", empty),
      .user_id = mlt_fs_text(s, m, "user_id", MLT_STR_NULL),
      .status = status(s),
      .start_time = mlt_fs_int(s, m, "start_time"),
      .end_time = mlt_fs_int(s, m, "end_time"),
      .deleted_time = mlt_fs_int(s, m, "deleted_time"),
      .deleted = mlt_fs_deleted(s, m, false),
      .artifact_uri = mlt_fs_text(s, m, "artifact_uri", MLT_STR_NULL),
  };
  if (!r->run_uuid.p)
    (void)mlt_blame(&s->fault, "bad-field", "there is neither a run_id nor a run_uuid");
}

static enum mlt_rc reject_run(struct mlt_fs *s, struct mlt_record *rec) {
  s->progress.runs_done++;
  mlt_fs_skip(&s->runs);
  return mlt_fs_reject(s, rec, MLT_T_RUNS, 1);
}

static enum mlt_rc open_run(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  s->missing = 0;
  enum mlt_rc rc = mlt_fs_set_id(s, folder_of(&s->runs), err);
  if (rc == MLT_OK)
    rc = mlt_fs_open_item(s, &s->runs, s->meta, err);
  if (rc == MLT_NOINPUT && s->runs.dir.fd >= 0 && !looks_like_run(s)) {
    mlt_fs_stray(s);
    mlt_fs_skip(&s->runs);
    return MLT_END;
  }
  if (mlt_fs_is_fault(rc))
    return reject_run(s, rec);
  if (rc != MLT_OK)
    return rc;
  mlt_fs_record(s, rec, MLT_REC_RUN);
  fill_run(s, &rec->run);
  if (s->fault.code)
    return reject_run(s, rec);
  s->runs.step++;
  if (mlt_fs_artifacts(s, &s->runs.dir, &rec->run.files, err) != MLT_OK)
    return MLT_NOMEM;
  return mlt_fs_set_id(s, rec->run.run_uuid, err);
}

static enum mlt_rc params(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->runs.dir, "params", MLT_T_PARAMS, MLT_REC_PARAM, rec, err);
  if (rc == MLT_NOINPUT)
    s->missing |= NO_PARAMS;
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->runs.dir, "tags", MLT_T_TAGS, MLT_REC_TAG, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc metrics(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_points(s, &s->runs.dir, rec, err);
  if (rc == MLT_NOINPUT)
    s->missing |= NO_METRICS;
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

/* Reads datasets/<folder>/meta.yaml of the experiment into s->meta. */
static enum mlt_rc read_dataset(struct mlt_fs *s, struct mlt_str folder, struct mlt_err *err) {
  struct mlt_fs_dir all = {.fd = -1}, one = {.fd = -1};
  if (memchr(folder.p, '/', folder.len) || mlt_str_is(folder, "..") || mlt_str_is(folder, "."))
    return MLT_NOINPUT;
  enum mlt_rc rc = mlt_fs_enter(s, &all, &s->experiments.dir, "datasets", err);
  if (rc == MLT_OK)
    rc = mlt_fs_enter(s, &one, &all, folder.p, err);
  if (rc == MLT_OK)
    rc = mlt_fs_read_meta(s, &one, s->meta, err);
  mlt_fs_leave(&one);
  mlt_fs_leave(&all);
  return rc;
}

static enum mlt_rc remember(struct mlt_fs *s, struct mlt_str folder, struct mlt_input *out,
                            struct mlt_err *err) {
  size_t n = mlt_map_count(s->dataset_index);
  if (n == 0 || n == MLT_FS_DATASETS) {
    mlt_map_clear(s->dataset_index);
    mlt_arena_reset(s->dataset_arena);
    n = 0;
  }
  const struct mlt_str empty = MLT_STR_LIT("");
  struct mlt_input *d = &s->datasets[n];
  struct mlt_str name = mlt_fs_text_or(s, s->meta, "name", empty);
  struct mlt_str digest = mlt_fs_text_or(s, s->meta, "digest", empty);
  if (s->fault.code)
    return MLT_DATA;
  if (mlt_arena_str(s->dataset_arena, name, &d->name) != 0 ||
      mlt_arena_str(s->dataset_arena, digest, &d->digest) != 0 ||
      mlt_map_put(s->dataset_index, folder, n) < 0)
    return mlt_err_nomem(err);
  *out = *d;
  return MLT_OK;
}

/* An input names the folder of its dataset; a record names the dataset. */
static enum mlt_rc find_dataset(struct mlt_fs *s, struct mlt_str folder, struct mlt_input *out,
                                struct mlt_err *err) {
  uint64_t i;
  if (mlt_map_get(s->dataset_index, folder, &i)) {
    *out = s->datasets[i];
    return MLT_OK;
  }
  enum mlt_rc rc = read_dataset(s, folder, err);
  return rc == MLT_OK ? remember(s, folder, out, err) : rc;
}

static enum mlt_rc reject_input(struct mlt_fs *s, struct mlt_record *rec) {
  mlt_fs_skip(&s->items);
  return mlt_fs_reject(s, rec, MLT_T_INPUTS, 1);
}

static enum mlt_rc dataset_input(struct mlt_fs *s, struct mlt_str source, struct mlt_record *rec,
                                 struct mlt_err *err) {
  struct mlt_input input;
  enum mlt_rc rc = find_dataset(s, source, &input, err);
  if (mlt_fs_is_fault(rc)) {
    s->fault.code = NULL;
    (void)mlt_blame(&s->fault, "no-dataset", "the dataset of this input ('%.*s') cannot be read",
                    MLT_STR_ARG(source));
    mlt_fs_at(s, &s->items.dir);
    return reject_input(s, rec);
  }
  mlt_fs_at(s, &s->items.dir);
  mlt_fs_record(s, rec, MLT_REC_INPUT);
  rec->input = input;
  return rc;
}

static enum mlt_rc input(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  s->tag = 0;
  enum mlt_rc rc = mlt_fs_open_item(s, &s->items, s->edge, err);
  if (rc != MLT_OK)
    return mlt_fs_is_fault(rc) ? reject_input(s, rec) : rc;
  struct mlt_str type = mlt_fs_text(s, s->edge, "source_type", MLT_STR_LIT("DATASET"));
  struct mlt_str source = mlt_fs_text_or(s, s->edge, "source_id", MLT_STR_LIT(""));
  bool is_dataset = mlt_str_is(type, "DATASET");
  if (!is_dataset && !mlt_str_is(type, "MODEL"))
    (void)mlt_blame(&s->fault, "bad-field", "field source_type is '%.*s', not DATASET or MODEL",
                    MLT_STR_ARG(type));
  if (s->fault.code)
    return reject_input(s, rec);
  s->items.step++;
  if (is_dataset)
    return dataset_input(s, source, rec, err);
  mlt_fs_record(s, rec, MLT_REC_MODEL_INPUT);
  rec->edge.model_id = source;
  return MLT_OK;
}

/* As Python's str() has it, which is what MLflow's importer stores here. */
static struct mlt_str as_str(const struct mlt_meta_value *v) {
  switch (v->kind) {
  case MLT_YAML_NULL:
    return MLT_STR_LIT("None");
  case MLT_YAML_BOOL:
    return v->i ? MLT_STR_LIT("True") : MLT_STR_LIT("False");
  default:
    return v->text;
  }
}

static enum mlt_rc input_tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct mlt_meta_value *v;
  struct mlt_str name;
  if (!mlt_meta_child(s->edge, "tags", &s->tag, &name, &v))
    return MLT_END;
  if (v->kind == MLT_YAML_LIST || v->kind == MLT_YAML_MAP) {
    (void)mlt_blame(&s->fault, "bad-field", "tag %.*s is not text", MLT_STR_ARG(name));
    return mlt_fs_reject(s, rec, MLT_T_INPUT_TAGS, 1);
  }
  mlt_fs_record(s, rec, MLT_REC_INPUT_TAG);
  rec->kv = (struct mlt_kv){name, as_str(v)};
  return MLT_OK;
}

static enum mlt_rc inputs(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {input, input_tags, NULL};
  return mlt_fs_each_in(s, &s->runs.dir, "inputs", steps, MLT_T_INPUTS, rec, err);
}

static enum mlt_rc output(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_open_item(s, &s->items, s->edge, err);
  if (rc != MLT_OK && !mlt_fs_is_fault(rc))
    return rc;
  s->items.step++;
  if (rc != MLT_OK)
    return mlt_fs_reject(s, rec, MLT_T_INPUTS, 1);
  mlt_fs_record(s, rec, MLT_REC_OUTPUT);
  rec->edge = (struct mlt_model_edge){folder_of(&s->items), mlt_fs_int(s, s->edge, "step").v};
  return s->fault.code ? mlt_fs_reject(s, rec, MLT_T_INPUTS, 1) : MLT_OK;
}

static enum mlt_rc outputs(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {output, NULL};
  return mlt_fs_each_in(s, &s->runs.dir, "outputs", steps, MLT_T_INPUTS, rec, err);
}

/* FileStore makes params/, metrics/ and artifacts/ for every run, and tags/ with the first tag; git
   and rsync drop empty ones. A run without artifacts/ alone is common and loses nothing. */
static enum mlt_rc note_missing(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (!s->missing)
    return MLT_END;
  s->runs.step++;
  mlt_fs_at(s, &s->runs.dir);
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, "missing-folder", "no such folders, taken as empty:%s%s%s%s",
                  s->missing & NO_PARAMS ? " params" : "",
                  s->missing & NO_METRICS ? " metrics" : "",
                  mlt_fs_is_dir(s->runs.dir.fd, "tags") ? "" : " tags",
                  mlt_fs_is_dir(s->runs.dir.fd, "artifacts") ? "" : " artifacts");
  return mlt_fs_changed(s, rec, MLT_T_RUNS);
}

static enum mlt_rc end_run(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->runs.step++;
  s->progress.runs_done++;
  mlt_fs_at(s, &s->runs.dir);
  mlt_fs_record(s, rec, MLT_REC_RUN_END);
  return MLT_OK;
}

const mlt_fs_step mlt_fs_run_steps[] = {open_run, params,       tags,    metrics, inputs,
                                        outputs,  note_missing, end_run, NULL};
