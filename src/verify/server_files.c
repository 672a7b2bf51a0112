/* The artifacts of a run as the server lists and gives them, set against the files on this machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"
#include "pipeline/places.h"
#include "verify/server.h"

/* Of one run: what is listed, and what is fetched and hashed. */
enum { LISTED_MAX = 1000, FETCHED_MAX = 5, FETCHED_BYTES = 64 << 20 };

struct files {
  struct mlt_server *s;
  int folder;                      /* the run's, on this machine; -1: not here */
  bool missing;                    /* on this machine it would be here, but is not there */
  MLT_VEC(struct mlt_str) folders; /* that are to be listed */
  size_t listed, fetched;
  struct mlt_hasher *hasher;
  uint64_t bytes; /* of the file that is being fetched */
};

static void tell(struct files *f, struct mlt_str path, const char *what) {
  mlt_server_found(f->s, MLT_FINDING_SERVER_FILE, path, "%s", what);
}

/* ---- contents ---- */

static enum mlt_rc hash_part(void *ctx, const void *p, size_t n) {
  struct files *f = ctx;
  f->bytes += n;
  return mlt_hasher_add(f->hasher, p, n) ? MLT_OK : MLT_NOMEM;
}

static int hash_file(struct files *f, int fd, unsigned char out[MLT_SHA256_BYTES]) {
  char buffer[65536];
  ssize_t n;
  if (!mlt_hasher_start(f->hasher))
    return -ENOMEM;
  while ((n = mlt_file_read(fd, buffer, sizeof buffer)) > 0)
    if (!mlt_hasher_add(f->hasher, buffer, (size_t)n))
      return -ENOMEM;
  if (n == 0 && !mlt_hasher_finish(f->hasher, out))
    return -ENOMEM;
  return (int)n;
}

/* Does the server give the bytes that are here? */
static enum mlt_rc fetch(struct files *f, struct mlt_str path, int fd, struct mlt_err *err) {
  unsigned char here[MLT_SHA256_BYTES], there[MLT_SHA256_BYTES];
  const struct mlt_http_param params[] = {{"run_uuid", f->s->run}, {"path", path}};
  struct mlt_err refusal = MLT_ERR_INIT;
  int bad = hash_file(f, fd, here);
  if (bad == -ENOMEM || !mlt_hasher_start(f->hasher))
    return mlt_err_nomem(err);
  if (bad < 0) {
    tell(f, path, strerror(-bad));
    return MLT_OK;
  }
  f->bytes = 0;
  f->fetched++;
  enum mlt_rc rc = mlt_http_get(f->s->http, "get-artifact", params, 2, hash_part, f, &refusal);
  if (rc == MLT_OK && !mlt_hasher_finish(f->hasher, there))
    return mlt_err_nomem(err);
  if (rc == MLT_OK && memcmp(here, there, sizeof here) != 0)
    mlt_server_found(f->s, MLT_FINDING_SERVER_FILE, path,
                     "the server gives other bytes than the file here has (%" PRIu64 " bytes)",
                     f->bytes);
  else if (rc == MLT_NOINPUT || rc == MLT_PROTOCOL || rc == MLT_UNAVAILABLE)
    tell(f, path, refusal.msg);
  else if (rc != MLT_OK)
    *err = refusal;
  return rc == MLT_NOMEM || rc == MLT_CANCELLED || rc == MLT_NOPERM ? rc : MLT_OK;
}

/* ---- listing ---- */

static enum mlt_rc take_file(struct files *f, struct mlt_str path, struct mlt_str size,
                             struct mlt_err *err) {
  char name[PATH_MAX];
  struct stat st;
  int64_t bytes = 0;
  if (f->folder < 0) /* the folder is elsewhere: nothing to set it against */
    return MLT_OK;
  if (path.len >= sizeof name || !mlt_file_path_valid(path)) {
    tell(f, path, "the server lists a path that is none");
    return MLT_OK;
  }
  memcpy(name, path.p, path.len);
  name[path.len] = '\0';
  int fd = mlt_file_open(f->folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    mlt_server_found(f->s, MLT_FINDING_SERVER_FILE, path, "the server lists it, here: %s",
                     strerror(-fd));
    return MLT_OK;
  }
  enum mlt_rc rc = MLT_OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    tell(f, path, "the server lists it as a file, here it is none");
  else if (mlt_parse_i64(size, &bytes) && bytes != st.st_size)
    mlt_server_found(f->s, MLT_FINDING_SERVER_FILE, path,
                     "the server says %" PRId64 " bytes, here it has %" PRId64, bytes,
                     (int64_t)st.st_size);
  else if (f->fetched < FETCHED_MAX && st.st_size <= FETCHED_BYTES)
    rc = fetch(f, path, fd, err);
  (void)close(fd);
  return rc;
}

static enum mlt_rc remember_folder(struct files *f, struct mlt_str path, struct mlt_err *err) {
  struct mlt_str kept;
  if (!MLT_VEC_ROOM(f->folders) || mlt_arena_str(f->s->arena, path, &kept) < 0)
    return mlt_err_nomem(err);
  f->folders.v[f->folders.n++] = kept;
  return MLT_OK;
}

static enum mlt_rc list(struct files *f, struct mlt_str folder, struct mlt_err *err) {
  struct mlt_json *j = NULL;
  const struct mlt_http_param params[] = {{"run_id", f->s->run}, {"path", folder}};
  enum mlt_rc rc = mlt_server_get(f->s, "api/2.0/mlflow/artifacts/list", params,
                                  folder.len > 0 ? 2 : 1, &j, err);
  const struct mlt_json *files = mlt_json_get(j, "files");
  for (size_t i = 0; rc == MLT_OK && i < mlt_json_length(files); i++) {
    const struct mlt_json *file = mlt_json_at(files, i);
    struct mlt_str path = mlt_json_text(mlt_json_get(file, "path"));
    if (++f->listed > LISTED_MAX)
      break;
    rc = mlt_str_is(mlt_json_text(mlt_json_get(file, "is_dir")), "true")
             ? remember_folder(f, path, err)
             : take_file(f, path, mlt_json_text(mlt_json_get(file, "file_size")), err);
  }
  mlt_json_free(j);
  return rc;
}

/* The server has artifacts of a folder that would be here and is not. */
static void tell_missing(struct files *f) {
  if (f->missing && f->listed > 0)
    tell(f, MLT_STR_NULL, "the server lists artifacts of a folder that is not here");
}

static enum mlt_rc list_all(struct files *f, struct mlt_err *err) {
  enum mlt_rc rc = remember_folder(f, MLT_STR_LIT(""), err);
  while (rc == MLT_OK && f->folders.n > 0 && f->listed < LISTED_MAX) {
    struct mlt_str folder = f->folders.v[--f->folders.n];
    rc = list(f, folder, err);
    if (rc == MLT_OK)
      rc = mlt_verify_tick(f->s->v, err);
  }
  return rc;
}

/* ---- the run ---- */

static void find_folder(struct files *f) {
  struct mlt_location l;
  char path[PATH_MAX];
  struct mlt_str uri = f->s->artifact_uri;
  if (!uri.p || mlt_location_parse(&l, uri) || mlt_places_path(f->s->places, &l, path))
    return;
  f->folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  f->missing = f->folder < 0 && errno == ENOENT;
}

enum mlt_rc mlt_server_files(struct mlt_server *s, struct mlt_err *err) {
  struct files f = {.s = s, .folder = -1, .hasher = mlt_hasher_new()};
  struct mlt_err refusal = MLT_ERR_INIT;
  if (!f.hasher)
    return mlt_err_nomem(err);
  find_folder(&f);
  enum mlt_rc rc = list_all(&f, &refusal);
  if (rc == MLT_OK)
    tell_missing(&f);
  else if (rc == MLT_NOINPUT || rc == MLT_PROTOCOL || rc == MLT_UNAVAILABLE)
    tell(&f, MLT_STR_NULL, refusal.msg);
  else
    *err = refusal;
  if (f.folder >= 0)
    (void)close(f.folder);
  mlt_hasher_free(f.hasher);
  mlt_free(f.folders.v);
  return rc == MLT_NOINPUT || rc == MLT_PROTOCOL || rc == MLT_UNAVAILABLE ? MLT_OK : rc;
}
