/* What a database must be able to do for the sink's common algorithm (writer.h): the operations of
   pg/store.h and lite/store.h behind one table. Semantics and errors are described there. `db` is
   the connection. */
#ifndef MLT_SINK_STORE_H
#define MLT_SINK_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "ledger/ledger.h"
#include "model/row.h"
#include "model/row_sum.h"
#include "schema/catalog.h"
#include "schema/reads.h"
#include "sink/sink.h"

struct mlt_store_ops {
  enum mlt_rc (*catalog)(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                         struct mlt_err *err);
  enum mlt_rc (*begin)(void *db, bool read_only, const char *head, uint32_t features,
                       struct mlt_err *err);
  enum mlt_rc (*commit)(void *db, struct mlt_err *err);
  void (*rollback)(void *db);
  enum mlt_rc (*insert)(void *db, const struct mlt_rows *rows, uint32_t features,
                        struct mlt_err *err);
  enum mlt_rc (*lock_runs)(void *db, const struct mlt_str *runs, size_t n, struct mlt_err *err);
  enum mlt_rc (*merge)(void *db, const struct mlt_merge *merge, uint32_t features,
                       struct mlt_merged *out, struct mlt_err *err);
  enum mlt_rc (*select)(void *db, enum mlt_table table, const struct mlt_where *where,
                        uint32_t features, mlt_row_fn fn, void *ctx, struct mlt_err *err);
  enum mlt_rc (*sum_rows)(void *db, enum mlt_table table, const struct mlt_str *runs, size_t n,
                          uint32_t features, mlt_row_sum_fn fn, void *ctx, struct mlt_err *err);
  /* The rows of one run, in the order that the read has them in. In a proof a value that its column
     cannot hold, which only SQLite stores, is text, as that of a select. */
  enum mlt_rc (*read_run)(void *db, enum mlt_read what, struct mlt_str run, uint32_t features,
                          mlt_row_fn fn, void *ctx, struct mlt_err *err);
  enum mlt_rc (*insert_copied)(void *db, const struct mlt_copied_rows *rows, struct mlt_err *err);
  enum mlt_rc (*select_copied)(void *db, const struct mlt_shape *shape, unsigned by,
                               const struct mlt_str *keys, size_t n, mlt_row_fn fn, void *ctx,
                               struct mlt_err *err);
  enum mlt_rc (*insert_experiment)(void *db, const struct mlt_value *row, int64_t wanted,
                                   const char *root, int64_t *id, struct mlt_err *err);
  void (*close)(void *db);
  /* Another connection; *out NULL if one writer is all the database takes. */
  enum mlt_rc (*twin)(void *db, void **out, struct mlt_err *err);
  /* As in sink.h. While a load is whole, begin and commit do nothing, and rollback gives up all of
   * it. */
  struct mlt_load_state (*load)(const void *db);
  enum mlt_rc (*finish)(void *db, struct mlt_err *err);
  /* The ledger's operations, and what they take for the database. */
  const struct mlt_ledger_ops *ledger;
  void *(*handle)(void *db);
  bool paces_rows; /* insert() keeps the pace; else the writer does, between transactions */
  /* Another writer was in the way: trying again is worth a while. */
  bool (*contended)(const struct mlt_err *err);
  /* Was the connection lost, so that reconnect() is to be called? NULL, both: there is none. */
  bool (*lost)(const struct mlt_err *err);
  /* Tries once; *fate: of the write transaction that was open. MLT_AGAIN: it still is, ask again.
   */
  enum mlt_rc (*reconnect)(void *db, enum mlt_fate_known *fate, struct mlt_err *err);
  bool keeps_experiment_ids; /* ids of the source fit: keep them where free (SQLite); else only 0 */
};

#endif
