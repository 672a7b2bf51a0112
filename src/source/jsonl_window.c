/* Lines gathered by run, in memory of bounded size, and given out run by run. */
#include "source/jsonl.h"

#include <string.h>

#include "base/mem.h"

enum { NAME_BYTES = MLT_LINE_MAX + 64, FIRST_POINTS = 4096 };

enum mlt_rc mlt_jsonl_window_init(struct mlt_jsonl_window *w, struct mlt_err *err) {
  w->arena = mlt_arena_new();
  w->run_index = mlt_map_new();
  w->series_index = mlt_map_new();
  w->experiment_index = mlt_map_new();
  mlt_buf_init(&w->name, NAME_BYTES);
  bool all = w->arena && w->run_index && w->series_index && w->experiment_index;
  return all ? MLT_OK : mlt_err_nomem(err);
}

static void free_columns(struct mlt_jsonl_columns *c) {
  mlt_free(c->timestamp);
  mlt_free(c->step);
  mlt_free(c->value);
  *c = (struct mlt_jsonl_columns){0};
}

void mlt_jsonl_window_free(struct mlt_jsonl_window *w) {
  mlt_arena_free(w->arena);
  mlt_map_free(w->run_index);
  mlt_map_free(w->series_index);
  mlt_map_free(w->experiment_index);
  mlt_buf_free(&w->name);
  mlt_free(w->runs.v);
  mlt_free(w->series.v);
  mlt_free(w->of);
  free_columns(&w->in);
  free_columns(&w->sorted);
}

static void empty(struct mlt_jsonl_window *w) {
  mlt_arena_reset(w->arena);
  mlt_map_clear(w->run_index);
  mlt_map_clear(w->series_index);
  mlt_map_clear(w->experiment_index);
  w->experiments = w->models = (struct mlt_jsonl_list){NULL, NULL};
  w->runs.n = w->series.n = w->n = 0;
  w->rows = 0;
  w->giving = MLT_WINDOW_GATHERS;
}

/* ---- copies ---- */

static bool copy_text(struct mlt_jsonl_window *w, struct mlt_str *s) {
  return !s->p || mlt_arena_str(w->arena, *s, s) == 0;
}

/* Of an object of strings: the only values with parts that lines which are copied have. */
static bool copy_texts(struct mlt_jsonl_window *w, struct mlt_line_value *v) {
  struct mlt_kv *kv = mlt_arena_alloc(w->arena, (v->n + 1) * sizeof *kv);
  if (!kv)
    return false;
  for (size_t i = 0; i < v->n; i++) {
    kv[i] = v->texts[i];
    if (!copy_text(w, &kv[i].key) || !copy_text(w, &kv[i].value))
      return false;
  }
  v->texts = kv;
  return true;
}

/* NULL when out of memory. */
static struct mlt_jsonl_line *copy_line(struct mlt_jsonl_window *w,
                                        const struct mlt_jsonl_line *l) {
  const struct mlt_line_field *fields = mlt_line_fields(l->type);
  size_t n = 0;
  while (fields[n].name)
    n++;
  struct mlt_jsonl_line *copy = mlt_arena_alloc(w->arena, sizeof *copy);
  struct mlt_line_value *v = mlt_arena_alloc(w->arena, n * sizeof *v);
  if (!copy || !v)
    return NULL;
  memcpy(v, l->v, n * sizeof *v);
  for (size_t i = 0; i < n; i++)
    if (!copy_text(w, &v[i].text) || (fields[i].kind == MLT_LINE_TEXTS && !copy_texts(w, &v[i])))
      return NULL;
  *copy = *l;
  copy->v = v;
  copy->next = NULL;
  return copy;
}

static enum mlt_rc append(struct mlt_jsonl_window *w, struct mlt_jsonl_list *list,
                          const struct mlt_jsonl_line *l) {
  struct mlt_jsonl_line *copy = copy_line(w, l);
  if (!copy)
    return MLT_NOMEM;
  *(list->first ? &list->last->next : &list->first) = copy;
  list->last = copy;
  return MLT_OK;
}

/* ---- runs ---- */

static enum mlt_rc find_run(struct mlt_jsonl_window *w, const struct mlt_jsonl_line *l,
                            size_t *at) {
  uint64_t found;
  struct mlt_jsonl_run run = {
      .id = l->v[0].text, .number = l->number, .first_series = SIZE_MAX, .last_series = SIZE_MAX};
  int added = mlt_map_intern(w->run_index, run.id, w->runs.n, &found);
  if (added < 0)
    return MLT_NOMEM;
  *at = (size_t)found;
  if (!added)
    return MLT_OK;
  if (!MLT_VEC_ROOM(w->runs) || !copy_text(w, &run.id))
    return MLT_NOMEM;
  w->runs.v[w->runs.n++] = run;
  return MLT_OK;
}

static enum mlt_rc begin_run(struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                             struct mlt_jsonl_run *run, const struct mlt_jsonl_line *l) {
  run->line = copy_line(w, l);
  return run->line && mlt_map_put(w->experiment_index, mlt_jsonl_experiment(g, l), 0) >= 0
             ? MLT_OK
             : MLT_NOMEM;
}

/* MLflow's update_run_info: the time stays unless it is given. */
static void end_run(struct mlt_jsonl_run *run, const struct mlt_line_value *v) {
  run->status = v[MLT_AT_END_status].has ? (enum mlt_run_status)v[MLT_AT_END_status].integer
                                         : MLT_RUN_FINISHED;
  if (v[MLT_AT_END_end_time].has)
    run->end_time = (struct mlt_opt_i64){v[MLT_AT_END_end_time].integer, true};
}

/* ---- points ---- */

static bool grow(void *pp, size_t n, size_t size) {
  void **p = pp, *more = mlt_reallocarray(*p, n, size);
  *p = more ? more : *p;
  return more != NULL;
}

static bool grow_columns(struct mlt_jsonl_columns *c, size_t n) {
  return grow(&c->timestamp, n, sizeof *c->timestamp) && grow(&c->step, n, sizeof *c->step) &&
         grow(&c->value, n, sizeof *c->value);
}

static enum mlt_rc room(struct mlt_jsonl_window *w, size_t more) {
  size_t cap = w->cap ? w->cap : FIRST_POINTS;
  while (cap < w->n + more)
    cap *= 2;
  if (cap == w->cap)
    return MLT_OK;
  if (!grow(&w->of, cap, sizeof *w->of) || !grow_columns(&w->in, cap) ||
      !grow_columns(&w->sorted, cap))
    return MLT_NOMEM;
  w->cap = cap;
  return MLT_OK;
}

static enum mlt_rc find_series(struct mlt_jsonl_window *w, size_t run, struct mlt_str key,
                               uint64_t number, size_t *at) {
  uint64_t found;
  mlt_buf_clear(&w->name);
  enum mlt_rc rc = mlt_buf_add(&w->name, &run, sizeof run);
  if (rc == MLT_OK)
    rc = mlt_buf_add(&w->name, key.p, key.len);
  if (rc != MLT_OK)
    return rc;
  int added = mlt_map_intern(w->series_index, mlt_buf_str(&w->name), w->series.n, &found);
  *at = (size_t)found;
  if (added == 0)
    return MLT_OK;
  struct mlt_jsonl_series s = {.key = key, .number = number, .next = SIZE_MAX};
  if (added < 0 || !MLT_VEC_ROOM(w->series) || !copy_text(w, &s.key))
    return MLT_NOMEM;
  struct mlt_jsonl_run *r = &w->runs.v[run];
  if (r->first_series == SIZE_MAX)
    r->first_series = w->series.n;
  else
    w->series.v[r->last_series].next = w->series.n;
  r->last_series = w->series.n;
  w->series.v[w->series.n++] = s;
  return MLT_OK;
}

static enum mlt_rc add_points(struct mlt_jsonl_window *w, size_t run, uint64_t number,
                              const struct mlt_points *points) {
  size_t at, n = points->n;
  enum mlt_rc rc = find_series(w, run, points->key, number, &at);
  if (rc == MLT_OK)
    rc = room(w, n);
  if (rc != MLT_OK)
    return rc;
  memcpy(w->in.timestamp + w->n, points->timestamp, n * sizeof *points->timestamp);
  memcpy(w->in.step + w->n, points->step, n * sizeof *points->step);
  memcpy(w->in.value + w->n, points->value, n * sizeof *points->value);
  for (size_t i = 0; i < n; i++)
    w->of[w->n + i] = (uint32_t)at;
  w->n += n;
  w->series.v[at].n += n;
  w->rows += n;
  return MLT_OK;
}

/* Brings the points of each series together, in the order they came in. */
static void sort_points(struct mlt_jsonl_window *w) {
  size_t at = 0;
  for (size_t i = 0; i < w->series.n; i++) {
    w->series.v[i].at = at;
    at += w->series.v[i].n;
    w->series.v[i].n = 0;
  }
  for (size_t i = 0; i < w->n; i++) {
    struct mlt_jsonl_series *s = &w->series.v[w->of[i]];
    size_t to = s->at + s->n++;
    w->sorted.timestamp[to] = w->in.timestamp[i];
    w->sorted.step[to] = w->in.step[i];
    w->sorted.value[to] = w->in.value[i];
  }
}

/* ---- gathering ---- */

size_t mlt_jsonl_window_bytes(const struct mlt_jsonl_window *w) {
  return mlt_arena_bytes(w->arena) + w->n * (2 * sizeof *w->in.step + sizeof *w->in.value);
}

bool mlt_jsonl_window_is_due(const struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                             const struct mlt_jsonl_line *l) {
  uint64_t at;
  if (l->type == MLT_LINE_RUN && mlt_map_get(w->run_index, l->v[0].text, &at))
    return true;
  if (l->type == MLT_LINE_EXPERIMENT &&
      mlt_map_get(w->experiment_index, mlt_jsonl_experiment(g, l), &at))
    return true;
  return !mlt_jsonl_follows_model(l) &&
         (w->rows >= w->full || mlt_jsonl_window_bytes(w) >= MLT_WINDOW_BYTES);
}

static enum mlt_rc add_call(struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                            const struct mlt_jsonl_line *l) {
  size_t run;
  struct mlt_record rec;
  enum mlt_rc rc = find_run(w, l, &run);
  if (rc != MLT_OK)
    return rc;
  switch (l->type) {
  case MLT_LINE_RUN:
    return begin_run(w, g, &w->runs.v[run], l);
  case MLT_LINE_END:
    end_run(&w->runs.v[run], l->v);
    return MLT_OK;
  case MLT_LINE_METRIC:
  case MLT_LINE_METRICS:
  case MLT_LINE_POINTS:
    for (size_t at = 0; rc == MLT_OK && mlt_jsonl_points(l, at, &rec); at++)
      rc = add_points(w, run, l->number, &rec.points);
    return rc;
  default:
    return append(w, &w->runs.v[run].calls, l);
  }
}

enum mlt_rc mlt_jsonl_window_add(struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                                 const struct mlt_jsonl_line *l) {
  w->rows++;
  switch (l->type) {
  case MLT_LINE_EXPERIMENT:
    if (mlt_map_put(w->experiment_index, mlt_jsonl_experiment(g, l), 0) < 0)
      return MLT_NOMEM;
    return append(w, &w->experiments, l);
  case MLT_LINE_DATASET:
    return l->v[MLT_AT_DATASET_run_id].has ? add_call(w, g, l) : append(w, &w->experiments, l);
  case MLT_LINE_LOGGED_MODEL:
  case MLT_LINE_MODEL_METRIC:
  case MLT_LINE_REGISTERED_MODEL:
  case MLT_LINE_MODEL_VERSION:
    return append(w, &w->models, l);
  default:
    return add_call(w, g, l);
  }
}

/* ---- giving out ---- */

/* The next record of the lines of a list. */
static enum mlt_rc give_list(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                             struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = mlt_jsonl_give(g, rec, err);
    if (rc != MLT_END || !w->line)
      return rc;
    mlt_jsonl_serve(g, w->line);
    w->line = w->line->next;
  }
}

static void start_list(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                       const struct mlt_jsonl_line *first) {
  mlt_jsonl_serve(g, NULL);
  w->line = first;
}

/* Those that only runs name, so that they all come before the runs. */
static enum mlt_rc give_named(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                              struct mlt_record *rec, struct mlt_err *err) {
  while (w->run < w->runs.n) {
    const struct mlt_jsonl_line *l = w->runs.v[w->run++].line;
    enum mlt_rc rc = l ? mlt_jsonl_give_experiment(g, l, rec, err) : MLT_END;
    if (rc != MLT_END)
      return rc;
  }
  return MLT_END;
}

static enum mlt_rc give_more(struct mlt_jsonl_giver *g, const struct mlt_jsonl_run *run,
                             struct mlt_record *rec) {
  mlt_jsonl_begin(g, rec, MLT_REC_RUN, run->number);
  rec->run = (struct mlt_run){
      .part = MLT_RUN_MORE, .run_uuid = run->id, .status = run->status, .end_time = run->end_time};
  return MLT_OK;
}

/* The record that begins the run at hand. */
static enum mlt_rc give_run(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                            struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_jsonl_run *run = &w->runs.v[w->run];
  mlt_jsonl_serve(g, run->line);
  enum mlt_rc rc = run->line ? mlt_jsonl_give(g, rec, err) : give_more(g, run, rec);
  if (rc == MLT_OK && run->line && run->status)
    rec->run.status = run->status;
  if (rc == MLT_OK && run->line && run->end_time.has)
    rec->run.end_time = run->end_time;
  w->line = run->calls.first;
  return rc;
}

static enum mlt_rc give_points(struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                               struct mlt_record *rec) {
  if (w->series_at == SIZE_MAX)
    return MLT_END;
  const struct mlt_jsonl_series *s = &w->series.v[w->series_at];
  mlt_jsonl_begin(g, rec, MLT_REC_POINTS, s->number);
  rec->points = (struct mlt_points){s->key, s->n, w->sorted.timestamp + s->at,
                                    w->sorted.step + s->at, w->sorted.value + s->at};
  w->series_at = s->next;
  return MLT_OK;
}

/* The part at hand is over. */
static void next_part(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g) {
  switch (w->giving) {
  case MLT_WINDOW_EXPERIMENTS:
    w->run = 0;
    w->giving = MLT_WINDOW_NAMED;
    break;
  case MLT_WINDOW_NAMED:
    w->run = 0;
    w->giving = MLT_WINDOW_RUNS;
    break;
  case MLT_WINDOW_CALLS:
    w->series_at = w->runs.v[w->run].first_series;
    w->giving = MLT_WINDOW_POINTS;
    break;
  case MLT_WINDOW_RUNS:
    start_list(w, g, w->models.first);
    w->giving = MLT_WINDOW_MODELS;
    break;
  case MLT_WINDOW_MODELS:
    mlt_jsonl_serve(g, NULL);
    w->giving = MLT_WINDOW_ENDS;
    break;
  default:
    break;
  }
}

enum mlt_rc mlt_jsonl_window_give(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                                  struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = MLT_END;
    switch (w->giving) {
    case MLT_WINDOW_GATHERS:
      sort_points(w);
      start_list(w, g, w->experiments.first);
      w->giving = MLT_WINDOW_EXPERIMENTS;
      continue;
    case MLT_WINDOW_EXPERIMENTS:
    case MLT_WINDOW_CALLS:
    case MLT_WINDOW_MODELS:
      rc = give_list(w, g, rec, err);
      break;
    case MLT_WINDOW_NAMED:
      rc = give_named(w, g, rec, err);
      break;
    case MLT_WINDOW_RUNS:
      if (w->run == w->runs.n)
        break;
      w->giving = MLT_WINDOW_CALLS;
      return give_run(w, g, rec, err);
    case MLT_WINDOW_POINTS:
      rc = give_points(w, g, rec);
      if (rc != MLT_END)
        return rc;
      w->giving = MLT_WINDOW_RUNS;
      return mlt_jsonl_end_run(g, rec, w->runs.v[w->run++].number);
    case MLT_WINDOW_ENDS:
      rc = mlt_jsonl_give(g, rec, err); /* what is still open */
      if (rc != MLT_END)
        return rc;
      empty(w);
      mlt_jsonl_begin(g, rec, MLT_REC_WINDOW_END, 0);
      return MLT_OK;
    }
    if (rc != MLT_END)
      return rc;
    next_part(w, g);
  }
}
