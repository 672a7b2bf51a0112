#include "source/fault.h"

#include <stdarg.h>
#include <stdio.h>

enum mlt_rc mlt_blame(struct mlt_fault *f, const char *code, const char *fmt, ...) {
  if (f->code)
    return MLT_DATA;
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(f->text, sizeof f->text, fmt, ap);
  va_end(ap);
  f->code = code;
  return MLT_DATA;
}

void mlt_fault_tell(struct mlt_fault *f, struct mlt_record *rec, struct mlt_str id,
                    struct mlt_note n) {
  n.id = id.len ? id : MLT_STR_NULL;
  n.place = rec->place;
  n.code = f->code;
  n.reason = mlt_str_c(f->text);
  rec->note = n;
  f->code = NULL;
}
