/* Rows of tables that are copied as they are: row by row, as the registry. What belongs to a row
   that was left out cannot go in either: such rows are remembered by their identity, unless what
   they belong to is an experiment, which every row of a trace says itself. */
#include "base/json_valid.h"
#include "model/rules.h"
#include "sink/prove.h"
#include "sink/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Why a row is rejected where it is not alone with that. */
enum crowd { NO_OWNER, OWNER_REJECTED, CROWDS };

struct copying {
  struct mlt_write *a;
  const struct mlt_shape *shape;
  const struct mlt_copied *info;
  size_t n; /* rows of the table at hand */
  const struct mlt_copied_row **row;
  const struct mlt_value **v; /* their values as they are to be in the target */
  uint8_t *fate;              /* enum mlt_fate */
  bool *absent;               /* and the target has no row of its identity */
  uint64_t crowd[CROWDS];
  struct mlt_str crowd_id[CROWDS];                     /* the first of them */
  unsigned identity[MLT_IDENTITY_COLUMNS], n_identity; /* being compared */
  bool second;                                         /* it is the other one */
  struct mlt_map *index;                               /* identity -> row */
  struct mlt_buf key;
};

/* ---- keys ---- */

static enum mlt_rc add_value(struct mlt_buf *b, const struct mlt_value *v) {
  enum mlt_rc rc = MLT_OK;
  if (v->kind == MLT_V_INT)
    rc = mlt_buf_printf(b, "%" PRId64, v->i);
  else if (v->kind == MLT_V_TEXT && v->s.len)
    rc = mlt_buf_add(b, v->s.p, v->s.len);
  return rc == MLT_OK ? mlt_buf_add(b, "", 1) : rc; /* texts hold no NUL */
}

/* The values of these columns behind the table's number, in c->key. */
static enum mlt_rc make_key(struct copying *c, enum mlt_table table, const struct mlt_value *v,
                            const unsigned *columns, unsigned n) {
  mlt_buf_clear(&c->key);
  enum mlt_rc rc = mlt_buf_printf(&c->key, "%d ", (int)table);
  for (unsigned i = 0; i < n && rc == MLT_OK; i++)
    rc = add_value(&c->key, &v[columns[i]]);
  return rc == MLT_OK ? MLT_OK : mlt_err_nomem(c->a->err);
}

/* Of a row's identity the nth column, where it is a text for people. */
static struct mlt_str row_name(const struct copying *c, size_t i, unsigned nth) {
  unsigned at[MLT_IDENTITY_COLUMNS];
  unsigned n = mlt_copied_columns(c->shape, c->info->identity[0], at);
  if (nth >= n || c->v[i][at[nth]].kind != MLT_V_TEXT || mlt_rule_text(c->v[i][at[nth]].s))
    return MLT_STR_NULL;
  return c->v[i][at[nth]].s;
}

static struct mlt_str row_id(const struct copying *c, size_t i) {
  return row_name(c, i, 0);
}

/* ---- ids of experiments ---- */

static bool is_link(const struct copying *c) {
  return c->shape->table == MLT_T_ENTITY_ASSOCIATIONS;
}

/* Does column i hold the id of an experiment? In a link an end does whose type says so. */
static bool holds_experiment(const struct copying *c, const struct mlt_value *v, unsigned i) {
  static const char *const ends[] = {"source_type source_id", "destination_type destination_id"};
  unsigned at[MLT_IDENTITY_COLUMNS];
  if (!is_link(c))
    return strcmp(c->shape->c[i].name, "experiment_id") == 0 && v[i].kind == MLT_V_INT;
  for (size_t e = 0; e < 2; e++)
    if (mlt_copied_columns(c->shape, ends[e], at) && at[1] == i)
      return mlt_str_is(v[at[0]].s, "experiment") && v[i].kind == MLT_V_TEXT;
  return false;
}

/* The target's for the source's. False: it was rejected, or never seen. */
static enum mlt_rc translate(struct copying *c, struct mlt_value *v, bool *known) {
  char digits[24];
  struct mlt_home home;
  bool text = v->kind == MLT_V_TEXT;
  (void)snprintf(digits, sizeof digits, "%" PRId64, text ? 0 : v->i);
  *known = mlt_write_home(c->a, text ? v->s : mlt_str_c(digits), &home);
  if (!*known)
    return MLT_OK;
  if (!text) {
    v->i = home.id;
    return MLT_OK;
  }
  (void)snprintf(digits, sizeof digits, "%" PRId64, home.id);
  return mlt_arena_str(c->a->out->arena, mlt_str_c(digits), &v->s) == 0 ? MLT_OK
                                                                        : mlt_err_nomem(c->a->err);
}

static enum mlt_rc set_values(struct copying *c, size_t i, bool *known) {
  const struct mlt_copied_row *row = c->row[i];
  struct mlt_value *v = NULL;
  enum mlt_rc rc = MLT_OK;
  c->v[i] = row->v;
  *known = true;
  for (unsigned k = 0; k < row->n && rc == MLT_OK && *known; k++) {
    if (!holds_experiment(c, row->v, k))
      continue;
    if (!v && !(v = mlt_arena_alloc(c->a->out->arena, row->n * sizeof *v)))
      return mlt_err_nomem(c->a->err);
    if (c->v[i] != v)
      memcpy(v, row->v, row->n * sizeof *v);
    c->v[i] = v;
    rc = translate(c, &v[k], known);
  }
  return rc;
}

/* ---- what cannot go in ---- */

static const char *misfit(const struct mlt_shape_column *c, const struct mlt_value *v) {
  if (v->kind == MLT_V_NULL)
    return c->not_null ? "it is NULL, which the target does not take" : NULL;
  if (c->type == MLT_TYPE_I4 && v->kind == MLT_V_INT && v->i != (int32_t)v->i)
    return "its number is too large for the target's column";
  if (v->kind != MLT_V_TEXT)
    return NULL;
  if (c->chars && v->s.len > c->chars && mlt_utf8_length(v->s) > c->chars)
    return "its text is longer than the target's column";
  return c->json && !mlt_json_valid(v->s) ? "it is no JSON" : NULL;
}

/* The row's first value that cannot go in; NULL: none. */
static const char *bad_value(const struct copying *c, size_t i, unsigned *at) {
  const struct mlt_copied_row *row = c->row[i];
  *at = row->at;
  if (row->fault == MLT_COPIED_TYPED)
    return "it holds a value of another type";
  if (row->fault == MLT_COPIED_TEXT)
    return "it is no UTF-8 text, or has NUL bytes";
  for (*at = 0; *at < row->n; (*at)++) {
    const char *why = misfit(&c->shape->c[*at], &c->v[i][*at]);
    if (why)
      return why;
  }
  return NULL;
}

/* Was what it belongs to left out? */
static enum mlt_rc owner_is_lost(struct copying *c, size_t i, bool *lost) {
  unsigned at[MLT_IDENTITY_COLUMNS];
  uint64_t found;
  *lost = false;
  unsigned n = mlt_copied_columns(c->shape, c->info->owned_by, at);
  if (n == 0)
    return MLT_OK;
  enum mlt_rc rc = make_key(c, c->info->owner, c->v[i], at, n);
  *lost = rc == MLT_OK && (mlt_map_get(c->a->lost, mlt_buf_str(&c->key), &found) ||
                           mlt_known_is_lost(c->a->w->known, mlt_buf_str(&c->key)));
  return rc;
}

static void join(struct copying *c, size_t i, enum crowd crowd) {
  c->fate[i] = MLT_FATE_REJECTED;
  if (c->crowd[crowd]++ == 0)
    c->crowd_id[crowd] = row_id(c, i);
}

/* The target has no row of this identity and gets none. */
static enum mlt_rc lose(struct copying *c, size_t i) {
  unsigned at[MLT_IDENTITY_COLUMNS];
  unsigned n = mlt_copied_columns(c->shape, c->info->identity[0], at);
  enum mlt_rc rc = make_key(c, c->shape->table, c->v[i], at, n);
  return rc != MLT_OK || mlt_map_put(c->a->lost, mlt_buf_str(&c->key), 1) >= 0
             ? rc
             : mlt_err_nomem(c->a->err);
}

static enum mlt_rc judge(struct copying *c, size_t i) {
  bool known = true, lost = false;
  unsigned at;
  const struct mlt_copied_row *row = c->row[i];
  struct mlt_home home;
  enum mlt_rc rc = set_values(c, i, &known);
  if (rc == MLT_OK)
    rc = owner_is_lost(c, i, &lost);
  if (rc != MLT_OK)
    return rc;
  if (row->fault == MLT_COPIED_LOST)
    join(c, i, NO_OWNER);
  else if (lost || !known || (row->experiment.p && !mlt_write_home(c->a, row->experiment, &home)))
    join(c, i, OWNER_REJECTED);
  if (c->fate[i] == MLT_FATE_REJECTED)
    return row->experiment.p && !lost ? MLT_OK : lose(c, i);
  const char *why = bad_value(c, i, &at);
  if (!why)
    return MLT_OK;
  c->fate[i] = MLT_FATE_REJECTED;
  rc = mlt_write_note(c->a, MLT_NOTE_REJECT, c->shape->table, "bad-value", 1, row_id(c, i),
                      "column %s: %s", c->shape->c[at].name, why);
  return rc == MLT_OK ? lose(c, i) : rc;
}

static enum mlt_rc note_crowds(struct copying *c) {
  static const char *const codes[] = {"no-owner", "owner-rejected"};
  static const char *const why[] = {"does not exist", "was rejected"};
  enum mlt_rc rc = MLT_OK;
  for (unsigned i = 0; i < CROWDS && rc == MLT_OK; i++)
    if (c->crowd[i])
      rc = mlt_write_note(c->a, MLT_NOTE_REJECT, c->shape->table, codes[i], c->crowd[i],
                          c->crowd_id[i], "%" PRIu64 " rows of table %s belong to what %s",
                          c->crowd[i], mlt_table_name(c->shape->table), why[i]);
  return rc;
}

/* ---- what is there ---- */

/* SQLite takes text that is a number for that number, as which MLflow reads it, too. */
static bool is_same_number(const struct mlt_value *a, const struct mlt_value *b) {
  double x, y;
  return a->kind == MLT_V_TEXT && b->kind == MLT_V_TEXT && mlt_parse_double(a->s, &x) &&
         mlt_parse_double(b->s, &y) && x == y;
}

static int difference(const struct copying *c, const struct mlt_value *a,
                      const struct mlt_value *b) {
  for (unsigned i = 0; i < c->shape->n; i++)
    if (!mlt_value_eq(&a[i], &b[i]) && !(c->shape->c[i].json && is_same_number(&a[i], &b[i])))
      return (int)i;
  return -1;
}

static enum mlt_rc found(void *ctx, const struct mlt_value *theirs, struct mlt_err *err) {
  (void)err;
  struct copying *c = ctx;
  uint64_t i;
  enum mlt_rc rc = make_key(c, c->shape->table, theirs, c->identity, c->n_identity);
  if (rc != MLT_OK || !mlt_map_get(c->index, mlt_buf_str(&c->key), &i) ||
      c->fate[i] != MLT_FATE_NEW)
    return rc;
  int at = difference(c, c->v[i], theirs);
  c->fate[i] = at < 0 ? MLT_FATE_PRESENT : MLT_FATE_CONFLICT;
  c->absent[i] = c->second;
  if (at < 0)
    return MLT_OK;
  char there[256], mine[256];
  return mlt_write_note(c->a, MLT_NOTE_CONFLICT, c->shape->table, "row-conflict", 1,
                        row_id(c, (size_t)i), "%s is %s in the target, %s in the source",
                        c->shape->c[at].name, mlt_value_show(&theirs[at], there, sizeof there),
                        mlt_value_show(&c->v[i][at], mine, sizeof mine));
}

/* The values that rows are looked up by, each once. */
static enum mlt_rc gather(struct copying *c, struct mlt_str *keys, size_t *n) {
  struct mlt_map *seen = mlt_map_new();
  enum mlt_rc rc = seen ? MLT_OK : mlt_err_nomem(c->a->err);
  *n = 0;
  for (size_t i = 0; i < c->n && rc == MLT_OK; i++) {
    if (c->fate[i] != MLT_FATE_NEW)
      continue;
    struct mlt_str by = c->v[i][c->identity[0]].s;
    int added = mlt_map_put(seen, by, 1);
    if (added > 0)
      keys[(*n)++] = by;
    rc = added < 0 ? mlt_err_nomem(c->a->err)
                   : make_key(c, c->shape->table, c->v[i], c->identity, c->n_identity);
    if (rc == MLT_OK && mlt_map_put(c->index, mlt_buf_str(&c->key), i) < 0)
      rc = mlt_err_nomem(c->a->err);
  }
  mlt_map_free(seen);
  return rc;
}

static enum mlt_rc compare(struct copying *c, unsigned which) {
  struct mlt_sink *w = c->a->w;
  struct mlt_str *keys = mlt_arena_alloc(c->a->out->arena, (c->n + 1) * sizeof *keys);
  size_t n;
  c->n_identity = mlt_copied_columns(c->shape, c->info->identity[which], c->identity);
  c->second = which > 0;
  if (!keys)
    return mlt_err_nomem(c->a->err);
  if (c->n_identity == 0 || !w->db)
    return MLT_OK;
  mlt_map_clear(c->index);
  enum mlt_rc rc = gather(c, keys, &n);
  return rc == MLT_OK && n
             ? w->ops->select_copied(w->db, c->shape, c->identity[0], keys, n, found, c, c->a->err)
             : rc;
}

/* ---- a table ---- */

static enum mlt_rc insert(struct copying *c) {
  struct mlt_sink *w = c->a->w;
  enum mlt_rc rc = MLT_OK;
  size_t n = 0;
  for (size_t i = 0; i < c->n && rc == MLT_OK; i++) {
    mlt_write_count(c->a, c->shape->table, c->fate[i], 1);
    if (c->absent[i])
      rc = lose(c, i);
    if (rc == MLT_OK && w->prove && c->fate[i] == MLT_FATE_NEW)
      rc = mlt_prove_tell(c->a, "row-missing", c->shape->table, row_id(c, i), row_name(c, i, 1),
                          "the database has no such row");
    if (c->fate[i] == MLT_FATE_NEW)
      c->v[n++] = c->v[i];
  }
  const struct mlt_copied_rows rows = {.shape = c->shape, .n = n, .v = c->v};
  return rc == MLT_OK && n && !w->dry_run ? w->ops->insert_copied(w->db, &rows, c->a->err) : rc;
}

static enum mlt_rc copy_table(struct copying *c) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; i < c->n && rc == MLT_OK; i++)
    rc = judge(c, i);
  if (rc == MLT_OK)
    rc = note_crowds(c);
  for (unsigned which = 0; which < MLT_IDENTITIES && rc == MLT_OK; which++)
    rc = compare(c, which);
  return rc == MLT_OK ? insert(c) : rc;
}

/* Rows from the one numbered `first` on that are of one table. */
static enum mlt_rc copy_stretch(struct mlt_write *a, size_t first, size_t n) {
  struct mlt_arena *arena = a->out->arena;
  enum mlt_table table = a->b->copied.v[first].table;
  struct copying c = {.a = a,
                      .shape = &a->w->shapes[table - MLT_T_COUNT],
                      .info = mlt_copied_info(table),
                      .n = n,
                      .row = mlt_arena_alloc(arena, n * sizeof *c.row),
                      .v = mlt_arena_alloc(arena, n * sizeof *c.v),
                      .fate = mlt_arena_zalloc(arena, n),
                      .absent = mlt_arena_zalloc(arena, n * sizeof *c.absent),
                      .index = mlt_map_new()};
  mlt_buf_init(&c.key, SIZE_MAX);
  enum mlt_rc rc = c.row && c.v && c.fate && c.absent && c.index ? MLT_OK : mlt_err_nomem(a->err);
  for (size_t i = 0; i < n && rc == MLT_OK; i++)
    c.row[i] = &a->b->copied.v[first + i];
  if (rc == MLT_OK)
    rc = copy_table(&c);
  mlt_map_free(c.index);
  mlt_buf_free(&c.key);
  return rc;
}

enum mlt_rc mlt_write_copied(struct mlt_write *a) {
  const struct mlt_batch *b = a->b;
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0, n; i < b->copied.n && rc == MLT_OK; i += n) {
    for (n = 1; i + n < b->copied.n && b->copied.v[i + n].table == b->copied.v[i].table;)
      n++;
    rc = copy_stretch(a, i, n);
  }
  return rc;
}
