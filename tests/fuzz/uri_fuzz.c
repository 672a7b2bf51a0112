/* mlt_target_parse: any text is a target or refused with a reason; and a password, put behind
   whatever user and before whatever host, is never in what people and logs see. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_TEXT = 2000 };
static const char canary[] = "xyzzyPlugh";

static void check(bool held) {
  if (!held)
    abort();
}

static void parse(const char *uri, bool secret) {
  struct mlt_target t = {0};
  struct mlt_err err = MLT_ERR_INIT;
  if (mlt_target_parse(&t, uri, &err) == MLT_OK) {
    check(t.kind == MLT_TARGET_PG ? t.conninfo != NULL : t.path && *t.path);
    check(t.display && !(secret && strstr(t.display, canary)));
    check(!(secret && t.dropped && strstr(t.dropped, canary)));
  } else {
    check(err.rc != MLT_OK && *err.msg);
    check(!(secret && (strstr(err.msg, canary) || strstr(err.hint, canary))));
  }
  mlt_target_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[MAX_TEXT + 1], uri[2 * MAX_TEXT];
  if (size > MAX_TEXT)
    return 0;
  if (size)
    memcpy(text, data, size);
  text[size] = '\0';
  parse(text, false);
  if (strstr(text, canary))
    return 0;
  size_t user = strcspn(text, ":/?#@[]"); /* what may not stand before the password */
  const char *rest = text + user + (text[user] != '\0');
  (void)snprintf(uri, sizeof uri, "postgresql://%.*s:%s@%s", (int)user, text, canary, rest);
  parse(uri, true);
  (void)snprintf(uri, sizeof uri, "postgresql+psycopg2://u@%s?password=%s", text, canary);
  if (!strpbrk(text, "?#"))
    parse(uri, true);
  return 0;
}
