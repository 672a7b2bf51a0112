/* The known alembic heads and the MLflow releases they belong to. The data is in heads.def. */
#include "schema/schema.h"

#include <string.h>

const struct mlt_head mlt_heads[] = {
#define MLT_HEAD(revision, first, last, features) {revision, first, last, features},
#include "schema/heads.def"
#undef MLT_HEAD
};
const size_t mlt_heads_count = sizeof mlt_heads / sizeof *mlt_heads;

enum { VERSION_PARTS = 3, MAX_PART = 99999 };

/* "3.10" -> {3, 10, -1}; -1 where the text ends early. */
static bool parse_version(const char *s, int parts[VERSION_PARTS]) {
  for (int i = 0; i < VERSION_PARTS; i++)
    parts[i] = -1;
  for (int i = 0; i < VERSION_PARTS; i++) {
    if (*s < '0' || *s > '9')
      return false;
    parts[i] = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
      parts[i] = parts[i] * 10 + (*s - '0');
      if (parts[i] > MAX_PART)
        return false;
    }
    if (*s == '\0')
      return true;
    if (*s++ != '.')
      return false;
  }
  return false;
}

/* Is `release` within or before what `wanted` names? A part left out stands for the newest. */
static bool not_newer(const char *release, const int wanted[VERSION_PARTS]) {
  int parts[VERSION_PARTS];
  (void)parse_version(release, parts);
  for (int i = 0; i < VERSION_PARTS && wanted[i] >= 0; i++)
    if (parts[i] != wanted[i])
      return parts[i] < wanted[i];
  return true;
}

const struct mlt_head *mlt_head_by_revision(const char *revision) {
  for (size_t i = 0; i < mlt_heads_count; i++)
    if (strcmp(mlt_heads[i].revision, revision) == 0)
      return &mlt_heads[i];
  return NULL;
}

const struct mlt_head *mlt_head_by_version(const char *mlflow_version) {
  int wanted[VERSION_PARTS];
  if (!parse_version(mlflow_version, wanted))
    return NULL;
  const struct mlt_head *found = NULL;
  for (size_t i = 0; i < mlt_heads_count && not_newer(mlt_heads[i].first, wanted); i++)
    found = &mlt_heads[i];
  return found;
}

const struct mlt_head *mlt_head_default(void) {
  return mlt_head_by_revision("bda7b8c39065"); /* 3.0's model_version_tags still cut at 5000 */
}

const struct mlt_head *mlt_head_choose(const char *mlflow_version, struct mlt_err *err) {
  if (!mlflow_version)
    return mlt_head_default();
  const struct mlt_head *head = mlt_head_by_version(mlflow_version);
  if (!head) {
    mlt_err_set(err, MLT_USAGE, "\"%.40s\" is no MLflow release that has a known schema",
                mlflow_version);
    mlt_err_hint(err, "Give a release from %s to %s, such as 3.10 or 3.10.1.", mlt_heads[0].first,
                 mlt_heads[mlt_heads_count - 1].last);
  }
  return head;
}

const char *mlt_feature_release(uint32_t feature) {
  for (size_t i = 0; i < mlt_heads_count; i++)
    if (mlt_heads[i].features & feature)
      return mlt_heads[i].first;
  return "";
}
