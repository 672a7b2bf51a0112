/* mltrack-bulk schema check|show|init: what MLflow schema a database has, whether we can write to
   it, and making one in an empty database. Results go to standard output, as text or one JSON
   document; what fails goes to standard error. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "ledger_db.h"
#include "lite/store.h"
#include "notes.h"
#include "pg/store.h"
#include "schema/schema.h"
#include "sink/create.h"

enum { JSON_VERSION = 1, TEXT_BYTES = 1024 };

static const struct {
  uint32_t bit;
  const char *name;
} features[] = {
    {MLT_F_ALIASES, "aliases"},
    {MLT_F_DATASETS, "datasets"},
    {MLT_F_STORAGE_LOCATION, "storage_location"},
    {MLT_F_LOGGED_MODELS, "logged_models"},
    {MLT_F_INPUT_STEP, "input_step"},
    {MLT_F_WORKSPACE, "workspace"},
    {MLT_F_METRIC_INDEX, "metric_index"},
};
enum { N_FEATURES = sizeof features / sizeof *features };

/* A database looked at. */
struct view {
  struct mlt_target target;
  struct mlt_arena *arena;
  struct mlt_catalog cat;
  struct mlt_schema schema;
  struct mlt_differences diffs;
};

static enum mlt_rc open_target(const struct mlt_args *args, struct mlt_target *out,
                               struct mlt_err *err) {
  const char *origin;
  enum mlt_rc rc = mlt_target_parse(out, mlt_bulk_target(args, &origin), err);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "%s", origin);
  else if (out->dropped)
    mlt_log(MLT_LOG_WARN, "parts of the database's URI mean nothing here and are left out",
            MLT_KV_CSTR("keys", out->dropped));
  return rc;
}

static enum mlt_rc read_pg(struct view *v, struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  enum mlt_rc rc = mlt_pg_open(&pg, v->target.conninfo, mlt_bulk.name, err);
  if (rc == MLT_OK)
    rc = mlt_pg_catalog(pg, v->arena, &v->cat, err);
  mlt_pg_close(pg);
  return rc;
}

static enum mlt_rc read_sqlite(struct view *v, struct mlt_err *err) {
  struct mlt_lite *db = NULL;
  enum mlt_rc rc = mlt_lite_open(&db, v->target.path, MLT_LITE_READ, err);
  if (rc == MLT_NOINPUT)
    mlt_err_hint(err, "`mltrack-bulk schema init` makes a new database.");
  if (rc == MLT_OK)
    rc = mlt_lite_catalog(db, v->arena, &v->cat, err);
  mlt_lite_close(db);
  return rc;
}

/* MLT_SCHEMA: the view is complete and holds fatal differences. */
static enum mlt_rc look(const struct mlt_args *args, struct view *v, struct mlt_err *err) {
  v->arena = mlt_arena_new();
  enum mlt_rc rc = v->arena ? open_target(args, &v->target, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = v->target.kind == MLT_TARGET_PG ? read_pg(v, err) : read_sqlite(v, err);
  if (rc == MLT_OK)
    rc = mlt_schema_check(&v->cat, v->target.kind, &v->schema, &v->diffs, v->arena, err);
  return rc;
}

/* A connection refused for its schema (an old encoding, say) has no catalog to show. */
static bool was_seen(const struct view *v, enum mlt_rc rc) {
  return rc == MLT_OK || (rc == MLT_SCHEMA && v->diffs.n_fatal > 0);
}

static void close_view(struct view *v) {
  mlt_target_free(&v->target);
  mlt_arena_free(v->arena);
}

static void print_line(const char *label, const char *text) {
  (void)printf("%-10s ", label);
  mlt_text_print(stdout, mlt_str_c(text));
  (void)putchar('\n');
}

static void print_head(const char *revision, const struct mlt_head *head) {
  char text[TEXT_BYTES];
  if (head)
    (void)snprintf(text, sizeof text, "%s (MLflow %s to %s)", revision, head->first, head->last);
  else
    (void)snprintf(text, sizeof text, "%s", *revision ? revision : "none");
  print_line("head", text);
}

static void print_features(uint32_t found) {
  char text[TEXT_BYTES] = "";
  size_t at = 0;
  for (size_t i = 0; i < N_FEATURES; i++)
    if (found & features[i].bit)
      at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? ", " : "", features[i].name);
  print_line("features", at ? text : "none");
}

static void print_view(const struct view *v) {
  print_line("database", v->target.display);
  print_line("server", v->cat.database);
  if (v->schema.name[0])
    print_line("schema", v->schema.name);
  print_head(v->schema.head, v->schema.known);
  print_features(v->schema.features);
}

static void print_verdict(const struct view *v) {
  char text[TEXT_BYTES];
  const size_t n = v->diffs.n_fatal;
  (void)snprintf(text, sizeof text, "refused: %zu difference%s", n, n == 1 ? "" : "s");
  print_line("result", n ? text : "accepted");
  for (size_t i = 0; i < v->diffs.n; i++)
    print_line(v->diffs.v[i].fatal ? "error" : "warning",
               mlt_difference_text(&v->diffs.v[i], text, sizeof text));
}

static void print_tables(const struct view *v) {
  for (enum mlt_table t = 0; t < MLT_T_COUNT; t++) {
    const char *name = mlt_table_name(t);
    (void)printf("table      %-26s %s\n", name, mlt_cat_table(&v->cat, name) ? "yes" : "no");
  }
}

/* Text columns that hold only so many characters. */
static void print_limits(const struct view *v) {
  size_t n = 0;
  for (enum mlt_column c = 0; c < MLT_C_COUNT; c++) {
    const struct mlt_column_info *info = mlt_column_info(c);
    char name[80];
    if (v->schema.limits.chars[c] == 0 || !mlt_cat_table(&v->cat, mlt_table_name(info->table)))
      continue;
    (void)snprintf(name, sizeof name, "%s.%s", mlt_table_name(info->table), info->name);
    (void)printf("limit      %-37s %u\n", name, v->schema.limits.chars[c]);
    n++;
  }
  if (n == 0)
    print_line("limit", "none: the database enforces no lengths");
}

static void set_head(struct mlt_json *j, const char *revision, const struct mlt_head *head) {
  mlt_json_set_cstr(j, "head", *revision ? revision : NULL);
  if (!head) {
    mlt_json_set_null(j, "mlflow");
    return;
  }
  struct mlt_json *releases = mlt_json_set(j, "mlflow", mlt_json_object());
  mlt_json_set_cstr(releases, "first", head->first);
  mlt_json_set_cstr(releases, "last", head->last);
}

static struct mlt_json *view_json(const struct view *v) {
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_i64(j, "schema_version", JSON_VERSION);
  mlt_json_set_cstr(j, "database", v->target.display);
  mlt_json_set_cstr(j, "server", v->cat.database);
  mlt_json_set_cstr(j, "schema", v->schema.name[0] ? v->schema.name : NULL);
  set_head(j, v->schema.head, v->schema.known);
  struct mlt_json *found = mlt_json_set(j, "features", mlt_json_object());
  for (size_t i = 0; i < N_FEATURES; i++)
    mlt_json_set_bool(found, features[i].name, (v->schema.features & features[i].bit) != 0);
  mlt_json_set_bool(j, "accepted", v->diffs.n_fatal == 0);
  mlt_json_set_null(j, "error");
  struct mlt_json *list = mlt_json_set(j, "differences", mlt_json_array());
  for (size_t i = 0; i < v->diffs.n; i++) {
    const struct mlt_difference *d = &v->diffs.v[i];
    struct mlt_json *one = mlt_json_push(list, mlt_json_object());
    mlt_json_set_bool(one, "fatal", d->fatal);
    mlt_json_set_cstr(one, "table", d->table);
    mlt_json_set_cstr(one, "column", d->column);
    mlt_json_set_cstr(one, "what", d->what);
  }
  return j;
}

static void add_details(struct mlt_json *j, const struct view *v) {
  struct mlt_json *tables = mlt_json_set(j, "tables", mlt_json_object());
  for (enum mlt_table t = 0; t < MLT_T_COUNT; t++)
    mlt_json_set_bool(tables, mlt_table_name(t), mlt_cat_table(&v->cat, mlt_table_name(t)) != NULL);
  struct mlt_json *limits = mlt_json_set(j, "limits", mlt_json_object());
  for (enum mlt_column c = 0; c < MLT_C_COUNT; c++) {
    const struct mlt_column_info *info = mlt_column_info(c);
    char name[80];
    (void)snprintf(name, sizeof name, "%s.%s", mlt_table_name(info->table), info->name);
    if (v->schema.limits.chars[c])
      mlt_json_set_u64(limits, name, v->schema.limits.chars[c]);
  }
}

static enum mlt_rc write_json(struct mlt_json *j, struct mlt_err *err) {
  enum mlt_rc rc = mlt_json_write(stdout, j, true, err);
  mlt_json_free(j);
  return rc;
}

/* Says why there is nothing to show: on standard error, and with --json in a document as well. */
static int fail(const struct mlt_args *args, const struct mlt_target *target,
                const struct mlt_err *err) {
  struct mlt_err out_err = MLT_ERR_INIT;
  if (mlt_args_flag(args, MLT_OPT_JSON)) {
    struct mlt_json *j = mlt_json_object();
    mlt_json_set_i64(j, "schema_version", JSON_VERSION);
    mlt_json_set_cstr(j, "database", target->display);
    mlt_error_add_json(j, err->rc, err);
    if (write_json(j, &out_err) != MLT_OK)
      return mlt_bulk_fail(&out_err);
  }
  return mlt_bulk_fail(err);
}

int mlt_cmd_schema_check(const struct mlt_args *args) {
  struct view v = {0};
  struct mlt_err err = MLT_ERR_INIT, out_err = MLT_ERR_INIT;
  enum mlt_rc rc = look(args, &v, &err), out_rc = MLT_OK;
  int status = mlt_rc_exit(rc);
  if (!was_seen(&v, rc)) {
    status = fail(args, &v.target, &err);
  } else if (mlt_args_flag(args, MLT_OPT_JSON)) {
    out_rc = write_json(view_json(&v), &out_err);
  } else if (!mlt_args_flag(args, MLT_OPT_QUIET)) {
    print_view(&v);
    print_verdict(&v);
    if (!v.schema.head[0] && err.hint[0])
      print_line("hint", err.hint);
  }
  if (out_rc != MLT_OK)
    status = mlt_bulk_fail(&out_err);
  close_view(&v);
  return status;
}

int mlt_cmd_schema_show(const struct mlt_args *args) {
  struct view v = {0};
  struct mlt_err err = MLT_ERR_INIT;
  enum mlt_rc rc = look(args, &v, &err);
  if (was_seen(&v, rc) && v.schema.head[0]) { /* differences are check's business */
    rc = MLT_OK;
    mlt_err_clear(&err);
  }
  if (rc == MLT_OK && mlt_args_flag(args, MLT_OPT_JSON)) {
    struct mlt_json *j = view_json(&v);
    add_details(j, &v);
    rc = write_json(j, &err);
  } else if (rc == MLT_OK) {
    print_view(&v);
    print_tables(&v);
    print_limits(&v);
  }
  int status = rc == MLT_OK ? 0 : fail(args, &v.target, &err);
  close_view(&v);
  return status;
}

static enum mlt_rc report_made(const struct mlt_args *args, const struct mlt_target *target,
                               const struct mlt_head *head, struct mlt_err *err) {
  if (mlt_args_flag(args, MLT_OPT_JSON)) {
    struct mlt_json *j = mlt_json_object();
    mlt_json_set_i64(j, "schema_version", JSON_VERSION);
    mlt_json_set_cstr(j, "database", target->display);
    set_head(j, head->revision, head);
    mlt_json_set_null(j, "error");
    return write_json(j, err);
  }
  if (mlt_args_flag(args, MLT_OPT_QUIET))
    return MLT_OK;
  print_line("database", target->display);
  print_head(head->revision, head);
  print_line("result", "made MLflow's schema");
  return MLT_OK;
}

/* For roles that may write to a ledger, and not make one. */
static int init_ledger(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_ledger_db db = {0};
  bool there, made = false;
  enum mlt_rc rc = mlt_ledger_db_open(&db, args, true, &err);
  if (rc == MLT_OK)
    rc = db.ops->begin(db.handle, MLT_LEDGER_MAKE, &there, &made, &err);
  if (rc == MLT_OK)
    rc = db.ops->commit(db.handle, &err);
  if (rc == MLT_OK && mlt_args_flag(args, MLT_OPT_JSON)) {
    struct mlt_json *j = mlt_json_object();
    mlt_json_set_i64(j, "schema_version", JSON_VERSION);
    mlt_json_set_cstr(j, "database", db.target.display);
    mlt_json_set_bool(j, "made", made);
    mlt_json_set_null(j, "error");
    rc = write_json(j, &err);
  } else if (rc == MLT_OK && !mlt_args_flag(args, MLT_OPT_QUIET)) {
    print_line("database", db.target.display);
    print_line("result", made ? "made mltrack's ledger" : "mltrack's ledger was there");
  }
  int status = rc == MLT_OK ? 0 : fail(args, &db.target, &err);
  mlt_ledger_db_close(&db);
  return status;
}

int mlt_cmd_schema_init(const struct mlt_args *args) {
  if (mlt_args_flag(args, MLT_OPT_LEDGER))
    return init_ledger(args);
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_target target = {0};
  const struct mlt_head *head = mlt_head_choose(mlt_args_str(args, MLT_OPT_MLFLOW_VERSION), &err);
  enum mlt_rc rc = head ? open_target(args, &target, &err) : MLT_USAGE;
  if (rc == MLT_OK)
    rc = target.kind == MLT_TARGET_PG ? mlt_create_pg(target.conninfo, head, &err)
                                      : mlt_create_sqlite(target.path, head, &err);
  if (rc == MLT_OK)
    rc = report_made(args, &target, head, &err);
  int status = rc == MLT_OK ? 0 : fail(args, &target, &err);
  mlt_target_free(&target);
  return status;
}
