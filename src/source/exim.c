/* Directories written by mlflow-export-import (export-run, export-experiment(s), export-model(s),
   export-all) as a source. A run keeps its id, times, status and user, which the tool's own
   importer gives anew. Tags stay as they are, those the tool itself has added at some import
   (mlflow_exim.*) too: its importer takes them for tags like any other. What it leaves out of an
   export cannot be brought back: traces, links between runs and logged models.

   Any folder that holds such files will do, however nested: each document says what it is by its
   name. Artifacts are not looked at. How the stream is made: exim.h. */
#include "source/exim.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "source/beneath.h"

struct mlt_source {
  struct mlt_ex ex;
};

static const mlt_ex_step nothing[] = {NULL};

void mlt_ex_leave(struct mlt_ex *s) {
  mlt_ex_close(s);
  s->step = nothing;
}

struct mlt_str mlt_ex_experiment(struct mlt_ex *s, struct mlt_str id) {
  uint64_t known;
  return s->given && !mlt_map_get(s->experiments, id, &known) ? MLT_STR_LIT(":given") : id;
}

static enum mlt_rc note_folder(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  const char *code, *why = mlt_beneath_reason(s->tree.files.v[s->at].errnum, &code);
  (void)err;
  mlt_ex_leave(s);
  mlt_buf_clear(&s->id);
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, code, "the folder cannot be read: %s", why);
  return mlt_ex_reject(s, rec, MLT_T_RUNS, 1);
}

static const mlt_ex_step unreadable[] = {note_folder, NULL};

/* What is done with the files, one kind of file after the other. */
static const struct {
  const char *name;
  const mlt_ex_step *steps;
} rounds[] = {
    {NULL, unreadable}, /* folders */
    {"experiment.json", mlt_ex_experiment_steps},
    {"model.json", mlt_ex_name_steps},
    {"run.json", mlt_ex_survey_steps},
    {"logged_model.json", mlt_ex_model_survey_steps},
    {"run.json", mlt_ex_run_steps},
    {"logged_model.json", mlt_ex_model_steps},
    {"model.json", mlt_ex_registered_steps},
};
enum { ROUNDS = sizeof rounds / sizeof *rounds };

static bool is_wanted(const char *name) {
  for (size_t i = 1; i < ROUNDS; i++)
    if (strcmp(name, rounds[i].name) == 0)
      return true;
  return false;
}

static bool in_round(const struct mlt_ex *s) {
  const struct mlt_tree_file *f = &s->tree.files.v[s->at];
  const char *name = rounds[s->round].name;
  if (!name || f->errnum)
    return !name && f->errnum;
  return !f->mark && strcmp(mlt_tree_name(&s->tree, s->at), name) == 0;
}

/* A step that moved s->step itself has said where to go on. */
static enum mlt_rc file_steps(struct mlt_ex *s, struct mlt_record *rec, struct mlt_err *err) {
  while (*s->step) {
    const mlt_ex_step *at = s->step;
    enum mlt_rc rc = (*at)(s, rec, err);
    if (rc != MLT_END)
      return rc;
    if (s->step == at)
      s->step++;
  }
  mlt_ex_close(s);
  s->step = NULL;
  return MLT_END;
}

static enum mlt_rc note_links(struct mlt_ex *s, struct mlt_record *rec) {
  uint64_t n = s->tree.links;
  s->tree.links = 0;
  mlt_buf_clear(&s->id);
  return n ? mlt_ex_ignored(s, rec, "links to folders", n) : MLT_END;
}

static enum mlt_rc ex_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_ex *s = &src->ex;
  for (; s->round < ROUNDS; s->round++, s->at = 0)
    for (; s->at < s->tree.files.n; s->at++) {
      if (!s->step && !in_round(s))
        continue;
      if (!s->step)
        s->step = rounds[s->round].steps;
      enum mlt_rc rc = file_steps(s, rec, err);
      if (rc != MLT_END)
        return rc;
    }
  return note_links(s, rec);
}

/* ---- where the export is ---- */

/* What the tool writes begins with {"system": {"package_version": ..., "script": ...}}. */
static bool begins_as_export(int dir, const char *name) {
  char text[4096 + 1];
  int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : mlt_file_read(fd, text, sizeof text - 1);
  if (fd >= 0)
    (void)close(fd);
  if (n <= 0)
    return false;
  text[n] = '\0';
  return text[0] == '{' && strstr(text, "\"system\"") && strstr(text, "\"mlflow_tracking_uri\"");
}

static int ex_probe(const char *path) {
  static const char *const marks[] = {"run.json",          "experiment.json",   "model.json",
                                      "logged_model.json", "experiments.json",  "models.json",
                                      "manifest.json",     "logged_models.json"};
  enum { SURE = 97, LIKELY = 60, NO = 0, LOOK_AT = 100 };
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), score = NO;
  if (dir < 0)
    return begins_as_export(AT_FDCWD, path) ? SURE : NO;
  for (size_t i = 0; i < sizeof marks / sizeof *marks && !score; i++)
    score = begins_as_export(dir, marks[i]) ? SURE : NO;
  (void)close(dir);
  return !score && mlt_tree_any(path, is_wanted, LOOK_AT) ? LIKELY : score;
}

static void ex_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_ex *s = &src->ex;
  mlt_ex_close(s);
  mlt_tree_close(&s->tree);
  mlt_cut_free(&s->cut);
  mlt_json_free(s->doc);
  struct mlt_buf *bufs[] = {&s->key, &s->text, &s->id, &s->run_experiment, &s->run_uri};
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
    mlt_buf_free(bufs[i]);
  struct mlt_map *maps[] = {s->experiments, s->lost, s->names, s->runs, s->models, s->datasets};
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
    mlt_map_free(maps[i]);
  mlt_arena_free(s->arena);
  mlt_free(s->experiment_names.v);
  mlt_free(src);
}

static enum mlt_rc allocate(struct mlt_ex *s, struct mlt_err *err) {
  struct mlt_buf *bufs[] = {&s->key, &s->text, &s->id, &s->run_experiment, &s->run_uri};
  struct mlt_map **maps[] = {&s->experiments, &s->lost,   &s->names,
                             &s->runs,        &s->models, &s->datasets};
  for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
    mlt_buf_init(bufs[i], MLT_CUT_MAX);
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
    if (!(*maps[i] = mlt_map_new()))
      return mlt_err_nomem(err);
  if (!(s->arena = mlt_arena_new()))
    return mlt_err_nomem(err);
  return mlt_cut_init(&s->cut, err);
}

static enum mlt_rc find_files(struct mlt_ex *s, const char *path, struct mlt_err *err) {
  /* artifacts may hold anything, documents of these names included */
  const struct mlt_tree_rules rules = {.wanted = is_wanted, .left_out = "artifacts"};
  enum mlt_rc rc = mlt_tree_open(&s->tree, path, &rules, err);
  if (rc != MLT_OK)
    return rc;
  for (size_t i = 0; i < s->tree.files.n; i++)
    s->progress.runs_total += strcmp(mlt_tree_name(&s->tree, i), "run.json") == 0;
  if (s->tree.files.n)
    return MLT_OK;
  (void)mlt_err_set(
      err, MLT_NOINPUT,
      "no export of mlflow-export-import in '%s': neither it nor a folder in it holds "
      "an experiment.json, run.json, model.json or logged_model.json",
      path);
  return MLT_NOINPUT;
}

static enum mlt_rc ex_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                           struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_ex *s = &src->ex;
  s->fd = s->tree.root = -1;
  s->given = opts->experiment;
  enum mlt_rc rc = allocate(s, err);
  if (rc == MLT_OK)
    rc = find_files(s, opts->path, err);
  if (rc == MLT_OK)
    *out = src;
  else
    ex_close(src);
  return rc;
}

static void ex_progress(const struct mlt_source *s, struct mlt_source_progress *out) {
  *out = s->ex.progress;
}

const struct mlt_source_ops mlt_source_exim = {
    .name = "export-import",
    .description = "directories written by mlflow-export-import",
    .probe = ex_probe,
    .open = ex_open,
    .next = ex_next,
    .progress = ex_progress,
    .close = ex_close,
};
