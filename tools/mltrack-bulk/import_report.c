#include "import_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"

enum { EXPERIMENTS_SHOWN = 10, NOTES_SHOWN = 10 };

static const char *const kind_names[] = {"reject", "conflict", "changed", "ignored"};

/* ---- JSON ---- */

struct mlt_json *mlt_note_json(const struct mlt_note *n) {
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_cstr(j, "kind", kind_names[n->kind]);
  mlt_json_set_cstr(j, "table", n->kind == MLT_NOTE_IGNORED ? NULL : mlt_table_name(n->table));
  mlt_json_set_cstr(j, "code", n->code);
  mlt_json_set_u64(j, "rows", n->rows);
  mlt_json_set_str(j, "id", n->id);
  mlt_json_set_str(j, "path", n->place.path);
  if (n->place.line)
    mlt_json_set_u64(j, "line", n->place.line);
  else
    mlt_json_set_null(j, "line");
  mlt_json_set_str(j, "field", n->place.field);
  mlt_json_set_str(j, "reason", n->reason);
  return j;
}

static void add_counts(struct mlt_json *doc, const struct mlt_report *r) {
  struct mlt_json *tables = mlt_json_set(doc, "tables", mlt_json_object());
  for (size_t t = 0; t < MLT_T_COUNT; t++) {
    const struct mlt_counts *c = &r->counts[t];
    struct mlt_json *row =
        mlt_json_set(tables, mlt_table_name((enum mlt_table)t), mlt_json_object());
    mlt_json_set_u64(row, "read", c->read);
    mlt_json_set_u64(row, "inserted", c->inserted);
    mlt_json_set_u64(row, "present", c->present);
    mlt_json_set_u64(row, "updated", c->updated);
    mlt_json_set_u64(row, "merged", c->merged);
    mlt_json_set_u64(row, "rejected", c->rejected);
    mlt_json_set_u64(row, "changed", c->changed);
  }
}

static void add_lists(struct mlt_json *doc, const struct mlt_report *r) {
  struct mlt_json *ignored = mlt_json_set(doc, "ignored", mlt_json_object());
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++)
    mlt_json_set_u64(ignored, r->ignored[i].what, r->ignored[i].n);
  mlt_json_set_u64(doc, "rejects", r->rejects);
  mlt_json_set_u64(doc, "conflicts", r->conflicts);
  mlt_json_set_u64(doc, "changes", r->changes);
  struct mlt_json *experiments = mlt_json_set(doc, "experiments", mlt_json_array());
  for (size_t i = 0; i < r->n_id_map; i++) {
    const struct mlt_id_map *m = &r->id_map[i];
    struct mlt_json *e = mlt_json_push(experiments, mlt_json_object());
    mlt_json_set_str(e, "source", m->key);
    mlt_json_set_str(e, "name", m->name);
    if (m->id >= 0)
      mlt_json_set_i64(e, "id", m->id);
    else
      mlt_json_set_null(e, "id");
    mlt_json_set_bool(e, "created", m->created);
    mlt_json_set_bool(e, "deleted", m->deleted);
  }
  struct mlt_json *changed = mlt_json_set(doc, "changed", mlt_json_object());
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++)
    mlt_json_set_u64(changed, r->changed[i].code, r->changed[i].n);
  struct mlt_json *notes = mlt_json_set(doc, "notes", mlt_json_array());
  for (size_t i = 0; i < r->n_notes; i++)
    (void)mlt_json_push(notes, mlt_note_json(&r->notes[i]));
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++)
    (void)mlt_json_push(notes, mlt_note_json(&r->changed[i].first));
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++)
    if (r->ignored[i].first.place.field.p)
      (void)mlt_json_push(notes, mlt_note_json(&r->ignored[i].first));
}

struct mlt_json *mlt_import_json(const struct mlt_import_result *res) {
  const struct mlt_report *r = res->report;
  struct mlt_json *doc = mlt_json_object();
  bool done = res->rc == MLT_OK || res->rc == MLT_REJECTED;
  mlt_json_set_i64(doc, "schema_version", 1);
  mlt_json_set_cstr(doc, "command", "import");
  mlt_json_set_cstr(doc, "status", res->rc == MLT_OK ? "ok" : done ? "rejected" : "failed");
  mlt_json_set_i64(doc, "exit_code", res->exit_status);
  mlt_json_set_cstr(doc, "source", r->shown);
  mlt_json_set_cstr(doc, "format", r->format);
  mlt_json_set_cstr(doc, "target", res->opts->target->display);
  mlt_json_set_cstr(doc, "head", r->schema.head[0] ? r->schema.head : NULL);
  mlt_json_set_cstr(doc, "load", r->load.name);
  mlt_json_set_cstr(doc, "load_reason", r->load.why);
  mlt_json_set_bool(doc, "dry_run", res->opts->dry_run);
  mlt_json_set_double(doc, "seconds", r->seconds);
  mlt_json_set_u64(doc, "batches", r->batches);
  add_counts(doc, r);
  add_lists(doc, r);
  if (done) {
    mlt_json_set_null(doc, "error");
    return doc;
  }
  struct mlt_json *e = mlt_json_set(doc, "error", mlt_json_object());
  mlt_json_set_cstr(e, "code", mlt_rc_name(res->rc));
  mlt_json_set_cstr(e, "message", res->err->msg);
  mlt_json_set_cstr(e, "hint", res->err->hint[0] ? res->err->hint : NULL);
  mlt_json_set_cstr(e, "sqlstate", res->err->sqlstate[0] ? res->err->sqlstate : NULL);
  return doc;
}

/* ---- text ---- */

void mlt_note_print(FILE *out, const struct mlt_note *n) {
  if (n->place.path.p) {
    mlt_text_print(out, n->place.path);
    if (n->place.line)
      (void)fprintf(out, ":%" PRIu64, n->place.line);
  } else if (n->id.p) {
    (void)fprintf(out, "%s '", mlt_table_name(n->table));
    mlt_text_print(out, n->id);
    (void)fputc('\'', out);
  } else {
    (void)fputs(mlt_table_name(n->table), out);
  }
  (void)fputs(": ", out);
  mlt_text_print(out, n->reason);
  (void)fputc('\n', out);
}

static uint64_t print_table(FILE *out, const struct mlt_report *r) {
  uint64_t total = 0;
  (void)fprintf(out, "\n  %-24s %12s %12s %12s %10s %10s %10s\n", "table", "read", "inserted",
                "present", "updated", "merged", "rejected");
  for (size_t t = 0; t < MLT_T_COUNT; t++) {
    const struct mlt_counts *c = &r->counts[t];
    total += c->read;
    if (c->read || c->rejected)
      (void)fprintf(out,
                    "  %-24s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %10" PRIu64 " %10" PRIu64
                    " %10" PRIu64 "\n",
                    mlt_table_name((enum mlt_table)t), c->read, c->inserted, c->present, c->updated,
                    c->merged, c->rejected);
  }
  return total;
}

static void print_experiments(FILE *out, const struct mlt_report *r) {
  size_t shown = 0;
  for (size_t i = 0; i < r->n_id_map && shown < EXPERIMENTS_SHOWN; i++, shown++) {
    const struct mlt_id_map *m = &r->id_map[i];
    (void)fprintf(out, "%s  experiment %.*s '", shown ? "" : "\n", MLT_STR_ARG(m->key));
    mlt_text_print(out, m->name);
    if (m->id >= 0)
      (void)fprintf(out, "' -> %" PRId64 "%s\n", m->id, m->created ? "" : " (was there)");
    else
      (void)fprintf(out, "' -> a new id\n");
  }
  if (r->n_id_map > shown)
    (void)fprintf(out, "  and %zu more experiments (--json lists all)\n", r->n_id_map - shown);
}

static void print_rejects(FILE *out, const struct mlt_report *r) {
  if (r->n_notes)
    (void)fputs("\nNot imported, because:\n", out);
  for (size_t i = 0; i < r->n_notes && i < NOTES_SHOWN; i++) {
    (void)fputs("  ", out);
    mlt_note_print(out, &r->notes[i]);
  }
  if (r->n_notes > NOTES_SHOWN)
    (void)fputs("  and more (--rejects FILE lists all)\n", out);
}

static void print_changes(FILE *out, const struct mlt_report *r) {
  if (r->changes)
    (void)fputs("\nImported with a change:\n", out);
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++) {
    (void)fprintf(out, "  %" PRIu64 " x %s, first: ", r->changed[i].n, r->changed[i].code);
    mlt_note_print(out, &r->changed[i].first);
  }
}

static void print_ignored(FILE *out, const struct mlt_report *r) {
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++) {
    const struct mlt_str names = r->ignored[i].first.place.field;
    (void)fprintf(out, "%s%" PRIu64 " %s", i ? ", " : "\n  not imported: ", r->ignored[i].n,
                  r->ignored[i].what);
    if (!names.p)
      continue;
    (void)fputs(" (", out);
    mlt_text_print(out, names);
    (void)fputc(')', out);
  }
  if (r->ignored[0].what)
    (void)fputc('\n', out);
}

/* What to type next, where a database got something new. */
static void print_next(FILE *out, const struct mlt_import_result *res) {
  if (res->opts->dry_run || !res->report->counts[MLT_T_RUNS].inserted)
    return;
  (void)fputs("Look at it: mlflow server --backend-store-uri '", out);
  mlt_text_print(out, mlt_str_c(res->opts->target->display));
  (void)fputs("'\n", out);
}

void mlt_import_print_text(FILE *out, const struct mlt_import_result *res) {
  const struct mlt_report *r = res->report;
  bool done = res->rc == MLT_OK || res->rc == MLT_REJECTED;
  (void)fprintf(out, "%s ",
                !done                ? "Stopped importing"
                : res->opts->dry_run ? "Would import"
                                     : "Imported");
  mlt_text_print(out, mlt_str_c(r->shown));
  (void)fprintf(out, " (%s) into ", r->format ? r->format : "unknown format");
  mlt_text_print(out, mlt_str_c(res->opts->target->display));
  if (r->schema.known)
    (void)fprintf(out, ", schema of MLflow %s to %s", r->schema.known->first,
                  r->schema.known->last);
  (void)fputc('\n', out);
  uint64_t total = print_table(out, r);
  print_experiments(out, r);
  print_ignored(out, r);
  print_rejects(out, r);
  print_changes(out, r);
  uint64_t transactions = r->load.whole && r->batches ? 1 : r->batches;
  (void)fprintf(out, "\n%" PRIu64 " rows read in %.2f s (%.0f rows/s), %" PRIu64 " %s%s\n", total,
                r->seconds, r->seconds > 0 ? (double)total / r->seconds : 0.0, transactions,
                transactions == 1 ? "transaction" : "transactions",
                res->opts->dry_run ? ", nothing written" : "");
  print_next(out, res);
}
