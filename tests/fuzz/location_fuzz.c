/* mlt_location: what is made of a URI has one form, holds no way out, and is below itself and below
   each place up from it. Plain paths are read the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool held) {
  if (!held)
    abort();
}

static void check_form(const struct mlt_location *l) {
  check(l->len <= MLT_LOCATION_MAX && strlen(l->text) == l->len);
  check(l->len == 0 || l->text[l->len - 1] != '/');
  check(!strstr(l->text, "/../"));
  check(l->len < 3 || strcmp(l->text + l->len - 3, "/..") != 0);
}

static void check_up(const struct mlt_location *l) {
  struct mlt_location up = *l;
  struct mlt_str rest;
  for (size_t n = l->len + 1; mlt_location_up(&up, 1); n = up.len) {
    check(up.len < n);
    check(mlt_location_below(l, &up, &rest) && rest.len && rest.p[0] != '/');
    check(!mlt_location_below(&up, l, &rest));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mlt_location l, again;
  struct mlt_str uri = {(const char *)data, size}, id, rest;
  if (mlt_location_owner(uri, MLT_STR_NULL, &id, &rest))
    check(id.len >= 32 && rest.p + rest.len == uri.p + uri.len);
  if (mlt_location_parse(&l, uri))
    return 0;
  check_form(&l);
  check(mlt_location_below(&l, &l, &rest) && rest.len == 0);
  if (l.kind == MLT_LOCATION_LOCAL || l.kind == MLT_LOCATION_SERVED)
    check_up(&l);
  if (l.kind == MLT_LOCATION_LOCAL && l.len && !strchr(l.text, '%'))
    check(!mlt_location_parse(&again, mlt_location_str(&l)) && again.len == l.len);
  return 0;
}
