/* Where a source has the files of runs and logged models. Paths are the file system's: any bytes
   but NUL, no text of a table. */
#include "batch/private.h"

enum mlt_rc mlt_batch_keep_path(struct mlt_batch *b, struct mlt_str *path, struct mlt_err *err) {
  return mlt_arena_str(b->arena, *path, path) == 0 ? MLT_OK : mlt_err_nomem(err);
}

enum mlt_rc mlt_batch_add_artifact(struct mlt_batch *b, const struct mlt_record *rec,
                                   struct mlt_err *err) {
  if (b->priv->skip)
    return MLT_OK;
  struct mlt_batch_artifact a = {
      .run = (uint32_t)(b->runs.n - 1), .a = rec->artifact, .place_line = rec->place.line};
  if (!MLT_VEC_ROOM(b->artifacts) || mlt_arena_str(b->arena, a.a.path, &a.a.path) != 0 ||
      mlt_arena_str(b->arena, rec->place.path, &a.place_path) != 0)
    return mlt_err_nomem(err);
  enum mlt_rc rc = mlt_batch_keep_path(b, &a.a.file, err);
  if (rc == MLT_OK)
    b->artifacts.v[b->artifacts.n++] = a;
  return rc;
}
