#include "import_verify.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum { FINDINGS_SHOWN = 20 };

/* The experiments' names as strings, each in memory of its own. */
static enum mlt_rc copy_names(struct mlt_import_proof *p, const struct mlt_report *r,
                              struct mlt_err *err) {
  p->experiments = mlt_calloc(r->n_id_map + 1, sizeof *p->experiments);
  if (!p->experiments)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < r->n_id_map; i++) {
    const struct mlt_str name = r->id_map[i].name;
    char *copy = mlt_calloc(name.len + 1, 1);
    if (!copy)
      return mlt_err_nomem(err);
    memcpy(copy, name.p, name.len);
    p->experiments[p->n_experiments++] = copy;
  }
  return MLT_OK;
}

enum mlt_rc mlt_import_verify(struct mlt_import_proof *out, const struct mlt_import_opts *opts,
                              const struct mlt_report *report, struct mlt_err *err) {
  if (opts->dry_run || report->n_id_map == 0)
    return MLT_OK;
  enum mlt_rc rc = copy_names(out, report, err);
  const struct mlt_verify_opts o = {.target = opts->target,
                                    .mode = MLT_VERIFY_QUICK,
                                    .experiments = out->experiments,
                                    .n_experiments = out->n_experiments,
                                    .maps = opts->artifacts.maps,
                                    .n_maps = opts->artifacts.n_maps,
                                    .artifacts_destination = opts->artifacts.destination,
                                    .now_ms = mlt_clock_wall_ms(),
                                    .max_findings = FINDINGS_SHOWN,
                                    .cancelled = opts->cancelled};
  if (rc == MLT_OK)
    rc = mlt_verify_open(&out->verify, &o, err);
  if (rc == MLT_OK)
    rc = mlt_verify_run(out->verify, err);
  if (rc == MLT_OK)
    out->result = mlt_verify_result(out->verify);
  else
    mlt_err_prefix(err, "what was imported is in, but could not be verified");
  return rc;
}

void mlt_import_proof_close(struct mlt_import_proof *p) {
  mlt_verify_close(p->verify);
  for (size_t i = 0; i < p->n_experiments; i++)
    mlt_free((char *)(uintptr_t)p->experiments[i]);
  mlt_free(p->experiments);
}

bool mlt_import_proof_differs(const struct mlt_import_proof *p) {
  return p->result && !mlt_verify_ok(p->result);
}

static void print_finding(FILE *out, const struct mlt_finding *f) {
  const struct mlt_finding_info *info = mlt_finding_info(f->what);
  const struct mlt_str parts[] = {f->id, f->field, f->path, f->text};
  (void)fprintf(out, "  %s %s:", mlt_severity_name(info->severity), info->code);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].len) {
      (void)fputc(' ', out);
      mlt_text_print(out, parts[i]);
    }
  (void)fputc('\n', out);
}

void mlt_import_proof_print(FILE *out, const struct mlt_import_proof *p) {
  const struct mlt_verify_result *r = p->result;
  if (!r)
    return;
  (void)fprintf(out,
                "\nVerified %" PRIu64 " runs, %" PRIu64 " files in %.2f s: %" PRIu64
                " errors, %" PRIu64 " warnings\n",
                r->amounts[MLT_AMOUNT_RUNS], r->amounts[MLT_AMOUNT_FILES], r->seconds,
                r->found[MLT_SEVERITY_ERROR], r->found[MLT_SEVERITY_WARNING]);
  for (size_t i = 0; i < r->n_findings; i++)
    print_finding(out, &r->findings[i]);
}

static void add_finding(struct mlt_json *list, const struct mlt_finding *f) {
  struct mlt_json *j = mlt_json_push(list, mlt_json_object());
  const struct mlt_finding_info *info = mlt_finding_info(f->what);
  mlt_json_set_cstr(j, "code", info->code);
  mlt_json_set_cstr(j, "severity", mlt_severity_name(info->severity));
  mlt_json_set_cstr(j, "table", f->table == MLT_T_ALL ? NULL : mlt_table_name(f->table));
  mlt_json_set_str(j, "id", f->id);
  mlt_json_set_str(j, "field", f->field);
  mlt_json_set_str(j, "path", f->path);
  mlt_json_set_str(j, "text", f->text);
}

void mlt_import_proof_json(struct mlt_json *doc, const struct mlt_import_proof *p) {
  const struct mlt_verify_result *r = p->result;
  if (!r)
    return;
  struct mlt_json *j = mlt_json_set(doc, "verify", mlt_json_object());
  mlt_json_set_bool(j, "ok", mlt_verify_ok(r));
  mlt_json_set_u64(j, "errors", r->found[MLT_SEVERITY_ERROR]);
  mlt_json_set_u64(j, "warnings", r->found[MLT_SEVERITY_WARNING]);
  mlt_json_set_u64(j, "infos", r->found[MLT_SEVERITY_INFO]);
  mlt_json_set_double(j, "seconds", r->seconds);
  struct mlt_json *checked = mlt_json_set(j, "checked", mlt_json_object());
  for (enum mlt_verify_amount a = 0; a < MLT_AMOUNT_COUNT; a++)
    mlt_json_set_u64(checked, mlt_verify_amount_name(a), r->amounts[a]);
  struct mlt_json *list = mlt_json_set(j, "findings", mlt_json_array());
  for (size_t i = 0; i < r->n_findings; i++)
    add_finding(list, &r->findings[i]);
}
