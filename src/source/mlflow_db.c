/* The walk through MLflow's database: windows of owners, the tables that belong to them beside each
   other. What a row becomes is in mlflow_db_runs.c and _models.c. */
#include "source/mlflow_db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct mlt_source {
  struct mlt_db d;
};

static const struct mlt_db_phase *const phases[] = {
    &mlt_db_experiments, &mlt_db_runs, &mlt_db_logged_models, &mlt_db_registered_models};
enum { PHASES = sizeof phases / sizeof *phases };

/* ---- rows ---- */

enum mlt_rc mlt_db_peek(struct mlt_db *d, enum mlt_read what, const struct mlt_read_row **row,
                        struct mlt_err *err) {
  struct mlt_db_cursor *c = &d->cursor[what];
  if (!c->row) {
    enum mlt_rc rc = c->done ? MLT_END : d->ops->next(c->read, &c->row, err);
    if (rc != MLT_OK) {
      c->done = true;
      c->row = NULL;
      return rc;
    }
    c->rows++;
  }
  *row = c->row;
  return MLT_OK;
}

void mlt_db_take(struct mlt_db *d, enum mlt_read what) {
  d->cursor[what].row = NULL;
}

enum mlt_rc mlt_db_start(struct mlt_db *d, enum mlt_read what, const struct mlt_str *keys, size_t n,
                         struct mlt_err *err) {
  struct mlt_db_cursor *c = &d->cursor[what];
  enum mlt_rc rc = MLT_OK;
  if (!c->read)
    rc = d->ops->read_new(&c->read, d->db, what, d->schema.features, err);
  c->row = NULL;
  c->done = false;
  return rc == MLT_OK ? d->ops->start(c->read, keys, n, err) : rc;
}

static bool is_own(const struct mlt_db *d, const struct mlt_db_child *c,
                   const struct mlt_read_row *row) {
  if (c->owner == MLT_C_COUNT)
    return mlt_str_eq(row->extra[0], d->owner->key);
  unsigned n;
  const struct mlt_value *v =
      &row->v[c->owner - mlt_table_columns(mlt_read_info(c->read)->table, &n)];
  if (v->kind == MLT_V_INT)
    return v->i == d->owner->v[0].i;
  return mlt_str_eq(mlt_db_text(v), d->owner->key);
}

enum mlt_rc mlt_db_peek_own(struct mlt_db *d, const struct mlt_db_child *c,
                            const struct mlt_read_row **row, struct mlt_err *err) {
  enum mlt_rc rc = mlt_db_peek(d, c->read, row, err);
  return rc == MLT_OK && !is_own(d, c, *row) ? MLT_END : rc;
}

/* ---- records and notes ---- */

void mlt_db_record(struct mlt_record *rec, enum mlt_rec_kind kind) {
  *rec = (struct mlt_record){.kind = kind};
}

static void fill_note(struct mlt_db *d, struct mlt_note *n, enum mlt_note_kind kind,
                      enum mlt_table table, const char *code, uint64_t rows) {
  *n = (struct mlt_note){.kind = kind,
                         .table = table,
                         .code = code,
                         .rows = rows,
                         .id = d->owner ? d->owner->key : MLT_STR_NULL,
                         .reason = mlt_str_c(d->reason)};
}

enum mlt_rc mlt_db_note(struct mlt_db *d, struct mlt_record *rec, enum mlt_note_kind kind,
                        enum mlt_table table, const char *code, uint64_t rows, const char *fmt,
                        ...) {
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(d->reason, sizeof d->reason, fmt, ap);
  va_end(ap);
  mlt_db_record(rec, MLT_REC_NOTE);
  fill_note(d, &rec->note, kind, table, code, rows);
  return MLT_OK;
}

void mlt_db_changed(struct mlt_db *d, enum mlt_table table, const char *code, struct mlt_str field,
                    const char *reason) {
  (void)snprintf(d->reason, sizeof d->reason, "%s", reason);
  fill_note(d, &d->pending, MLT_NOTE_CHANGED, table, code, 1);
  d->pending.place.field = field;
  d->has_pending = true;
}

enum mlt_rc mlt_db_reject_owner(struct mlt_db *d, struct mlt_record *rec, enum mlt_table table,
                                const char *code, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char reason[sizeof d->reason];
  (void)vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  d->skip = true;
  if (table == MLT_T_EXPERIMENTS && d->owner->key.p) /* its runs go with it; should memory be out,
                                                         the sink says so */
    (void)mlt_map_put(d->rejected, d->owner->key, 1);
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, table, code, 1, "%s", reason);
}

enum mlt_rc mlt_db_kv(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                      struct mlt_err *err) {
  (void)err;
  const struct mlt_read_row *row = d->cursor[c->read].row;
  unsigned n;
  enum mlt_column first = mlt_table_columns(mlt_read_info(c->read)->table, &n);
  mlt_db_record(rec, c->kind);
  rec->owner = d->owner->key;
  rec->kv.key = mlt_db_text(&row->v[c->key - first]);
  rec->kv.value = mlt_db_text(&row->v[c->value - first]);
  mlt_db_take(d, c->read);
  return MLT_OK;
}

bool mlt_db_in_experiment(struct mlt_db *d, struct mlt_record *rec, enum mlt_table table,
                          const struct mlt_value *id, const char *other) {
  (void)snprintf(d->experiment, sizeof d->experiment, "%" PRId64,
                 id->kind == MLT_V_INT ? id->i : 0);
  uint64_t unused;
  if (!d->owner->extra.p) {
    if (id->kind == MLT_V_INT)
      (void)mlt_db_reject_owner(d, rec, table, "no-experiment", "its experiment %s does not exist",
                                d->experiment);
    else
      (void)mlt_db_reject_owner(d, rec, table, "no-experiment", "it belongs to no experiment");
  } else if (!mlt_str_is(d->owner->extra, "default")) {
    d->skip = d->quiet = true;
    (void)mlt_db_note(d, rec, MLT_NOTE_IGNORED, table, "ignored", 1, "%s are not imported", other);
    rec->note.what = other;
  } else if (mlt_map_get(d->rejected, mlt_str_c(d->experiment), &unused)) {
    (void)mlt_db_reject_owner(d, rec, table, "experiment-rejected",
                              "its experiment %s was rejected", d->experiment);
  }
  return !d->skip;
}

/* ---- owners ---- */

static int by_key(const void *a, const void *b) {
  return mlt_str_cmp(((const struct mlt_db_owner *)a)->key, ((const struct mlt_db_owner *)b)->key);
}

/* The row as an owner of the window: its strings become the window's own. */
static enum mlt_rc keep_owner(struct mlt_db *d, const struct mlt_read_row *row, bool has_extra,
                              struct mlt_err *err) {
  struct mlt_db_owner *o = &d->window[d->n];
  char number[24];
  o->bad = row->bad;
  o->extra = o->key = MLT_STR_NULL;
  memcpy(o->v, row->v, sizeof o->v);
  unsigned n;
  (void)mlt_table_columns(mlt_read_info(phases[d->phase]->read)->table, &n);
  for (unsigned i = 0; i < n; i++)
    if (o->v[i].kind == MLT_V_TEXT && mlt_arena_str(d->window_arena, o->v[i].s, &o->v[i].s) != 0)
      return mlt_err_nomem(err);
  struct mlt_str key = mlt_db_text(&o->v[0]);
  if (o->v[0].kind == MLT_V_INT) {
    (void)snprintf(number, sizeof number, "%" PRId64, o->v[0].i);
    key = mlt_str_c(number);
  }
  if (mlt_arena_str(d->window_arena, key, &o->key) != 0 ||
      (has_extra && mlt_arena_str(d->window_arena, row->extra[0], &o->extra) != 0))
    return mlt_err_nomem(err);
  d->n++;
  return MLT_OK;
}

/* The next owners, in the order of their keys, which is the order of what belongs to them. */
static enum mlt_rc fill_window(struct mlt_db *d, struct mlt_err *err) {
  const struct mlt_db_phase *p = phases[d->phase];
  const struct mlt_read_row *row;
  enum mlt_rc rc = MLT_OK;
  mlt_arena_reset(d->window_arena);
  d->n = d->at = 0;
  while (rc == MLT_OK && d->n < MLT_READ_KEYS) {
    rc = mlt_db_peek(d, p->read, &row, err);
    if (rc == MLT_OK)
      rc = keep_owner(d, row, mlt_read_info(p->read)->n_extra > 0, err);
    if (rc == MLT_OK)
      mlt_db_take(d, p->read);
  }
  if ((rc != MLT_OK && rc != MLT_END) || d->n == 0)
    return rc;
  if (p != &mlt_db_experiments) /* those come by number already */
    qsort(d->window, d->n, sizeof *d->window, by_key);
  size_t n = 0;
  for (size_t i = 0; i < d->n; i++)
    if (d->window[i].key.p && (n == 0 || !mlt_str_eq(d->keys[n - 1], d->window[i].key)))
      d->keys[n++] = d->window[i].key;
  d->n_keys = n;
  d->begun = false;
  return MLT_OK;
}

/* Reads what belongs to the owner at hand and those behind it; of a window in which nobody is
   wanted it is never asked for. */
static enum mlt_rc begin_children(struct mlt_db *d, struct mlt_err *err) {
  const struct mlt_db_phase *p = phases[d->phase];
  size_t from = 0;
  while (from < d->n_keys && !mlt_str_eq(d->keys[from], d->owner->key))
    from++;
  if (from == d->n_keys) /* it has no key; those come first */
    from = 0;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < p->n_children && rc == MLT_OK; i++)
    rc = mlt_db_start(d, p->children[i].read, d->keys + from, d->n_keys - from, err);
  d->begun = rc == MLT_OK;
  return rc;
}

static enum mlt_rc next_owner(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_db_phase *p = phases[d->phase];
  enum mlt_rc rc = d->at < d->n ? MLT_OK : fill_window(d, err);
  if (rc != MLT_OK)
    return rc;
  d->owner = &d->window[d->at++];
  d->child = 0;
  d->skip = d->quiet = d->key_open = d->inner_open = false;
  if (d->owner->key.p && d->owner->bad == MLT_C_COUNT)
    return p->open(d, rec, err);
  enum mlt_table table = mlt_read_info(p->read)->table;
  enum mlt_column bad =
      d->owner->bad == MLT_C_COUNT ? mlt_table_columns(table, &(unsigned){0}) : d->owner->bad;
  return mlt_db_reject_owner(d, rec, table, "bad-value", "its %s is %s", mlt_column_info(bad)->name,
                             d->owner->bad == MLT_C_COUNT ? "missing" : "not of the column's type");
}

/* ---- what belongs to an owner ---- */

static enum mlt_rc give_row(struct mlt_db *d, const struct mlt_db_child *c,
                            const struct mlt_read_row *row, struct mlt_record *rec,
                            struct mlt_err *err) {
  if (d->skip) {
    d->skipped++;
    mlt_db_take(d, c->read);
    return MLT_AGAIN;
  }
  if (row->bad == MLT_C_COUNT)
    return c->emit(d, c, rec, err);
  mlt_db_take(d, c->read);
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, mlt_read_info(c->read)->table, "bad-value", 1,
                     "a value in the column %s is not of the column's type",
                     mlt_column_info(row->bad)->name);
}

static enum mlt_rc give_skipped(struct mlt_db *d, const struct mlt_db_child *c,
                                struct mlt_record *rec) {
  uint64_t n = d->skipped;
  d->skipped = 0;
  if (n == 0 || d->quiet)
    return MLT_END;
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, mlt_read_info(c->read)->table, "owner-rejected", n,
                     "they belong to what was rejected");
}

static enum mlt_rc next_of_child(struct mlt_db *d, const struct mlt_db_child *c,
                                 struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_read_row *row;
  for (;;) {
    enum mlt_rc rc = mlt_db_peek_own(d, c, &row, err);
    if (rc == MLT_OK)
      rc = give_row(d, c, row, rec, err);
    else if (rc == MLT_END && d->skip)
      return give_skipped(d, c, rec);
    else if (rc == MLT_END)
      return c->end ? c->end(d, c, rec, err) : MLT_END;
    if (rc != MLT_AGAIN)
      return rc;
  }
}

static enum mlt_rc give_inner(struct mlt_db *d, const struct mlt_db_child *inner, bool lost,
                              struct mlt_record *rec, struct mlt_err *err) {
  if (!lost && d->inner_skip) {
    d->inner_skipped++;
    mlt_db_take(d, inner->read);
    return MLT_AGAIN;
  }
  if (!lost)
    return mlt_db_kv(d, inner, rec, err);
  mlt_db_take(d, inner->read);
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, mlt_read_info(inner->read)->table, "no-owner", 1,
                     "what it belongs to does not exist");
}

enum mlt_rc mlt_db_inner(struct mlt_db *d, const struct mlt_db_child *inner,
                         int (*order)(const struct mlt_db *d, const struct mlt_read_row *row),
                         struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_read_row *row;
  enum mlt_rc rc;
  do {
    rc = mlt_db_peek_own(d, inner, &row, err);
    int o = rc == MLT_OK ? order(d, row) : 1;
    if (o <= 0)
      rc = give_inner(d, inner, o < 0, rec, err);
    else if (rc == MLT_OK)
      rc = MLT_END;
  } while (rc == MLT_AGAIN);
  if (rc != MLT_END)
    return rc;
  uint64_t n = d->inner_skipped;
  d->inner_skipped = 0;
  d->inner_open = n > 0;
  if (n == 0)
    return MLT_END;
  return mlt_db_note(d, rec, MLT_NOTE_REJECT, mlt_read_info(inner->read)->table, "owner-rejected",
                     n, "they belong to what was rejected");
}

/* ---- the stream ---- */

static enum mlt_rc end_owner(struct mlt_db *d, struct mlt_record *rec) {
  const struct mlt_db_phase *p = phases[d->phase];
  bool skipped = d->skip;
  d->owner = NULL;
  if (p == &mlt_db_runs)
    d->progress.runs_done++;
  if (p->end < 0 || skipped)
    return MLT_AGAIN;
  mlt_db_record(rec, (enum mlt_rec_kind)p->end);
  return MLT_OK;
}

static enum mlt_rc next_phase(struct mlt_db *d, struct mlt_err *err) {
  if (++d->phase == PHASES)
    return MLT_AGAIN;
  d->n = d->at = 0;
  enum mlt_rc rc = mlt_db_start(d, phases[d->phase]->read, NULL, 0, err);
  return rc == MLT_OK ? MLT_AGAIN : rc;
}

static enum mlt_rc step(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  if (d->phase == PHASES) {
    enum mlt_rc rc = mlt_db_copied(d, rec, err);
    return rc == MLT_END ? mlt_db_rest(d, rec, err) : rc;
  }
  if (!d->owner) {
    enum mlt_rc rc = next_owner(d, rec, err);
    return rc == MLT_END ? next_phase(d, err) : rc;
  }
  const struct mlt_db_phase *p = phases[d->phase];
  if (d->child == p->n_children || (!d->begun && d->skip && d->quiet && d->chosen))
    return end_owner(d, rec);
  enum mlt_rc rc = d->begun ? MLT_OK : begin_children(d, err);
  if (rc != MLT_OK)
    return rc;
  rc = next_of_child(d, &p->children[d->child], rec, err);
  if (rc != MLT_END)
    return rc;
  d->child++;
  return MLT_AGAIN;
}

enum mlt_rc mlt_db_next(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_db *d = &s->d;
  if (d->has_pending) {
    d->has_pending = false;
    mlt_db_record(rec, MLT_REC_NOTE);
    rec->note = d->pending;
    return MLT_OK;
  }
  enum mlt_rc rc;
  do
    rc = step(d, rec, err);
  while (rc == MLT_AGAIN);
  return rc;
}

void mlt_db_progress(const struct mlt_source *s, struct mlt_source_progress *out) {
  *out = s->d.progress;
}

/* ---- opening ---- */

/* Alembic changes a SQLite table by filling another of this name. */
static enum mlt_rc refuse_half_migrated(const struct mlt_catalog *c, struct mlt_err *err) {
  for (size_t i = 0; i < c->n_tables; i++) {
    if (strncmp(c->tables[i].name, "_alembic_tmp_", 13) != 0)
      continue;
    (void)mlt_err_set(err, MLT_TEMPFAIL,
                      "a migration of MLflow's schema is under way, or was interrupted (table %s)",
                      c->tables[i].name);
    mlt_err_hint(err, "let `mlflow db upgrade` end, or restore the backup made before it");
    return MLT_TEMPFAIL;
  }
  return MLT_OK;
}

static enum mlt_rc allocate(struct mlt_db *d, struct mlt_err *err) {
  mlt_buf_init(&d->key, MLT_DB_KEY_MAX);
  mlt_buf_init(&d->inner_id, MLT_DB_KEY_MAX);
  mlt_buf_init(&d->inner_end, MLT_DB_KEY_MAX);
  mlt_buf_init(&d->names, MLT_DB_KEY_MAX);
  d->arena = mlt_arena_new();
  d->window_arena = mlt_arena_new();
  d->rejected = mlt_map_new();
  return d->arena && d->window_arena && d->rejected ? MLT_OK : mlt_err_nomem(err);
}

static enum mlt_rc begin(struct mlt_db *d, struct mlt_err *err) {
  enum mlt_rc rc = d->ops->catalog(d->db, d->arena, &d->catalog, err);
  if (rc == MLT_OK)
    rc = refuse_half_migrated(&d->catalog, err);
  if (rc == MLT_OK)
    rc = mlt_schema_check_source(&d->catalog, d->ops->kind, &d->schema, d->arena, err);
  if (rc == MLT_OK)
    mlt_copied_shapes(&d->catalog, d->ops->kind, d->shapes);
  if (rc == MLT_OK)
    rc = d->ops->snapshot(d->db, d->schema.head, d->schema.features, err);
  if (rc == MLT_OK)
    rc = d->ops->count(d->db, mlt_table_name(MLT_T_RUNS), &d->progress.runs_total, err);
  return rc == MLT_OK ? mlt_db_start(d, phases[0]->read, NULL, 0, err) : rc;
}

enum mlt_rc mlt_db_open(struct mlt_source **out, const struct mlt_db_ops *ops, void *db,
                        const char *name, struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *s = mlt_calloc(1, sizeof *s);
  if (!s) {
    ops->close(db);
    return mlt_err_nomem(err);
  }
  s->d.ops = ops;
  s->d.db = db;
  enum mlt_rc rc = allocate(&s->d, err);
  if (rc == MLT_OK)
    rc = begin(&s->d, err);
  if (rc == MLT_OK) {
    *out = s;
    return MLT_OK;
  }
  mlt_err_prefix(err, "source %s", name);
  mlt_db_close(s);
  return rc;
}

void mlt_db_copies(struct mlt_source *s, const struct mlt_shape *target) {
  s->d.told = true;
  s->d.asked = mlt_copied_groups(s->d.shapes, target);
}

void mlt_db_skip(struct mlt_source *s, enum mlt_rec_kind kind) {
  (void)kind; /* the owner at hand */
  s->d.skip = s->d.quiet = s->d.chosen = true;
  s->d.has_pending = false;
}

void mlt_db_close(struct mlt_source *s) {
  if (!s)
    return;
  struct mlt_db *d = &s->d;
  for (size_t i = 0; i < MLT_READ_COUNT; i++)
    if (d->cursor[i].read)
      d->ops->read_free(d->cursor[i].read);
  if (d->copying)
    d->ops->read_free(d->copying);
  d->ops->close(d->db);
  mlt_buf_free(&d->key);
  mlt_buf_free(&d->inner_id);
  mlt_buf_free(&d->inner_end);
  mlt_buf_free(&d->names);
  mlt_map_free(d->rejected);
  mlt_arena_free(d->window_arena);
  mlt_arena_free(d->arena);
  mlt_free(s);
}
