#include "pipeline/report.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"

static enum mlt_rc copy_note(struct mlt_report *r, const struct mlt_note *n, struct mlt_note *out,
                             struct mlt_err *err) {
  *out = *n;
  if (mlt_arena_str(r->arena, n->id, &out->id) != 0 ||
      mlt_arena_str(r->arena, n->place.path, &out->place.path) != 0 ||
      mlt_arena_str(r->arena, n->place.field, &out->place.field) != 0 ||
      mlt_arena_str(r->arena, n->reason, &out->reason) != 0)
    return mlt_err_nomem(err);
  return MLT_OK;
}

static enum mlt_rc count_ignored(struct mlt_report *r, const struct mlt_note *n,
                                 struct mlt_err *err) {
  size_t i = 0, last = MLT_REPORT_IGNORED - 1;
  while (i < last && r->ignored[i].what && strcmp(r->ignored[i].what, n->what) != 0)
    i++;
  struct mlt_ignored *g = &r->ignored[i];
  bool first = !g->what;
  g->what = i < last ? n->what : "other things";
  g->n += n->rows;
  return first ? copy_note(r, n, &g->first, err) : MLT_OK;
}

static enum mlt_rc count_change(struct mlt_report *r, const struct mlt_note *n,
                                struct mlt_err *err) {
  size_t i = 0, last = MLT_REPORT_CHANGES - 1;
  r->changes++;
  while (i < last && r->changed[i].code && strcmp(r->changed[i].code, n->code) != 0)
    i++;
  struct mlt_change *c = &r->changed[i];
  c->code = i < last ? n->code : "other";
  return c->n++ ? MLT_OK : copy_note(r, n, &c->first, err);
}

static enum mlt_rc keep_reject(struct mlt_report *r, const struct mlt_note *n,
                               struct mlt_err *err) {
  r->conflicts += n->kind == MLT_NOTE_CONFLICT;
  return r->n_notes == MLT_REPORT_NOTES ? MLT_OK : copy_note(r, n, &r->notes[r->n_notes++], err);
}

enum mlt_rc mlt_report_note(struct mlt_report *r, const struct mlt_note *n, struct mlt_err *err) {
  if (n->kind == MLT_NOTE_IGNORED)
    return count_ignored(r, n, err);
  if (n->kind == MLT_NOTE_CHANGED)
    return count_change(r, n, err);
  return keep_reject(r, n, err);
}

static enum mlt_rc show_source(struct mlt_report *r, const char *source, struct mlt_err *err) {
  struct mlt_buf masked;
  mlt_buf_init(&masked, SIZE_MAX);
  if (mlt_text_mask(&masked, mlt_str_c(source)) == MLT_OK && mlt_buf_cstr(&masked))
    r->shown = mlt_arena_cstr(r->arena, masked.p);
  mlt_buf_free(&masked);
  return r->shown ? MLT_OK : mlt_err_nomem(err);
}

enum mlt_rc mlt_report_init(struct mlt_report *r, const char *source, struct mlt_err *err) {
  *r = (struct mlt_report){.arena = mlt_arena_new()};
  if (!r->arena)
    return mlt_err_nomem(err);
  r->preflight.arena = r->arena;
  r->notes = mlt_arena_alloc(r->arena, MLT_REPORT_NOTES * sizeof *r->notes);
  return r->notes ? show_source(r, source, err) : mlt_err_nomem(err);
}

void mlt_report_free(struct mlt_report *r) {
  mlt_arena_free(r->arena);
  r->arena = NULL;
}
