#include "artifacts_report.h"

#include <inttypes.h>

void mlt_artifacts_add_json(struct mlt_json *doc, const struct mlt_artifact_counts *c) {
  struct mlt_json *j = mlt_json_set(doc, "artifacts", mlt_json_object());
  mlt_json_set_u64(j, "folders", c->folders);
  mlt_json_set_u64(j, "files", c->files);
  mlt_json_set_u64(j, "bytes", c->bytes);
  mlt_json_set_u64(j, "linked", c->linked);
  mlt_json_set_u64(j, "present", c->present);
  mlt_json_set_u64(j, "present_bytes", c->present_bytes);
  mlt_json_set_u64(j, "in_place", c->in_place);
  mlt_json_set_u64(j, "remote", c->remote);
  mlt_json_set_u64(j, "missing", c->missing);
  mlt_json_set_u64(j, "faults", c->faults);
}

/* "512 bytes", "3.4 MiB" */
static void show_bytes(char *out, size_t cap, uint64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  double v = (double)bytes / 1024;
  size_t u = 0;
  for (; v >= 1024 && u + 1 < sizeof units / sizeof *units; u++)
    v /= 1024;
  if (bytes < 1024)
    (void)snprintf(out, cap, "%" PRIu64 " bytes", bytes);
  else
    (void)snprintf(out, cap, "%.1f %s", v, units[u]);
}

void mlt_artifacts_print(FILE *out, const struct mlt_artifact_counts *c, bool dry_run) {
  char size[32];
  const struct {
    uint64_t n;
    const char *what;
  } rest[] = {{c->linked, "of them linked"},         {c->present, "were there"},
              {c->in_place, "folders are in place"}, {c->remote, "folders stay in object stores"},
              {c->missing, "folders missing"},       {c->faults, "files not placed"}};
  uint64_t any = c->folders + c->files;
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
    any += rest[i].n;
  if (!any)
    return;
  show_bytes(size, sizeof size, c->bytes);
  (void)fprintf(out, "\n  artifacts: %" PRIu64 " files (%s) of %" PRIu64 " runs and models %s",
                c->files, size, c->folders, dry_run ? "to be placed" : "placed");
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
    if (rest[i].n)
      (void)fprintf(out, ", %" PRIu64 " %s", rest[i].n, rest[i].what);
  (void)fputc('\n', out);
}

int mlt_artifacts_progress(char *out, size_t cap, const struct mlt_artifact_counts *c) {
  char size[32];
  uint64_t files = c->files + c->present;
  *out = '\0';
  if (!files)
    return 0;
  show_bytes(size, sizeof size, c->bytes + c->present_bytes);
  return snprintf(out, cap, ", %" PRIu64 " files (%s)", files, size);
}
