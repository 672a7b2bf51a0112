/* Inside the source of JSON lines ("jsonl"): jsonl.c opens it, reads lines and says which go how;
   jsonl_records.c makes records of one line; jsonl_window.c gathers lines by run, jsonl_whole.c
   those of the whole input.

   Complete runs are streamed: each line becomes records at once. Lines of other runs, which may
   come in any order, are gathered in windows of bounded size: held are copies of them, points apart
   in columns. Either way lines that are not a run's keep their order. */
#ifndef MLT_SOURCE_JSONL_H
#define MLT_SOURCE_JSONL_H

#include <limits.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "lines/lines.h"
#include "source/fault.h"
#include "source/line_input.h"
#include "source/source.h"

enum {
  MLT_WINDOW_ROWS = 50000,         /* a window of so many rows (or fewer: mlt_source_opts), */
  MLT_WINDOW_BYTES = 8 << 20,      /* or that takes so many bytes, is given out, */
  MLT_WINDOW_BYTES_MAX = 64 << 20, /* but not between a model and what follows it, until these */
};

/* A line: the one at hand, or a copy. */
struct mlt_jsonl_line {
  uint64_t number;
  enum mlt_line_type type;
  bool whole;                     /* RUN: all there is of it, by its own word or the header's */
  bool exact;                     /* what it does not say is absent, as in an export */
  const struct mlt_line_value *v; /* by enum mlt_line_at */
  struct mlt_jsonl_line *next;
};

struct mlt_jsonl_list {
  struct mlt_jsonl_line *first, *last;
};

/* ---- jsonl_window.c: lines gathered by run ---- */

/* The points of one key in one run. */
struct mlt_jsonl_series {
  struct mlt_str key;
  uint64_t number; /* of its first line */
  size_t n, at;    /* points; where they stand, sorted */
  size_t next;     /* of the run; SIZE_MAX: the last */
};

struct mlt_jsonl_run {
  struct mlt_str id;
  uint64_t number;                   /* of its first line */
  const struct mlt_jsonl_line *line; /* RUN; NULL: it was begun before the window */
  struct mlt_jsonl_list calls;
  size_t first_series, last_series; /* SIZE_MAX: none */
  enum mlt_run_status status;       /* what its last end makes of it; 0: it has none */
  struct mlt_opt_i64 end_time;
};

struct mlt_jsonl_columns {
  int64_t *timestamp, *step;
  double *value;
};

struct mlt_jsonl_window {
  struct mlt_arena *arena;
  struct mlt_map *run_index, *series_index, *experiment_index;
  struct mlt_buf name; /* of a series: its run and its key */
  struct mlt_jsonl_list experiments, models;
  MLT_VEC(struct mlt_jsonl_run) runs;
  MLT_VEC(struct mlt_jsonl_series) series;
  uint32_t *of; /* the series of each point */
  struct mlt_jsonl_columns in, sorted;
  size_t n, cap;       /* points */
  uint64_t rows, full; /* so many are enough */
  /* while it is given out */
  enum {
    MLT_WINDOW_GATHERS,
    MLT_WINDOW_EXPERIMENTS,
    MLT_WINDOW_NAMED, /* experiments that only runs name */
    MLT_WINDOW_RUNS,
    MLT_WINDOW_CALLS, /* of the run at hand, and */
    MLT_WINDOW_POINTS,
    MLT_WINDOW_MODELS,
    MLT_WINDOW_ENDS
  } giving;
  const struct mlt_jsonl_line *line; /* the next of the list at hand */
  size_t run, series_at;
};

/* ---- jsonl_records.c: what a line means ---- */

/* What is being given out, and what has been: shared by lines that are streamed and windows. */
struct mlt_jsonl_giver {
  const char *place;                 /* what notes call the input */
  struct mlt_str experiment;         /* of runs that name none */
  const char *folder;                /* that files of artifacts are relative to */
  struct mlt_map *experiments;       /* names that have been given */
  const struct mlt_jsonl_line *line; /* whose records are being given; NULL: none */
  size_t at;                         /* the next of them */
  /* which owner's END is due before other lines */
  enum { MLT_OPEN_NOTHING, MLT_OPEN_RUN, MLT_OPEN_MODEL, MLT_OPEN_REGISTERED } open;
  uint64_t runs; /* given so far */
  /* what records point to */
  struct mlt_dataset dataset;
  struct mlt_kv tag;
  struct mlt_buf text;
};

enum mlt_rc mlt_jsonl_giver_init(struct mlt_jsonl_giver *g, struct mlt_err *err) MLT_NODISCARD;
void mlt_jsonl_giver_free(struct mlt_jsonl_giver *g);
/* The experiment that the line is in, or is; absent: it names none. */
struct mlt_str mlt_jsonl_experiment(const struct mlt_jsonl_giver *g,
                                    const struct mlt_jsonl_line *l);
/* What mlt_line_read does not know: ids, paths, numbers in words. MLT_DATA: the line is refused,
   fault says why and *field where. */
enum mlt_rc mlt_jsonl_check(const struct mlt_jsonl_line *l, struct mlt_fault *fault,
                            const char **field) MLT_NODISCARD;
/* Gives out the records of a line from now on; NULL: only the END of what is open. */
void mlt_jsonl_serve(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l);
/* The next record of g->line, with what must come before: the END of what is open, an experiment of
   which nothing but the name is known. MLT_END: that was all. */
enum mlt_rc mlt_jsonl_give(struct mlt_jsonl_giver *g, struct mlt_record *rec,
                           struct mlt_err *err) MLT_NODISCARD;
/* Gives that experiment, unless one of this name has been given: MLT_END. */
enum mlt_rc mlt_jsonl_give_experiment(struct mlt_jsonl_giver *g, const struct mlt_jsonl_line *l,
                                      struct mlt_record *rec, struct mlt_err *err) MLT_NODISCARD;
/* The points of a metric, metrics or points line, record by record; false behind the last. */
bool mlt_jsonl_points(const struct mlt_jsonl_line *l, size_t at, struct mlt_record *rec);
/* An empty record of this line. */
void mlt_jsonl_begin(const struct mlt_jsonl_giver *g, struct mlt_record *rec,
                     enum mlt_rec_kind kind, uint64_t number);
enum mlt_rc mlt_jsonl_end_run(struct mlt_jsonl_giver *g, struct mlt_record *rec, uint64_t number);

/* ---- jsonl_window.c ---- */

enum mlt_rc mlt_jsonl_window_init(struct mlt_jsonl_window *w, struct mlt_err *err) MLT_NODISCARD;
void mlt_jsonl_window_free(struct mlt_jsonl_window *w);
size_t mlt_jsonl_window_bytes(const struct mlt_jsonl_window *w);
static inline bool mlt_jsonl_window_gives(const struct mlt_jsonl_window *w) {
  return w->giving != MLT_WINDOW_GATHERS;
}
static inline bool mlt_jsonl_window_holds(const struct mlt_jsonl_window *w) {
  return w->rows > 0;
}
/* Must it be given out before this line is put in: because the line begins a run or an experiment
   that is in it already, or because it is full? */
bool mlt_jsonl_window_is_due(const struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                             const struct mlt_jsonl_line *l);
/* May the line come only right after those of its model? */
static inline bool mlt_jsonl_follows_model(const struct mlt_jsonl_line *l) {
  return l->type == MLT_LINE_MODEL_METRIC || l->type == MLT_LINE_MODEL_VERSION;
}
/* Puts a copy of the line in. MLT_NOMEM. */
enum mlt_rc mlt_jsonl_window_add(struct mlt_jsonl_window *w, const struct mlt_jsonl_giver *g,
                                 const struct mlt_jsonl_line *l) MLT_NODISCARD;
/* Its next record. The last of them is a WINDOW_END, and it is empty again. */
enum mlt_rc mlt_jsonl_window_give(struct mlt_jsonl_window *w, struct mlt_jsonl_giver *g,
                                  struct mlt_record *rec, struct mlt_err *err) MLT_NODISCARD;

/* ---- jsonl_whole.c: instead of windows (mlt_source_opts.whole_runs) ---- */

struct mlt_jsonl_whole;

enum mlt_rc mlt_jsonl_whole_new(struct mlt_jsonl_whole **out, struct mlt_err *err) MLT_NODISCARD;
void mlt_jsonl_whole_free(struct mlt_jsonl_whole *w); /* NULL is fine */
/* The line at hand, which has this text. */
enum mlt_rc mlt_jsonl_whole_add(struct mlt_jsonl_whole *w, const struct mlt_jsonl_line *l,
                                struct mlt_str text, struct mlt_err *err) MLT_NODISCARD;
/* Once all are in: the next record; g is at nothing. MLT_END. */
enum mlt_rc mlt_jsonl_whole_give(struct mlt_jsonl_whole *w, struct mlt_jsonl_giver *g,
                                 struct mlt_record *rec, struct mlt_err *err) MLT_NODISCARD;

/* ---- jsonl.c ---- */

struct mlt_jsonl {
  struct mlt_line_input input;
  struct mlt_line_reader *reader;
  char name[NAME_MAX + 1]; /* of the input, */
  char stem[NAME_MAX + 1]; /* without its suffixes */
  char folder[PATH_MAX];
  bool complete; /* the header says that every run is */

  /* the line at hand */
  struct mlt_line line;
  struct mlt_line_fault fault;
  enum mlt_rc line_rc; /* of reading it: MLT_OK, or MLT_DATA and the fault says why */
  struct mlt_str text;
  struct mlt_jsonl_line now;
  bool first; /* of the input */
  bool held;  /* it is still to be looked at */
  bool over;  /* there is none */

  /* what may follow */
  struct mlt_buf run; /* the run that is streamed, while giver.open says so, */
  enum mlt_run_status status;
  struct mlt_opt_i64 end_time; /* and what its line says of it */
  struct mlt_buf model;        /* the model whose lines may follow, */
  enum mlt_line_type model_of; /* LOGGED_MODEL or REGISTERED_MODEL; COUNT: none */
  enum { MLT_STAGE_RUNS, MLT_STAGE_MODELS, MLT_STAGE_REGISTRY } stage; /* of a complete file */

  struct mlt_jsonl_giver giver;
  bool serving; /* the giver is at work; else the window may be */
  struct mlt_jsonl_window window;
  struct mlt_jsonl_whole *whole; /* NULL: lines that are not streamed go into windows */
  bool whole_gives;
  bool streamed;        /* records have been given that no WINDOW_END has followed */
  double patience, due; /* lines from a pipe are kept so long; those at hand until then, 0: none */
  struct mlt_fault wrong;
};

/* jsonl_order.c: may the line at hand stand where it stands? MLT_DATA: no, s->wrong says why and
 *field where. If it may, what may follow it is settled. */
enum mlt_rc mlt_jsonl_follows(struct mlt_jsonl *s, const char **field) MLT_NODISCARD;
/* Is the line one of the run that is streamed? */
bool mlt_jsonl_in_run(const struct mlt_jsonl *s);

#endif
