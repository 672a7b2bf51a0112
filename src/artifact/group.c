/* Groups, their folders, and what was put into those; see artifact.h. */
#include "artifact/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { KNOWN_MAX = 1 << 20 }; /* entries of a manifest that are kept; a longer one is passed over */

enum mlt_rc mlt_placer_group(struct mlt_placer *p, struct mlt_placer_group **out,
                             struct mlt_err *err) {
  *out = NULL;
  enum mlt_rc rc = mlt_placer_result(p, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_placer_group *g = mlt_calloc(1, sizeof *g);
  if (!g || !(g->arena = mlt_arena_new())) {
    mlt_free(g);
    return mlt_err_nomem(err);
  }
  g->p = p;
  (void)pthread_mutex_init(&g->lock, NULL);
  (void)pthread_mutex_init(&g->commit, NULL);
  *out = g;
  return MLT_OK;
}

static void wait_idle(struct mlt_placer_group *g) {
  struct mlt_placer *p = g->p;
  (void)pthread_mutex_lock(&p->lock);
  while (g->jobs)
    (void)pthread_cond_wait(&p->idle, &p->lock);
  (void)pthread_mutex_unlock(&p->lock);
}

static void drop_staged(struct mlt_placer_folder *f) {
  char name[MLT_STAGED_NAME];
  for (size_t i = 0; i < f->done.n; i++)
    if (f->done.v[i].staged) {
      mlt_staged_name(name, f->done.v[i].staged);
      (void)unlinkat(f->root->staging, name, 0);
    }
}

void mlt_placer_group_free(struct mlt_placer_group *g) {
  if (!g)
    return;
  wait_idle(g);
  for (struct mlt_placer_folder *f = g->folders; f; f = f->next) {
    drop_staged(f);
    mlt_free(f->done.v);
    mlt_arena_free(f->arena);
    mlt_free(f->known.list.v);
    mlt_arena_free(f->known.arena);
    (void)pthread_mutex_destroy(&f->known_lock);
  }
  (void)pthread_mutex_destroy(&g->lock);
  (void)pthread_mutex_destroy(&g->commit);
  mlt_arena_free(g->arena);
  mlt_free(g);
}

enum mlt_rc mlt_placer_folder(struct mlt_placer_group *g, struct mlt_placer_root *root,
                              const char *path, const char *id, struct mlt_placer_folder **out,
                              struct mlt_err *err) {
  *out = NULL;
  if (!mlt_file_path_valid(mlt_str_c(path)))
    return mlt_err_set(err, MLT_USAGE, "%s is not a path below the artifact folder", path);
  if (strlen(root->path) + strlen(path) + 4 > PATH_MAX)
    return mlt_err_set(err, MLT_USAGE, "the path %s/%s is too long", root->path, path);
  if (!mlt_manifest_id_valid(id))
    return mlt_err_set(err, MLT_USAGE, "%s cannot be the name of a manifest", id);
  enum mlt_rc rc = mlt_placer_result(g->p, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_placer_folder *f = mlt_arena_zalloc(g->arena, sizeof *f);
  if (!f || !(f->path = mlt_arena_cstr(g->arena, path)) || !(f->id = mlt_arena_cstr(g->arena, id)))
    return mlt_err_nomem(err);
  f->group = g;
  f->root = root;
  (void)pthread_mutex_init(&f->known_lock, NULL);
  (void)pthread_mutex_lock(&g->lock);
  f->next = g->folders;
  g->folders = f;
  (void)pthread_mutex_unlock(&g->lock);
  *out = f;
  return MLT_OK;
}

static enum mlt_rc put(struct mlt_placer_folder *f, bool tree, const char *source,
                       const char *below, struct mlt_err *err) {
  struct mlt_placer_group *g = f->group;
  enum mlt_rc rc = mlt_placer_result(g->p, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_place_put *one = mlt_arena_zalloc(g->arena, sizeof *one);
  char *path = mlt_arena_cstr(g->arena, source);
  if (!one || !path || !(one->below = mlt_arena_cstr(g->arena, below)))
    return mlt_err_nomem(err);
  for (size_t n = strlen(path); tree && n > 1 && path[n - 1] == '/';)
    path[--n] = '\0'; /* behind which a link would be followed */
  one->source = path;
  one->folder = f;
  one->tree = tree;
  atomic_init(&one->no_clones, false);
  bool nothing = tree && !*below;
  if (source[0] != '/') {
    mlt_place_fault(one, MLT_AT_SOURCE, NULL, "bad-path", 0, "its path is not absolute");
    return MLT_OK;
  }
  if (!nothing && !mlt_file_path_valid(mlt_str_c(below))) {
    mlt_place_fault(one, MLT_AT_TARGET, below, "bad-path", 0,
                    "its path is absolute, empty, or has an empty part, \".\" or \"..\"");
    return MLT_OK;
  }
  if (strlen(f->root->path) + strlen(f->path) + strlen(below) + 4 > PATH_MAX) {
    mlt_place_fault(one, MLT_AT_TARGET, below, "too-long", ENAMETOOLONG, "its path is too long");
    return MLT_OK;
  }
  one->next = g->puts;
  g->puts = one;
  (void)mlt_placer_push(g, &(struct mlt_placer_job){.put = one}, true);
  return MLT_OK;
}

enum mlt_rc mlt_placer_tree(struct mlt_placer_folder *f, const char *source, const char *below,
                            struct mlt_err *err) {
  return put(f, true, source, below, err);
}

enum mlt_rc mlt_placer_file(struct mlt_placer_folder *f, const char *source, const char *name,
                            struct mlt_err *err) {
  return put(f, false, source, name, err);
}

enum mlt_rc mlt_placer_wait(struct mlt_placer_group *g, struct mlt_placed *placed,
                            struct mlt_err *err) {
  struct mlt_placer *p = g->p;
  wait_idle(g);
  (void)pthread_mutex_lock(&p->caller_lock);
  mlt_group_commit(&p->caller, g);
  mlt_group_clear_sources(g);
  (void)pthread_mutex_unlock(&p->caller_lock);
  enum mlt_rc rc = mlt_placer_result(p, err);
  if (placed) {
    (void)pthread_mutex_lock(&p->lock);
    *placed = g->placed;
    (void)pthread_mutex_unlock(&p->lock);
  }
  return rc;
}

/* Files that are done. */

static bool keep(struct mlt_placer_folder *f, const struct mlt_place_entry *e, const char *path) {
  if (!f->arena)
    f->arena = mlt_arena_new();
  if (!f->arena || !MLT_VEC_ROOM(f->done))
    return false;
  const char *copy = mlt_arena_cstr(f->arena, path);
  if (!copy)
    return false;
  struct mlt_place_entry *mine = &f->done.v[f->done.n++];
  *mine = *e;
  mine->is.path = mlt_str_c(copy);
  return true;
}

void mlt_folder_add(struct mlt_placer_worker *w, struct mlt_placer_folder *f,
                    const struct mlt_place_entry *e, const char *path) {
  struct mlt_placer_group *g = f->group;
  (void)pthread_mutex_lock(&g->lock);
  bool kept = keep(f, e, path);
  g->entries += kept;
  g->bytes += e->staged ? e->is.size : 0;
  bool much = g->entries >= MLT_COMMIT_FILES || g->bytes >= MLT_COMMIT_BYTES;
  (void)pthread_mutex_unlock(&g->lock);
  if (!kept) {
    char name[MLT_STAGED_NAME];
    mlt_staged_name(name, e->staged);
    (void)unlinkat(f->root->staging, name, 0);
    (void)mlt_placer_nomem(g->p);
  } else if (much) {
    mlt_group_commit(w, g);
  }
}

/* What the manifest says. */

enum mlt_rc mlt_folder_manifest(struct mlt_placer_folder *f, struct mlt_manifest_reader **out,
                                struct mlt_err *err) {
  char path[MLT_MANIFEST_PATH];
  *out = NULL;
  mlt_manifest_path(path, f->id);
  int fd = f->root->fd < 0 ? -ENOENT
                           : mlt_file_open(f->root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return MLT_END;
  struct mlt_err why = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_manifest_reader_open(out, fd, path, &why);
  if (rc == MLT_OK && strcmp(mlt_manifest_reader_id(*out), f->id) == 0)
    return MLT_OK;
  mlt_manifest_reader_close(*out);
  *out = NULL;
  if (rc == MLT_NOMEM || rc == MLT_SCHEMA) {
    *err = why;
    return rc;
  }
  return MLT_END; /* not whole: it is made anew of what is in the folder */
}

static enum mlt_rc remember(struct mlt_place_known *k, const struct mlt_manifest_entry *e) {
  if (!MLT_VEC_ROOM(k->list))
    return MLT_NOMEM;
  struct mlt_manifest_entry *mine = &k->list.v[k->list.n];
  *mine = *e;
  if (mlt_arena_str(k->arena, e->path, &mine->path) != 0)
    return MLT_NOMEM;
  k->list.n++;
  return MLT_OK;
}

/* A manifest that cannot be read is none: then files are compared by what is in them. */
static void load_known(struct mlt_placer_folder *f) {
  struct mlt_place_known *k = &f->known;
  struct mlt_manifest_reader *r;
  struct mlt_manifest_entry e;
  struct mlt_err err = MLT_ERR_INIT;
  k->loaded = true;
  k->arena = mlt_arena_new();
  enum mlt_rc rc = k->arena ? mlt_folder_manifest(f, &r, &err) : MLT_NOMEM;
  if (rc != MLT_OK)
    return;
  while ((rc = mlt_manifest_next(r, &e, &err)) == MLT_OK && k->list.n < KNOWN_MAX)
    if ((rc = remember(k, &e)) != MLT_OK)
      break;
  if (rc != MLT_END)
    k->list.n = 0;
  mlt_manifest_reader_close(r);
}

static int by_path(const void *key, const void *element) {
  const struct mlt_manifest_entry *e = element;
  return mlt_str_cmp(*(const struct mlt_str *)key, e->path);
}

bool mlt_folder_known(struct mlt_placer_folder *f, const char *path,
                      struct mlt_manifest_entry *out) {
  struct mlt_str key = mlt_str_c(path);
  (void)pthread_mutex_lock(&f->known_lock);
  if (!f->known.loaded)
    load_known(f);
  const struct mlt_manifest_entry *found =
      f->known.list.n ? bsearch(&key, f->known.list.v, f->known.list.n, sizeof *out, by_path)
                      : NULL;
  if (found)
    *out = *found;
  (void)pthread_mutex_unlock(&f->known_lock);
  return found;
}
