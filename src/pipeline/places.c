#include "pipeline/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/rules.h"

struct map {
  struct mlt_location from;
  char to[PATH_MAX];
};

struct mlt_places {
  char root[PATH_MAX], source[PATH_MAX]; /* source: "" if it is no folder */
  struct map *maps;
  size_t n_maps;
  char destination[PATH_MAX]; /* "": not given */
};

/* ---- opening ---- */

/* A path as a shell has it, made absolute; not looked for. */
static bool make_absolute(const char *path, char out[PATH_MAX]) {
  char cwd[PATH_MAX];
  while (strncmp(path, "./", 2) == 0)
    path += 2;
  int n = path[0] == '/'             ? snprintf(out, PATH_MAX, "%s", path)
          : !getcwd(cwd, sizeof cwd) ? PATH_MAX
          : strcmp(path, ".") == 0   ? snprintf(out, PATH_MAX, "%s", cwd)
                                     : snprintf(out, PATH_MAX, "%s/%s", cwd, path);
  while (n > 1 && n < PATH_MAX && out[n - 1] == '/')
    out[--n] = '\0';
  return n > 0 && n < PATH_MAX;
}

enum mlt_rc mlt_places_here(const char *option, const char *path, char out[PATH_MAX],
                            struct mlt_err *err) {
  struct mlt_location l;
  if (strncmp(path, "file:", 5) == 0) {
    const char *wrong = mlt_location_parse(&l, mlt_str_c(path));
    if (wrong || (l.kind != MLT_LOCATION_LOCAL && l.kind != MLT_LOCATION_RELATIVE))
      return mlt_err_set(err, MLT_USAGE, "%s: '%s' %s", option, path,
                         wrong ? wrong : "is no path of this machine");
    path = l.text;
  }
  if (*path && make_absolute(path, out))
    return MLT_OK;
  return mlt_err_set(err, MLT_USAGE, "%s: '%s' is no path of this machine", option, path);
}

static enum mlt_rc add_map(struct mlt_places *p, const char *text, struct mlt_err *err) {
  struct map *m = &p->maps[p->n_maps];
  const char *equals = strchr(text, '=');
  if (!equals) {
    enum mlt_rc rc = mlt_err_set(err, MLT_USAGE, "--map '%s' has no '='", text);
    mlt_err_hint(err, "--map FROM=TO: what MLflow calls FROM is the folder TO here");
    return rc;
  }
  const char *wrong = mlt_location_parse(&m->from, (struct mlt_str){text, (size_t)(equals - text)});
  if (wrong)
    return mlt_err_set(err, MLT_USAGE, "--map '%s': what stands before '=' %s", text, wrong);
  enum mlt_rc rc = mlt_places_here("--map", equals + 1, m->to, err);
  p->n_maps += rc == MLT_OK;
  return rc;
}

/* A plain path must mean the same to every program that reads the database. */
static enum mlt_rc set_root(struct mlt_places *p, const char *root, struct mlt_err *err) {
  struct mlt_location l;
  const char *wrong = mlt_location_parse(&l, mlt_str_c(root));
  if (!wrong && (l.kind == MLT_LOCATION_REFERENCE || l.kind == MLT_LOCATION_WINDOWS))
    wrong = "is no place for artifacts";
  if (!wrong && l.kind == MLT_LOCATION_RELATIVE)
    wrong = make_absolute(strncmp(root, "file:", 5) == 0 ? l.text : root, p->root) ? NULL
                                                                                   : "is too long";
  else if (!wrong && snprintf(p->root, sizeof p->root, "%s", root) >= PATH_MAX)
    wrong = "is too long";
  size_t n = wrong ? 0 : strlen(p->root);
  while (n > 1 && p->root[n - 1] == '/')
    p->root[--n] = '\0';
  return wrong ? mlt_err_set(err, MLT_USAGE, "--artifact-root '%s' %s", root, wrong) : MLT_OK;
}

static enum mlt_rc fill(struct mlt_places *p, const struct mlt_places_opts *o,
                        struct mlt_err *err) {
  char root[PATH_MAX];
  struct stat st;
  if (!o->source || stat(o->source, &st) != 0 || !S_ISDIR(st.st_mode) ||
      !realpath(o->source, p->source))
    *p->source = '\0';
  enum mlt_rc rc = set_root(p, o->root ? o->root : mlt_target_artifact_root(o->target, root), err);
  if (rc == MLT_OK && o->destination)
    rc = mlt_places_here("--artifacts-destination", o->destination, p->destination, err);
  for (size_t i = 0; rc == MLT_OK && i < o->n_maps; i++)
    rc = add_map(p, o->maps[i], err);
  return rc;
}

enum mlt_rc mlt_places_open(struct mlt_places **out, const struct mlt_places_opts *opts,
                            struct mlt_err *err) {
  struct mlt_places *p = mlt_calloc(1, sizeof *p);
  if (p)
    p->maps = mlt_calloc(opts->n_maps + 1, sizeof *p->maps);
  enum mlt_rc rc = p && p->maps ? fill(p, opts, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    *out = p;
  else
    mlt_places_close(p);
  return rc;
}

void mlt_places_close(struct mlt_places *p) {
  if (p)
    mlt_free(p->maps);
  mlt_free(p);
}

const char *mlt_places_root(const struct mlt_places *p) {
  return p->root;
}

/* ---- from what MLflow calls it to a path here ---- */

static bool join(char out[PATH_MAX], const char *folder, struct mlt_str rest) {
  int n = snprintf(out, PATH_MAX, "%s%s%.*s", folder, rest.len ? "/" : "", (int)rest.len, rest.p);
  return n < PATH_MAX;
}

/* The map whose FROM is longest. */
static const struct map *map_of(const struct mlt_places *p, const struct mlt_location *l,
                                struct mlt_str *rest) {
  const struct map *best = NULL;
  struct mlt_str below;
  for (size_t i = 0; i < p->n_maps; i++)
    if (mlt_location_below(l, &p->maps[i].from, &below) &&
        (!best || p->maps[i].from.len > best->from.len)) {
      best = &p->maps[i];
      *rest = below;
    }
  return best;
}

bool mlt_places_remote(const struct mlt_places *p, struct mlt_str uri) {
  struct mlt_location l;
  struct mlt_str rest;
  return uri.len && !mlt_location_parse(&l, uri) && l.kind == MLT_LOCATION_REMOTE &&
         !map_of(p, &l, &rest);
}

const char *mlt_places_path(const struct mlt_places *p, const struct mlt_location *l,
                            char out[PATH_MAX]) {
  static const struct mlt_location served = {.kind = MLT_LOCATION_SERVED,
                                             .len = sizeof "mlflow-artifacts:" - 1,
                                             .text = "mlflow-artifacts:"};
  struct mlt_str rest;
  const struct map *m = map_of(p, l, &rest);
  if (*p->destination && mlt_location_below(l, &served, &rest))
    return join(out, p->destination, rest) ? NULL : "is too long a path";
  if (m)
    return join(out, m->to, rest) ? NULL : "is too long a path";
  if (l->kind == MLT_LOCATION_SERVED)
    return "is kept by an MLflow server, and where is not said";
  if (l->kind != MLT_LOCATION_LOCAL)
    return "is no path of this machine";
  return snprintf(out, PATH_MAX, "%s", l->text) < PATH_MAX ? NULL : "is too long a path";
}

int mlt_places_follow(const struct mlt_places *p, const char *target) {
  struct mlt_location l;
  struct mlt_str rest;
  const struct map *m =
      *target == '/' && !mlt_location_parse(&l, mlt_str_c(target)) ? map_of(p, &l, &rest) : NULL;
  if (!m || !rest.len)
    return -ELOOP;
  int top = open(m->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0)
    return -errno;
  int fd = mlt_file_open(top, rest.p, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  (void)close(top);
  return fd;
}

/* ---- checking the root ---- */

struct fit {
  enum mlt_column column;
  const char *what;
  size_t len; /* of the longest */
};

static enum mlt_rc check_fit(const struct mlt_places *p, const struct mlt_limits *limits,
                             const struct fit *f, struct mlt_err *err) {
  uint32_t limit = limits->chars[f->column];
  if (!limit || f->len <= limit)
    return MLT_OK;
  const struct mlt_column_info *c = mlt_column_info(f->column);
  size_t root = mlt_utf8_length(mlt_str_c(p->root)), over = f->len - limit;
  enum mlt_rc rc = mlt_err_set(
      err, MLT_USAGE,
      "the artifact root %s has %zu characters, with which %s come to %zu: %s.%s holds %u", p->root,
      root, f->what, f->len, mlt_table_name(c->table), c->name, limit);
  mlt_err_hint(err, "give an --artifact-root of at most %zu characters",
               root > over ? root - over : 0);
  return rc;
}

enum mlt_rc mlt_places_fit(const struct mlt_places *p, const struct mlt_limits *limits,
                           struct mlt_err *err) {
  char location[PATH_MAX + 32];
  const struct mlt_str run = MLT_STR_LIT("0123456789abcdef0123456789abcdef");
  const struct mlt_str model = MLT_STR_LIT("models/m-0123456789abcdef0123456789abcdef");
  if (mlt_utf8_invalid(mlt_str_c(p->root)) >= 0)
    return mlt_err_set(err, MLT_USAGE, "the artifact root is not valid UTF-8");
  (void)mlt_rule_artifact_location(location, sizeof location, p->root, INT32_MAX);
  struct mlt_str at = mlt_str_c(location);
  size_t characters = mlt_utf8_length(at), bytes = at.len - characters;
  const struct fit fits[] = {
      {MLT_C_RUNS_artifact_uri, "URIs of runs", mlt_rule_artifact_uri(NULL, 0, at, run) - bytes},
      {MLT_C_EXPERIMENTS_artifact_location, "locations of experiments", characters},
      {MLT_C_LOGGED_MODELS_artifact_location, "URIs of logged models",
       mlt_rule_artifact_uri(NULL, 0, at, model) - bytes}};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof fits / sizeof *fits; i++)
    rc = check_fit(p, limits, &fits[i], err);
  return rc;
}

static const char *path_of_root(const struct mlt_places *p, struct mlt_location *l,
                                char path[PATH_MAX]) {
  const char *wrong = mlt_location_parse(l, mlt_str_c(p->root));
  return wrong ? wrong : mlt_places_path(p, l, path);
}

const char *mlt_places_root_path(const struct mlt_places *p, char path[PATH_MAX]) {
  struct mlt_location l;
  return path_of_root(p, &l, path);
}

enum mlt_rc mlt_places_reach(const struct mlt_places *p, struct mlt_err *err) {
  char path[PATH_MAX];
  struct mlt_location l;
  const char *wrong = path_of_root(p, &l, path);
  if (!wrong)
    return MLT_OK;
  enum mlt_rc rc = mlt_err_set(err, MLT_USAGE, "the artifact root %s %s", p->root, wrong);
  mlt_err_hint(err, l.kind == MLT_LOCATION_SERVED
                        ? "--artifacts-destination DIR: the folder that the server has by that "
                          "name; or --artifact-root DIR: a folder that server and clients see"
                        : "--map ROOT=DIR says which folder it is here");
  return rc;
}

/* ---- finding ---- */

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_link(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Is anything in it? What cannot be read is, too: that is to be told when it is placed. */
static bool has_any(const char *path) {
  DIR *d = opendir(path);
  if (!d)
    return is_folder(path);
  size_t n = 0;
  while (n < 3 && readdir(d)) /* "." and ".." are two */
    n++;
  (void)closedir(d);
  return n == 3;
}

/* Does the path, its links resolved, lie below the folder? */
static bool lies_below(const char *path, const char *folder) {
  char real[PATH_MAX], top[PATH_MAX];
  if (!realpath(path, real) || !realpath(folder, top))
    return false;
  size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
  return strncmp(real, top, n) == 0 && (real[n] == '/' || !real[n]);
}

/* How many components a path of MLflow's own has below its root:
   ROOT/<experiment>/<run>/artifacts, ROOT/<experiment>/models/<model>/artifacts. */
static unsigned depth_of(const struct mlt_location *l) {
  static const char models[] = "/models";
  enum { RUN = 3, MODEL = 4, N = sizeof models - 1 };
  struct mlt_location up = *l;
  bool model =
      mlt_location_up(&up, 2) && up.len >= N && memcmp(up.text + up.len - N, models, N) == 0;
  return model ? MODEL : RUN;
}

bool mlt_places_root_of(const struct mlt_place_of *what, struct mlt_location *root) {
  return !mlt_location_parse(root, what->uri) && mlt_location_is_of(root, what->id) &&
         mlt_location_up(root, depth_of(root)) && root->len;
}

/* Is there the root, or the experiment's folder? Then MLflow has only not made the folder. */
static bool has_root(const struct mlt_location *l) {
  struct mlt_location up = *l;
  unsigned depth = depth_of(l);
  if (!mlt_location_up(&up, depth - 1) || !up.len)
    return false;
  return is_folder(up.text) || (mlt_location_up(&up, 1) && up.len && is_folder(up.text));
}

/* Do both end alike, from the name of the root on? Then the source's own folder is the one that was
   recorded, wherever the store was then. */
static bool same_end(struct mlt_str files, const struct mlt_location *recorded) {
  struct mlt_location up = *recorded;
  if (!mlt_location_up(&up, depth_of(recorded) + 1))
    return false;
  struct mlt_str end = {recorded->text + up.len, recorded->len - up.len};
  return files.len >= end.len && memcmp(files.p + files.len - end.len, end.p, end.len) == 0;
}

static bool is_path(const struct mlt_location *l) {
  return l->kind == MLT_LOCATION_LOCAL || l->kind == MLT_LOCATION_RELATIVE ||
         l->kind == MLT_LOCATION_WINDOWS;
}

static enum mlt_found found_at(const char *path, bool under) {
  struct mlt_location l;
  if (is_folder(path))
    return under ? MLT_FOUND_FOLDER : MLT_FOUND_LINK;
  l.kind = MLT_LOCATION_LOCAL;
  l.len = strlen(path);
  if (l.len > MLT_LOCATION_MAX)
    return MLT_FOUND_MISSING;
  memcpy(l.text, path, l.len + 1);
  return has_root(&l) ? MLT_FOUND_NOTHING : MLT_FOUND_MISSING;
}

static enum mlt_found find_recorded(const struct mlt_place_of *what, const struct mlt_location *l,
                                    char path[PATH_MAX]) {
  (void)snprintf(path, PATH_MAX, "%.*s", (int)l->len, l->text);
  if (l->kind == MLT_LOCATION_REMOTE)
    return MLT_FOUND_REMOTE;
  bool moved = what->files.p && is_path(l) && same_end(what->files, l);
  if (moved && what->moves)
    return MLT_FOUND_NOTHING;
  /* any other path may be anybody's: whoever wrote the source could have it copied */
  bool own = l->kind == MLT_LOCATION_LOCAL && mlt_location_is_of(l, what->id);
  enum mlt_found found = own ? found_at(path, true) : MLT_FOUND_MISSING;
  if (found == MLT_FOUND_FOLDER && !has_any(path))
    return MLT_FOUND_NOTHING;
  return found == MLT_FOUND_MISSING && moved ? MLT_FOUND_NOTHING : found;
}

/* The source's own folder; MISSING when there is nothing in it. */
static enum mlt_found find_own(const struct mlt_place_of *what, char path[PATH_MAX]) {
  const char *files = what->files.p;
  if (!files || what->files.len >= PATH_MAX || (!is_link(files) && !has_any(files)))
    return MLT_FOUND_MISSING;
  (void)snprintf(path, PATH_MAX, "%s", files);
  return is_link(path) ? MLT_FOUND_LINK : MLT_FOUND_FOLDER;
}

enum mlt_found mlt_places_find(const struct mlt_places *p, const struct mlt_place_of *what,
                               char path[PATH_MAX]) {
  struct mlt_location l;
  struct mlt_str rest;
  const char *wrong = mlt_location_parse(&l, what->uri);
  const struct map *m = wrong ? NULL : map_of(p, &l, &rest);
  enum mlt_found mapped = MLT_FOUND_MISSING;
  if (m && join(path, m->to, rest))
    mapped = found_at(path, lies_below(path, m->to));
  if (mapped == MLT_FOUND_FOLDER || mapped == MLT_FOUND_LINK)
    return mapped;
  char own_path[PATH_MAX];
  enum mlt_found own = find_own(what, own_path);
  if (own != MLT_FOUND_MISSING) {
    memcpy(path, own_path, sizeof own_path);
    return own;
  }
  if (m || what->files_all || !what->uri.len)
    return m ? mapped : MLT_FOUND_NOTHING;
  if (!wrong)
    return find_recorded(what, &l, path);
  (void)snprintf(path, PATH_MAX, "%.*s", MLT_STR_ARG(what->uri));
  return MLT_FOUND_MISSING;
}

/* ---- destinations ---- */

/* The target's artifact root ("": not on this machine), or of a folder elsewhere what MLflow's
   would be. */
static void cut_root(const struct mlt_location *folder, const char *root,
                     struct mlt_location *out) {
  struct mlt_str rest;
  struct mlt_location top = {.kind = MLT_LOCATION_LOCAL, .len = strlen(root)};
  if (top.len && top.len <= MLT_LOCATION_MAX) {
    memcpy(top.text, root, top.len + 1);
    if (mlt_location_below(folder, &top, &rest) && rest.len) {
      *out = top;
      return;
    }
  }
  *out = *folder;
  (void)mlt_location_up(out, depth_of(folder));
}

const char *mlt_places_destination(const struct mlt_places *p, struct mlt_str uri,
                                   struct mlt_destination *out) {
  struct mlt_location l, folder = {.kind = MLT_LOCATION_LOCAL}, root;
  char path[PATH_MAX], top[PATH_MAX];
  const char *wrong = mlt_location_parse(&l, uri);
  if (!wrong)
    wrong = mlt_places_path(p, &l, path);
  if (wrong)
    return wrong;
  folder.len = strlen(path);
  if (folder.len > MLT_LOCATION_MAX)
    return "is too long a path";
  memcpy(folder.text, path, folder.len + 1);
  if (mlt_location_parse(&l, mlt_str_c(p->root)) || mlt_places_path(p, &l, top))
    *top = '\0';
  cut_root(&folder, top, &root);
  if (root.len == folder.len)
    return "is too short for a folder of artifacts";
  (void)snprintf(out->root, PATH_MAX, "%s", root.len ? root.text : "/");
  (void)snprintf(out->path, PATH_MAX, "%s", folder.text + root.len + 1);
  return NULL;
}

bool mlt_places_same(const char *folder, const struct mlt_destination *d) {
  char path[PATH_MAX];
  struct stat a, b;
  return join(path, d->root, mlt_str_c(d->path)) && stat(folder, &a) == 0 && stat(path, &b) == 0 &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool mlt_places_in_source(const struct mlt_places *p, const struct mlt_destination *d) {
  return *p->source && lies_below(d->root, p->source);
}
