/* The points of one run, wherever they are. */
#include "base/mem.h"
#include "batch/private.h"

enum { BUFFERED = 2048 }; /* points read at once: 64 KiB */

struct mlt_batch_cursor {
  const struct mlt_batch *b;
  size_t next, end;               /* of the columns, or of the spill */
  struct mlt_spill_point *buffer; /* NULL: the points are in memory */
  size_t at, held;                /* of the buffer */
};

enum mlt_rc mlt_batch_cursor_open(struct mlt_batch_cursor **out, const struct mlt_batch *b,
                                  size_t run, struct mlt_err *err) {
  const struct mlt_batch_run *r = &b->runs.v[run];
  struct mlt_batch_cursor *c = mlt_alloc(sizeof *c);
  if (!c)
    return mlt_err_nomem(err);
  *c = (struct mlt_batch_cursor){
      .b = b, .next = r->points.first, .end = r->points.first + r->points.n};
  if (r->spilled) {
    c->buffer = mlt_reallocarray(NULL, BUFFERED, sizeof *c->buffer);
    if (!c->buffer) {
      mlt_free(c);
      return mlt_err_nomem(err);
    }
  }
  *out = c;
  return MLT_OK;
}

static void take(const struct mlt_batch_points *p, size_t i, struct mlt_batch_point *out) {
  *out = (struct mlt_batch_point){p->key[i], p->step[i], p->timestamp[i], p->value[i],
                                  p->is_nan[i] != 0};
}

static enum mlt_rc refill(struct mlt_batch_cursor *c, struct mlt_err *err) {
  c->at = 0;
  c->held = c->end - c->next < BUFFERED ? c->end - c->next : BUFFERED;
  enum mlt_rc rc = mlt_spill_read(&c->b->priv->spill, c->next, c->buffer, c->held, err);
  c->next += c->held;
  return rc;
}

enum mlt_rc mlt_batch_cursor_next(struct mlt_batch_cursor *c, struct mlt_batch_point *out,
                                  struct mlt_err *err) {
  if (c->at == c->held && c->next == c->end)
    return MLT_END;
  if (!c->buffer) {
    take(&c->b->points, c->next++, out);
    return MLT_OK;
  }
  if (c->at == c->held) {
    enum mlt_rc rc = refill(c, err);
    if (rc != MLT_OK)
      return rc;
  }
  const struct mlt_spill_point *p = &c->buffer[c->at++];
  *out = (struct mlt_batch_point){p->key, p->step, p->timestamp, p->value, p->is_nan != 0};
  return MLT_OK;
}

void mlt_batch_cursor_close(struct mlt_batch_cursor *c) {
  if (!c)
    return;
  mlt_free(c->buffer);
  mlt_free(c);
}
