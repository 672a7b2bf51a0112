/* The model registry: models/<name>/ with meta.yaml, tags/, aliases/<alias> and version-<n>/, each
   of those with a meta.yaml and tags/. */
#include "source/filestore.h"

#include <string.h>

#include "model/rules.h"

static enum mlt_rc reject_model(struct mlt_fs *s, struct mlt_record *rec) {
  mlt_fs_skip(&s->items);
  return mlt_fs_reject(s, rec, MLT_T_REGISTERED_MODELS, 1);
}

static enum mlt_rc open_model(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_fs_dir *over = s->items.over;
  struct mlt_str folder = mlt_names_str(&over->names, over->at);
  enum mlt_rc rc = mlt_fs_set_id(s, folder, err);
  if (rc == MLT_OK)
    rc = mlt_fs_open_item(s, &s->items, s->meta, err);
  if (rc != MLT_OK)
    return mlt_fs_is_fault(rc) ? reject_model(s, rec) : rc;
  mlt_fs_record(s, rec, MLT_REC_REGISTERED_MODEL);
  rec->registered_model = (struct mlt_registered_model){
      .name = mlt_fs_text_or(s, s->meta, "name", folder),
      .description = mlt_fs_text(s, s->meta, "description", MLT_STR_NULL),
      .creation_time = mlt_fs_int(s, s->meta, "creation_timestamp"),
      .last_updated_time = mlt_fs_int(s, s->meta, "last_updated_timestamp"),
  };
  rc = s->fault.code ? MLT_DATA : mlt_fs_list(s, &s->items.dir, err);
  if (rc != MLT_OK)
    return rc == MLT_DATA ? reject_model(s, rec) : rc;
  s->items.step++;
  return mlt_fs_set_id(s, rec->registered_model.name, err);
}

static enum mlt_rc tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->items.dir, "tags", MLT_T_REGISTERED_MODEL_TAGS,
                               MLT_REC_REGISTERED_MODEL_TAG, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static bool is_version(const char *name) {
  return strncmp(name, "version-", strlen("version-")) == 0;
}

static int32_t version_number(struct mlt_fs *s) {
  struct mlt_opt_i64 v = mlt_fs_int(s, s->meta, "version");
  if (v.has && v.v > 0 && v.v <= INT32_MAX)
    return (int32_t)v.v;
  (void)mlt_blame(&s->fault, "bad-field",
                  "field version is not there or not the number of a version");
  return 0;
}

static void fill_version(struct mlt_fs *s, struct mlt_model_version *v) {
  const struct mlt_meta *m = s->meta;
  *v = (struct mlt_model_version){
      .version = version_number(s),
      .creation_time = mlt_fs_int(s, m, "creation_timestamp"),
      .last_updated_time = mlt_fs_int(s, m, "last_updated_timestamp"),
      .description = mlt_fs_text(s, m, "description", MLT_STR_NULL),
      .user_id = mlt_fs_text(s, m, "user_id", MLT_STR_NULL),
      .current_stage = mlt_fs_text(s, m, "current_stage", MLT_STR_LIT("None")),
      .source = mlt_fs_text(s, m, "source", MLT_STR_NULL),
      .storage_location = mlt_fs_text(s, m, "storage_location", MLT_STR_NULL),
      .run_id = mlt_fs_text(s, m, "run_id", MLT_STR_NULL),
      .run_link = mlt_fs_text(s, m, "run_link", MLT_STR_NULL),
      .status = mlt_fs_text(s, m, "status", MLT_STR_LIT("READY")),
      .status_message = mlt_fs_text(s, m, "status_message", MLT_STR_NULL),
  };
}

static enum mlt_rc open_version(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_open_item(s, &s->versions, s->meta, err);
  if (rc != MLT_OK && !mlt_fs_is_fault(rc))
    return rc;
  if (rc == MLT_OK) {
    mlt_fs_record(s, rec, MLT_REC_MODEL_VERSION);
    fill_version(s, &rec->version);
  }
  if (rc != MLT_OK || s->fault.code) {
    mlt_fs_skip(&s->versions);
    return mlt_fs_reject(s, rec, MLT_T_MODEL_VERSIONS, 1);
  }
  s->versions.step++;
  return MLT_OK;
}

static enum mlt_rc version_tags(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->versions.dir, "tags", MLT_T_MODEL_VERSION_TAGS,
                               MLT_REC_MODEL_VERSION_TAG, rec, err);
  return rc == MLT_NOINPUT ? MLT_END : rc;
}

static enum mlt_rc versions(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  static const mlt_fs_step steps[] = {open_version, version_tags, NULL};
  s->versions.over = &s->items.dir;
  s->versions.first = steps;
  s->versions.wanted = is_version;
  return mlt_fs_each(s, &s->versions, rec, err);
}

static struct mlt_str strip(struct mlt_str t) {
  static const char blanks[] = " \t\n\v\f\r";
  while (t.len && strchr(blanks, t.p[0]) && t.p[0])
    t = (struct mlt_str){t.p + 1, t.len - 1};
  while (t.len && strchr(blanks, t.p[t.len - 1]) && t.p[t.len - 1])
    t.len--;
  return t;
}

/* The file of an alias holds the number of its version. */
static enum mlt_rc aliases(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  enum mlt_rc rc = mlt_fs_keys(s, &s->items.dir, "aliases", MLT_T_REGISTERED_MODEL_ALIASES,
                               MLT_REC_ALIAS, rec, err);
  if (rc != MLT_OK || rec->kind != MLT_REC_ALIAS)
    return rc == MLT_NOINPUT ? MLT_END : rc;
  struct mlt_kv kv = rec->kv;
  int64_t version;
  if (mlt_parse_i64(strip(kv.value), &version) && version > 0 && version <= INT32_MAX) {
    rec->alias = (struct mlt_alias){kv.key, (int32_t)version};
    return MLT_OK;
  }
  (void)mlt_blame(&s->fault, "bad-alias", "the alias %.*s does not hold the number of a version",
                  MLT_STR_ARG(kv.key));
  return mlt_fs_reject(s, rec, MLT_T_REGISTERED_MODEL_ALIASES, 1);
}

static enum mlt_rc end_model(struct mlt_fs *s, struct mlt_record *rec, struct mlt_err *err) {
  (void)err;
  s->items.step++;
  mlt_fs_at(s, &s->items.dir);
  mlt_fs_record(s, rec, MLT_REC_REGISTERED_MODEL_END);
  return MLT_OK;
}

const mlt_fs_step mlt_fs_registered_steps[] = {open_model, tags,      aliases,
                                               versions,   end_model, NULL};
