/* Lines of the whole input by run: what a source that adds to runs has of each, wherever it stands.
   The lines go through a sort (line_sort.h) as they are, and are read once more when they come out;
   of each run is kept what its first record must say. */
#include "source/jsonl.h"

#include "source/line_sort.h"

enum { SORT_BYTES = 24 << 20 };

/* Ranks: lines of no run, each run's first `run` line and what else it has, models. */
#define RANK_BEFORE 0
#define RANK_MODELS UINT64_MAX
static uint64_t rank_of(size_t run, bool first) {
  return 2 * (uint64_t)run + (first ? 1 : 2);
}

struct whole_run {
  struct mlt_str id, name;    /* as its lines have it last; may be absent */
  enum mlt_run_status status; /* likewise; 0: they do not say */
  struct mlt_opt_i64 end_time;
  bool begun, begun_first, ended; /* it has a `run` line, as its first; an `end` as its last */
};

struct mlt_jsonl_whole {
  struct mlt_line_sort *sort;
  struct mlt_arena *arena;
  struct mlt_map *index; /* run_id -> place in runs */
  MLT_VEC(struct whole_run) runs;
  /* while they are given out */
  struct mlt_line_reader *reader;
  struct mlt_line line;
  struct mlt_jsonl_line now;
  size_t run;                /* of the line at hand, SIZE_MAX: of none */
  size_t given;              /* whose RUN was given last */
  bool held;                 /* the line is still to be served */
  bool serving, over, again; /* again: an experiment that was given before comes */
};

enum mlt_rc mlt_jsonl_whole_new(struct mlt_jsonl_whole **out, struct mlt_err *err) {
  struct mlt_jsonl_whole *w = mlt_calloc(1, sizeof *w);
  *out = w;
  if (!w)
    return mlt_err_nomem(err);
  w->given = SIZE_MAX;
  w->arena = mlt_arena_new();
  w->index = mlt_map_new();
  w->reader = mlt_line_reader_new();
  if (!w->arena || !w->index || !w->reader)
    return mlt_err_nomem(err);
  return mlt_line_sort_new(&w->sort, SORT_BYTES, err);
}

void mlt_jsonl_whole_free(struct mlt_jsonl_whole *w) {
  if (!w)
    return;
  mlt_line_sort_free(w->sort);
  mlt_line_reader_free(w->reader);
  mlt_map_free(w->index);
  mlt_arena_free(w->arena);
  mlt_free(w->runs.v);
  mlt_free(w);
}

/* ---- lines come in ---- */

/* NULL when out of memory. */
static struct whole_run *find_run(struct mlt_jsonl_whole *w, struct mlt_str id, size_t *at,
                                  bool *added) {
  uint64_t found;
  int how = mlt_map_intern(w->index, id, w->runs.n, &found);
  *added = how > 0;
  *at = (size_t)found;
  if (how < 0)
    return NULL;
  if (!*added)
    return &w->runs.v[found];
  struct whole_run run = {.id = id};
  if (!MLT_VEC_ROOM(w->runs) || mlt_arena_str(w->arena, id, &run.id) != 0)
    return NULL;
  w->runs.v[w->runs.n] = run;
  return &w->runs.v[w->runs.n++];
}

/* What the line makes of the run's first record. */
static bool note_line(struct mlt_jsonl_whole *w, struct whole_run *run,
                      const struct mlt_jsonl_line *l, bool added) {
  const struct mlt_line_value *v = l->v;
  run->ended = l->type == MLT_LINE_END;
  if (l->type == MLT_LINE_RUN) {
    run->begun_first = run->begun_first || added;
    run->begun = true;
    run->status = v[MLT_AT_RUN_status].has ? (enum mlt_run_status)v[MLT_AT_RUN_status].integer
                                           : MLT_RUN_RUNNING;
    if (v[MLT_AT_RUN_end_time].has)
      run->end_time = (struct mlt_opt_i64){v[MLT_AT_RUN_end_time].integer, true};
    return !v[MLT_AT_RUN_name].has ||
           mlt_arena_str(w->arena, v[MLT_AT_RUN_name].text, &run->name) == 0;
  }
  if (!run->ended)
    return true;
  run->status = v[MLT_AT_END_status].has ? (enum mlt_run_status)v[MLT_AT_END_status].integer
                                         : MLT_RUN_FINISHED;
  if (v[MLT_AT_END_end_time].has)
    run->end_time = (struct mlt_opt_i64){v[MLT_AT_END_end_time].integer, true};
  return true;
}

static bool is_of_models(enum mlt_line_type t) {
  return t == MLT_LINE_LOGGED_MODEL || t == MLT_LINE_MODEL_METRIC ||
         t == MLT_LINE_REGISTERED_MODEL || t == MLT_LINE_MODEL_VERSION;
}

enum mlt_rc mlt_jsonl_whole_add(struct mlt_jsonl_whole *w, const struct mlt_jsonl_line *l,
                                struct mlt_str text, struct mlt_err *err) {
  bool before = l->type == MLT_LINE_EXPERIMENT ||
                (l->type == MLT_LINE_DATASET && !l->v[MLT_AT_DATASET_run_id].has);
  struct mlt_sorted_line line = {before ? RANK_BEFORE : RANK_MODELS, l->number, text};
  if (!before && !is_of_models(l->type)) {
    size_t at;
    bool added;
    struct whole_run *run = find_run(w, l->v[0].text, &at, &added);
    if (!run)
      return mlt_err_nomem(err);
    line.rank = rank_of(at, l->type == MLT_LINE_RUN && !run->begun);
    if (!note_line(w, run, l, added))
      return mlt_err_nomem(err);
  }
  return mlt_line_sort_add(w->sort, &line, err);
}

/* ---- records go out ---- */

/* The next line is at hand, or w->over. */
static enum mlt_rc read_line(struct mlt_jsonl_whole *w, const struct mlt_jsonl_giver *g,
                             struct mlt_err *err) {
  struct mlt_sorted_line line;
  struct mlt_line_fault fault;
  uint64_t at;
  enum mlt_rc rc = mlt_line_sort_next(w->sort, &line, err);
  w->over = rc == MLT_END;
  w->run = SIZE_MAX;
  if (rc != MLT_OK)
    return w->over ? MLT_OK : rc;
  if (mlt_line_read(w->reader, line.text, &w->line, &fault) != MLT_OK)
    return mlt_err_nomem(err); /* it has been read before */
  w->now = (struct mlt_jsonl_line){.number = line.number, .type = w->line.type, .v = w->line.v};
  if (line.rank != RANK_BEFORE && line.rank != RANK_MODELS)
    w->run = (size_t)((line.rank - 1) / 2);
  w->again = w->now.type == MLT_LINE_EXPERIMENT &&
             mlt_map_get(g->experiments, mlt_jsonl_experiment(g, &w->now), &at);
  w->held = true;
  return MLT_OK;
}

/* A run that was begun elsewhere. */
static enum mlt_rc give_more(const struct mlt_jsonl_whole *w, struct mlt_jsonl_giver *g,
                             struct mlt_record *rec) {
  const struct whole_run *run = &w->runs.v[w->run];
  mlt_jsonl_begin(g, rec, MLT_REC_RUN, w->now.number);
  rec->run = (struct mlt_run){
      .part = MLT_RUN_MORE, .run_uuid = run->id, .status = run->status, .end_time = run->end_time};
  g->open = MLT_OPEN_RUN;
  return MLT_OK;
}

/* The run's line says how it began: this is how it stands. */
static void bring_up(const struct mlt_jsonl_whole *w, struct mlt_run *r) {
  const struct whole_run *run = &w->runs.v[w->run];
  r->told = run->begun_first && run->ended;
  r->status = run->status;
  r->end_time = run->end_time;
  if (run->name.p)
    r->name = run->name;
}

/* The line at hand is served, or a record comes before it: MLT_OK; MLT_AGAIN: it is served. */
static enum mlt_rc serve(struct mlt_jsonl_whole *w, struct mlt_jsonl_giver *g,
                         struct mlt_record *rec) {
  bool new_run = w->run != SIZE_MAX && w->run != w->given;
  if (w->again) { /* as behind the window that it was in */
    w->again = false;
    mlt_jsonl_begin(g, rec, MLT_REC_WINDOW_END, 0);
    return MLT_OK;
  }
  if (new_run) {
    w->given = w->run;
    if (!w->runs.v[w->run].begun)
      return give_more(w, g, rec);
  }
  w->held = false;
  w->serving = w->now.type != MLT_LINE_END; /* RUN_END comes with what follows the run */
  mlt_jsonl_serve(g, &w->now);
  if (w->now.type == MLT_LINE_RUN && !new_run)
    g->at = 1; /* its params and tags */
  return MLT_AGAIN;
}

enum mlt_rc mlt_jsonl_whole_give(struct mlt_jsonl_whole *w, struct mlt_jsonl_giver *g,
                                 struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = MLT_OK;
    if (w->serving) {
      rc = mlt_jsonl_give(g, rec, err);
      if (rc == MLT_OK && rec->kind == MLT_REC_RUN)
        bring_up(w, &rec->run);
      if (rc != MLT_END)
        return rc;
      w->serving = false;
    }
    if (!w->held && !w->over)
      rc = read_line(w, g, err);
    if (rc != MLT_OK)
      return rc;
    if (g->open == MLT_OPEN_RUN && w->run != w->given)
      return mlt_jsonl_end_run(g, rec, w->now.number);
    if (w->over && g->open == MLT_OPEN_NOTHING)
      return MLT_END;
    if (w->over) { /* the end of a model */
      mlt_jsonl_serve(g, NULL);
      return mlt_jsonl_give(g, rec, err);
    }
    rc = serve(w, g, rec);
    if (rc != MLT_AGAIN)
      return rc;
  }
}
