/* mltrack-bulk artifacts rewrite: what a database calls the places of artifacts, changed in one
   transaction. Files are not looked at. */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "lite/store.h"
#include "pg/store.h"
#include "schema/schema.h"

static const struct {
  enum mlt_column column;
  uint32_t feature;
} columns[] = {
    {MLT_C_EXPERIMENTS_artifact_location, 0},
    {MLT_C_RUNS_artifact_uri, 0},
    {MLT_C_LOGGED_MODELS_artifact_location, MLT_F_LOGGED_MODELS},
    {MLT_C_MODEL_VERSIONS_source, 0},
    {MLT_C_MODEL_VERSIONS_storage_location, MLT_F_STORAGE_LOCATION},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

/* The two kinds of database behind one table. */
struct ops {
  enum mlt_rc (*open)(void **db, const struct mlt_target *t, bool dry_run, struct mlt_err *err);
  enum mlt_rc (*catalog)(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                         struct mlt_err *err);
  enum mlt_rc (*begin)(void *db, bool read_only, const char *head, uint32_t features,
                       struct mlt_err *err);
  enum mlt_rc (*rewrite)(void *db, const struct mlt_rewrite *r, bool apply,
                         struct mlt_rewritten *out, struct mlt_err *err);
  enum mlt_rc (*commit)(void *db, struct mlt_err *err);
  void (*rollback)(void *db);
  void (*close)(void *db);
};

struct rewriting {
  const struct ops *ops;
  void *db;
  struct mlt_target target;
  struct mlt_schema schema;
  char *from, *to; /* no "/" at the end */
  bool dry_run;
  uint64_t rows[N_COLUMNS];
  struct mlt_err *err;
};

/* ---- the databases ---- */

static enum mlt_rc pg_open(void **db, const struct mlt_target *t, bool dry_run,
                           struct mlt_err *err) {
  (void)dry_run;
  struct mlt_pg *pg = NULL;
  enum mlt_rc rc = mlt_pg_open(&pg, t->conninfo, mlt_bulk.name, err);
  *db = pg;
  return rc;
}

static enum mlt_rc pg_catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                              struct mlt_err *err) {
  return mlt_pg_catalog(db, arena, out, err);
}

static enum mlt_rc pg_begin(void *db, bool read_only, const char *head, uint32_t features,
                            struct mlt_err *err) {
  return mlt_pg_begin(db, read_only, head, features, err);
}

static enum mlt_rc pg_rewrite(void *db, const struct mlt_rewrite *r, bool apply,
                              struct mlt_rewritten *out, struct mlt_err *err) {
  return mlt_pg_rewrite(db, r, apply, out, err);
}

static enum mlt_rc pg_commit(void *db, struct mlt_err *err) {
  return mlt_pg_commit(db, err);
}

static void pg_rollback(void *db) {
  mlt_pg_rollback(db);
}

static void pg_close(void *db) {
  mlt_pg_close(db);
}

static enum mlt_rc lite_open(void **db, const struct mlt_target *t, bool dry_run,
                             struct mlt_err *err) {
  struct mlt_lite *lite = NULL;
  enum mlt_rc rc = mlt_lite_open(&lite, t->path, dry_run ? MLT_LITE_READ : MLT_LITE_WRITE, err);
  *db = lite;
  return rc;
}

static enum mlt_rc lite_catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                                struct mlt_err *err) {
  return mlt_lite_catalog(db, arena, out, err);
}

static enum mlt_rc lite_begin(void *db, bool read_only, const char *head, uint32_t features,
                              struct mlt_err *err) {
  return mlt_lite_begin(db, read_only, head, features, err);
}

static enum mlt_rc lite_rewrite(void *db, const struct mlt_rewrite *r, bool apply,
                                struct mlt_rewritten *out, struct mlt_err *err) {
  return mlt_lite_rewrite(db, r, apply, out, err);
}

static enum mlt_rc lite_commit(void *db, struct mlt_err *err) {
  return mlt_lite_commit(db, err);
}

static void lite_rollback(void *db) {
  mlt_lite_rollback(db);
}

static void lite_close(void *db) {
  mlt_lite_close(db);
}

static const struct ops kinds[] = {
    [MLT_TARGET_SQLITE] = {lite_open, lite_catalog, lite_begin, lite_rewrite, lite_commit,
                           lite_rollback, lite_close},
    [MLT_TARGET_PG] = {pg_open, pg_catalog, pg_begin, pg_rewrite, pg_commit, pg_rollback, pg_close},
};

/* ---- the work ---- */

static bool has_column(const struct rewriting *w, size_t i) {
  return (w->schema.features & columns[i].feature) == columns[i].feature;
}

static enum mlt_rc check_length(struct rewriting *w, size_t i, const struct mlt_rewritten *found) {
  const struct mlt_column_info *c = mlt_column_info(columns[i].column);
  uint32_t limit = w->schema.limits.chars[columns[i].column];
  if (!limit || found->longest <= limit)
    return MLT_OK;
  enum mlt_rc rc =
      mlt_err_set(w->err, MLT_USAGE, "%s.%s would have %" PRIu64 " characters, and holds %u",
                  mlt_table_name(c->table), c->name, found->longest, limit);
  mlt_err_hint(w->err, "nothing was changed: --to has to be %" PRIu64 " characters shorter",
               found->longest - limit);
  return rc;
}

/* Counts all before anything is changed. */
static enum mlt_rc rewrite(struct rewriting *w, bool apply) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < N_COLUMNS; i++) {
    const struct mlt_rewrite r = {columns[i].column, w->from, w->to};
    struct mlt_rewritten done;
    if (!has_column(w, i) || (apply && !w->rows[i]))
      continue;
    rc = w->ops->rewrite(w->db, &r, apply, &done, w->err);
    if (rc == MLT_OK && !apply)
      rc = check_length(w, i, &done);
    w->rows[i] = rc == MLT_OK ? done.rows : 0;
  }
  return rc;
}

static enum mlt_rc read_schema(struct rewriting *w) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog catalog;
  struct mlt_differences diffs = {0};
  if (!arena)
    return mlt_err_nomem(w->err);
  enum mlt_rc rc = w->ops->catalog(w->db, arena, &catalog, w->err);
  if (rc == MLT_OK)
    rc = mlt_schema_check(&catalog, w->target.kind, &w->schema, &diffs, arena, w->err);
  mlt_arena_free(arena);
  return rc;
}

static enum mlt_rc run(struct rewriting *w) {
  w->ops = &kinds[w->target.kind];
  enum mlt_rc rc = w->ops->open(&w->db, &w->target, w->dry_run, w->err);
  if (rc == MLT_OK)
    rc = read_schema(w);
  if (rc == MLT_OK)
    rc = w->ops->begin(w->db, w->dry_run, w->schema.head, w->schema.features, w->err);
  if (rc != MLT_OK)
    return rc;
  rc = rewrite(w, false);
  if (rc == MLT_OK && !w->dry_run)
    rc = rewrite(w, true);
  if (rc == MLT_OK && !w->dry_run)
    rc = w->ops->commit(w->db, w->err);
  if (rc != MLT_OK || w->dry_run)
    w->ops->rollback(w->db);
  return rc;
}

/* ---- the command ---- */

static uint64_t total_of(const struct rewriting *w) {
  uint64_t n = 0;
  for (size_t i = 0; i < N_COLUMNS; i++)
    n += w->rows[i];
  return n;
}

static void print_text(const struct rewriting *w) {
  if (!total_of(w))
    (void)printf("Nothing begins with %s\n", w->from);
  for (size_t i = 0; i < N_COLUMNS; i++) {
    const struct mlt_column_info *c = mlt_column_info(columns[i].column);
    if (w->rows[i])
      (void)printf("%-14s %-18s %" PRIu64 " %s\n", mlt_table_name(c->table), c->name, w->rows[i],
                   w->dry_run ? "to be changed" : "changed");
  }
}

static enum mlt_rc print_json(const struct rewriting *w, struct mlt_err *err) {
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_i64(j, "schema_version", 1);
  mlt_json_set_cstr(j, "command", "artifacts rewrite");
  mlt_json_set_cstr(j, "database", w->target.display);
  mlt_json_set_cstr(j, "from", w->from);
  mlt_json_set_cstr(j, "to", w->to);
  mlt_json_set_bool(j, "dry_run", w->dry_run);
  struct mlt_json *rows = mlt_json_set(j, "rows", mlt_json_object());
  for (size_t i = 0; i < N_COLUMNS; i++) {
    const struct mlt_column_info *c = mlt_column_info(columns[i].column);
    char name[80];
    (void)snprintf(name, sizeof name, "%s.%s", mlt_table_name(c->table), c->name);
    mlt_json_set_u64(rows, name, w->rows[i]);
  }
  enum mlt_rc rc = mlt_json_write(stdout, j, true, err);
  mlt_json_free(j);
  return rc;
}

static enum mlt_rc take_prefix(struct rewriting *w, const struct mlt_args *args, size_t opt,
                               const char *name, char *out) {
  const char *text = mlt_args_str(args, opt);
  size_t n = text ? strlen(text) : 0;
  while (n && text[n - 1] == '/')
    n--;
  if (!n)
    return mlt_err_set(w->err, MLT_USAGE, "--%s is %s", name,
                       text ? "empty: a place is meant" : "missing");
  if (n >= PATH_MAX || mlt_utf8_invalid((struct mlt_str){text, n}) >= 0)
    return mlt_err_set(w->err, MLT_USAGE, "--%s is too long, or not valid UTF-8", name);
  memcpy(out, text, n);
  out[n] = '\0';
  return MLT_OK;
}

int mlt_cmd_artifacts_rewrite(const struct mlt_args *args) {
  char from[PATH_MAX], to[PATH_MAX];
  struct mlt_err err = MLT_ERR_INIT;
  struct rewriting w = {
      .from = from, .to = to, .dry_run = mlt_args_flag(args, MLT_OPT_DRY_RUN), .err = &err};
  const char *origin;
  enum mlt_rc rc = take_prefix(&w, args, MLT_OPT_FROM_PREFIX, "from", from);
  if (rc == MLT_OK)
    rc = take_prefix(&w, args, MLT_OPT_TO_PREFIX, "to", to);
  if (rc == MLT_OK)
    rc = mlt_target_parse(
        &w.target, mlt_target_default(args->argc ? args->argv[0] : NULL, NULL, &origin), &err);
  if (rc == MLT_OK)
    rc = run(&w);
  if (rc == MLT_OK && mlt_args_flag(args, MLT_OPT_JSON))
    rc = print_json(&w, &err);
  else if (rc == MLT_OK && !mlt_args_flag(args, MLT_OPT_QUIET))
    print_text(&w);
  if (w.db)
    w.ops->close(w.db);
  mlt_target_free(&w.target);
  return rc == MLT_OK ? 0 : mlt_bulk_fail(&err);
}
