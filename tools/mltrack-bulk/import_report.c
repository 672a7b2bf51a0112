#include "import_report.h"

#include "artifacts_report.h"
#include "preflight_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"

enum { EXPERIMENTS_SHOWN = 10 };

/* ---- JSON ---- */

static void add_counts(struct mlt_json *doc, const struct mlt_report *r) {
  struct mlt_json *tables = mlt_json_set(doc, "tables", mlt_json_object());
  for (size_t t = 0; t < MLT_T_ALL; t++) {
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

static void add_experiments(struct mlt_json *doc, const struct mlt_report *r) {
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
}

static void add_ledger(struct mlt_json *doc, const struct mlt_report *r) {
  struct mlt_json *import = mlt_json_set(doc, "import", mlt_json_object());
  if (r->ledger.id)
    mlt_json_set_i64(import, "id", r->ledger.id);
  else
    mlt_json_set_null(import, "id");
  mlt_json_set_bool(import, "resumed", r->ledger.resumed);
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
  add_ledger(doc, r);
  mlt_preflight_add_json(doc, &r->preflight);
  mlt_json_set_double(doc, "seconds", r->seconds);
  mlt_json_set_u64(doc, "batches", r->batches);
  mlt_json_set_u64(doc, "reconnects", r->reconnects);
  add_counts(doc, r);
  mlt_artifacts_add_json(doc, &r->artifacts);
  mlt_notes_add_json(doc, r);
  add_experiments(doc, r);
  mlt_import_proof_json(doc, res->proof);
  mlt_error_add_json(doc, res->rc, res->err);
  return doc;
}

/* ---- text ---- */

static uint64_t print_table(FILE *out, const struct mlt_report *r) {
  uint64_t total = 0;
  (void)fprintf(out, "\n  %-24s %12s %12s %12s %10s %10s %10s\n", "table", "read", "inserted",
                "present", "updated", "merged", "rejected");
  for (size_t t = 0; t < MLT_T_ALL; t++) {
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
  mlt_artifacts_print(out, &r->artifacts, res->opts->dry_run);
  mlt_notes_print_text(out, r, "imported");
  uint64_t transactions = r->load.whole && r->batches ? 1 : r->batches;
  (void)fprintf(out, "\n%" PRIu64 " rows read in %.2f s (%.0f rows/s), %" PRIu64 " %s%s\n", total,
                r->seconds, r->seconds > 0 ? (double)total / r->seconds : 0.0, transactions,
                transactions == 1 ? "transaction" : "transactions",
                res->opts->dry_run ? ", nothing written" : "");
  mlt_import_proof_print(out, res->proof);
  if (r->ledger.id)
    (void)fprintf(out, "Import %" PRId64 "%s: mltrack-bulk imports %" PRId64 " tells of it\n",
                  r->ledger.id, r->ledger.resumed ? ", resumed" : "", r->ledger.id);
  print_next(out, res);
}
