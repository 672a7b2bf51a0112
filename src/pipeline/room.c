#include "pipeline/room.h"

#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/temp.h"

enum {
  /* Rows with their indexes, for each byte of text: 40 bytes a point of a FileStore become 160. */
  ROWS_PER_TEXT = 4,
  LEAST_SORTING = 16 << 20, /* a run's points take 32 bytes each */
  MIB = 1 << 20
};
static const uint64_t EMPTY_DATABASE = 128 << 10; /* MLflow's tables alone take more */
static const double WALK_SECONDS = 0.05;          /* what is known by then is known */

struct sizes {
  uint64_t rows, artifacts; /* bytes of files that hold them; 0: not known */
};

/* Sums up what is in a store of files, as far as that is quick. */
static void walk(const char *path, struct sizes *out) {
  char *const roots[] = {(char *)(uintptr_t)path, NULL};
  double until = mlt_clock_seconds() + WALK_SECONDS;
  FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  int artifacts = 0; /* the level of the folder of artifacts we are in */
  for (FTSENT *e; tree && (e = fts_read(tree)) && mlt_clock_seconds() < until;) {
    bool folder = e->fts_info == FTS_D && e->fts_level > 0;
    if (artifacts && e->fts_level <= artifacts)
      artifacts = 0;
    if (folder && !artifacts && strcmp(e->fts_name, "artifacts") == 0)
      artifacts = e->fts_level;
    if (e->fts_info == FTS_F)
      *(artifacts ? &out->artifacts : &out->rows) += (uint64_t)e->fts_statp->st_size;
  }
  if (tree)
    (void)fts_close(tree);
}

/* What the rows of the source will take in a SQLite file, and what its artifacts take. What is
   compressed tells nothing. */
static struct sizes estimate(const struct mlt_room_opts *o) {
  struct sizes s = {0};
  struct stat st;
  struct mlt_str path = mlt_str_c(o->source);
  if (o->holds == MLT_HOLDS_STORE)
    walk(o->source, &s);
  else if (o->holds != MLT_HOLDS_OTHER && stat(o->source, &st) == 0 && S_ISREG(st.st_mode) &&
           !mlt_str_ends(path, ".gz") && !mlt_str_ends(path, ".zst"))
    s.rows = (uint64_t)st.st_size;
  s.rows *= o->holds == MLT_HOLDS_ROWS ? 1 : ROWS_PER_TEXT;
  return s;
}

/* Of the nearest folder of the path that is there. File systems that hold no files of ours, and
   some that are mounted from elsewhere, say that they have no blocks at all: nothing is known,
   then. */
static bool free_space(const char *path, char folder[PATH_MAX], uint64_t *out) {
  struct statvfs fs;
  (void)snprintf(folder, PATH_MAX, "%s", path);
  while (statvfs(folder, &fs) != 0) {
    char *slash = strrchr(folder, '/');
    if (strcmp(folder, ".") == 0 || strcmp(folder, "/") == 0)
      return false;
    if (!slash)
      (void)snprintf(folder, PATH_MAX, ".");
    else
      slash[slash == folder] = '\0';
  }
  *out = (uint64_t)fs.f_bavail * fs.f_frsize;
  return fs.f_blocks > 0;
}

static enum mlt_rc add_room(struct mlt_preflight *p, const char *what, const char *path,
                            uint64_t needs, uint64_t least, const char *mend, struct mlt_err *err) {
  char folder[PATH_MAX], text[PATH_MAX + 200];
  uint64_t left;
  if (!free_space(path, folder, &left))
    return MLT_OK;
  struct mlt_preflight_room *r = &p->rooms[p->n_rooms];
  *r = (struct mlt_preflight_room){
      .what = what, .path = mlt_arena_cstr(p->arena, folder), .free = left, .needs = needs};
  if (!r->path)
    return mlt_err_nomem(err);
  p->n_rooms++;
  if (left >= needs && left >= least)
    return MLT_OK;
  int n =
      snprintf(text, sizeof text, "%s: %" PRIu64 " MiB are free in %s", what, left / MIB, folder);
  if (needs > left)
    (void)snprintf(text + n, sizeof text - (size_t)n, ", about %" PRIu64 " are needed, by estimate",
                   needs / MIB + 1);
  return mlt_preflight_warn(p, "little-room", text, mend, err);
}

static enum mlt_rc look_at_database(const struct mlt_room_opts *o, uint64_t needs,
                                    struct mlt_preflight *p, struct mlt_err *err) {
  char folder[PATH_MAX];
  (void)snprintf(folder, sizeof folder, "%s", o->target->path);
  char *slash = strrchr(folder, '/');
  bool is_new = access(folder, F_OK) != 0;
  if (slash)
    slash[slash == folder] = '\0';
  enum mlt_rc rc = add_room(p, "database", slash ? folder : ".", needs, 0,
                            "free some, or choose another disk", err);
  if (rc != MLT_OK || !is_new || !p->n_rooms || p->rooms[0].free >= EMPTY_DATABASE)
    return rc;
  rc = mlt_err_set(err, MLT_IO,
                   "%s: %" PRIu64 " KiB are free in %s, less than an empty database takes",
                   o->target->path, p->rooms[0].free / 1024, p->rooms[0].path);
  mlt_err_hint(err, "free some, or choose another disk");
  return rc;
}

enum mlt_rc mlt_room_look(const struct mlt_room_opts *o, struct mlt_preflight *p,
                          struct mlt_err *err) {
  bool file = o->target->kind == MLT_TARGET_SQLITE;
  const struct sizes s = file || o->artifacts ? estimate(o) : (struct sizes){0};
  enum mlt_rc rc = file ? look_at_database(o, s.rows, p, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = add_room(p, "sorting", mlt_temp_folder(), 0, LEAST_SORTING,
                  "set TMPDIR to a folder on a disk with room, should runs exceed --memory", err);
  if (rc == MLT_OK && o->artifacts)
    rc = add_room(p, "artifacts", o->artifacts, s.artifacts, 0, "free some, or --artifacts link",
                  err);
  return rc;
}
