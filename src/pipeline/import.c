/* The pump: takes batches from the readers, gives them to the lanes, counts. */
#include "pipeline/import.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pace.h"
#include "pipeline/choice.h"
#include "pipeline/lanes.h"
#include "pipeline/readers.h"
#include "pipeline/room.h"

enum {
  DEFAULT_BATCH_ROWS = 100000, /* larger ones leave connections idle at the end */
  ADDING_BATCH_ROWS = 10000,   /* of a window: the next has often the same runs, and then each lane
                                  goes on with its part of them */
  DEFAULT_BATCH_RUNS = 1000,   /* small ones: lanes have something to do before all is read */
  DEFAULT_JOBS = 2,
  MAX_READERS = 64,
  MAX_STARTS = 3, /* of a load that is one transaction, and loses it */
  OPTIONS_MAX = 200,
  DEFAULT_MAX_READERS = 4, /* more than a database can follow */
  RUNS_PER_READER = 50     /* for fewer a thread is not worth it */
};
static const double PROGRESS_SECONDS = 0.1;

struct pump {
  const struct mlt_import_opts *opts;
  struct mlt_report *report;
  struct mlt_err *err;
  const struct mlt_source_ops *source_ops;
  struct mlt_source *source;
  const struct mlt_sink_ops *sink_ops;
  struct mlt_sink *sink;
  struct mlt_batch *like;          /* what the batches of readers and lanes are made like */
  struct mlt_places *places;       /* NULL: nothing is said about artifacts */
  struct mlt_artifacts *artifacts; /* NULL: they stay where they are */
  struct mlt_readers *readers;
  struct mlt_lanes *lanes;
  struct mlt_pacer *pacer;
  struct mlt_retry *retry;
  struct mlt_budget budget;
  unsigned n_readers;
  bool adds;         /* the source adds to runs */
  uint64_t rejected; /* rows, of the batches that went to lanes */
  double started;
};

/* ---- notes ---- */

static enum mlt_rc take_note(struct pump *p, const struct mlt_note *n) {
  enum mlt_rc rc = mlt_report_note(p->report, n, p->err);
  if (rc == MLT_OK && p->opts->on_note)
    rc = p->opts->on_note(p->opts->ctx, n, p->err);
  return rc;
}

/* Takes what the batch has noted; with --on-error stop a reject ends the import here. */
static enum mlt_rc take_batch_notes(struct pump *p, const struct mlt_batch *b) {
  for (size_t i = 0; i < b->notes.n; i++) {
    const struct mlt_note *n = &b->notes.v[i];
    enum mlt_rc rc = take_note(p, n);
    if (rc == MLT_OK && n->kind == MLT_NOTE_REJECT && !p->opts->skip_errors)
      rc = mlt_note_error(p->err, n);
    if (rc != MLT_OK)
      return rc;
  }
  return MLT_OK;
}

/* ---- counting and progress ---- */

static void add_counts(struct mlt_counts *sum, const struct mlt_counts *more) {
  sum->read += more->read;
  sum->inserted += more->inserted;
  sum->present += more->present;
  sum->updated += more->updated;
  sum->merged += more->merged;
  sum->rejected += more->rejected;
  sum->changed += more->changed;
}

static void look(struct pump *p) {
  p->report->seconds = mlt_clock_seconds() - p->started;
  if (p->readers)
    mlt_readers_progress(p->readers, &p->report->source);
  if (p->artifacts)
    mlt_artifacts_counts(p->artifacts, &p->report->artifacts);
  if (p->opts->on_progress)
    p->opts->on_progress(p->opts->ctx, p->report);
}

static uint64_t rejected_of(const struct mlt_counts *counts) {
  uint64_t n = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    n += counts[t].rejected;
  return n;
}

static enum mlt_rc check_errors(struct pump *p, uint64_t rejected) {
  if (!p->opts->max_errors || rejected <= p->opts->max_errors)
    return MLT_OK;
  return mlt_err_set(p->err, MLT_DATA, "more than %llu rows rejected (--max-errors)",
                     (unsigned long long)p->opts->max_errors);
}

/* ---- the pump ---- */

static enum mlt_rc take_artifact_note(void *ctx, const struct mlt_note *n) {
  return take_note(ctx, n);
}

/* What became of a batch: its notes, and if it was written its rows, go into the report. */
static enum mlt_rc settle(void *ctx, const struct mlt_batch *batch,
                          const struct mlt_outcome *outcome, enum mlt_rc rc, struct mlt_err *err) {
  struct pump *p = ctx;
  (void)err;
  if (p->artifacts) {
    enum mlt_rc note_rc = mlt_artifacts_notes(p->artifacts, take_artifact_note, p);
    rc = rc == MLT_OK ? note_rc : rc;
  }
  bool judged = rc == MLT_OK || rc == MLT_CONFLICT || rc == MLT_DATA;
  for (size_t i = 0; judged && i < outcome->notes.n; i++) {
    enum mlt_rc note_rc = take_note(p, &outcome->notes.v[i]);
    rc = rc == MLT_OK ? note_rc : rc;
  }
  if (rc != MLT_OK)
    return rc;
  for (size_t t = 0; t < MLT_T_ALL; t++) {
    add_counts(&p->report->counts[t], &batch->counts[t]);
    add_counts(&p->report->counts[t], &outcome->counts[t]);
  }
  p->report->rejects += rejected_of(batch->counts) + rejected_of(outcome->counts);
  p->report->batches++;
  p->rejected += rejected_of(outcome->counts);
  return check_errors(p, p->rejected);
}

/* Does it hold what the batches behind it may refer to, or what refers to those before it? Of a
   source that adds to runs; of others, artifacts of model versions are those of models, and copied
   rows have foreign keys. */
static bool goes_alone(const struct pump *p, const struct mlt_batch *b) {
  if ((p->artifacts && b->registered_models.n) || b->copied.n)
    return true;
  return p->adds &&
         (b->experiments.n || b->datasets.n || b->logged_models.n || b->registered_models.n);
}

static enum mlt_rc submit(struct pump *p, struct mlt_batch **batch) {
  bool alone = goes_alone(p, *batch);
  enum mlt_rc rc = alone ? mlt_lanes_drain(p->lanes, p->err) : MLT_OK;
  if (rc == MLT_OK)
    rc = mlt_lanes_submit(p->lanes, batch, p->err);
  return rc == MLT_OK && alone ? mlt_lanes_drain(p->lanes, p->err) : rc;
}

/* Gives a sealed batch to a lane; an empty one takes its place. One with too many rejects is not
 * written. */
static enum mlt_rc write_batch(struct pump *p, struct mlt_batch **batch) {
  uint64_t rejected = p->rejected + rejected_of((*batch)->counts);
  enum mlt_rc rc = take_batch_notes(p, *batch);
  if (rc == MLT_OK)
    rc = check_errors(p, rejected);
  if (rc != MLT_OK || !(*batch)->sealed) {
    mlt_batch_forget_notes(*batch);
    return rc;
  }
  p->rejected = rejected;
  if (p->opts->on_batch)
    rc = p->opts->on_batch(p->opts->ctx, *batch, p->err);
  return rc == MLT_OK ? submit(p, batch) : rc;
}

static bool is_cancelled(const struct pump *p) {
  return p->opts->cancelled && *p->opts->cancelled;
}

/* Says it in one way, wherever it was noticed. */
static enum mlt_rc interrupted(struct pump *p) {
  mlt_err_clear(p->err);
  return mlt_err_set(p->err, MLT_CANCELLED,
                     p->report->load.whole ? "interrupted; nothing of it is in"
                                           : "interrupted; running it again goes on where it "
                                             "stopped");
}

/* How many readers the runs ahead are worth. */
static unsigned readers_of_runs(struct pump *p) {
  struct mlt_source_progress ahead;
  mlt_readers_progress(p->readers, &ahead);
  uint64_t worth = ahead.runs_total / RUNS_PER_READER + 1;
  unsigned most = mlt_readers_most(p->readers);
  return p->opts->readers || worth > most ? most : (unsigned)worth;
}

static enum mlt_rc write_kept(struct pump *p) {
  struct mlt_batch **kept = mlt_readers_kept(p->readers);
  if (mlt_batch_rows(*kept) == 0 && (*kept)->notes.n == 0)
    return MLT_OK;
  enum mlt_rc rc = mlt_batch_seal(*kept, p->err);
  return rc == MLT_OK ? write_batch(p, kept) : rc;
}

/* One reader and one lane keep everything in order by themselves, and small imports are one
   transaction; else what has been read is written before the next stretch. */
static enum mlt_rc pump_stretch(struct pump *p) {
  unsigned n = mlt_readers_at_runs(p->readers) ? readers_of_runs(p) : 1;
  bool keep = n == 1 && mlt_lanes_count(p->lanes) == 1;
  enum mlt_rc rc = keep ? MLT_OK : write_kept(p);
  if (rc == MLT_OK && !keep)
    rc = mlt_lanes_drain(p->lanes, p->err);
  if (rc == MLT_OK)
    rc = mlt_readers_start(p->readers, n, keep, p->err);
  while (rc == MLT_OK || rc == MLT_AGAIN) {
    struct mlt_batch **batch;
    look(p);
    rc = is_cancelled(p) ? MLT_CANCELLED
                         : mlt_readers_take(p->readers, PROGRESS_SECONDS, &batch, p->err);
    if (rc == MLT_OK)
      rc = write_batch(p, batch);
  }
  return rc == MLT_END ? MLT_OK : rc;
}

/* The one transaction was rolled back: no row of it was read to any effect. */
static void nothing_is_in(struct mlt_report *r) {
  memset(r->counts, 0, sizeof r->counts);
  r->batches = r->rejects = 0;
}

static enum mlt_rc pump_all(struct pump *p) {
  enum mlt_rc rc = MLT_OK;
  while (rc == MLT_OK && !mlt_readers_over(p->readers))
    rc = pump_stretch(p);
  mlt_readers_stop(p->readers);
  /* also after a failure: batches on their way are waited for, and counted if they got in */
  enum mlt_rc drained = mlt_lanes_drain(p->lanes, p->err);
  if (rc == MLT_OK)
    rc = drained;
  if (rc == MLT_OK)
    rc = p->sink_ops->finish(p->sink, p->err);
  if (rc != MLT_OK && p->report->load.whole)
    nothing_is_in(p->report);
  return rc == MLT_CANCELLED ? interrupted(p) : rc;
}

static enum mlt_rc open_source(struct pump *p) {
  struct mlt_source_opts opts = p->opts->reading;
  opts.path = p->opts->source;
  opts.target = p->opts->target;
  opts.window_rows = p->opts->batch_rows;
  opts.whole_runs = p->opts->prove;
  enum mlt_rc rc = mlt_source_open(&p->source, &p->source_ops, p->opts->format, &opts, p->err);
  p->report->format = p->source_ops ? p->source_ops->name : NULL;
  if (rc == MLT_OK)
    rc =
        mlt_choose(&p->source, &p->source_ops, &opts, p->report->shown, p->opts->cancelled, p->err);
  p->adds = rc == MLT_OK && p->source_ops->adds && p->source_ops->adds(p->source);
  if (!p->adds || p->opts->load != MLT_LOAD_REBUILD)
    return rc;
  rc = mlt_err_set(p->err, MLT_USAGE,
                   "%s adds to runs, as they come: --load rebuild cannot load that",
                   p->report->shown);
  mlt_err_hint(p->err, "leave --load away; or see to it that every run comes complete");
  return rc;
}

static enum mlt_rc open_pacer(struct pump *p) {
  if (!p->opts->max_rows_per_second)
    return MLT_OK;
  p->pacer = mlt_pacer_new(p->opts->max_rows_per_second, p->opts->cancelled);
  return p->pacer ? MLT_OK : mlt_err_nomem(p->err);
}

static unsigned lanes_wanted(const struct pump *p) {
  if (p->opts->target->kind == MLT_TARGET_SQLITE)
    return 1; /* one writer is all it takes */
  return p->opts->jobs ? p->opts->jobs : DEFAULT_JOBS;
}

/* A transaction at a slow pace would be a long one: about a second's worth is enough. */
static uint64_t rows_of_a_batch(const struct pump *p) {
  if (p->opts->batch_rows)
    return p->opts->batch_rows;
  uint64_t paced = p->opts->max_rows_per_second;
  uint64_t most = p->adds && lanes_wanted(p) > 1 ? ADDING_BATCH_ROWS : DEFAULT_BATCH_ROWS;
  return paced && paced < most ? paced : most;
}

/* Network file systems want many readers, local ones no more than there are processors. */
static unsigned readers_wanted(const struct pump *p) {
  if (!p->source_ops->twin)
    return 1;
  if (p->opts->readers)
    return p->opts->readers < MAX_READERS ? p->opts->readers : MAX_READERS;
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  return processors < 1                     ? 1
         : processors < DEFAULT_MAX_READERS ? (unsigned)processors
                                            : DEFAULT_MAX_READERS;
}

/* Each lane and each reader has a batch. Readers that nobody asked for are left out where there is
   too little memory. */
static enum mlt_rc divide_memory(struct pump *p, unsigned lanes) {
  enum mlt_rc rc = MLT_USAGE;
  for (p->n_readers = readers_wanted(p) + 1; rc == MLT_USAGE && p->n_readers > 1;) {
    p->n_readers--;
    mlt_err_clear(p->err);
    rc = mlt_budget_divide(&p->budget, p->opts->memory, p->opts->target->kind, lanes + p->n_readers,
                           p->err);
    if (p->opts->readers)
      break;
  }
  return rc;
}

static bool places_artifacts(const struct pump *p) {
  return p->opts->artifacts.how != MLT_ARTIFACTS_KEEP;
}

static enum mlt_rc open_places(struct pump *p) {
  const struct mlt_artifact_opts *o = &p->opts->artifacts;
  const struct mlt_places_opts opts = {.root = o->root,
                                       .destination = o->destination,
                                       .maps = o->maps,
                                       .n_maps = o->n_maps,
                                       .target = p->opts->target,
                                       .source = p->opts->source};
  if (!places_artifacts(p) && !o->root)
    return MLT_OK;
  if (o->how == MLT_ARTIFACTS_MOVE && p->opts->load == MLT_LOAD_REBUILD &&
      p->opts->target->kind == MLT_TARGET_PG)
    return mlt_err_set(
        p->err, MLT_USAGE,
        "--artifacts move and --load rebuild do not go together: if the rebuild were "
        "interrupted, the files would be gone from where they are looked for");
  enum mlt_rc rc = mlt_places_open(&p->places, &opts, p->err);
  return rc == MLT_OK && places_artifacts(p) ? mlt_places_reach(p->places, p->err) : rc;
}

static enum mlt_rc open_artifacts(struct pump *p) {
  const struct mlt_artifacts_opts opts = {.how = p->opts->artifacts.how,
                                          .places = p->places,
                                          .limits = &p->report->schema.limits,
                                          .sink_ops = p->sink_ops,
                                          .root_asked = p->opts->artifacts.root != NULL,
                                          .dry_run = p->opts->dry_run,
                                          .stop = !p->opts->skip_errors,
                                          .merge = p->opts->load == MLT_LOAD_MERGE,
                                          .cancelled = p->opts->cancelled};
  enum mlt_rc rc =
      p->places ? mlt_places_fit(p->places, &p->report->schema.limits, p->err) : MLT_OK;
  return rc == MLT_OK && places_artifacts(p) ? mlt_artifacts_open(&p->artifacts, &opts, p->err)
                                             : rc;
}

static enum mlt_rc prepare_batch(void *ctx, struct mlt_sink *sink, struct mlt_batch *batch,
                                 struct mlt_err *err) {
  return mlt_artifacts_batch(ctx, sink, batch, err);
}

/* What the ledger keeps of the options: those that change which rows go in. */
static void describe(const struct pump *p, char out[OPTIONS_MAX]) {
  static const char *const loads[] = {"auto", "append", "merge", "rebuild"};
  static const char *const artifacts[] = {"keep", "copy", "link", "move"};
  (void)snprintf(out, OPTIONS_MAX, "{\"load\":\"%s\",\"on_error\":\"%s\",\"artifacts\":\"%s\"}",
                 loads[p->opts->load], p->opts->skip_errors ? "skip" : "stop",
                 artifacts[p->opts->artifacts.how]);
}

static void take_ledger(struct pump *p) {
  p->report->ledger = *p->sink_ops->ledger(p->sink);
}

/* Before a new database is begun. */
static enum mlt_rc look_for_room(struct pump *p) {
  char artifacts[PATH_MAX];
  bool copies = p->opts->artifacts.how == MLT_ARTIFACTS_COPY &&
                mlt_places_root_path(p->places, artifacts) == NULL;
  const struct mlt_room_opts opts = {.source = p->opts->source,
                                     .holds = p->source_ops->holds,
                                     .target = p->opts->target,
                                     .artifacts = copies ? artifacts : NULL};
  return mlt_room_look(&opts, &p->report->preflight, p->err);
}

static enum mlt_rc open_sink(struct pump *p) {
  char options[OPTIONS_MAX], identity[MLT_IDENTITY_HEX + 1];
  struct mlt_ledger_source ledger = {.source = p->report->shown,
                                     .format = p->report->format,
                                     .options = options,
                                     .version = MLT_VERSION,
                                     .restart = p->opts->restart};
  describe(p, options);
  if (mlt_ledger_identity(identity, p->report->format, p->opts->source))
    ledger.identity = identity;
  enum mlt_rc rc = divide_memory(p, lanes_wanted(p));
  if (rc != MLT_OK)
    return rc;
  p->sink_ops = mlt_sink_for(p->opts->target->kind);
  struct mlt_sink_opts opts = {.target = p->opts->target,
                               .mlflow_version = p->opts->mlflow_version,
                               .application_name = "mltrack/" MLT_VERSION,
                               .dry_run = p->opts->dry_run,
                               .prove = p->opts->prove,
                               .load = p->opts->load,
                               .adds = p->adds,
                               .places = places_artifacts(p),
                               .artifact_root = p->places ? mlt_places_root(p->places) : NULL,
                               .trust_runs = p->opts->trust_runs,
                               .copies = p->source_ops->copies != NULL,
                               .writers = lanes_wanted(p),
                               .preflight = &p->report->preflight,
                               .ledger = p->opts->no_ledger ? NULL : &ledger,
                               .pacer = p->pacer,
                               .cancelled = p->opts->cancelled,
                               .retry = p->retry,
                               .cache_bytes = p->budget.cache,
                               .stop_on_reject = !p->opts->skip_errors};
  rc = p->sink_ops->open(&p->sink, &opts, p->err);
  if (rc != MLT_OK)
    return rc;
  if (p->opts->on_preflight)
    p->opts->on_preflight(p->opts->ctx, &p->report->preflight);
  take_ledger(p);
  p->report->schema = *p->sink_ops->schema(p->sink);
  p->report->schema.limits.truncate = !p->opts->reject_long;
  p->report->load = p->sink_ops->load(p->sink);
  if (p->source_ops->copies)
    p->source_ops->copies(p->source, p->sink_ops->shapes(p->sink));
  if (p->report->load.why)
    p->report->load.why = mlt_arena_cstr(p->report->arena, p->report->load.why);
  /* A load that is one transaction has one lane, so its batches may be larger. */
  return divide_memory(p, p->report->load.whole ? 1 : lanes_wanted(p));
}

static void look_while_waiting(void *ctx) {
  look(ctx);
}

static enum mlt_rc open_threads(struct pump *p) {
  const struct mlt_fill fill = {.rows = rows_of_a_batch(p),
                                .runs = DEFAULT_BATCH_RUNS,
                                .bytes = p->budget.full,
                                .apart = p->artifacts != NULL,
                                .stop_on_reject = !p->opts->skip_errors};
  p->like = mlt_batch_new(&p->report->schema.limits, p->budget.batch);
  if (!p->like)
    return mlt_err_nomem(p->err);
  enum mlt_rc rc =
      mlt_lanes_open(&p->lanes, p->sink_ops, p->sink, lanes_wanted(p), p->like, settle, p, p->err);
  if (rc != MLT_OK)
    return rc;
  mlt_lanes_tell(p->lanes, look_while_waiting);
  if (p->artifacts)
    mlt_lanes_prepare(p->lanes, prepare_batch, p->artifacts);
  return mlt_readers_open(&p->readers, p->source_ops, p->source, p->n_readers, &fill, p->like,
                          p->err);
}

static enum mlt_rc copy_id_map(struct pump *p) {
  const struct mlt_id_map *map;
  struct mlt_report *r = p->report;
  size_t n = p->sink_ops->id_map(p->sink, &map);
  r->id_map = mlt_arena_alloc(r->arena, (n + 1) * sizeof *r->id_map);
  if (!r->id_map)
    return mlt_err_nomem(p->err);
  for (size_t i = 0; i < n; i++) {
    struct mlt_id_map *to = &r->id_map[r->n_id_map];
    *to = map[i];
    if (mlt_arena_str(r->arena, map[i].key, &to->key) != 0 ||
        mlt_arena_str(r->arena, map[i].name, &to->name) != 0)
      return mlt_err_nomem(p->err);
    r->n_id_map++;
  }
  return MLT_OK;
}

/* What the report takes from the sink in the end, however it ended. */
static enum mlt_rc leave_sink(struct pump *p, enum mlt_rc rc) {
  if (!p->sink)
    return rc;
  if (rc != MLT_OK)
    p->sink_ops->failed(p->sink, p->err->msg);
  take_ledger(p);
  enum mlt_rc map_rc = copy_id_map(p);
  return rc == MLT_OK ? map_rc : rc;
}

static enum mlt_rc run(struct pump *p) {
  enum mlt_rc (*const step[])(struct pump *) = {
      open_source, /* first: one that is not there must not leave a new database behind */
      open_pacer,  open_places, look_for_room, open_sink, open_artifacts, open_threads, pump_all};
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < sizeof step / sizeof *step; i++)
    rc = step[i](p);
  mlt_lanes_close(p->lanes); /* batches on their way are not behind the end that the ledger tells */
  rc = leave_sink(p, rc);
  p->report->reconnects = p->retry->reconnects;
  look(p);
  mlt_artifacts_close(p->artifacts);
  mlt_places_close(p->places);
  mlt_readers_close(p->readers);
  if (p->source_ops)
    p->source_ops->close(p->source);
  if (p->sink_ops)
    p->sink_ops->close(p->sink);
  mlt_batch_free(p->like);
  mlt_pacer_free(p->pacer);
  return rc;
}

/* Not standard input, nor a pipe; a database's URI is no path. Files that were placed by the ids of
   experiments would be in the way of the next ids. */
static bool can_start_over(const struct mlt_import_opts *opts) {
  struct stat st;
  bool stream = strcmp(opts->source, "-") == 0 ||
                (stat(opts->source, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
  return opts->on_start_over && !stream && opts->artifacts.how == MLT_ARTIFACTS_KEEP &&
         !(opts->cancelled && *opts->cancelled);
}

static enum mlt_rc start_over(const struct mlt_import_opts *opts, struct mlt_report *report,
                              struct mlt_err *err) {
  mlt_report_free(report);
  mlt_err_clear(err);
  enum mlt_rc rc = mlt_report_init(report, opts->source, err);
  return rc == MLT_OK ? opts->on_start_over(opts->ctx, err) : rc;
}

enum mlt_rc mlt_import(const struct mlt_import_opts *opts, struct mlt_report *report,
                       struct mlt_err *err) {
  struct mlt_err own = MLT_ERR_INIT;
  struct mlt_retry retry = {
      .seconds = opts->retry_seconds, .tell = opts->on_retry, .ctx = opts->ctx};
  double started = mlt_clock_seconds();
  err = err ? err : &own;
  enum mlt_rc rc = mlt_report_init(report, opts->source, err);
  for (unsigned starts = 1; rc == MLT_OK; starts++) {
    struct pump p = {
        .opts = opts, .report = report, .err = err, .retry = &retry, .started = started};
    retry.start_over = false;
    rc = run(&p);
    if (rc == MLT_OK || !retry.start_over || starts == MAX_STARTS || !can_start_over(opts))
      break;
    rc = start_over(opts, report, err);
  }
  if (rc == MLT_OK && report->rejects + report->artifacts.missing + report->artifacts.faults)
    rc = MLT_REJECTED;
  return rc;
}
