/* A TensorBoard logdir as a source: each folder that holds event files is a run, named by its path
   in the logdir. Scalars of the old and the new style, hyperparameters and restarts as TensorBoard
   reads them; images, audio, histograms, texts and graphs are counted only. See tensorboard.h. */
#include "source/tensorboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct mlt_source {
  struct mlt_tb tb;
};

typedef enum mlt_rc (*step)(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err);

/* As TensorBoard's IsSummaryEventsFile. */
static bool is_events(const char *name) {
  static const char profile[] = ".profile-empty";
  size_t n = strlen(name);
  return strstr(name, "tfevents") &&
         (n < sizeof profile || strcmp(name + n - sizeof profile + 1, profile) != 0);
}

/* ---- which runs there are ---- */

static int by_name(const void *a, const void *b, void *tree) {
  const struct mlt_tree_file *x = a, *y = b;
  const struct mlt_tree *t = tree;
  return strcmp(t->paths.p + x->path, t->paths.p + y->path);
}

static size_t end_of_run(const struct mlt_tree *t, size_t first) {
  size_t end = first + 1;
  while (end < t->files.n && mlt_str_eq(mlt_tree_folder(t, first), mlt_tree_folder(t, end)))
    end++;
  return end;
}

/* Files of a run in the order of their names, which begin with the time of writing. */
static void order_files(struct mlt_tb *s) {
  struct mlt_tree *t = &s->tree;
  for (size_t first = 0, end; first < t->files.n; first = end) {
    end = end_of_run(t, first);
    qsort_r(t->files.v + first, end - first, sizeof *t->files.v, by_name, t);
    s->progress.runs_total++;
  }
}

static void name_run(struct mlt_tb *s) {
  struct mlt_str folder = mlt_tree_folder(&s->tree, s->first);
  if (s->given_run)
    folder = mlt_str_c(s->given_run);
  else if (!folder.len)
    folder = mlt_str_c(s->tree.name);
  (void)snprintf(s->run_name, sizeof s->run_name, "%.*s", MLT_STR_ARG(folder));
  s->flat.run_name = mlt_str_c(s->run_name);
}

/* ---- the steps of a run ---- */

static enum mlt_rc prepare(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  struct stat st;
  (void)rec;
  (void)err;
  s->end = end_of_run(&s->tree, s->first);
  name_run(s);
  mlt_params_clear(&s->params);
  mlt_gather_reset(&s->gather);
  mlt_map_clear(s->tag_index);
  s->tags.n = 0;
  mlt_tf_restarts_clear(&s->restarts);
  s->timed = s->too_many_restarts = s->flat.failed = false;
  *s->flat.owner = '\0';
  s->flat.start_time = s->flat.end_time = 0;
  int fd = s->tree.files.v[s->first].errnum
               ? -1
               : mlt_tree_open_file(&s->tree, mlt_tree_path(&s->tree, s->first), &st);
  if (fd < 0)
    return MLT_END;
  (void)close(fd);
  mlt_owner_name(s->flat.owner, st.st_uid);
  s->flat.start_time = s->flat.end_time = mlt_tree_changed(&st); /* of a run without events */
  return MLT_END;
}

static enum mlt_rc begin(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  if (s->note++)
    return MLT_END;
  mlt_tb_rewind(s);
  const char *path = mlt_tree_path(&s->tree, s->first);
  bool alone = s->tree.is_file; /* as when the logdir is imported: the same run, the same tags */
  (void)snprintf(s->source_name, sizeof s->source_name, "%s%s%s", alone ? s->tree.name : "",
                 alone ? "/" : "", path);
  s->flat.path = mlt_str_c(path);
  s->flat.source_name = mlt_str_c(s->source_name);
  return mlt_flat_run(&s->flat, rec, err);
}

static enum mlt_rc tags(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return mlt_flat_tag(&s->flat, rec) ? MLT_OK : MLT_END;
}

static enum mlt_rc params(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  return mlt_flat_param(&s->flat, &s->params, rec) ? MLT_OK : MLT_END;
}

static enum mlt_rc note_params(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  const struct {
    struct mlt_note note;
    const char *words;
  } notes[] = {
      {{.kind = MLT_NOTE_CHANGED, .code = "params-changed", .rows = s->params.renamed},
       "got a name that MLflow takes"},
      {{.kind = MLT_NOTE_REJECT, .code = "bad-key", .rows = s->params.unread},
       "have a name that cannot be one of a param"},
  };
  while (s->note < sizeof notes / sizeof *notes) {
    size_t at = s->note++;
    struct mlt_note note = notes[at].note;
    note.table = MLT_T_PARAMS;
    if (note.rows)
      return mlt_flat_note(&s->flat, rec, note, "%llu of its hyperparameters %s",
                           (unsigned long long)note.rows, notes[at].words);
  }
  return MLT_END;
}

static enum mlt_rc finish(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (s->note++)
    return MLT_END;
  mlt_flat_end(&s->flat, rec);
  s->progress.runs_done++;
  return MLT_OK;
}

/* ---- the steps of the source ---- */

static enum mlt_rc experiment(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (s->note++)
    return MLT_END;
  mlt_flat_experiment(&s->flat, rec);
  return MLT_OK;
}

static enum mlt_rc runs(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  static const step steps[] = {prepare,     mlt_tb_survey, begin,  tags, params,
                               note_params, mlt_tb_points, finish, NULL};
  while (s->first < s->tree.files.n) {
    enum mlt_rc rc = steps[s->run_step](s, rec, err);
    if (rc != MLT_END)
      return rc;
    s->note = 0;
    if (steps[++s->run_step])
      continue;
    s->run_step = 0;
    s->first = s->end;
  }
  s->flat.path = MLT_STR_LIT("");
  return MLT_END;
}

static enum mlt_rc note_counts(struct mlt_tb *s, struct mlt_record *rec, struct mlt_err *err) {
  static const char *const words[MLT_TB_KINDS] = {
      [MLT_TB_IMAGE] = "images",
      [MLT_TB_AUDIO] = "audio clips",
      [MLT_TB_HISTOGRAM] = "histograms",
      [MLT_TB_TEXT] = "texts",
      [MLT_TB_GRAPH] = "graphs",
      [MLT_TB_OTHER] = "other summaries",
      [MLT_TB_PURGED] = "scalars from before a restart, which TensorBoard drops, too",
      [MLT_TB_UNKNOWN] = "links to folders"};
  (void)err;
  s->counts[MLT_TB_UNKNOWN] = s->tree.links;
  while (s->note < MLT_TB_KINDS) {
    uint64_t n = s->counts[s->note];
    const char *what = words[s->note++];
    if (n && what)
      return mlt_flat_ignored(&s->flat, rec, what, n);
  }
  return MLT_END;
}

static enum mlt_rc tb_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  static const step steps[] = {experiment, runs, note_counts, NULL};
  struct mlt_tb *s = &src->tb;
  while (steps[s->top]) {
    enum mlt_rc rc = steps[s->top](s, rec, err);
    if (rc != MLT_END)
      return rc;
    s->note = 0;
    s->top++;
  }
  return MLT_END;
}

/* ---- open and close ---- */

static void tb_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_tb *s = &src->tb;
  if (s->fd >= 0)
    (void)close(s->fd);
  mlt_tree_close(&s->tree);
  mlt_gather_free(&s->gather);
  mlt_params_free(&s->params);
  mlt_tfrecord_free(&s->record);
  mlt_map_free(s->tag_index);
  mlt_free(s->tags.v);
  mlt_free(s->restarts.v.v);
  mlt_free(src);
}

static enum mlt_rc open_tree(struct mlt_tb *s, const struct mlt_source_opts *opts,
                             struct mlt_err *err) {
  struct mlt_tree *t = &s->tree;
  enum mlt_rc rc = mlt_tree_open(t, opts->path, &(struct mlt_tree_rules){.wanted = is_events}, err);
  if (rc == MLT_OK && !t->files.n)
    rc = mlt_err_set(err, MLT_NOINPUT,
                     "there are no event files of TensorBoard (*tfevents*) in '%s'", opts->path);
  if (rc != MLT_OK)
    return rc;
  order_files(s);
  if (opts->run && s->progress.runs_total > 1)
    return mlt_err_set(err, MLT_USAGE, "'%s' holds %llu runs: --run can name one only", opts->path,
                       (unsigned long long)s->progress.runs_total);
  const char *name = opts->experiment ? opts->experiment : t->is_file ? t->above : t->name;
  (void)snprintf(s->experiment, sizeof s->experiment, "%s", *name ? name : "imported");
  s->flat.experiment = mlt_str_c(opts->experiment ? opts->experiment : s->experiment);
  s->given_run = opts->run;
  return MLT_OK;
}

static enum mlt_rc tb_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                           struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_tb *s = &src->tb;
  s->fd = s->tree.root = -1;
  mlt_tfrecord_init(&s->record);
  enum mlt_rc rc = open_tree(s, opts, err);
  if (rc == MLT_OK)
    rc = mlt_gather_init(&s->gather, err);
  if (rc == MLT_OK)
    rc = mlt_params_init(&s->params, err);
  s->tag_index = mlt_map_new();
  if (rc == MLT_OK && !s->tag_index)
    rc = mlt_err_nomem(err);
  if (rc == MLT_OK)
    *out = src;
  else
    tb_close(src);
  return rc;
}

static void tb_progress(const struct mlt_source *src, struct mlt_source_progress *out) {
  *out = src->tb.progress;
}

enum { SURE = 90, LIKELY = 70, FOLDERS = 1000 };

static int tb_probe(const char *path) {
  struct stat st;
  if (stat(path, &st) < 0)
    return 0;
  const char *slash = strrchr(path, '/');
  if (S_ISREG(st.st_mode))
    return is_events(slash ? slash + 1 : path) ? SURE : 0;
  return S_ISDIR(st.st_mode) && mlt_tree_any(path, is_events, FOLDERS) ? LIKELY : 0;
}

const struct mlt_source_ops mlt_source_tensorboard = {
    .name = "tensorboard",
    .description = "a TensorBoard logdir: folders with event files (*tfevents*)",
    .probe = tb_probe,
    .open = tb_open,
    .next = tb_next,
    .progress = tb_progress,
    .close = tb_close,
};
