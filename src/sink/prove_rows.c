/* The rows of one run in one table, both sides in the same order (keys by bytes; points as a sealed
   batch has them), gone through side by side: memory does not grow with them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/rules.h"
#include "schema/reads.h"
#include "sink/prove.h"
#include "sink/values.h"

enum {
  TOLD_MAX = 10, /* rows of one run and table that are named; the rest is counted */
  HELD_MAX = 64, /* points of one key that wait for their other side */
  KEY_MAX = 1024,
  ODD_MAX = 64,
  POINT_TEXT = 160 + ODD_MAX
};

/* A point; only a damaged target has one whose value or flag is none of its column's type: then the
   value is NaN, and `odd` shows it. */
struct shown_point {
  struct mlt_metric_point p;
  char odd[ODD_MAX];
};

/* A row: of params and tags `text` counts, of metrics and latest_metrics the point. */
struct item {
  struct mlt_str key;
  struct mlt_value text;
  struct shown_point point;
  char broken[ODD_MAX]; /* not "": a NULL where none can be, or a step or time of no number */
};

/* Points of one key that the other side has not; what looks like the same point of both is one
   difference. */
struct held {
  size_t n;
  struct shown_point v[HELD_MAX];
};

struct walk {
  struct mlt_write *a;
  size_t run;
  enum mlt_table table;
  struct mlt_batch_cursor *cursor; /* of metrics */
  size_t at;                       /* of the others: the next row */
  struct item ours;                /* the next of the source */
  bool over;                       /* there is none */
  struct held missing, extra;
  char key[KEY_MAX]; /* of those held */
  size_t key_len;
  uint64_t told, untold;
};

static bool is_kv(const struct walk *w) {
  return w->table == MLT_T_PARAMS || w->table == MLT_T_TAGS;
}

/* ---- telling ---- */

/* Is there room for one more? */
static bool may_tell(struct walk *w) {
  if (w->told == TOLD_MAX) {
    w->untold++;
    return false;
  }
  w->told++;
  return true;
}

static struct mlt_str run_id(const struct walk *w) {
  return w->a->b->runs.v[w->run].r.run_uuid;
}

static const char *point_text(char out[POINT_TEXT], const struct shown_point *shown) {
  char number[MLT_DOUBLE_TEXT];
  struct mlt_metric_point p = shown->p;
  (void)mlt_text_double(number, p.value);
  int n = snprintf(out, POINT_TEXT, "step %" PRId64 ", time %" PRId64 ", ", p.step, p.timestamp);
  if (*shown->odd)
    (void)snprintf(out + n, POINT_TEXT - (size_t)n, "%s", shown->odd);
  else
    (void)snprintf(out + n, POINT_TEXT - (size_t)n, "value %s%s", number, p.is_nan ? " (NaN)" : "");
  return out;
}

static enum mlt_rc tell_point(struct walk *w, const char *code, struct mlt_str key,
                              const struct shown_point *p) {
  char text[POINT_TEXT];
  const char *side = strcmp(code, "row-extra") == 0 ? "the source" : "the database";
  return may_tell(w) ? mlt_prove_tell(w->a, code, w->table, run_id(w), key, "%s has no point %s",
                                      side, point_text(text, p))
                     : MLT_OK;
}

static enum mlt_rc tell_points(struct walk *w, const char *code, struct mlt_str key,
                               const struct shown_point *theirs, const struct shown_point *ours) {
  char there[POINT_TEXT], mine[POINT_TEXT];
  return may_tell(w)
             ? mlt_prove_tell(w->a, code, w->table, run_id(w), key, "is %s; %s in the source",
                              point_text(there, theirs), point_text(mine, ours))
             : MLT_OK;
}

static enum mlt_rc tell_text(struct walk *w, const char *code, const struct item *i) {
  char shown[256];
  const char *side = strcmp(code, "row-extra") == 0 ? "the source" : "the database";
  return may_tell(w) ? mlt_prove_tell(w->a, code, w->table, run_id(w), i->key,
                                      "%s has no such row; its value is %s", side,
                                      mlt_value_show(&i->text, shown, sizeof shown))
                     : MLT_OK;
}

/* ---- points that wait ---- */

enum likeness { SAME_PLACE, SAME_STEP_AND_VALUE, SAME_TIME_AND_VALUE, LIKENESSES };

static bool is_like(enum likeness how, struct mlt_metric_point a, struct mlt_metric_point b) {
  bool value = a.value == b.value && a.is_nan == b.is_nan;
  switch (how) {
  case SAME_PLACE:
    return a.step == b.step && a.timestamp == b.timestamp;
  case SAME_STEP_AND_VALUE:
    return a.step == b.step && value;
  default:
    return a.timestamp == b.timestamp && value;
  }
}

static void drop(struct held *h, size_t i) {
  h->v[i] = h->v[--h->n];
}

static enum mlt_rc pair(struct walk *w, enum likeness how, struct mlt_str key) {
  enum mlt_rc rc = MLT_OK;
  for (size_t e = 0; e < w->extra.n;) {
    size_t m = 0;
    while (m < w->missing.n && !is_like(how, w->extra.v[e].p, w->missing.v[m].p))
      m++;
    if (m == w->missing.n) {
      e++;
      continue;
    }
    if (rc == MLT_OK)
      rc = tell_points(w, "row-differs", key, &w->extra.v[e], &w->missing.v[m]);
    drop(&w->extra, e);
    drop(&w->missing, m);
  }
  return rc;
}

static enum mlt_rc settle(struct walk *w) {
  struct mlt_str key = {w->key, w->key_len};
  enum mlt_rc rc = MLT_OK;
  for (unsigned how = 0; rc == MLT_OK && how < LIKENESSES; how++)
    rc = pair(w, (enum likeness)how, key);
  for (size_t i = 0; rc == MLT_OK && i < w->missing.n; i++)
    rc = tell_point(w, "row-missing", key, &w->missing.v[i]);
  for (size_t i = 0; rc == MLT_OK && i < w->extra.n; i++)
    rc = tell_point(w, "row-extra", key, &w->extra.v[i]);
  w->missing.n = w->extra.n = 0;
  return rc;
}

static enum mlt_rc hold(struct walk *w, struct held *h, const struct item *i) {
  struct mlt_str key = {i->key.p, i->key.len < KEY_MAX ? i->key.len : KEY_MAX};
  enum mlt_rc rc = MLT_OK;
  if (h->n == HELD_MAX || !mlt_str_eq(key, (struct mlt_str){w->key, w->key_len}))
    rc = settle(w);
  memcpy(w->key, key.p, key.len);
  w->key_len = key.len;
  h->v[h->n++] = i->point;
  return rc;
}

/* ---- one row ---- */

static enum mlt_rc missing(struct walk *w, const struct item *i) {
  if (is_kv(w))
    return tell_text(w, "row-missing", i);
  return w->table == MLT_T_METRICS ? hold(w, &w->missing, i)
                                   : tell_point(w, "row-missing", i->key, &i->point);
}

static enum mlt_rc extra(struct walk *w, const struct item *i) {
  if (mlt_prove_one_way(w->a, w->run))
    return MLT_OK;
  if (*i->broken)
    return may_tell(w) ? mlt_prove_tell(w->a, "row-extra", w->table, run_id(w), i->key,
                                        "%s, which the source has not", i->broken)
                       : MLT_OK;
  if (is_kv(w))
    return tell_text(w, "row-extra", i);
  return w->table == MLT_T_METRICS ? hold(w, &w->extra, i)
                                   : tell_point(w, "row-extra", i->key, &i->point);
}

/* Both sides have a row of the key, which is all there is of it in the table. */
static enum mlt_rc both(struct walk *w, const struct item *theirs) {
  const struct item *ours = &w->ours;
  bool one_way = mlt_prove_one_way(w->a, w->run);
  const char *code = one_way && w->table != MLT_T_PARAMS ? "row-superseded" : "row-differs";
  struct mlt_metric_point t = theirs->point.p, o = ours->point.p;
  if (is_kv(w))
    return mlt_value_eq(&ours->text, &theirs->text) || !may_tell(w)
               ? MLT_OK
               : mlt_prove_tell_value(w->a, code, w->table, run_id(w), ours->key, &theirs->text,
                                      &ours->text);
  bool odd = *theirs->point.odd != '\0';
  bool later = mlt_metric_later(t.step, t.timestamp, t.value, o.step, o.timestamp, o.value);
  if (w->table == MLT_T_METRICS || (!odd && (mlt_metric_order(t, o) == 0 || (one_way && later))))
    return MLT_OK;
  return tell_points(w, "row-differs", ours->key, &theirs->point, &ours->point);
}

/* As both sides are sorted; only a damaged target has NaN as a value, which sorts last. */
static int order(const struct walk *w, const struct item *ours, const struct item *theirs) {
  int c = mlt_str_cmp(ours->key, theirs->key);
  if (c || w->table != MLT_T_METRICS)
    return c;
  struct mlt_metric_point o = ours->point.p, t = theirs->point.p;
  if (isnan(t.value) && o.step == t.step && o.timestamp == t.timestamp)
    return -1;
  return mlt_metric_order(o, t);
}

/* ---- the source's rows ---- */

static enum mlt_rc next_point(struct walk *w) {
  struct mlt_batch_point p;
  enum mlt_rc rc = mlt_batch_cursor_next(w->cursor, &p, w->a->err);
  w->over = rc == MLT_END;
  if (rc == MLT_OK)
    w->ours = (struct item){.key = w->a->b->keys.v[p.key],
                            .point.p = {p.step, p.timestamp, p.value, p.is_nan}};
  return rc == MLT_END ? MLT_OK : rc;
}

static enum mlt_rc next_ours(struct walk *w) {
  const struct mlt_batch *b = w->a->b;
  struct mlt_range range = mlt_run_range(&b->runs.v[w->run], w->table);
  size_t i = range.first + w->at;
  if (w->table == MLT_T_METRICS)
    return next_point(w);
  w->over = w->at == range.n;
  if (w->over)
    return MLT_OK;
  w->at++;
  if (is_kv(w)) {
    const struct mlt_batch_kv *kv = w->table == MLT_T_PARAMS ? &b->params.v[i] : &b->tags.v[i];
    w->ours = (struct item){.key = kv->key, .text = mlt_v_text(kv->value)};
  } else {
    const struct mlt_batch_points *p = &b->latest;
    w->ours = (struct item){.key = b->keys.v[p->key[i]],
                            .point.p = {p->step[i], p->timestamp[i], p->value[i], p->is_nan[i]}};
  }
  return MLT_OK;
}

/* ---- the target's ---- */

/* "value 'abc'", of one that is no `kind`; else nothing. */
static bool show_odd(const struct mlt_value *v, enum mlt_value_kind kind, const char *name,
                     char out[ODD_MAX]) {
  char shown[ODD_MAX];
  if (v->kind == kind)
    return false;
  (void)snprintf(out, ODD_MAX, "%s %.48s", name, mlt_value_show(v, shown, sizeof shown));
  return true;
}

static void read_point(const struct mlt_value *step, const struct mlt_value *timestamp,
                       const struct mlt_value *value, const struct mlt_value *is_nan,
                       struct item *out) {
  struct shown_point *to = &out->point;
  if (show_odd(step, MLT_V_INT, "a step", out->broken) ||
      show_odd(timestamp, MLT_V_INT, "a time", out->broken))
    return;
  to->p = (struct mlt_metric_point){.step = step->i, .timestamp = timestamp->i, .value = NAN};
  if (show_odd(value, MLT_V_DOUBLE, "value", to->odd) ||
      show_odd(is_nan, MLT_V_BOOL, "is_nan", to->odd))
    return;
  to->p.value = value->d;
  to->p.is_nan = is_nan->b;
}

#define AT(table, column) (&row[MLT_C_##table##_##column - MLT_C_##table##_key])

static void read_item(const struct walk *w, const struct mlt_value *row, struct item *out) {
  *out = (struct item){.key = row[0].s};
  if (show_odd(&row[0], MLT_V_TEXT, "a key", out->broken))
    return;
  if (is_kv(w))
    out->text = row[1];
  else if (w->table == MLT_T_METRICS)
    read_point(AT(METRICS, step), AT(METRICS, timestamp), AT(METRICS, value), AT(METRICS, is_nan),
               out);
  else
    read_point(AT(LATEST_METRICS, step), AT(LATEST_METRICS, timestamp), AT(LATEST_METRICS, value),
               AT(LATEST_METRICS, is_nan), out);
}

static enum mlt_rc take_theirs(void *ctx, const struct mlt_value *row, struct mlt_err *err) {
  struct walk *w = ctx;
  struct item theirs;
  int c = 1;
  enum mlt_rc rc = MLT_OK;
  (void)err;
  read_item(w, row, &theirs);
  if (*theirs.broken)
    return extra(w, &theirs);
  while (rc == MLT_OK && !w->over && (c = order(w, &w->ours, &theirs)) < 0) {
    rc = missing(w, &w->ours);
    if (rc == MLT_OK)
      rc = next_ours(w);
  }
  if (rc != MLT_OK)
    return rc;
  if (w->over || c > 0)
    return extra(w, &theirs);
  rc = both(w, &theirs);
  return rc == MLT_OK ? next_ours(w) : rc;
}

/* ---- the whole ---- */

static enum mlt_rc tell_rest(struct walk *w) {
  return w->untold ? mlt_prove_tell(w->a, "row-differs", w->table, run_id(w), MLT_STR_NULL,
                                    "%" PRIu64 " more rows of %s differ, or are on one side only",
                                    w->untold, mlt_table_name(w->table))
                   : MLT_OK;
}

static enum mlt_rc walk(struct walk *w, enum mlt_read what) {
  struct mlt_sink *s = w->a->w;
  enum mlt_rc rc = next_ours(w);
  if (rc == MLT_OK)
    rc = s->ops->read_run(s->db, what, run_id(w), s->schema.features, take_theirs, w, w->a->err);
  while (rc == MLT_OK && !w->over) {
    rc = missing(w, &w->ours);
    if (rc == MLT_OK)
      rc = next_ours(w);
  }
  if (rc == MLT_OK)
    rc = settle(w);
  return rc == MLT_OK ? tell_rest(w) : rc;
}

enum mlt_rc mlt_prove_rows(struct mlt_write *a, size_t run, enum mlt_table table) {
  static const enum mlt_read reads[] = {MLT_READ_PARAMS, MLT_READ_TAGS, MLT_READ_METRICS,
                                        MLT_READ_LATEST_METRICS};
  struct walk w = {.a = a, .run = run, .table = table};
  enum mlt_rc rc =
      table == MLT_T_METRICS ? mlt_batch_cursor_open(&w.cursor, a->b, run, a->err) : MLT_OK;
  if (rc == MLT_OK)
    rc = walk(&w, reads[table - MLT_T_PARAMS]);
  mlt_batch_cursor_close(w.cursor);
  return rc;
}
