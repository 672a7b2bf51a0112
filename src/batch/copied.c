/* Rows of tables that are copied as they are. Whether one can be is for the sink to say, which has
   to know what else goes with it; here is only said what of its text no database takes. */
#include <string.h>

#include "batch/private.h"

static enum mlt_rc keep_value(struct mlt_adding *a, struct mlt_copied_row *row, unsigned i,
                              struct mlt_value *v) {
  *v = a->rec->copied.v[i];
  if (v->kind != MLT_V_TEXT)
    return MLT_OK;
  if (row->fault == MLT_COPIED_SOUND && mlt_rule_text(v->s)) {
    row->fault = MLT_COPIED_TEXT;
    row->at = i;
  }
  return mlt_arena_str(a->b->arena, v->s, &v->s) == 0 ? MLT_OK : mlt_err_nomem(a->err);
}

enum mlt_rc mlt_batch_add_copied(struct mlt_adding *a) {
  struct mlt_batch *b = a->b;
  struct mlt_copied_row row = a->rec->copied;
  struct mlt_value *v = mlt_arena_alloc(b->arena, row.n * sizeof *v);
  if (!v || !MLT_VEC_ROOM(b->copied) || mlt_arena_str(b->arena, row.experiment, &row.experiment))
    return mlt_err_nomem(a->err);
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < row.n && rc == MLT_OK; i++)
    rc = keep_value(a, &row, i, &v[i]);
  row.v = v;
  b->copied.v[b->copied.n++] = row;
  return rc;
}
