#include "ledger_db.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lite/ledger.h"
#include "lite/store.h"
#include "pg/ledger.h"
#include "pg/store.h"
#include "schema/schema.h"

static enum mlt_rc open_pg(struct mlt_ledger_db *db, struct mlt_err *err) {
  struct mlt_pg *pg = NULL;
  enum mlt_rc rc = mlt_pg_open(&pg, db->target.conninfo, mlt_bulk.name, err);
  db->handle = pg;
  db->ops = &mlt_pg_ledger;
  return rc;
}

static enum mlt_rc open_lite(struct mlt_ledger_db *db, bool write, struct mlt_err *err) {
  struct mlt_lite *lite = NULL;
  enum mlt_rc rc =
      mlt_lite_open(&lite, db->target.path, write ? MLT_LITE_WRITE : MLT_LITE_READ, err);
  db->handle = lite;
  db->ops = &mlt_lite_ledger;
  return rc;
}

enum mlt_rc mlt_ledger_db_open(struct mlt_ledger_db *db, const struct mlt_args *args, bool write,
                               struct mlt_err *err) {
  const char *origin;
  enum mlt_rc rc = mlt_target_parse(&db->target, mlt_bulk_target(args, &origin), err);
  if (rc != MLT_OK) {
    mlt_err_prefix(err, "%s", origin);
    return rc;
  }
  return db->target.kind == MLT_TARGET_PG ? open_pg(db, err) : open_lite(db, write, err);
}

enum mlt_rc mlt_ledger_db_features(struct mlt_ledger_db *db, uint32_t *out, struct mlt_err *err) {
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog catalog;
  struct mlt_schema schema;
  struct mlt_differences diffs = {0};
  bool pg = db->target.kind == MLT_TARGET_PG;
  enum mlt_rc rc = !arena ? mlt_err_nomem(err)
                   : pg   ? mlt_pg_catalog(db->handle, arena, &catalog, err)
                          : mlt_lite_catalog(db->handle, arena, &catalog, err);
  if (rc == MLT_OK)
    rc = mlt_schema_check(&catalog, db->target.kind, &schema, &diffs, arena, err);
  if (rc == MLT_OK)
    *out = schema.features;
  mlt_arena_free(arena);
  return rc;
}

void mlt_ledger_db_close(struct mlt_ledger_db *db) {
  if (db->target.kind == MLT_TARGET_PG)
    mlt_pg_close(db->handle);
  else
    mlt_lite_close(db->handle);
  mlt_target_free(&db->target);
}

uint64_t mlt_import_rows(const struct mlt_ledger_import *i) {
  uint64_t n = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    n += i->inserted[t] + i->updated[t];
  return n;
}

void mlt_import_add_json(struct mlt_json *to, const struct mlt_ledger_import *i) {
  mlt_json_set_i64(to, "id", i->id);
  mlt_json_set_str(to, "source", i->source);
  mlt_json_set_str(to, "format", i->format);
  mlt_json_set_str(to, "state", i->state);
  mlt_json_set_str(to, "started_at", i->started_at);
  mlt_json_set_str(to, "ended_at", i->ended_at);
  mlt_json_set_str(to, "error", i->error);
  mlt_json_set_u64(to, "runs", i->runs);
  mlt_json_set_u64(to, "batches", i->batches);
}

void mlt_rows_add_json(struct mlt_json *to, const char *key, const uint64_t rows[MLT_T_ALL]) {
  struct mlt_json *tables = mlt_json_set(to, key, mlt_json_object());
  for (size_t t = 0; t < MLT_T_ALL; t++)
    if (rows[t])
      mlt_json_set_u64(tables, mlt_table_name((enum mlt_table)t), rows[t]);
}
