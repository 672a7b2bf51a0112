/* Tables of metrics as a source: CSV and TSV files, long or wide, and the logs of Keras, Lightning,
   Ultralytics, Ray and Hugging Face, which are such tables (or their like in JSON) under known
   names with a file of parameters beside them. A path is one file or a folder tree of them; each
   file is a run, unless it has a column of runs. See tabular.h. */
#include "source/tabular.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "source/beneath.h"

struct mlt_source {
  struct mlt_tab tab;
};

/* ---- what files are called ---- */

struct preset {
  const char *file, *params;
  enum mlt_tab_format format;
};

/* A run that is known by its folder. */
static const struct preset presets[] = {
    {"metrics.csv", "hparams.yaml", MLT_TAB_CSV}, /* Lightning's CSVLogger */
    {"results.csv", "args.yaml", MLT_TAB_CSV},    /* Ultralytics */
    {"progress.csv", "params.json", MLT_TAB_CSV}, /* Ray */
    {"result.json", "params.json", MLT_TAB_LINES},
    {"trainer_state.json", NULL, MLT_TAB_HISTORY}, /* Hugging Face */
};

static const struct preset *preset_of(const char *name) {
  for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
    if (strcmp(name, presets[i].file) == 0)
      return &presets[i];
  return NULL;
}

static bool ends_with(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n > m && strcasecmp(name + n - m, end) == 0;
}

/* Of the file at hand. */
static const struct preset *preset_here(const struct mlt_tab *s) {
  return s->lines ? NULL : preset_of(mlt_tree_name(&s->tree, s->at));
}

static bool is_preset(const char *name) {
  return preset_of(name) != NULL;
}

static bool is_table(const char *name) {
  return is_preset(name) || ends_with(name, ".csv") || ends_with(name, ".tsv");
}

static enum mlt_tab_format format_of(const char *name) {
  const struct preset *p = preset_of(name);
  if (p)
    return p->format;
  return ends_with(name, ".json") || ends_with(name, ".jsonl") ? MLT_TAB_LINES : MLT_TAB_CSV;
}

/* Files that are left out because others of the same run say more. */
enum { TAKEN, CHECKPOINT, BESIDE_RESULT, NO_LOG, BAD_HEADER, LEFT_OUT };
static const char *const left_out_words[LEFT_OUT] = {
    [CHECKPOINT] = "earlier checkpoints",
    [BESIDE_RESULT] = "progress.csv beside a result.json",
    [NO_LOG] = "tables without a header with a column of steps",
    [BAD_HEADER] = "tables whose header cannot be read"};

/* ---- which files there are ---- */

static bool is_checkpoint(struct mlt_str folder) {
  const char *slash = folder.len ? memrchr(folder.p, '/', folder.len) : NULL;
  size_t from = slash ? (size_t)(slash - folder.p) + 1 : 0;
  return mlt_str_starts((struct mlt_str){folder.p + from, folder.len - from}, "checkpoint-");
}

static struct mlt_str parent(struct mlt_str folder) {
  const char *slash = memrchr(folder.p, '/', folder.len);
  return (struct mlt_str){folder.p, slash ? (size_t)(slash - folder.p) : 0};
}

/* Of the checkpoints of one run the last holds what the others do; the trainer's own state, saved
   at the end, holds it all. */
static enum mlt_rc mark_checkpoints(struct mlt_tree *t, struct mlt_err *err) {
  struct mlt_map *best = mlt_map_new();
  enum mlt_rc rc = best ? MLT_OK : mlt_err_nomem(err);
  for (size_t i = 0; i < t->files.n && rc == MLT_OK; i++) {
    if (format_of(mlt_tree_name(t, i)) != MLT_TAB_HISTORY || t->files.v[i].errnum)
      continue;
    struct mlt_str folder = mlt_tree_folder(t, i);
    bool checkpoint = is_checkpoint(folder);
    uint64_t before;
    if (mlt_map_get(best, checkpoint ? parent(folder) : folder, &before)) {
      bool before_is_last = !is_checkpoint(mlt_tree_folder(t, before));
      t->files.v[before_is_last ? i : before].mark = CHECKPOINT;
      if (before_is_last)
        continue;
    }
    if (mlt_map_put(best, checkpoint ? parent(folder) : folder, i) < 0)
      rc = mlt_err_nomem(err);
  }
  mlt_map_free(best);
  return rc;
}

/* Ray's progress.csv lacks what came after its first row. Files of a folder stand together, shorter
   names first. */
static void mark_progress(struct mlt_tree *t) {
  for (size_t i = 0; i < t->files.n; i++)
    for (size_t k = i + 1; k < t->files.n && strcmp(mlt_tree_name(t, i), "result.json") == 0 &&
                           mlt_str_eq(mlt_tree_folder(t, k), mlt_tree_folder(t, i));
         k++)
      if (strcmp(mlt_tree_name(t, k), "progress.csv") == 0)
        t->files.v[k].mark = BESIDE_RESULT;
}

static struct mlt_str stem(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && dot != name ? (struct mlt_str){name, (size_t)(dot - name)} : mlt_str_c(name);
}

/* A run under a preset's name is called as its folder, another as its file. */
static void name_run(struct mlt_tab *s) {
  const struct mlt_tree *t = &s->tree;
  const char *name = mlt_tree_name(t, s->at);
  struct mlt_str folder = mlt_tree_folder(t, s->at), file = stem(name);
  const char *root = t->name;
  bool preset = preset_here(s);
  if (preset) {
    file = MLT_STR_LIT("");
    if (is_checkpoint(folder) && format_of(name) == MLT_TAB_HISTORY)
      folder = parent(folder);
    else if (t->is_file && is_checkpoint(mlt_str_c(root)))
      root = t->above;
  }
  if (s->given_run)
    (void)snprintf(s->run_name, sizeof s->run_name, "%s", s->given_run);
  else if (!folder.len && !file.len)
    (void)snprintf(s->run_name, sizeof s->run_name, "%s", root);
  else
    (void)snprintf(s->run_name, sizeof s->run_name, "%.*s%s%.*s", MLT_STR_ARG(folder),
                   folder.len && file.len ? "/" : "", MLT_STR_ARG(file));
  s->flat.run_name = mlt_str_c(s->run_name);
  /* As when the folder above is imported: the same run, the same tags. */
  bool alone = t->is_file && preset;
  (void)snprintf(s->source_name, sizeof s->source_name, "%s%s%s", alone ? t->name : "",
                 alone ? "/" : "", mlt_tree_path(t, s->at));
  s->flat.source_name = mlt_str_c(s->source_name);
}

static void name_experiment(struct mlt_tab *s, const char *given) {
  const struct mlt_tree *t = &s->tree;
  struct mlt_str name = mlt_str_c(t->name);
  if (t->is_file)
    name = is_preset(mlt_tree_name(t, 0)) ? mlt_str_c(t->above) : stem(mlt_tree_name(t, 0));
  if (!name.len)
    name = MLT_STR_LIT("imported");
  (void)snprintf(s->experiment, sizeof s->experiment, "%.*s", MLT_STR_ARG(name));
  s->flat.experiment = mlt_str_c(given ? given : s->experiment);
}

/* ---- the steps of a file ---- */

static const mlt_tab_step nothing[] = {NULL};

static enum mlt_rc leave_out(struct mlt_tab *s, unsigned why) {
  if (!s->left_out[why]++)
    s->first_left_out[why] = s->at;
  s->step = nothing;
  return MLT_END;
}

/* A descriptor, or -errno. */
static int open_file(struct mlt_tab *s, const struct mlt_tree_file *f, const char *path,
                     struct stat *st) {
  int fd = s->given;
  if (fd < 0)
    return f->errnum ? -f->errnum : mlt_tree_open_file(&s->tree, path, st);
  s->given = -1;
  if (fstat(fd, st) == 0)
    return fd;
  int failed = errno;
  (void)close(fd);
  return -failed;
}

static enum mlt_rc begin_file(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_tree_file *f = &s->tree.files.v[s->at];
  const char *path = mlt_tree_path(&s->tree, s->at);
  (void)err;
  s->flat.path = mlt_str_c(path);
  s->has_header = false;
  mlt_params_clear(&s->params);
  if (f->mark != TAKEN)
    return leave_out(s, f->mark);
  struct stat st;
  int fd = open_file(s, f, path, &st);
  if (fd < 0) {
    s->step = nothing;
    s->rejected = true;
    return mlt_flat_unreadable(&s->flat, rec, -fd);
  }
  s->fd = fd;
  s->until = UINT64_MAX;
  s->format = s->lines ? MLT_TAB_LINES : format_of(mlt_tree_name(&s->tree, s->at));
  mlt_csv_reset(&s->csv, ends_with(path, ".tsv") ? '\t' : 0);
  mlt_json_rows_reset(&s->json, s->format == MLT_TAB_HISTORY);
  mlt_sheet_reset(&s->sheet, &s->opts);
  mlt_owner_name(s->flat.owner, st.st_uid);
  s->changed = mlt_tree_changed(&st);
  s->born = mlt_tree_born(fd, &st);
  name_run(s);
  return MLT_END;
}

static enum mlt_rc reject_file(struct mlt_tab *s, struct mlt_record *rec, const char *code,
                               const char *why) {
  s->step = nothing;
  s->rejected = true;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){
          .kind = MLT_NOTE_REJECT, .table = MLT_T_RUNS, .code = code, .place.line = s->line},
      "%s", why);
}

static enum mlt_rc no_header(struct mlt_tab *s, struct mlt_record *rec, enum mlt_rc rc,
                             bool expected) {
  char why[sizeof s->flat.reason];
  if (rc == MLT_END && expected)
    return reject_file(s, rec, "empty",
                       s->format == MLT_TAB_HISTORY ? "there is no row in a log_history"
                                                    : "the file is empty");
  if (rc == MLT_END)
    return leave_out(s, NO_LOG);
  (void)snprintf(why, sizeof why, "%s", s->flat.reason);
  if (expected)
    return reject_file(s, rec, "bad-header", why);
  if (!s->left_out[BAD_HEADER])
    (void)snprintf(s->bad_header, sizeof s->bad_header, "%.*s", (int)sizeof s->bad_header - 1, why);
  return leave_out(s, BAD_HEADER);
}

/* The header, or the first row in JSON. What is expected to be a log must be one; of other files of
   a folder we only see whether they are. */
static enum mlt_rc header(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const char *missing = NULL;
  char why[sizeof s->flat.reason];
  bool expected = s->tree.is_file || preset_here(s);
  enum mlt_rc rc = mlt_tab_row(s, err);
  if (err->rc != MLT_OK)
    return rc;
  if (rc != MLT_OK)
    return no_header(s, rec, rc, expected);
  if (!mlt_sheet_roles(&s->sheet, &missing)) {
    (void)snprintf(why, sizeof why, "there is no column '%s'", missing);
    return reject_file(s, rec, "no-column", why);
  }
  s->has_header = true;
  if (mlt_sheet_is_log(&s->sheet))
    return MLT_END;
  if (!s->tree.is_file)
    return leave_out(s, NO_LOG);
  if (s->sheet.is_long)
    return reject_file(s, rec, "no-step", "there is no column of steps (--step-field names it)");
  return MLT_END;
}

static enum mlt_rc read_params(struct mlt_tab *s, int fd, off_t size, const char *name,
                               struct mlt_err *why) {
  struct mlt_buf b;
  mlt_buf_init(&b, MLT_PARAMS_BYTES);
  enum mlt_rc rc = MLT_OK;
  if (size > MLT_PARAMS_BYTES)
    rc = mlt_err_set(why, MLT_DATA, "it is longer than %d bytes", MLT_PARAMS_BYTES);
  else if (mlt_buf_reserve(&b, (size_t)size + 1) != MLT_OK)
    rc = mlt_err_nomem(why);
  while (rc == MLT_OK && b.len < (size_t)size) {
    ssize_t n = mlt_file_read(fd, b.p + b.len, (size_t)size - b.len);
    if (n < 0)
      rc = mlt_err_errno(why, (int)-n, "cannot read it");
    if (n <= 0)
      break;
    b.len += (size_t)n;
  }
  if (rc == MLT_OK)
    rc = ends_with(name, ".json") ? mlt_params_json(&s->params, mlt_buf_str(&b), why)
                                  : mlt_params_yaml(&s->params, mlt_buf_str(&b), why);
  mlt_buf_free(&b);
  return rc;
}

static enum mlt_rc ignored_params(struct mlt_tab *s, struct mlt_record *rec) {
  uint64_t n = s->params.unread;
  s->note = 2;
  return n ? mlt_flat_ignored(&s->flat, rec, "parameters that are aliases, or have no name", n)
           : MLT_END;
}

static enum mlt_rc params(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct preset *p = preset_here(s);
  struct mlt_err why = MLT_ERR_INIT;
  struct stat st;
  if (!p || !p->params || s->note > 1)
    return MLT_END;
  if (s->note++)
    return ignored_params(s, rec);
  int fd = mlt_tree_open_beside(&s->tree, s->at, p->params, &st);
  if (fd == -ENOENT)
    return MLT_END;
  enum mlt_rc rc = fd < 0 ? mlt_err_errno(&why, -fd, "it cannot be opened")
                          : read_params(s, fd, st.st_size, p->params, &why);
  if (fd >= 0)
    (void)close(fd);
  if (rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  if (rc != MLT_OK)
    return mlt_flat_note(
        &s->flat, rec,
        (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = MLT_T_PARAMS, .code = "bad-params"},
        "its parameters, in %s beside it, cannot be read: %s", p->params, why.msg);
  if (s->params.renamed)
    return mlt_flat_note(&s->flat, rec,
                         (struct mlt_note){.kind = MLT_NOTE_CHANGED,
                                           .table = MLT_T_PARAMS,
                                           .code = "params-changed",
                                           .rows = s->params.renamed},
                         "%llu of the parameters in %s got a name that MLflow takes",
                         (unsigned long long)s->params.renamed, p->params);
  return ignored_params(s, rec);
}

static enum mlt_rc note_steps(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->run = s->run_step = 0;
  if (s->sheet.step != MLT_NO_COLUMN || s->note++)
    return MLT_END;
  return mlt_flat_note(
      &s->flat, rec,
      (struct mlt_note){.kind = MLT_NOTE_CHANGED, .table = MLT_T_METRICS, .code = "no-step"},
      "there is no column of steps: rows are numbered from 0 (--step-field names it)");
}

static enum mlt_rc note_twice(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (s->sheet.twice == MLT_NO_COLUMN || s->note++)
    return MLT_END;
  struct mlt_str name = s->sheet.columns.v[s->sheet.twice].name;
  return mlt_flat_note(&s->flat, rec,
                       (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                         .table = MLT_T_METRICS,
                                         .code = "column-twice",
                                         .place = {.line = 1, .field = name}},
                       "the header names column '%.*s' twice: the first of them is read",
                       MLT_STR_ARG(name));
}

static enum mlt_rc note_times(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_sheet *t = &s->sheet;
  struct mlt_note note = {.kind = MLT_NOTE_CHANGED, .table = MLT_T_METRICS};
  (void)err;
  if ((t->time != MLT_NO_COLUMN && !t->guessed) || s->note++)
    return MLT_END;
  if (t->time == MLT_NO_COLUMN) {
    note.code = "no-times";
    return mlt_flat_note(&s->flat, rec, note,
                         "there is no column of times: every point has that of the file's "
                         "beginning (--time-field names it)");
  }
  struct mlt_str name = t->columns.v[t->time].name;
  note.code = t->iso ? "guessed-time-zone" : "guessed-time-unit";
  note.place.field = name;
  if (t->iso)
    return mlt_flat_note(&s->flat, rec, note, "the times in '%.*s' have no zone: taken for UTC",
                         MLT_STR_ARG(name));
  return mlt_flat_note(
      &s->flat, rec, note,
      "the times in '%.*s' are taken for %s since 1970 (--time-unit says otherwise)",
      MLT_STR_ARG(name), mlt_time_unit_name(t->unit));
}

static const mlt_tab_step file_steps[] = {begin_file,     header,       params,
                                          mlt_tab_survey, note_twice,   note_steps,
                                          note_times,     mlt_tab_runs, NULL};

/* ---- the steps of the source ---- */

static enum mlt_rc experiment(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  if (s->note++)
    return MLT_END;
  mlt_flat_experiment(&s->flat, rec);
  return MLT_OK;
}

static enum mlt_rc file(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  while (*s->step) {
    const mlt_tab_step *at = s->step;
    enum mlt_rc rc = (*at)(s, rec, err);
    if (rc != MLT_END)
      return rc;
    s->note = 0;
    if (s->step == at)
      s->step++;
  }
  return MLT_END;
}

static enum mlt_rc files(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  while (s->at < s->tree.files.n) {
    if (!s->step)
      s->step = file_steps;
    enum mlt_rc rc = file(s, rec, err);
    if (rc != MLT_END)
      return rc;
    mlt_tab_close_file(s);
    s->step = NULL;
    s->note = 0;
    s->at++;
  }
  s->flat.path = MLT_STR_LIT("");
  return MLT_END;
}

/* Where nothing else was found, it was them that were meant. */
static enum mlt_rc reject_left_out(struct mlt_tab *s, struct mlt_record *rec, size_t why) {
  const struct mlt_note note = {
      .kind = MLT_NOTE_REJECT, .table = MLT_T_RUNS, .code = "no-log", .rows = s->left_out[why]};
  if (why == BAD_HEADER)
    return mlt_flat_note(&s->flat, rec, note, "%s", s->bad_header);
  return mlt_flat_note(&s->flat, rec, note,
                       "it is no log: there is no header with a column of steps (--step-field "
                       "names it)");
}

static enum mlt_rc note_left_out(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  bool nothing_else = !s->progress.runs_done && !s->rejected;
  (void)err;
  while (++s->note < LEFT_OUT) {
    uint64_t n = s->left_out[s->note];
    if (!n)
      continue;
    s->flat.path = mlt_str_c(mlt_tree_path(&s->tree, s->first_left_out[s->note]));
    if (nothing_else && s->note >= NO_LOG)
      return reject_left_out(s, rec, s->note);
    return mlt_flat_ignored(&s->flat, rec, left_out_words[s->note], n);
  }
  s->flat.path = MLT_STR_LIT("");
  return MLT_END;
}

static enum mlt_rc note_folders(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err) {
  static const char *const words[] = {"links to folders", "artifact folders of MLflow's runs"};
  const uint64_t counts[] = {s->tree.links, s->tree.artifacts};
  (void)err;
  while (s->note < 2) {
    size_t at = s->note++;
    if (counts[at])
      return mlt_flat_ignored(&s->flat, rec, words[at], counts[at]);
  }
  return MLT_END;
}

static enum mlt_rc csv_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_tab_step steps[] = {experiment, files, note_left_out, note_folders, NULL};
  struct mlt_tab *s = &src->tab;
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

static void csv_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_tab *s = &src->tab;
  mlt_tab_close_file(s);
  if (s->given >= 0)
    (void)close(s->given);
  mlt_tree_close(&s->tree);
  mlt_gather_free(&s->gather);
  mlt_params_free(&s->params);
  mlt_csv_free(&s->csv);
  mlt_json_rows_free(&s->json);
  mlt_sheet_free(&s->sheet);
  mlt_free(s->cells.v);
  mlt_arena_free(s->arena);
  mlt_map_free(s->run_index);
  mlt_free(s->runs.v);
  mlt_free(s->extents.v);
  mlt_free(src);
}

static enum mlt_rc allocate(struct mlt_tab *s, struct mlt_err *err) {
  enum mlt_rc rc = mlt_gather_init(&s->gather, err);
  if (rc == MLT_OK)
    rc = mlt_params_init(&s->params, err);
  if (rc == MLT_OK)
    rc = mlt_csv_init(&s->csv, err);
  if (rc == MLT_OK)
    rc = mlt_json_rows_init(&s->json, err);
  if (rc == MLT_OK)
    rc = mlt_sheet_init(&s->sheet, err);
  s->arena = mlt_arena_new();
  s->run_index = mlt_map_new();
  return rc == MLT_OK && !(s->arena && s->run_index) ? mlt_err_nomem(err) : rc;
}

static enum mlt_rc take_opts(struct mlt_tab *s, const struct mlt_source_opts *opts,
                             struct mlt_err *err) {
  static const char *const units[] = {
      [MLT_TIME_AUTO] = "auto", [MLT_TIME_S] = "s",   [MLT_TIME_MS] = "ms",
      [MLT_TIME_US] = "us",     [MLT_TIME_NS] = "ns",
  };
  s->given_run = opts->run;
  s->opts = (struct mlt_sheet_opts){opts->step_field, opts->time_field, MLT_TIME_AUTO};
  if (!opts->time_unit)
    return MLT_OK;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(opts->time_unit, units[i]) == 0) {
      s->opts.unit = (enum mlt_time_unit)i;
      return MLT_OK;
    }
  return mlt_err_set(err, MLT_USAGE, "unknown unit of time '%s' (auto, s, ms, us, ns)",
                     opts->time_unit);
}

static enum mlt_rc open_tree(struct mlt_tab *s, const struct mlt_source_opts *opts,
                             struct mlt_err *err) {
  struct mlt_tree *t = &s->tree;
  const struct mlt_tree_rules rules = {.wanted = is_table, .no_artifacts = true};
  enum mlt_rc rc = mlt_tree_open(t, opts->path, &rules, err);
  if (rc == MLT_OK && !t->files.n)
    rc = mlt_err_set(err, MLT_NOINPUT,
                     "there is no table of metrics in '%s': no .csv or .tsv, no result.json, no "
                     "trainer_state.json",
                     opts->path);
  if (rc == MLT_OK)
    rc = mark_checkpoints(t, err);
  if (rc != MLT_OK)
    return rc;
  mark_progress(t);
  for (size_t i = 0; i < t->files.n; i++)
    s->progress.runs_total += t->files.v[i].mark == TAKEN;
  if (s->given_run && s->progress.runs_total > 1)
    return mlt_err_set(err, MLT_USAGE, "'%s' holds %llu files: --run can name one run only",
                       opts->path, (unsigned long long)s->progress.runs_total);
  name_experiment(s, opts->experiment);
  return MLT_OK;
}

/* A source that has no files yet; NULL when out of memory. */
static struct mlt_source *new_source(void) {
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (src)
    src->tab.fd = src->tab.given = src->tab.tree.root = -1;
  return src;
}

enum mlt_rc mlt_tab_open_lines(struct mlt_source **out, int fd, const char *name, const char *stem,
                               const struct mlt_source_opts *opts, struct mlt_err *err) {
  struct mlt_source *src = new_source();
  if (!src) {
    (void)close(fd);
    return mlt_err_nomem(err);
  }
  struct mlt_tab *s = &src->tab;
  s->given = fd;
  s->lines = true;
  enum mlt_rc rc = take_opts(s, opts, err);
  if (rc == MLT_OK)
    rc = mlt_tree_one(&s->tree, name, err);
  if (rc == MLT_OK)
    rc = allocate(s, err);
  if (!s->given_run)
    s->given_run = stem;
  s->flat.experiment = mlt_str_c(opts->experiment ? opts->experiment : stem);
  s->progress.runs_total = 1;
  if (rc == MLT_OK)
    *out = src;
  else
    csv_close(src);
  return rc;
}

static enum mlt_rc csv_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                            struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *src = new_source();
  if (!src)
    return mlt_err_nomem(err);
  enum mlt_rc rc = take_opts(&src->tab, opts, err);
  if (rc == MLT_OK)
    rc = open_tree(&src->tab, opts, err);
  if (rc == MLT_OK)
    rc = allocate(&src->tab, err);
  if (rc == MLT_OK)
    *out = src;
  else
    csv_close(src);
  return rc;
}

static void csv_progress(const struct mlt_source *src, struct mlt_source_progress *out) {
  *out = src->tab.progress;
}

enum { SURE = 90, LIKELY = 60, BY_SUFFIX = 30, PERHAPS = 15, FOLDERS = 1000 };

static int csv_probe(const char *path) {
  struct stat st;
  if (stat(path, &st) < 0)
    return 0;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (S_ISREG(st.st_mode))
    return is_preset(name) ? SURE : is_table(name) ? BY_SUFFIX : 0;
  if (!S_ISDIR(st.st_mode))
    return 0;
  return mlt_tree_any(path, is_preset, FOLDERS)  ? LIKELY
         : mlt_tree_any(path, is_table, FOLDERS) ? PERHAPS
                                                 : 0;
}

const struct mlt_source_ops mlt_source_csv = {
    .name = "csv",
    .description =
        "tables of metrics: CSV or TSV files, logs of Keras, Lightning, Ultralytics, Ray "
        "and Hugging Face",
    .holds = MLT_HOLDS_TEXT,
    .probe = csv_probe,
    .open = csv_open,
    .next = csv_next,
    .progress = csv_progress,
    .close = csv_close,
};
