/* The database against what it was imported from: the importer reads the source as it would to
   import it, and instead of writing has the sink prove that every row is there (sink/sink.h). Rows
   that an import rejects or changes are known by that, and no damage. Reads the database in
   read-only transactions of its own, one a batch. */
#include <inttypes.h>
#include <string.h>

#include "verify/beyond.h"

enum { REJECTS_TOLD = 20 };

struct proof {
  struct mlt_verify *v;
  struct mlt_beyond *beyond;
  uint64_t rejects; /* rows that an import would reject */
  uint64_t told;    /* notes about them that were told */
  uint64_t counted; /* rows of the source, so far */
};

/* Of one run its own rows are compared: what else the source has of it may be of others, too. */
static bool is_of_runs(enum mlt_table t) {
  return mlt_table_is_of_run(t) || t == MLT_T_INPUTS || t == MLT_T_INPUT_TAGS;
}

/* A key alone may be that of a param, a tag or a metric; an id alone that of a trace or its rows.
 */
static bool names_table(const struct mlt_note *n, enum mlt_finding_id what) {
  bool keyed = mlt_table_run_column(n->table) != MLT_C_COUNT || what == MLT_FINDING_SOURCE_BEYOND;
  return (keyed && n->place.field.p) || n->table >= MLT_T_COUNT;
}

static void tell(struct proof *p, enum mlt_finding_id what, const struct mlt_note *n) {
  if (mlt_verify_options(p->v)->n_runs && !is_of_runs(n->table))
    return;
  const struct mlt_finding f = {.what = what,
                                .table = n->table,
                                .id = n->id,
                                .path = n->place.path,
                                .field = n->place.field,
                                .text = n->reason};
  if (names_table(n, what))
    mlt_verify_foundf(p->v, &f, "in %s: %.*s", mlt_table_name(n->table), MLT_STR_ARG(n->reason));
  else
    mlt_verify_found(p->v, &f);
}

static enum mlt_finding_id finding_of(const char *code) {
  static const struct {
    const char *code;
    enum mlt_finding_id what;
  } codes[] = {{"run-missing", MLT_FINDING_SOURCE_RUN_MISSING},
               {"row-missing", MLT_FINDING_SOURCE_ROW_MISSING},
               {"row-extra", MLT_FINDING_SOURCE_ROW_EXTRA},
               {"row-beyond", MLT_FINDING_SOURCE_BEYOND},
               {"row-superseded", MLT_FINDING_SOURCE_SUPERSEDED},
               {"place-differs", MLT_FINDING_SOURCE_PLACE}};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (strcmp(codes[i].code, code) == 0)
      return codes[i].what;
  return MLT_FINDING_SOURCE_ROW_DIFFERS;
}

/* The source against itself: an import takes the first. */
static bool is_of_source(const struct mlt_note *n) {
  return strcmp(n->code, "run-duplicate") == 0 || strcmp(n->code, "experiment-duplicate") == 0;
}

static enum mlt_rc take_note(void *ctx, const struct mlt_note *n, struct mlt_err *err) {
  struct proof *p = ctx;
  (void)err;
  if (n->kind == MLT_NOTE_DIFFERS) {
    tell(p, finding_of(n->code), n);
  } else if (n->kind == MLT_NOTE_CONFLICT && !is_of_source(n)) {
    tell(p, MLT_FINDING_SOURCE_ROW_DIFFERS, n);
  } else if (n->kind == MLT_NOTE_REJECT || n->kind == MLT_NOTE_CONFLICT) {
    p->rejects += n->rows;
    if (p->told++ < REJECTS_TOLD)
      tell(p, MLT_FINDING_SOURCE_REJECTED, n);
  }
  return MLT_OK;
}

static enum mlt_rc take_batch(void *ctx, const struct mlt_batch *b, struct mlt_err *err) {
  struct proof *p = ctx;
  return mlt_beyond_take(p->beyond, b, err);
}

static void take_progress(void *ctx, const struct mlt_report *r) {
  struct proof *p = ctx;
  uint64_t read = 0;
  for (size_t t = 0; t < MLT_T_ALL; t++)
    read += r->counts[t].read;
  mlt_verify_count(p->v, MLT_AMOUNT_COMPARED, read - p->counted);
  p->counted = read;
  enum mlt_rc cancelled = mlt_verify_tick(p->v, NULL);
  (void)cancelled; /* the importer looks itself */
}

/* What there may be thousands of is told once a kind. */
static void tell_summaries(const struct proof *p, const struct mlt_report *r) {
  struct mlt_finding f = {.what = MLT_FINDING_SOURCE_CHANGED, .table = MLT_T_ALL};
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++) {
    const struct mlt_change *c = &r->changed[i];
    f.table = c->first.table;
    f.id = c->first.id;
    f.field = c->first.place.field;
    mlt_verify_foundf(p->v, &f, "%s, %" PRIu64 " times; the first: %.*s", c->code, c->n,
                      MLT_STR_ARG(c->first.reason));
  }
  if (p->told > REJECTS_TOLD)
    mlt_verify_foundf(
        p->v, &(struct mlt_finding){.what = MLT_FINDING_SOURCE_REJECTED, .table = MLT_T_ALL},
        "%" PRIu64 " rows of the source in all are such as imports reject", p->rejects);
}

static enum mlt_rc check(struct mlt_verify *v, struct mlt_err *err) {
  const struct mlt_verify_opts *o = mlt_verify_options(v);
  struct proof p = {.v = v};
  struct mlt_report report = {0};
  const struct mlt_import_opts import = {.source = o->source,
                                         .format = o->source_format,
                                         .reading = o->reading,
                                         .target = o->target,
                                         .dry_run = true,
                                         .prove = true,
                                         .skip_errors = true,
                                         .no_ledger = true,
                                         .load = MLT_LOAD_APPEND,
                                         .cancelled = o->cancelled,
                                         .on_progress = take_progress,
                                         .on_note = take_note,
                                         .on_batch = take_batch,
                                         .ctx = &p};
  enum mlt_rc rc = mlt_beyond_new(&p.beyond, err);
  if (rc == MLT_OK)
    rc = mlt_import(&import, &report, err);
  if (rc == MLT_REJECTED)
    rc = MLT_OK; /* rejected rows are findings */
  if (rc == MLT_OK)
    tell_summaries(&p, &report);
  if (rc == MLT_OK)
    rc = mlt_beyond_tell(p.beyond, v, &report, err);
  mlt_beyond_free(p.beyond);
  mlt_report_free(&report);
  return rc;
}

static const char *left_out(const struct mlt_verify_opts *o) {
  if (!o->source)
    return "no --source was given";
  return o->has_since || o->n_imports ? "--source is of all runs, not of those --since or --import"
                                      : NULL;
}

const struct mlt_check_ops mlt_check_source = {
    .name = "source", .modes = MLT_IN_ALL, .of_runs = true, .left_out = left_out, .run = check};
