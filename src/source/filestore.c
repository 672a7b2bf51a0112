/* MLflow's FileStore (mlruns/) as a source. Finds the store, then gives experiments with their
   runs, logged models, and the registry, the way `mlflow migrate-filestore` reads them, but nothing
   is dropped: what that leaves out silently is reported. Traces and assessments are counted only.
   How the stream is made: filestore.h. */
#include "source/filestore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/rules.h"

struct mlt_source {
  struct mlt_fs fs;
};

static const mlt_fs_step nothing[] = {NULL};

void mlt_fs_skip(struct mlt_fs_level *l) {
  l->step = nothing;
}

static bool wants(const struct mlt_fs_dir *d, size_t i, bool (*wanted)(const char *)) {
  const char *name = mlt_names_at(&d->names, i);
  uint8_t type = d->names.v[i].type;
  return (type == DT_DIR || (type == DT_LNK && mlt_fs_is_dir(d->fd, name))) &&
         (!wanted || wanted(name));
}

uint64_t mlt_fs_count(const struct mlt_fs_dir *d, bool (*wanted)(const char *)) {
  uint64_t n = 0;
  for (size_t i = 0; i < d->names.n; i++)
    n += wants(d, i, wanted);
  return n;
}

static bool next_folder(struct mlt_fs_level *l) {
  struct mlt_fs_dir *d = l->over;
  while (d->at < d->names.n && !wants(d, d->at, l->wanted))
    d->at++;
  return d->at < d->names.n;
}

/* A step that moved l->step itself has said where to go on. */
static enum mlt_rc each_step(struct mlt_fs *s, struct mlt_fs_level *l, struct mlt_record *rec,
                             struct mlt_err *err) {
  while (*l->step) {
    const mlt_fs_step *at = l->step;
    enum mlt_rc rc = (*at)(s, rec, err);
    if (rc != MLT_END)
      return rc;
    if (l->step == at)
      l->step++;
  }
  return MLT_END;
}

enum mlt_rc mlt_fs_each(struct mlt_fs *s, struct mlt_fs_level *l, struct mlt_record *rec,
                        struct mlt_err *err) {
  for (;;) {
    if (!l->step) {
      if (!next_folder(l))
        return MLT_END;
      l->step = l->first;
    }
    enum mlt_rc rc = each_step(s, l, rec, err);
    if (rc != MLT_END)
      return rc;
    mlt_fs_leave(&l->dir);
    l->step = NULL;
    l->over->at++;
  }
}

enum mlt_rc mlt_fs_each_in(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                           const mlt_fs_step *steps, enum mlt_table table, struct mlt_record *rec,
                           struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  if (!s->items.over) {
    rc = mlt_fs_enter(s, &s->folder, parent, name, err);
    if (rc == MLT_OK)
      rc = mlt_fs_list(s, &s->folder, err);
    if (rc == MLT_NOINPUT)
      return MLT_END;
    s->items.over = &s->folder;
    s->items.first = steps;
  }
  if (rc == MLT_DATA)
    return mlt_fs_reject(s, rec, table, 1);
  if (rc == MLT_OK)
    rc = mlt_fs_each(s, &s->items, rec, err);
  if (rc == MLT_END) {
    mlt_fs_leave(&s->folder);
    s->items.over = NULL;
  }
  return rc;
}

static bool is_experiment(const struct mlt_name *n, const char *name) {
  int64_t id;
  return (n->type == DT_DIR || n->type == DT_LNK) &&
         mlt_parse_i64((struct mlt_str){name, n->len}, &id);
}

static bool is_stray(const char *name) {
  struct mlt_name n = {.type = DT_DIR, .len = (uint8_t)strlen(name)};
  return !is_experiment(&n, name) && strcmp(name, ".trash") != 0 && strcmp(name, "models") != 0;
}

static enum mlt_rc open_trash(struct mlt_fs *s, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_enter(s, &s->trash, &s->active, ".trash", err);
  if (rc == MLT_OK)
    rc = mlt_fs_list(s, &s->trash, err);
  if (rc != MLT_OK)
    mlt_fs_leave(&s->trash);
  mlt_names_filter(&s->trash.names, is_experiment);
  return rc;
}

/* The steps of the whole store. */

static enum mlt_rc note_strays(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  uint64_t n = s->stray;
  if (!n)
    return MLT_END;
  s->stray = 0;
  mlt_fs_at(s, &s->active);
  return mlt_fs_ignored(s, rec, "stray folders", n);
}

static enum mlt_rc each_experiment(struct mlt_fs *s, struct mlt_fs_dir *over,
                                   const mlt_fs_step *steps, struct mlt_record *rec,
                                   struct mlt_err *err) {
  s->experiments.over = over;
  s->experiments.first = steps;
  enum mlt_rc rc = mlt_fs_each(s, &s->experiments, rec, err);
  if (rc == MLT_END) {
    over->at = 0;
    mlt_buf_clear(&s->id);
  }
  return rc;
}

static enum mlt_rc active(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  return each_experiment(s, &s->active, mlt_fs_experiment_steps, rec, err);
}

static enum mlt_rc note_trash(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  if (s->trash.fd >= 0)
    return MLT_END;
  enum mlt_rc rc = open_trash(s, err);
  if (rc == MLT_NOINPUT || rc == MLT_OK)
    return MLT_END;
  s->top++;
  return rc == MLT_DATA ? mlt_fs_reject(s, rec, MLT_T_EXPERIMENTS, 1) : rc;
}

static enum mlt_rc trash(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  return each_experiment(s, &s->trash, mlt_fs_experiment_steps, rec, err);
}

static enum mlt_rc active_models(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  return each_experiment(s, &s->active, mlt_fs_models_steps, rec, err);
}

static enum mlt_rc trash_models(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  return each_experiment(s, &s->trash, mlt_fs_models_steps, rec, err);
}

static enum mlt_rc registry(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  return mlt_fs_each_in(s, &s->active, "models", mlt_fs_registered_steps, MLT_T_REGISTERED_MODELS,
                        rec, err);
}

/* Behind the runs. */
static enum mlt_rc wait_for_twins(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)rec, (void)err;
  if (!s->has_twins)
    return MLT_END;
  s->top++;
  return MLT_AGAIN;
}

/* All experiments come first, so that runs may be read and written side by side. */
static enum mlt_rc fs_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step all[] = {
      note_strays,    active,        note_trash,   trash,    mlt_fs_runs,
      wait_for_twins, active_models, trash_models, registry, NULL};
  static const mlt_fs_step twins[] = {mlt_fs_runs, NULL};
  struct mlt_fs *s = &src->fs;
  const mlt_fs_step *steps = s->twin ? twins : all;
  while (steps[s->top]) {
    size_t at = s->top;
    enum mlt_rc rc = steps[at](s, rec, err);
    if (rc != MLT_END)
      return rc;
    s->top = at + 1;
  }
  return MLT_END;
}

/* Where the store is. */

enum { SURE = 95, LIKELY = 40, PERHAPS = 20, NO = 0 };

static int look_at_entry(int fd, const struct mlt_name *n, const char *name) {
  char meta[NAME_MAX + sizeof "/meta.yaml"];
  if (is_experiment(n, name)) {
    (void)snprintf(meta, sizeof meta, "%s/meta.yaml", name);
    return faccessat(fd, meta, F_OK, 0) == 0 ? SURE : LIKELY;
  }
  return strcmp(name, ".trash") == 0 || strcmp(name, "models") == 0 ? PERHAPS : NO;
}

/* Does this folder hold experiments? A score as probe() gives. */
static int look(const char *path) {
  struct mlt_names l = {.n = 0};
  int best = NO, fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return NO;
  int bad = mlt_names_read(&l, fd);
  for (size_t i = 0; !bad && i < l.n && best < SURE; i++) {
    int score = look_at_entry(fd, &l.v[i], mlt_names_at(&l, i));
    best = score > best ? score : best;
  }
  mlt_names_free(&l);
  (void)close(fd);
  return bad == -ENOMEM ? SURE : best; /* opening it will say what is wrong */
}

static int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

static bool decode(char *out, size_t cap, const char *s) {
  size_t n = 0;
  for (; *s && n + 1 < cap; s++) {
    bool escaped = *s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0;
    out[n++] = escaped ? (char)(hex(s[1]) * 16 + hex(s[2])) : *s;
    s += escaped ? 2 : 0;
  }
  out[n] = '\0';
  return !*s;
}

/* A path, or a file: URI of this machine. False: too long, or another machine's. */
static bool to_path(char out[PATH_MAX], const char *given) {
  if (strncmp(given, "file:", 5) != 0)
    return (size_t)snprintf(out, PATH_MAX, "%s", given) < PATH_MAX;
  const char *p = given + 5;
  if (strncmp(p, "//localhost/", 12) == 0)
    p += 11;
  else if (strncmp(p, "///", 3) == 0)
    p += 2;
  else if (strncmp(p, "//", 2) == 0)
    return false;
  return decode(out, PATH_MAX, p);
}

static bool inside(char out[PATH_MAX], const char *path, const char *name) {
  size_t n = strlen(path);
  const char *slash = n && path[n - 1] == '/' ? "" : "/";
  return (size_t)snprintf(out, PATH_MAX, "%s%s%s", path, slash, name) < PATH_MAX;
}

/* As migrate-filestore: PATH/mlruns before PATH. *prefix is what lies between. */
static int resolve(const char *given, char root[PATH_MAX], const char **prefix) {
  char path[PATH_MAX];
  *prefix = "";
  if (!to_path(path, given))
    return NO;
  int outer = look(path), inner = inside(root, path, "mlruns") ? look(root) : NO;
  if (inner) {
    *prefix = "mlruns/";
    return inner;
  }
  memcpy(root, path, PATH_MAX);
  return outer;
}

static int fs_probe(const char *path) {
  char root[PATH_MAX];
  const char *prefix;
  return resolve(path, root, &prefix);
}

static bool find_nested(const char *path, int depth, char found[PATH_MAX]);

/* In the folders of `path` that are listed in l. */
static bool find_in(const char *path, const struct mlt_names *l, int depth, char found[PATH_MAX]) {
  enum { LOOKED_AT = 1000 };
  char sub[PATH_MAX];
  for (size_t i = 0; i < l->n && i < LOOKED_AT; i++) {
    if (l->v[i].type != DT_DIR || !inside(sub, path, mlt_names_at(l, i)))
      continue;
    if (inside(found, sub, "mlruns") && look(found) >= LIKELY)
      return true;
    if (depth > 1 && find_nested(sub, depth - 1, found))
      return true;
  }
  return false;
}

/* People point at the project; the store may be a folder or two further in. */
static bool find_nested(const char *path, int depth, char found[PATH_MAX]) {
  struct mlt_names l = {.n = 0};
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  int bad = mlt_names_read(&l, fd);
  (void)close(fd);
  mlt_names_sort(&l);
  bool yes = !bad && find_in(path, &l, depth, found);
  mlt_names_free(&l);
  return yes;
}

static enum mlt_rc not_found(const char *given, struct mlt_err *err) {
  char path[PATH_MAX], nested[PATH_MAX];
  struct stat st;
  if (!to_path(path, given))
    return mlt_err_set(err, MLT_NOINPUT, "'%s' is no path on this machine", given);
  if (stat(path, &st) < 0)
    return mlt_err_errno(err, errno, "cannot open '%s'", given);
  if (!S_ISDIR(st.st_mode))
    return mlt_err_set(err, MLT_NOINPUT, "'%s' is a file, not an MLflow file store", given);
  if (access(path, R_OK | X_OK) < 0)
    return mlt_err_errno(err, errno, "cannot read folder '%s'", given);
  (void)mlt_err_set(err, MLT_NOINPUT,
                    "no MLflow file store in '%s': neither it nor its folder mlruns holds "
                    "experiments (folders named by a number, .trash or models)",
                    given);
  if (find_nested(path, 2, nested))
    mlt_err_hint(err, "there is one in '%s'", nested);
  else
    mlt_err_hint(err, "give the mlruns folder, or the folder that holds mlruns");
  return MLT_NOINPUT;
}

static void free_dir(struct mlt_fs_dir *d) {
  mlt_fs_leave(d);
  mlt_names_free(&d->names);
}

static void fs_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_fs *s = &src->fs;
  struct mlt_fs_dir *dirs[] = {&s->folder,   &s->scratch,   &s->experiments.dir,
                               &s->runs.dir, &s->items.dir, &s->versions.dir};
  for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
    free_dir(dirs[i]);
  if (!s->twin) {
    free_dir(&s->active);
    free_dir(&s->trash);
    mlt_fs_handout_free(s->handout);
  }
  mlt_buf_free(&s->files);
  for (size_t i = 0; s->walk.frame && i < MLT_FS_KEY_DEPTH; i++)
    free_dir(&s->walk.frame[i]);
  mlt_free(s->walk.frame);
  if (s->metric_fd >= 0)
    (void)close(s->metric_fd);
  mlt_lines_free(&s->lines);
  mlt_buf_free(&s->path);
  mlt_buf_free(&s->text);
  mlt_buf_free(&s->id);
  mlt_meta_free(s->meta);
  mlt_meta_free(s->edge);
  mlt_map_free(s->dataset_index);
  mlt_arena_free(s->dataset_arena);
  mlt_free(s->datasets);
  mlt_free(src);
}

/* So that fs_close may be called from here on. */
static void init(struct mlt_fs *s) {
  s->runs.over = &s->experiments.dir;
  s->runs.first = mlt_fs_run_steps;
  s->runs.wanted = mlt_fs_is_run;
  s->active.fd = s->trash.fd = s->folder.fd = s->scratch.fd = s->metric_fd = -1;
  s->experiments.dir.fd = s->runs.dir.fd = s->items.dir.fd = s->versions.dir.fd = -1;
}

static enum mlt_rc allocate(struct mlt_fs *s, struct mlt_err *err) {
  mlt_buf_init(&s->path, 64 * 1024);
  mlt_buf_init(&s->files, PATH_MAX + 64 * 1024);
  mlt_buf_init(&s->text, 2 * MLT_FS_VALUE_MAX); /* noticed when it is past the limit */
  mlt_buf_init(&s->id, MLT_META_MAX_BYTES);
  s->meta = mlt_meta_new();
  s->edge = mlt_meta_new();
  s->dataset_index = mlt_map_new();
  s->dataset_arena = mlt_arena_new();
  s->datasets = mlt_calloc(MLT_FS_DATASETS, sizeof *s->datasets);
  s->walk.frame = mlt_calloc(MLT_FS_KEY_DEPTH, sizeof *s->walk.frame);
  for (size_t i = 0; s->walk.frame && i < MLT_FS_KEY_DEPTH; i++)
    s->walk.frame[i].fd = -1;
  if (!s->meta || !s->edge || !s->dataset_index || !s->dataset_arena || !s->datasets ||
      !s->walk.frame)
    return mlt_err_nomem(err);
  return mlt_lines_init(&s->lines, err);
}

static enum mlt_rc open_store(struct mlt_fs *s, const char *root, const char *prefix,
                              struct mlt_err *err) {
  s->active.fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* may be a link itself */
  if (s->active.fd < 0)
    return mlt_err_errno(err, errno, "cannot open folder '%s'", root);
  if (!realpath(root, s->root))
    return mlt_err_errno(err, errno, "cannot open folder '%s'", root);
  s->handout = mlt_fs_handout_new();
  if (!s->handout || mlt_buf_adds(&s->path, prefix) != MLT_OK)
    return mlt_err_nomem(err);
  s->active.path = s->prefix = s->path.len;
  enum mlt_rc rc = mlt_fs_list(s, &s->active, err);
  if (rc == MLT_DATA)
    return mlt_err_set(err, MLT_NOPERM, "the store %s", s->fault.text);
  if (rc != MLT_OK)
    return rc;
  s->stray = mlt_fs_count(&s->active, is_stray);
  mlt_names_filter(&s->active.names, is_experiment);
  rc = open_trash(s, err);
  return mlt_fs_is_fault(rc) ? MLT_OK : rc; /* note_trash says so */
}

static enum mlt_rc fs_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                           struct mlt_err *err) {
  char root[PATH_MAX];
  const char *prefix;
  *out = NULL;
  if (!resolve(opts->path, root, &prefix))
    return not_found(opts->path, err);
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_fs *s = &src->fs;
  init(s);
  enum mlt_rc rc = allocate(s, err);
  if (rc == MLT_OK)
    rc = open_store(s, root, prefix, err);
  if (rc == MLT_OK)
    *out = src;
  else
    fs_close(src);
  return rc;
}

static enum mlt_rc fs_twin(struct mlt_source *first, struct mlt_source **out, struct mlt_err *err) {
  struct mlt_fs *f = &first->fs;
  *out = NULL;
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_fs *s = &src->fs;
  init(s);
  s->twin = true;
  s->handout = f->handout;
  s->active = f->active;
  s->trash = f->trash;
  memcpy(s->root, f->root, sizeof s->root);
  s->prefix = f->prefix;
  enum mlt_rc rc = allocate(s, err);
  if (rc == MLT_OK && mlt_buf_add(&s->path, f->path.p, f->prefix) != MLT_OK)
    rc = mlt_err_nomem(err);
  if (rc == MLT_OK) {
    f->has_twins = true;
    *out = src;
  } else {
    fs_close(src);
  }
  return rc;
}

static void fs_progress(const struct mlt_source *src, struct mlt_source_progress *out) {
  *out = src->fs.progress;
}

static void fs_skip(struct mlt_source *src, enum mlt_rec_kind kind) {
  struct mlt_fs *s = &src->fs;
  mlt_fs_skip(kind == MLT_REC_RUN ? &s->runs : &s->items);
  s->progress.runs_done += kind == MLT_REC_RUN;
}

const struct mlt_source_ops mlt_source_filestore = {
    .name = "filestore",
    .description = "an MLflow file store (the mlruns folder, or the folder that holds it)",
    .holds = MLT_HOLDS_STORE,
    .tells_all = true,
    .probe = fs_probe,
    .open = fs_open,
    .next = fs_next,
    .twin = fs_twin,
    .progress = fs_progress,
    .skip = fs_skip,
    .close = fs_close,
};
