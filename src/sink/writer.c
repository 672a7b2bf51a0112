/* One batch, one transaction: the order of the steps, and what is remembered between batches. */
#include "sink/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* given: what the schema is known to be; NULL: it is checked. */
static enum mlt_rc read_catalog(struct mlt_sink *s, enum mlt_target_kind kind,
                                const struct mlt_schema *given, struct mlt_err *err) {
  struct mlt_catalog catalog;
  struct mlt_differences diffs = {0};
  s->catalog = mlt_arena_new();
  if (!s->catalog)
    return mlt_err_nomem(err);
  enum mlt_rc rc = s->ops->catalog(s->db, s->catalog, &catalog, err);
  if (rc == MLT_OK)
    mlt_copied_shapes(&catalog, kind, s->shapes);
  if (rc == MLT_OK && !given)
    rc = mlt_schema_check(&catalog, kind, &s->schema, &diffs, s->catalog, err);
  return rc;
}

/* A sink without what it shares with its twins. Takes db over. */
static struct mlt_sink *new_sink(const struct mlt_store_ops *ops, void *db, struct mlt_err *err) {
  struct mlt_sink *s = mlt_calloc(1, sizeof *s);
  struct mlt_arena *arena = mlt_arena_new();
  if (!s || !arena) {
    ops->close(db);
    mlt_free(s);
    mlt_arena_free(arena);
    (void)mlt_err_nomem(err);
    return NULL;
  }
  s->ops = ops;
  s->db = db;
  s->arena = arena;
  return s;
}

enum mlt_rc mlt_sink_make(struct mlt_sink **out, const struct mlt_store_ops *ops, void *db,
                          enum mlt_target_kind kind, const struct mlt_schema *schema,
                          const struct mlt_sink_opts *opts, struct mlt_err *err) {
  struct mlt_sink *s = new_sink(ops, db, err);
  if (!s)
    return MLT_NOMEM;
  s->dry_run = opts->dry_run;
  s->stop_on_reject = opts->stop_on_reject;
  s->prove = opts->prove;
  s->pacer = ops->paces_rows || opts->dry_run ? NULL : opts->pacer;
  s->load = opts->load;
  s->adds = opts->adds;
  s->target = opts->target;
  s->cancelled = opts->cancelled;
  s->retry = opts->retry;
  s->artifact_root = opts->artifact_root;
  s->known = mlt_known_new();
  s->dry_runs = opts->dry_run ? mlt_map_new() : NULL;
  enum mlt_rc rc = MLT_OK;
  if (!s->known || (opts->dry_run && !s->dry_runs))
    rc = mlt_err_nomem(err);
  else if (db)
    rc = read_catalog(s, kind, schema, err);
  if (schema)
    s->schema = *schema;
  if (rc != MLT_OK) {
    mlt_sink_close(s);
    return rc;
  }
  *out = s;
  return MLT_OK;
}

enum mlt_rc mlt_sink_twin(struct mlt_sink *s, struct mlt_sink **out, struct mlt_err *err) {
  void *db = NULL;
  *out = NULL;
  if (s->dry_run)
    return MLT_OK; /* what earlier batches would have written is remembered in one sink */
  enum mlt_rc rc = s->ops->twin(s->db, &db, err);
  if (rc != MLT_OK || !db)
    return rc;
  struct mlt_sink *t = new_sink(s->ops, db, err);
  if (!t)
    return MLT_NOMEM;
  t->schema = s->schema;
  memcpy(t->shapes, s->shapes, sizeof t->shapes);
  t->stop_on_reject = s->stop_on_reject;
  t->load = s->load;
  t->adds = s->adds;
  t->target = s->target;
  t->cancelled = s->cancelled;
  t->retry = s->retry;
  t->artifact_root = s->artifact_root;
  t->known = mlt_known_share(s->known);
  t->ledger = s->ledger;
  if (t->ledger.id)
    rc = s->ops->ledger->keep(s->ops->handle(db), t->ledger.id, err);
  if (rc == MLT_OK)
    *out = t;
  else
    mlt_sink_close(t);
  return rc;
}

struct mlt_load_state mlt_sink_load(const struct mlt_sink *s) {
  return s->ops->load(s->db);
}

enum mlt_rc mlt_sink_finish(struct mlt_sink *s, struct mlt_err *err) {
  struct mlt_tries tries = {0};
  enum mlt_fate_known fate;
  if (!s->db || s->dry_run)
    return MLT_OK;
  bool whole = mlt_sink_load(s).whole;
  enum mlt_rc rc = mlt_sink_end_load(s, whole, err);
  if (rc == MLT_OK || !mlt_sink_lost(s, err))
    return rc;
  rc = mlt_sink_reconnect(s, &tries, &fate, err);
  if (rc != MLT_OK || (whole && fate == MLT_KNOWN_IN))
    return rc;
  return whole ? mlt_sink_start_over(s, err) : mlt_sink_end_load(s, whole, err);
}

void mlt_sink_close(struct mlt_sink *s) {
  if (!s)
    return;
  s->ops->close(s->db);
  mlt_known_release(s->known);
  mlt_map_free(s->dry_runs);
  mlt_arena_free(s->arena);
  mlt_arena_free(s->catalog);
  mlt_free(s);
}

const struct mlt_shape *mlt_sink_shapes(const struct mlt_sink *s) {
  return s->shapes;
}

const struct mlt_schema *mlt_sink_schema(const struct mlt_sink *s) {
  return &s->schema;
}

size_t mlt_sink_id_map(struct mlt_sink *s, const struct mlt_id_map **out) {
  size_t n;
  mlt_arena_reset(s->arena);
  *out = mlt_known_list(s->known, s->arena, &n);
  return n;
}

/* ---- what the parts share ---- */

enum mlt_rc mlt_write_note(struct mlt_write *a, enum mlt_note_kind kind, enum mlt_table table,
                           const char *code, uint64_t rows, struct mlt_str id, const char *fmt,
                           ...) {
  char text[1500];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  struct mlt_str reason = mlt_str_c(text);
  ptrdiff_t cut = mlt_utf8_invalid(reason); /* a value cut in the middle of a character */
  if (cut >= 0)
    reason.len = (size_t)cut;
  struct mlt_note note = {.kind = kind, .table = table, .code = code, .rows = rows};
  if (!MLT_VEC_ROOM(a->out->notes) || mlt_arena_str(a->out->arena, id, &note.id) != 0 ||
      mlt_arena_str(a->out->arena, reason, &note.reason) != 0)
    return mlt_err_nomem(a->err);
  a->out->notes.v[a->out->notes.n++] = note;
  return MLT_OK;
}

enum mlt_rc mlt_write_note_place(struct mlt_write *a, size_t run, uint64_t line,
                                 struct mlt_str field) {
  const struct mlt_batch_run *r = &a->b->runs.v[run];
  struct mlt_place *place = &a->out->notes.v[a->out->notes.n - 1].place;
  struct mlt_arena *arena = a->out->arena;
  place->line = r->place_path.p ? line : 0;
  return mlt_arena_str(arena, r->place_path, &place->path) == 0 &&
                 mlt_arena_str(arena, field, &place->field) == 0
             ? MLT_OK
             : mlt_err_nomem(a->err);
}

void mlt_write_count(struct mlt_write *a, enum mlt_table t, enum mlt_fate fate, size_t n) {
  struct mlt_counts *c = &a->out->counts[t];
  if (fate == MLT_FATE_NEW)
    c->inserted += n;
  else if (fate == MLT_FATE_PRESENT)
    c->present += n;
  else if (fate == MLT_FATE_MERGE)
    c->updated += n;
  else
    c->rejected += n;
}

enum mlt_rc mlt_write_select(struct mlt_write *a, enum mlt_table table,
                             const struct mlt_where *where, mlt_row_fn fn, void *ctx) {
  struct mlt_sink *w = a->w;
  return w->db ? w->ops->select(w->db, table, where, w->schema.features, fn, ctx, a->err) : MLT_OK;
}

enum mlt_rc mlt_write_insert(struct mlt_write *a, const struct mlt_rows *rows) {
  struct mlt_sink *w = a->w;
  if (w->dry_run || rows->n == 0)
    return MLT_OK;
  return w->ops->insert(w->db, rows, w->schema.features, a->err);
}

enum mlt_rc mlt_write_merge(struct mlt_write *a, const struct mlt_merge *merge,
                            struct mlt_merged *out) {
  struct mlt_sink *w = a->w;
  *out = (struct mlt_merged){0};
  if (w->dry_run || merge->rows.n == 0)
    return MLT_OK;
  return w->ops->merge(w->db, merge, w->schema.features, out, a->err);
}

enum mlt_rc mlt_write_no_table(struct mlt_write *a, enum mlt_table table, size_t rows) {
  if (rows == 0)
    return MLT_OK;
  mlt_write_count(a, table, MLT_FATE_REJECTED, rows);
  return mlt_write_note(a, MLT_NOTE_REJECT, table, "no-such-table", rows, MLT_STR_NULL,
                        "the target's schema (head %s) has no table %s; MLflow %s brings it",
                        a->w->schema.head, mlt_table_name(table),
                        mlt_feature_release(mlt_table_feature(table)));
}

/* ---- one attempt ---- */

static enum mlt_rc attempt_begin(struct mlt_write *a) {
  struct mlt_arena *arena = a->out->arena;
  const struct mlt_batch *b = a->b;
  memset(a->out->counts, 0, sizeof a->out->counts);
  a->out->notes.n = 0;
  mlt_arena_reset(arena);
  a->exp_fate = mlt_arena_zalloc(arena, b->experiments.n + 1);
  a->run_fate = mlt_arena_zalloc(arena, b->runs.n + 1);
  a->there = mlt_arena_zalloc(arena, (b->runs.n + 1) * sizeof *a->there);
  a->artifact_uri = mlt_arena_zalloc(arena, (b->runs.n + 1) * sizeof *a->artifact_uri);
  a->model_fate = mlt_arena_zalloc(arena, b->logged_models.n + 1);
  a->edge_fate = mlt_arena_zalloc(arena, b->edges.n + 1);
  a->edge_uuid = mlt_arena_zalloc(arena, (b->edges.n + 1) * sizeof *a->edge_uuid);
  a->run_index = mlt_map_new();
  a->dataset_index = mlt_map_new();
  a->lost = mlt_map_new();
  if (!a->exp_fate || !a->run_fate || !a->there || !a->artifact_uri || !a->model_fate ||
      !a->edge_fate || !a->edge_uuid || !a->run_index || !a->dataset_index || !a->lost)
    return mlt_err_nomem(a->err);
  struct mlt_sink *w = a->w;
  return w->db ? w->ops->begin(w->db, w->dry_run, w->schema.head, w->schema.features, a->err)
               : MLT_OK;
}

static void attempt_free(struct mlt_write *a) {
  mlt_map_free(a->run_index);
  mlt_map_free(a->dataset_index);
  mlt_map_free(a->lost);
  mlt_free(a->datasets.v);
}

/* With --on-error stop the first reject or conflict ends it. */
static enum mlt_rc check_stop(struct mlt_write *a) {
  if (!a->w->stop_on_reject)
    return MLT_OK;
  for (size_t i = 0; i < a->out->notes.n; i++) {
    const struct mlt_note *n = &a->out->notes.v[i];
    if (n->kind == MLT_NOTE_REJECT || n->kind == MLT_NOTE_CONFLICT)
      return mlt_note_error(a->err, n);
  }
  return MLT_OK;
}

static enum mlt_rc steps(struct mlt_write *a) {
  static enum mlt_rc (*const step[])(struct mlt_write *) = {mlt_write_lock_runs,
                                                            mlt_write_experiments,
                                                            mlt_write_classify_runs,
                                                            mlt_write_datasets,
                                                            check_stop,
                                                            mlt_write_new_runs,
                                                            mlt_write_merges,
                                                            mlt_write_edges,
                                                            mlt_write_logged_models,
                                                            mlt_write_registry,
                                                            mlt_write_copied,
                                                            mlt_write_ledger,
                                                            check_stop};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof step / sizeof *step; i++)
    rc = step[i](a);
  return rc;
}

/* In a dry run nothing stays in the database, so the runs are remembered here. */
static enum mlt_rc remember_runs(struct mlt_write *a) {
  for (size_t i = 0; a->w->dry_runs && i < a->b->runs.n; i++) {
    const struct mlt_run *r = &a->b->runs.v[i].r;
    bool made = a->run_fate[i] == MLT_FATE_NEW;
    uintptr_t home = made ? (uintptr_t)mlt_write_experiment(a, r->experiment) : 0;
    uint64_t there;
    if ((made || (a->run_fate[i] == MLT_FATE_MERGE && r->part != MLT_RUN_WHOLE)) &&
        mlt_map_intern(a->w->dry_runs, r->run_uuid, home, &there) < 0)
      return mlt_err_nomem(a->err);
  }
  return MLT_OK;
}

/* MLT_AGAIN: it is not in, or that is not known; what the batch holds will tell. */
static enum mlt_rc commit(struct mlt_write *a, struct mlt_tries *tries) {
  struct mlt_sink *w = a->w;
  enum mlt_fate_known fate;
  enum mlt_rc rc = w->ops->commit(w->db, a->err);
  if (rc == MLT_OK || !mlt_sink_lost(w, a->err) || mlt_sink_load(w).whole)
    return rc;
  rc = mlt_sink_reconnect(w, tries, &fate, a->err);
  if (rc != MLT_OK || fate == MLT_KNOWN_IN)
    return rc;
  tries->doubtful = fate == MLT_KNOWN_UNKNOWN;
  memcpy(tries->counts, a->out->counts, sizeof tries->counts);
  return MLT_AGAIN;
}

static uint64_t written(const struct mlt_outcome *out) {
  uint64_t n = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    n += out->counts[t].inserted + out->counts[t].updated;
  return n;
}

/* If all is there after a COMMIT without an answer, it was that which brought it. */
static void settle_doubt(const struct mlt_tries *tries, struct mlt_outcome *out) {
  if (tries->doubtful && written(out) == 0)
    memcpy(out->counts, tries->counts, sizeof out->counts);
}

static enum mlt_rc attempt(struct mlt_sink *w, const struct mlt_batch *b, struct mlt_outcome *out,
                           struct mlt_tries *tries, struct mlt_err *err) {
  struct mlt_write a = {.w = w, .b = b, .out = out, .err = err};
  size_t known = mlt_known_count(w->known);
  enum mlt_rc rc = attempt_begin(&a);
  if (rc == MLT_OK)
    rc = steps(&a);
  if (rc == MLT_OK && w->db && !w->dry_run)
    rc = commit(&a, tries);
  if (rc == MLT_OK)
    rc = remember_runs(&a);
  if (rc == MLT_OK)
    rc = mlt_known_lose(w->known, a.lost, err);
  if (w->db && (rc != MLT_OK || w->dry_run))
    w->ops->rollback(w->db);
  if (rc != MLT_OK)
    mlt_known_forget(w->known, known);
  attempt_free(&a);
  return rc;
}

static enum mlt_rc wait_until_due(const struct mlt_sink *w, struct mlt_err *err) {
  return w->pacer ? mlt_pacer_wait(w->pacer, w->due, err) : MLT_OK;
}

/* The next transaction waits for what this one wrote to be paid: nobody sleeps in a transaction. */
static void take_pace(struct mlt_sink *w, const struct mlt_outcome *out) {
  if (w->pacer)
    w->due = mlt_pacer_take(w->pacer, written(out));
}

enum mlt_rc mlt_sink_write(struct mlt_sink *w, const struct mlt_batch *b, struct mlt_outcome *out,
                           struct mlt_err *err) {
  struct mlt_tries tries = {0};
  enum mlt_rc rc;
  do {
    rc = wait_until_due(w, err);
    if (rc == MLT_OK)
      rc = attempt(w, b, out, &tries, err);
    if (rc != MLT_OK)
      rc = mlt_sink_try_again(w, &tries, rc, err);
  } while (rc == MLT_AGAIN);
  if (rc == MLT_OK) {
    take_pace(w, out);
    settle_doubt(&tries, out);
  }
  return rc;
}
