/* The sequence of a rebuild: look, lock, look again, rehearse and take away; later make again. What
   is on the tables is rebuild_catalog.c's business. Nothing here outlives the transaction.

   Measured with 1 M metrics (PostgreSQL 15, 2 busy cores, interleaved runs): the order of the
   builds and of the foreign key makes no difference beyond noise, nor does memory between 64 and
   512 MB; 2 workers take a third off the primary key, 4 hardly more. TRUNCATE and COPY FREEZE save
   most of the foreign key's check but nothing measurable of the whole, and show the rows to older
   snapshots, such as that of a pg_dump waiting for our lock, which would dump metrics without their
   runs. ANALYZE would add 6 %, and autovacuum does it. Looking, rehearsing and comparing take
   60 ms of processor time. */
#include "pg/rebuild.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "pg/rebuild_intern.h"

static struct mlt_pg_rebuild *new_rebuild(struct mlt_pg *pg,
                                          const struct mlt_pg_rebuild_opts *opts) {
  static const enum mlt_table tables[MLT_REBUILD_TABLES] = {MLT_T_METRICS, MLT_T_LATEST_METRICS,
                                                            MLT_T_PARAMS, MLT_T_TAGS};
  struct mlt_pg_rebuild *r = mlt_calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->pg = pg;
  r->opts = *opts;
  for (unsigned i = 0; i < MLT_REBUILD_TABLES; i++)
    r->tables[i] = (struct mlt_pg_rebuild_table){.table = tables[i], .suitable = true};
  return r;
}

/* runs too: dropping a foreign key locks the table it refers to. */
static enum mlt_rc lock(struct mlt_pg_rebuild *r, struct mlt_pg_refusal *why, struct mlt_err *err) {
  struct mlt_pg_locks locks = {.timeout_ms = r->opts.lock_timeout_ms,
                               .exclusive = UINT32_C(1) << MLT_T_RUNS};
  for (unsigned i = 0; i < MLT_REBUILD_TABLES; i++)
    if (r->tables[i].suitable)
      locks.exclusive |= UINT32_C(1) << r->tables[i].table;
  enum mlt_rc rc = mlt_pg_begin_write(r->pg, &locks, r->opts.head, r->opts.features, err);
  if (rc != MLT_OK &&
      (strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0)) {
    mlt_err_clear(err);
    (void)snprintf(why->text, sizeof why->text, "other sessions use the tables");
    why->passing = true;
    return MLT_OK;
  }
  return rc;
}

/* metrics must be prepared; another table that cannot be is loaded with its indexes live. */
static enum mlt_rc prepare(struct mlt_pg_rebuild *r, struct mlt_pg_refusal *why,
                           struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < MLT_REBUILD_TABLES && rc == MLT_OK && !why->text[0]; i++) {
    struct mlt_pg_rebuild_table *t = &r->tables[i];
    struct mlt_pg_refusal not_this = {.text = ""};
    if (!t->suitable)
      continue;
    rc = mlt_pg_rebuild_prepare(r, t, &not_this, err);
    t->suitable = !not_this.text[0];
    if (t->table == MLT_T_METRICS)
      *why = not_this;
  }
  return rc;
}

/* Looks before it locks, so that nobody is disturbed for nothing. */
static enum mlt_rc begin(struct mlt_pg_rebuild *r, struct mlt_pg_refusal *why,
                         struct mlt_err *err) {
  enum mlt_rc rc = mlt_pg_rebuild_look(r, why, err);
  if (rc == MLT_OK && !why->text[0])
    rc = lock(r, why, err);
  if (rc == MLT_OK && !why->text[0])
    rc = mlt_pg_rebuild_look(r, why, err);
  if (rc == MLT_OK && !why->text[0])
    rc = prepare(r, why, err);
  return rc == MLT_OK ? rc : mlt_pg_rebuild_refused(err, why);
}

enum mlt_rc mlt_pg_rebuild_begin(struct mlt_pg *pg, const struct mlt_pg_rebuild_opts *opts,
                                 struct mlt_pg_rebuild **out, struct mlt_pg_refusal *why,
                                 struct mlt_err *err) {
  struct mlt_err failed = MLT_ERR_INIT;
  *out = NULL;
  *why = (struct mlt_pg_refusal){.text = ""};
  struct mlt_pg_rebuild *r = new_rebuild(pg, opts);
  if (!r)
    return mlt_err_nomem(err);
  enum mlt_rc rc = begin(r, why, &failed);
  if (rc == MLT_OK && !why->text[0]) {
    *out = r;
    return MLT_OK;
  }
  mlt_pg_rollback(pg);
  mlt_pg_rebuild_free(r);
  if (rc != MLT_OK && err && err->rc == MLT_OK)
    *err = failed;
  return rc;
}

enum mlt_rc mlt_pg_rebuild_refusal(struct mlt_pg *pg, struct mlt_pg_refusal *why,
                                   struct mlt_err *err) {
  *why = (struct mlt_pg_refusal){.text = ""};
  struct mlt_pg_rebuild *r = new_rebuild(pg, &(struct mlt_pg_rebuild_opts){0});
  if (!r)
    return mlt_err_nomem(err);
  enum mlt_rc rc = mlt_pg_rebuild_look(r, why, err);
  if (rc != MLT_OK)
    rc = mlt_pg_rebuild_refused(err, why);
  mlt_pg_rebuild_free(r);
  return rc;
}

static enum mlt_rc set_local(struct mlt_pg *pg, const char *setting, unsigned value,
                             const char *unit, struct mlt_err *err) {
  char sql[96];
  if (value == 0)
    return MLT_OK;
  (void)snprintf(sql, sizeof sql, "SET LOCAL %s = '%u%s'", setting, value, unit);
  return mlt_pg_command(pg, sql, NULL, err);
}

/* Nobody else can have written the other row: a repetition would end the same way. */
static enum mlt_rc duplicate(struct mlt_err *err) {
  err->rc = MLT_DATA;
  err->hint[0] = '\0';
  mlt_err_hint(err, "the load holds a row twice");
  return MLT_DATA;
}

static enum mlt_rc make_table(struct mlt_pg_rebuild *r, const struct mlt_pg_rebuild_table *t,
                              struct mlt_err *err) {
  struct mlt_err failed = MLT_ERR_INIT;
  enum mlt_rc rc = mlt_pg_rebuild_make(r, t, &failed);
  if (rc == MLT_OK)
    return rc;
  if (strcmp(failed.sqlstate, "23505") == 0)
    rc = duplicate(&failed);
  mlt_err_prefix(&failed, "making the indexes of table %s again", mlt_table_name(t->table));
  if (err && err->rc == MLT_OK)
    *err = failed;
  return rc;
}

enum mlt_rc mlt_pg_rebuild_finish(struct mlt_pg_rebuild *r, struct mlt_err *err) {
  enum mlt_rc rc = set_local(r->pg, "maintenance_work_mem", r->opts.memory_mb, "MB", err);
  if (rc == MLT_OK)
    rc = set_local(r->pg, "max_parallel_maintenance_workers", r->opts.workers, "", err);
  for (unsigned i = 0; i < MLT_REBUILD_TABLES && rc == MLT_OK; i++)
    if (r->tables[i].suitable)
      rc = make_table(r, &r->tables[i], err);
  return rc;
}

bool mlt_pg_rebuild_has(const struct mlt_pg_rebuild *r, enum mlt_table table) {
  for (unsigned i = 0; i < MLT_REBUILD_TABLES; i++)
    if (r->tables[i].table == table)
      return r->tables[i].suitable;
  return false;
}

void mlt_pg_rebuild_free(struct mlt_pg_rebuild *r) {
  if (!r)
    return;
  for (unsigned i = 0; i < MLT_REBUILD_TABLES; i++) {
    PQclear(r->tables[i].plan);
    PQclear(r->tables[i].state);
  }
  mlt_free(r);
}
