#include "model/preflight.h"

enum mlt_rc mlt_preflight_warn(struct mlt_preflight *p, const char *code, const char *text,
                               const char *mend, struct mlt_err *err) {
  if (p->n_warnings == MLT_PREFLIGHT_WARNINGS)
    return MLT_OK;
  struct mlt_preflight_warning *w = &p->warnings[p->n_warnings];
  *w = (struct mlt_preflight_warning){
      .code = code, .text = mlt_arena_cstr(p->arena, text), .mend = mlt_arena_cstr(p->arena, mend)};
  if (!w->text || !w->mend)
    return mlt_err_nomem(err);
  p->n_warnings++;
  return MLT_OK;
}
