/* PostgreSQL as a sink: the shared writer over pg/store.h. */
#include "pg/store.h"
#include "sink/all.h"
#include "sink/writer.h"

static enum mlt_rc op_catalog(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                              struct mlt_err *err) {
  return mlt_pg_catalog(db, arena, out, err);
}

static enum mlt_rc op_begin(void *db, bool read_only, const char *head, uint32_t features,
                            struct mlt_err *err) {
  return mlt_pg_begin(db, read_only, head, features, err);
}

static enum mlt_rc op_commit(void *db, struct mlt_err *err) {
  return mlt_pg_commit(db, err);
}

static void op_rollback(void *db) {
  mlt_pg_rollback(db);
}

static enum mlt_rc op_insert(void *db, const struct mlt_rows *rows, uint32_t features,
                             struct mlt_err *err) {
  return mlt_pg_insert(db, rows, features, err);
}

static enum mlt_rc op_select(void *db, enum mlt_table table, const struct mlt_where *where,
                             uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err) {
  return mlt_pg_select(db, table, where, features, fn, ctx, err);
}

static enum mlt_rc op_insert_experiment(void *db, const struct mlt_value *row, int64_t wanted,
                                        int64_t *id, struct mlt_err *err) {
  return mlt_pg_insert_experiment(db, row, wanted, id, err);
}

static void op_close(void *db) {
  mlt_pg_close(db);
}

static const struct mlt_store_ops store_ops = {.catalog = op_catalog,
                                               .begin = op_begin,
                                               .commit = op_commit,
                                               .rollback = op_rollback,
                                               .insert = op_insert,
                                               .select = op_select,
                                               .insert_experiment = op_insert_experiment,
                                               .close = op_close,
                                               .keeps_experiment_ids = false};

static enum mlt_rc pg_open(struct mlt_sink **out, const struct mlt_sink_opts *opts,
                           struct mlt_err *err) {
  struct mlt_pg *pg;
  enum mlt_rc rc = mlt_pg_open(&pg, opts->target->conninfo, opts->application_name, err);
  return rc == MLT_OK ? mlt_sink_make(out, &store_ops, pg, MLT_TARGET_PG, NULL, opts, err) : rc;
}

const struct mlt_sink_ops mlt_sink_pg = {.name = "postgresql",
                                         .kind = MLT_TARGET_PG,
                                         .open = pg_open,
                                         .schema = mlt_sink_schema,
                                         .write = mlt_sink_write,
                                         .id_map = mlt_sink_id_map,
                                         .close = mlt_sink_close};
