#include "argv.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { ARGUMENT_MAX = 4 * 1024 * 1024 };

/* Masked, in as many bytes: longer or shorter by what "***" differs from the password. */
static void overwrite(char *argument, struct mlt_str masked) {
  size_t room = strlen(argument), n = masked.len < room ? masked.len : room;
  memcpy(argument, masked.p, n);
  memset(argument + n, ' ', room - n);
}

/* What the program reads of this argument from now on. */
static char *hide(char *argument, bool *hidden) {
  struct mlt_buf b;
  char *copy = NULL;
  mlt_buf_init(&b, ARGUMENT_MAX);
  if (mlt_text_mask(&b, mlt_str_c(argument)) == MLT_OK && !mlt_str_is(mlt_buf_str(&b), argument))
    copy = mlt_strdup(argument);
  if (copy) {
    overwrite(argument, mlt_buf_str(&b));
    *hidden = true;
  }
  mlt_buf_free(&b);
  return copy ? copy : argument;
}

void mlt_argv_hide(struct mlt_argv *out, int argc, char **argv) {
  char **v = mlt_calloc((size_t)argc + 1, sizeof *v);
  *out = (struct mlt_argv){.v = v ? v : argv, .n = argc};
  for (int i = 0; v && i < argc; i++)
    v[i] = hide(argv[i], &out->hidden);
}

void mlt_argv_free(struct mlt_argv *a, char *const *argv) {
  if (a->v == argv)
    return;
  for (int i = 0; i < a->n; i++)
    if (a->v[i] != argv[i])
      mlt_free(a->v[i]);
  mlt_free(a->v);
}
