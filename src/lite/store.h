/* SQLite as a store of MLflow rows: the same named operations as pg/store.h over prepared
   statements. One thread uses a connection. libsqlite3 >= 3.31 (generated columns in MLflow's newer
   schemas). MLT_TEMPFAIL: busy after 20 s (MLflow's own busy_timeout). MLT_CONFLICT: a unique
   violation, which no other writer can have caused in a write transaction. */
#ifndef MLT_LITE_STORE_H
#define MLT_LITE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "model/row.h"
#include "model/row_sum.h"
#include "schema/catalog.h"

struct mlt_lite;

enum mlt_lite_mode {
  MLT_LITE_READ,   /* must exist; opened read-only */
  MLT_LITE_WRITE,  /* must exist */
  MLT_LITE_CREATE, /* made if missing (mode 0644 less umask); MLT_CANTCREAT when its folder is
                      missing or not writable */
};

/* READ works beside a live server, and on read-only media (as long as no -wal file lies beside the
 * file). MLT_NOINPUT when the file is missing, MLT_DATA when it is no SQLite database, MLT_NOPERM.
 * foreign_keys is ON. */
enum mlt_rc mlt_lite_open(struct mlt_lite **out, const char *path, enum mlt_lite_mode mode,
                          struct mlt_err *err);
/* A database in memory, without a table. */
enum mlt_rc mlt_lite_open_memory(struct mlt_lite **out, struct mlt_err *err) MLT_NODISCARD;
void mlt_lite_close(struct mlt_lite *db); /* NULL is fine */
/* How much of the file SQLite may keep in memory; 64 MiB where it is to be written, unless told. */
enum mlt_rc mlt_lite_set_cache(struct mlt_lite *db, size_t bytes, struct mlt_err *err);

enum mlt_rc mlt_lite_catalog(struct mlt_lite *db, struct mlt_arena *arena, struct mlt_catalog *out,
                             struct mlt_err *err);
/* Runs a script of MLflow's DDL (schema/schema.h) in one transaction. */
enum mlt_rc mlt_lite_run_ddl(struct mlt_lite *db, const char *script, struct mlt_err *err);

/* Write: BEGIN IMMEDIATE (after a pause of 120 ms in every 2 s of writing, or a server that waits
   for the lock would not get it), then MLT_SCHEMA if alembic_version is not `head` any more. */
enum mlt_rc mlt_lite_begin(struct mlt_lite *db, bool read_only, const char *head, uint32_t features,
                           struct mlt_err *err);
enum mlt_rc mlt_lite_commit(struct mlt_lite *db, struct mlt_err *err);
void mlt_lite_rollback(struct mlt_lite *db);

enum mlt_rc mlt_lite_insert(struct mlt_lite *db, const struct mlt_rows *rows, uint32_t features,
                            struct mlt_err *err);
/* Adds rows to a table that may hold them. */
enum mlt_rc mlt_lite_merge(struct mlt_lite *db, const struct mlt_merge *merge, uint32_t features,
                           struct mlt_merged *out, struct mlt_err *err);
/* Streams the rows that match in the default workspace, in no particular order; `where` NULL: every
   row of the table. Keys must be distinct. A table the features lack has no rows. MLT_DATA for a
   value that its column's type cannot hold, unless such are taken. */
enum mlt_rc mlt_lite_select(struct mlt_lite *db, enum mlt_table table,
                            const struct mlt_where *where, uint32_t features, mlt_row_fn fn,
                            void *ctx, struct mlt_err *err);
/* From now on a select gives a value that its column's type cannot hold as text, whatever the
   column: for who compares. */
void mlt_lite_take_odd(struct mlt_lite *db);
/* What the rows of these runs (distinct) come to in params, tags, metrics or latest_metrics. */
enum mlt_rc mlt_lite_sum_rows(struct mlt_lite *db, enum mlt_table table, const struct mlt_str *runs,
                              size_t n, uint32_t features, mlt_row_sum_fn fn, void *ctx,
                              struct mlt_err *err) MLT_NODISCARD;
/* Tables that are copied (schema/copied.h). Every row's value is of its column's kind, or NULL. */
enum mlt_rc mlt_lite_insert_copied(struct mlt_lite *db, const struct mlt_copied_rows *rows,
                                   struct mlt_err *err) MLT_NODISCARD;
/* Streams the rows whose column `by`, which is of text, is one of the keys (distinct), in no
   particular order. */
enum mlt_rc mlt_lite_select_copied(struct mlt_lite *db, const struct mlt_shape *shape, unsigned by,
                                   const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                                   struct mlt_err *err) MLT_NODISCARD;
/* In every workspace. apply: does it; else only looks. */
enum mlt_rc mlt_lite_rewrite(struct mlt_lite *db, const struct mlt_rewrite *r, bool apply,
                             struct mlt_rewritten *out, struct mlt_err *err) MLT_NODISCARD;
/* wanted >= 0: with that id if it is free; else the next free id (max + 1). root not NULL: its
   artifact_location is what MLflow makes of that root (model/rules.h), whatever row has. */
enum mlt_rc mlt_lite_insert_experiment(struct mlt_lite *db, const struct mlt_value *row,
                                       int64_t wanted, const char *root, int64_t *id,
                                       struct mlt_err *err);

#endif
