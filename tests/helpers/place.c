/* Places a folder or file by artifact/artifact.h, for tests that kill it and for the benchmark:

     place MODE ROOT FOLDER ID SOURCE [none|each|dry|bare|threads=N]...

   MODE copy, link or move. SOURCE is a folder, or FILE=NAME. Prints a line for each fault and one
   for the counts; exits as mltrack-bulk would, 2 if there were faults. bare: no manifests. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artifact/artifact.h"

static void print_fault(void *ctx, const struct mlt_place_fault *f) {
  (void)ctx;
  printf("fault %s %s %s: %s\n", f->id, f->code, f->path, f->reason);
}

static void option(struct mlt_placer_options *o, const char *word) {
  if (strcmp(word, "none") == 0)
    o->sync = MLT_SYNC_NONE;
  else if (strcmp(word, "each") == 0)
    o->sync = MLT_SYNC_EACH;
  else if (strcmp(word, "dry") == 0)
    o->dry_run = true;
  else if (strcmp(word, "bare") == 0)
    o->no_manifests = true;
  else if (strncmp(word, "threads=", 8) == 0)
    o->threads = (unsigned)strtoul(word + 8, NULL, 10);
}

static enum mlt_rc put(struct mlt_placer_folder *f, const char *source, struct mlt_err *err) {
  const char *name = strchr(source, '=');
  if (!name)
    return mlt_placer_tree(f, source, "", err);
  char path[4096];
  (void)snprintf(path, sizeof path, "%.*s", (int)(name - source), source);
  return mlt_placer_file(f, path, name + 1, err);
}

static enum mlt_rc place(struct mlt_placer *p, char **argv, struct mlt_placed *placed,
                         struct mlt_err *err) {
  struct mlt_placer_root *root;
  struct mlt_placer_group *g = NULL;
  struct mlt_placer_folder *f;
  enum mlt_rc rc = mlt_placer_root(p, argv[2], &root, err);
  if (rc == MLT_OK)
    rc = mlt_placer_group(p, &g, err);
  if (rc == MLT_OK)
    rc = mlt_placer_folder(g, root, argv[3], argv[4], &f, err);
  if (rc == MLT_OK)
    rc = put(f, argv[5], err);
  if (rc == MLT_OK)
    rc = mlt_placer_wait(g, placed, err);
  mlt_placer_group_free(g);
  return rc;
}

int main(int argc, char **argv) {
  struct mlt_placer_options o = {.on_fault = print_fault};
  struct mlt_placer *p = NULL;
  struct mlt_placed n = {.files = 0};
  struct mlt_err err = MLT_ERR_INIT;
  if (argc < 6)
    return mlt_rc_exit(MLT_USAGE);
  o.mode = argv[1][0] == 'l' ? MLT_PLACE_LINK : argv[1][0] == 'm' ? MLT_PLACE_MOVE : MLT_PLACE_COPY;
  for (int i = 6; i < argc; i++)
    option(&o, argv[i]);
  enum mlt_rc rc = mlt_placer_open(&p, &o, &err);
  if (rc == MLT_OK)
    rc = place(p, argv, &n, &err);
  mlt_placer_close(p);
  printf("files=%" PRIu64 " bytes=%" PRIu64 " linked=%" PRIu64 " copied=%" PRIu64
         " present=%" PRIu64 " removed=%" PRIu64 " faults=%" PRIu64 "\n",
         n.files, n.bytes, n.linked, n.copied, n.present, n.removed, n.faults);
  if (rc != MLT_OK)
    fprintf(stderr, "%s\n%s\n", err.msg, err.hint);
  return rc != MLT_OK ? mlt_rc_exit(rc) : n.faults ? mlt_rc_exit(MLT_REJECTED) : 0;
}
