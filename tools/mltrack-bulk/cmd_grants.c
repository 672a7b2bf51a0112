/* mltrack-bulk grants: the statements that give a role what an import needs, for psql. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pg/store.h"
#include "schema/schema.h"

static enum mlt_rc look(struct mlt_pg *pg, const struct mlt_pg_grants *grants, struct mlt_buf *out,
                        struct mlt_arena *arena, struct mlt_err *err) {
  struct mlt_catalog catalog;
  struct mlt_schema schema;
  struct mlt_differences differences = {0};
  enum mlt_rc rc = mlt_pg_catalog(pg, arena, &catalog, err);
  if (rc == MLT_OK)
    rc = mlt_schema_check(&catalog, MLT_TARGET_PG, &schema, &differences, arena, err);
  return rc == MLT_OK ? mlt_pg_grants(pg, grants, out, err) : rc;
}

static enum mlt_rc write_script(const struct mlt_target *target, const struct mlt_pg_grants *grants,
                                struct mlt_buf *out, struct mlt_err *err) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_pg *pg = NULL;
  if (!arena)
    return mlt_err_nomem(err);
  enum mlt_rc rc = mlt_pg_open(&pg, target->conninfo, mlt_bulk.name, err);
  if (rc == MLT_OK)
    rc = look(pg, grants, out, arena, err);
  mlt_pg_close(pg);
  mlt_arena_free(arena);
  return rc;
}

static enum mlt_rc check(const struct mlt_args *args, struct mlt_target *target,
                         struct mlt_err *err) {
  const char *origin, *role = mlt_args_str(args, MLT_OPT_ROLE);
  if (!role || !*role)
    return mlt_err_set(err, MLT_USAGE, "--role says whom to grant to: it is missing");
  if (strcmp(mlt_args_str(args, MLT_OPT_LOAD), "rebuild") == 0)
    return mlt_err_set(
        err, MLT_USAGE,
        "--load rebuild takes the owner of the tables, whom nothing must be granted");
  enum mlt_rc rc = mlt_target_parse(target, mlt_bulk_target(args, &origin), err);
  if (rc != MLT_OK)
    mlt_err_prefix(err, "%s", origin);
  else if (target->kind != MLT_TARGET_PG)
    rc = mlt_err_set(err, MLT_USAGE, "%s: a SQLite file has no roles", target->display);
  return rc;
}

int mlt_cmd_grants(const struct mlt_args *args) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_target target = {0};
  struct mlt_buf out;
  const struct mlt_pg_grants grants = {.role = mlt_args_str(args, MLT_OPT_ROLE),
                                       .merges =
                                           strcmp(mlt_args_str(args, MLT_OPT_LOAD), "append") != 0,
                                       .trusts = mlt_args_flag(args, MLT_OPT_TRUST_RUNS)};
  mlt_buf_init(&out, SIZE_MAX);
  enum mlt_rc rc = check(args, &target, &err);
  if (rc == MLT_OK)
    rc = write_script(&target, &grants, &out, &err);
  if (rc == MLT_OK && (fwrite(out.p, 1, out.len, stdout) != out.len || fflush(stdout) != 0))
    rc = mlt_err_errno(&err, errno, "cannot write the script");
  mlt_buf_free(&out);
  mlt_target_free(&target);
  return rc == MLT_OK ? 0 : mlt_bulk_fail(&err);
}
