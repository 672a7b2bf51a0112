/* What the ledger is told: when an import begins and ends, and what each batch has written. */
#include <stdio.h>

#include "sink/writer.h"

enum mlt_rc mlt_sink_begin_ledger(struct mlt_sink *s, const struct mlt_sink_opts *opts,
                                  struct mlt_err *err) {
  if (!opts->ledger || s->dry_run)
    return MLT_OK;
  void *db = s->ops->handle(s->db);
  struct mlt_tries tries = {0};
  enum mlt_rc rc;
  do { /* a COMMIT that stayed without an answer needs no looking up: the import finds its own row
        */
    rc = mlt_ledger_open(s->ops->ledger, db, opts->ledger, s->schema.head, &s->ledger, err);
    if (rc != MLT_OK)
      rc = mlt_sink_try_again(s, &tries, rc, err);
  } while (rc == MLT_AGAIN);
  return rc == MLT_OK && s->ledger.id ? s->ops->ledger->keep(db, s->ledger.id, err) : rc;
}

const struct mlt_ledger_state *mlt_sink_ledger(const struct mlt_sink *s) {
  return &s->ledger;
}

static enum mlt_rc end(struct mlt_sink *s, const char *how, const char *why, struct mlt_err *err) {
  return mlt_ledger_end(s->ops->ledger, s->ops->handle(s->db), &s->ledger, how, why, err);
}

/* The end of a load that is one transaction is told in it. */
enum mlt_rc mlt_sink_end_load(struct mlt_sink *s, bool whole, struct mlt_err *err) {
  enum mlt_rc rc = whole ? end(s, "done", NULL, err) : MLT_OK;
  if (rc == MLT_OK)
    rc = s->ops->finish(s->db, err);
  return rc == MLT_OK && !whole ? end(s, "done", NULL, err) : rc;
}

void mlt_sink_failed(struct mlt_sink *s, const char *why) {
  struct mlt_err ignored = MLT_ERR_INIT;
  if (s->db && !s->dry_run && s->ledger.id)
    (void)end(s, "failed", why, &ignored);
}

/* ---- runs that are known to be in ---- */

static enum mlt_rc mark_known(void *ctx, struct mlt_str run, uint64_t digest, struct mlt_err *err) {
  struct mlt_write *a = ctx;
  uint64_t i, ours;
  (void)err;
  if (!mlt_map_get(a->run_index, run, &i))
    return MLT_OK;
  enum mlt_rc rc = mlt_run_digest(a, i, &ours);
  a->there[i].known = rc == MLT_OK && ours == digest;
  return rc;
}

enum mlt_rc mlt_write_known_runs(struct mlt_write *a) {
  const struct mlt_sink *w = a->w;
  size_t n = 0;
  if (!w->ledger.resumed || w->dry_run)
    return MLT_OK;
  struct mlt_str *ids = mlt_arena_alloc(a->out->arena, (a->b->runs.n + 1) * sizeof *ids);
  if (!ids)
    return mlt_err_nomem(a->err);
  for (size_t i = 0; i < a->b->runs.n; i++)
    if (a->run_fate[i] == MLT_FATE_PRESENT && !a->there[i].advanced)
      ids[n++] = a->b->runs.v[i].r.run_uuid;
  return n ? w->ops->ledger->created(w->ops->handle(w->db), w->ledger.id, ids, n, mark_known, a,
                                     a->err)
           : MLT_OK;
}

/* ---- a batch ---- */

static enum mlt_rc gather_runs(struct mlt_write *a, struct mlt_ledger_batch *b) {
  struct mlt_ledger_run *runs = mlt_arena_alloc(a->out->arena, (a->b->runs.n + 1) * sizeof *runs);
  if (!runs)
    return mlt_err_nomem(a->err);
  b->runs = runs;
  for (size_t i = 0; i < a->b->runs.n; i++) {
    struct mlt_ledger_run *r = &runs[b->n_runs];
    if (a->run_fate[i] != MLT_FATE_NEW && a->run_fate[i] != MLT_FATE_MERGE)
      continue;
    *r = (struct mlt_ledger_run){.id = a->b->runs.v[i].r.run_uuid,
                                 .created = a->run_fate[i] == MLT_FATE_NEW};
    enum mlt_rc rc = r->created ? mlt_run_digest(a, i, &r->digest) : MLT_OK;
    if (rc != MLT_OK)
      return rc;
    b->n_runs++;
  }
  return MLT_OK;
}

enum mlt_rc mlt_write_ledger(struct mlt_write *a) {
  struct mlt_sink *w = a->w;
  struct mlt_ledger_batch b = {.import_id = w->ledger.id};
  uint64_t written = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++) {
    b.inserted[t] = a->out->counts[t].inserted;
    b.updated[t] = a->out->counts[t].updated;
    written += b.inserted[t] + b.updated[t];
  }
  if (!b.import_id || !written)
    return MLT_OK;
  enum mlt_rc rc = gather_runs(a, &b);
  return rc == MLT_OK ? w->ops->ledger->batch(w->ops->handle(w->db), &b, a->err) : rc;
}
