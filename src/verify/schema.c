/* The tables against the shape that MLflow gives them, and the database's own word on itself: the
   file (SQLite), constraints and the sequence of experiments (PostgreSQL). */
#include <inttypes.h>

#include "lite/health.h"
#include "pg/health.h"
#include "verify/private.h"

/* ---- schema ---- */

static void take_constraint(void *ctx, const char *table, const char *name) {
  mlt_verify_foundf(ctx,
                    &(struct mlt_finding){.what = MLT_FINDING_CONSTRAINT_INVALID,
                                          .table = MLT_T_ALL,
                                          .id = mlt_str_c(table),
                                          .field = mlt_str_c(name)},
                    "is NOT VALID: ALTER TABLE ... VALIDATE CONSTRAINT checks the rows");
}

static enum mlt_rc check_schema(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_schema schema;
  struct mlt_differences diffs;
  char text[1024];
  enum mlt_rc rc =
      mlt_schema_check(&v->catalog, v->opts.target->kind, &schema, &diffs, v->arena, NULL);
  if (rc != MLT_OK && rc != MLT_SCHEMA)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < diffs.n; i++) {
    const struct mlt_difference *d = &diffs.v[i];
    mlt_verify_foundf(v,
                      &(struct mlt_finding){.what = d->fatal ? MLT_FINDING_SCHEMA_DIFFERS
                                                             : MLT_FINDING_SCHEMA_UNUSUAL,
                                            .table = MLT_T_ALL,
                                            .id = mlt_str_c(d->table),
                                            .field = mlt_str_c(d->column),
                                            .command = MLT_STR_LIT("mltrack-bulk schema check")},
                      "%s", mlt_difference_text(d, text, sizeof text));
  }
  return v->pg ? mlt_pg_unvalidated(v->pg, take_constraint, v, err) : MLT_OK;
}

const struct mlt_check_ops mlt_check_schema = {
    .name = "schema", .modes = MLT_IN_ALL, .run = check_schema};

/* ---- storage ---- */

static void take_damage(void *ctx, const char *text) {
  mlt_verify_found(ctx, &(struct mlt_finding){.what = MLT_FINDING_FILE_DAMAGED,
                                              .table = MLT_T_ALL,
                                              .text = mlt_str_c(text)});
}

static enum mlt_rc check_storage(struct mlt_verify *v, struct mlt_err *err) {
  return v->lite ? mlt_lite_integrity(v->lite, v->opts.mode == MLT_VERIFY_FULL, take_damage, v, err)
                 : MLT_OK;
}

const struct mlt_check_ops mlt_check_storage = {
    .name = "storage", .modes = MLT_IN_ALL, .run = check_storage};

/* ---- the sequence ---- */

static enum mlt_rc check_sequence(struct mlt_verify *v, struct mlt_err *err) {
  struct mlt_pg_sequence s = {false};
  enum mlt_rc rc = v->pg ? mlt_pg_sequence(v->pg, &s, err) : MLT_OK;
  if (rc == MLT_OK && s.known && s.last < s.max)
    mlt_verify_foundf(
        v,
        &(struct mlt_finding){.what = MLT_FINDING_SEQUENCE_BEHIND,
                              .table = MLT_T_EXPERIMENTS,
                              .field = MLT_STR_LIT("experiment_id"),
                              .command = MLT_STR_LIT("mltrack-verify --repair sequence")},
        "the sequence is at %" PRId64 ", the greatest id is %" PRId64, s.last, s.max);
  return rc;
}

const struct mlt_check_ops mlt_check_sequence = {
    .name = "sequence", .modes = MLT_IN_ALL, .run = check_sequence};
