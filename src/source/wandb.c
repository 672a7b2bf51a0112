/* Offline runs of wandb: a run-ID.wandb, or folders that hold such (wandb/, or what holds it). The
   project is the experiment, and the run's id is made of project and wandb's id (identity.h), so
   that importing again finds it. What is in files/ and artifacts stays where it is. */
#include "source/wandb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "source/beneath.h"

struct mlt_source {
  struct mlt_wb wb;
};

/* ---- the last value of each name ---- */

static bool slots_init(struct mlt_wb_slots *l) {
  l->index = mlt_map_new();
  l->arena = mlt_arena_new();
  return l->index && l->arena;
}

static void slots_free(struct mlt_wb_slots *l) {
  mlt_map_free(l->index);
  mlt_arena_free(l->arena);
  mlt_free(l->list.v);
}

void mlt_wb_slots_clear(struct mlt_wb_slots *l) {
  mlt_map_clear(l->index);
  mlt_arena_reset(l->arena);
  l->list.n = 0;
  l->lost = 0;
}

/* NULL beyond MLT_WB_SLOTS names. */
static enum mlt_rc slot_of(struct mlt_wb_slots *l, struct mlt_str name, struct mlt_wb_slot **out) {
  struct mlt_wb_slot new = {.len = 0};
  uint64_t i;
  *out = NULL;
  if (l->list.n == MLT_WB_SLOTS && !mlt_map_get(l->index, name, &i))
    return MLT_OK;
  int added = mlt_map_intern(l->index, name, l->list.n, &i);
  if (added > 0) {
    if (!MLT_VEC_ROOM(l->list) || mlt_arena_str(l->arena, name, &new.name) != 0)
      return MLT_NOMEM;
    l->list.v[l->list.n++] = new;
  }
  *out = &l->list.v[i];
  return added < 0 ? MLT_NOMEM : MLT_OK;
}

enum mlt_rc mlt_wb_set(struct mlt_wb_slots *l, const struct mlt_wb_leaf *leaf) {
  struct mlt_wb_slot *slot;
  enum mlt_rc rc = slot_of(l, leaf->name, &slot);
  if (rc != MLT_OK)
    return rc;
  if (!slot) {
    l->lost++;
    return MLT_OK;
  }
  if (leaf->text.len > slot->cap) {
    slot->cap = 2 * leaf->text.len;
    slot->text = mlt_arena_alloc(l->arena, slot->cap);
    if (!slot->text)
      return MLT_NOMEM;
  }
  if (leaf->text.len)
    memcpy(slot->text, leaf->text.p, leaf->text.len);
  slot->len = leaf->text.len;
  slot->kind = leaf->kind;
  slot->number = leaf->number;
  slot->removed = false;
  slot->count++;
  return MLT_OK;
}

/* ---- logs ---- */

enum mlt_rc mlt_wb_open_log(struct mlt_wb *s, size_t file, struct mlt_err *err) {
  struct stat st;
  if (s->fd >= 0)
    (void)close(s->fd);
  mlt_wlog_reset(&s->wlog);
  s->log = file;
  s->waiting = false;
  s->flat.path = mlt_str_c(mlt_tree_path(&s->tree, file));
  s->fd = mlt_tree_open_file(&s->tree, mlt_tree_path(&s->tree, file), &st);
  if (s->fd >= 0) {
    if (!*s->flat.owner)
      mlt_owner_name(s->flat.owner, st.st_uid);
    return MLT_OK;
  }
  if (s->fd == -EMFILE || s->fd == -ENFILE || s->fd == -ENOMEM)
    return mlt_err_errno(err, -s->fd, "cannot open '%s'", mlt_tree_path(&s->tree, file));
  const char *code;
  (void)snprintf(s->fault, sizeof s->fault, "cannot be read: %s",
                 mlt_beneath_reason(-s->fd, &code));
  s->fd = -1;
  return MLT_DATA;
}

static enum mlt_rc feed(struct mlt_wb *s, struct mlt_err *err) {
  size_t room;
  char *p = mlt_wlog_room(&s->wlog, &room);
  ssize_t n = mlt_file_read(s->fd, p, room);
  if (n < 0)
    return mlt_err_errno(err, (int)-n, "cannot read '%s'", mlt_tree_path(&s->tree, s->log));
  s->progress.bytes_done += (uint64_t)n;
  mlt_wlog_fed(&s->wlog, (size_t)n);
  if (n == 0)
    mlt_wlog_eof(&s->wlog);
  return MLT_OK;
}

enum mlt_rc mlt_wb_next(struct mlt_wb *s, struct mlt_err *err) {
  struct mlt_str record;
  enum mlt_rc rc;
  while ((rc = mlt_wlog_next(&s->wlog, &record, &s->cut)) == MLT_AGAIN)
    if ((rc = feed(s, err)) != MLT_OK)
      return rc;
  uint64_t at = s->wlog.fault_at;
  s->reason = s->wlog.reason;
  if (rc == MLT_OK) {
    at = s->wlog.record_at;
    rc = mlt_wb_record(record, &s->kind, &s->body, &s->reason);
  }
  if (rc == MLT_DATA)
    (void)snprintf(s->fault, sizeof s->fault, "damaged at byte %" PRIu64 ": %s", at, s->reason);
  return rc == MLT_NOMEM ? mlt_err_nomem(err) : rc;
}

enum mlt_rc mlt_wb_reject(struct mlt_wb *s, struct mlt_record *rec, enum mlt_table table) {
  return mlt_flat_note(
      &s->flat, rec, (struct mlt_note){.kind = MLT_NOTE_REJECT, .table = table, .code = "damaged"},
      "%s", s->fault);
}

/* ---- whose logs they are ---- */

static enum mlt_rc know(struct mlt_wb *s, struct mlt_err *err) {
  enum { RUN_ID = 1, PROJECT = 3 };
  struct mlt_wb_log_of *l = &s->logs[s->at];
  struct mlt_str project = mlt_wb_bytes(s->body, PROJECT), run = mlt_wb_bytes(s->body, RUN_ID);
  uint64_t last;
  if (s->given)
    project = mlt_str_c(s->given);
  else if (!project.len)
    project = MLT_STR_LIT("uncategorized"); /* as wandb calls it */
  mlt_buf_clear(&s->key);
  if (mlt_arena_str(s->arena, project, &l->project) != 0 ||
      mlt_arena_str(s->arena, run.p ? run : MLT_STR_LIT(""), &l->run) != 0 ||
      mlt_buf_add(&s->key, l->project.p, l->project.len + 1) != MLT_OK ||
      mlt_buf_add(&s->key, l->run.p, l->run.len) != MLT_OK)
    return mlt_err_nomem(err);
  l->first = !mlt_map_get(s->runs, mlt_buf_str(&s->key), &last);
  if (!l->first)
    s->logs[last].next = s->at;
  return mlt_map_put(s->runs, mlt_buf_str(&s->key), s->at) < 0 ? mlt_err_nomem(err) : MLT_OK;
}

/* Up to the record that says which run it is, which is the second. */
static enum mlt_rc identify(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_wb_log_of *l = &s->logs[s->at];
  *s->flat.run_id = '\0';
  s->step++;
  enum mlt_rc rc = mlt_wb_open_log(s, s->at, err);
  if (rc == MLT_OK)
    do
      rc = mlt_wb_next(s, err);
    while (rc == MLT_OK && s->kind != MLT_WB_RUN);
  if (rc == MLT_END) {
    (void)snprintf(s->fault, sizeof s->fault, "the log does not say which run it is of");
    rc = MLT_DATA;
  }
  if (rc == MLT_DATA)
    return mlt_wb_reject(s, rec, MLT_T_RUNS);
  if (rc == MLT_OK)
    rc = know(s, err);
  if (rc != MLT_OK)
    return rc;
  s->progress.runs_total += l->first;
  int added = mlt_map_put(s->projects, l->project, 1);
  s->flat.experiment = l->project;
  if (added > 0)
    mlt_flat_experiment(&s->flat, rec);
  return added > 0 ? MLT_OK : added == 0 ? MLT_END : mlt_err_nomem(err);
}

static const mlt_wb_step identify_steps[] = {identify, NULL};

/* ---- driving ---- */

static enum mlt_rc file_steps(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  while (*s->step) {
    const mlt_wb_step *at = s->step;
    enum mlt_rc rc = (*at)(s, rec, err);
    if (rc != MLT_END)
      return rc;
    if (s->step == at)
      s->step++;
    s->item = 0;
  }
  s->step = NULL;
  return MLT_END;
}

static enum mlt_rc note_folder(struct mlt_wb *s, struct mlt_record *rec) {
  int errnum = s->tree.files.v[s->at].errnum;
  s->flat.path = mlt_str_c(mlt_tree_path(&s->tree, s->at));
  *s->flat.run_id = '\0';
  s->at++;
  return mlt_flat_unreadable(&s->flat, rec, errnum);
}

static enum mlt_rc wb_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_wb *s = &src->wb;
  for (; s->phase < 2; s->phase++, s->at = 0)
    for (; s->at < s->tree.files.n; s->at++) {
      bool bad = s->tree.files.v[s->at].errnum != 0;
      if (bad && s->phase == 0)
        return note_folder(s, rec);
      if (bad || (s->phase == 1 && !s->logs[s->at].first))
        continue;
      if (!s->step)
        s->step = s->phase ? mlt_wb_run_steps : identify_steps;
      enum mlt_rc rc = file_steps(s, rec, err);
      if (rc != MLT_END)
        return rc;
    }
  return MLT_END;
}

static bool is_log(const char *name) {
  size_t n = strlen(name);
  return strncmp(name, "run-", 4) == 0 && n > 10 && strcmp(name + n - 6, ".wandb") == 0;
}

static int wb_probe(const char *path) {
  enum { SURE = 98, LIKELY = 90, LOOK_AT = 200 };
  char head[4];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* it may be a FIFO */
  bool log = fd >= 0 && mlt_file_read(fd, head, sizeof head) == (ssize_t)sizeof head &&
             memcmp(head, ":W&B", 4) == 0;
  if (fd >= 0)
    (void)close(fd);
  if (log)
    return SURE;
  return mlt_tree_any(path, is_log, LOOK_AT) ? LIKELY : 0;
}

static void wb_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_wb *s = &src->wb;
  struct mlt_wb_slots *slots[] = {&s->config, &s->summary, &s->texts, &s->tags};
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
    slots_free(slots[i]);
  if (s->fd >= 0)
    (void)close(s->fd);
  mlt_tree_close(&s->tree);
  mlt_free(s->logs);
  mlt_arena_free(s->arena);
  mlt_map_free(s->projects);
  mlt_map_free(s->runs);
  mlt_wlog_free(&s->wlog);
  mlt_wb_names_free(&s->names);
  mlt_params_free(&s->params);
  mlt_gather_free(&s->gather);
  mlt_buf_free(&s->key);
  mlt_free(src);
}

static enum mlt_rc allocate(struct mlt_wb *s, struct mlt_err *err) {
  mlt_wb_names_init(&s->names);
  mlt_buf_init(&s->key, 1 << 20);
  s->arena = mlt_arena_new();
  s->projects = mlt_map_new();
  s->runs = mlt_map_new();
  if (!s->arena || !s->projects || !s->runs || !slots_init(&s->config) ||
      !slots_init(&s->summary) || !slots_init(&s->texts) || !slots_init(&s->tags))
    return mlt_err_nomem(err);
  enum mlt_rc rc = mlt_wlog_init(&s->wlog, err);
  if (rc == MLT_OK)
    rc = mlt_params_init(&s->params, err);
  return rc == MLT_OK ? mlt_gather_init(&s->gather, err) : rc;
}

static enum mlt_rc find_logs(struct mlt_wb *s, const char *path, struct mlt_err *err) {
  const struct mlt_tree_rules rules = {.wanted = is_log, .left_out = "files"};
  enum mlt_rc rc = mlt_tree_open(&s->tree, path, &rules, err);
  if (rc != MLT_OK)
    return rc;
  if (!s->tree.files.n)
    return mlt_err_set(err, MLT_NOINPUT, "no log of wandb (run-*.wandb) in '%s'", path);
  s->logs = mlt_calloc(s->tree.files.n, sizeof *s->logs);
  if (!s->logs)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < s->tree.files.n; i++)
    s->logs[i].next = SIZE_MAX;
  return MLT_OK;
}

static enum mlt_rc wb_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                           struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_wb *s = &src->wb;
  s->fd = s->tree.root = -1;
  s->given = opts->experiment;
  enum mlt_rc rc = allocate(s, err);
  if (rc == MLT_OK)
    rc = find_logs(s, opts->path, err);
  if (rc == MLT_OK)
    *out = src;
  else
    wb_close(src);
  return rc;
}

static void wb_progress(const struct mlt_source *s, struct mlt_source_progress *out) {
  *out = s->wb.progress;
}

const struct mlt_source_ops mlt_source_wandb = {
    .name = "wandb",
    .description = "offline runs of wandb (run-*.wandb, or a folder that holds them)",
    .probe = wb_probe,
    .open = wb_open,
    .next = wb_next,
    .progress = wb_progress,
    .close = wb_close,
};
