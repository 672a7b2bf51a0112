#include "source/identity.h"

#include <pwd.h>
#include <stdio.h>

#include "base/hash.h"

bool mlt_run_identity(char out[MLT_RUN_ID + 1], struct mlt_str experiment, struct mlt_str run) {
  static const char name_space[] = "mltrack run 1"; /* with its NUL */
  const struct mlt_str parts[] = {{name_space, sizeof name_space}, experiment, {"", 1}, run};
  unsigned char digest[MLT_SHA256_BYTES];
  if (!mlt_sha256(digest, parts, sizeof parts / sizeof *parts))
    return false;
  for (size_t i = 0; i < MLT_RUN_ID / 2; i++)
    (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
  return true;
}

void mlt_owner_name(char out[MLT_OWNER_MAX], uid_t uid) {
  char text[4096];
  struct passwd entry, *found = NULL;
  int bad = getpwuid_r(uid, &entry, text, sizeof text, &found);
  (void)snprintf(out, MLT_OWNER_MAX, "%s", bad == 0 && found ? found->pw_name : "");
}
