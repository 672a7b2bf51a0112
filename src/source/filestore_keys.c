/* Folders of keys in a FileStore: params, tags, metrics, aliases. Each file is a key, "/" in a key
   is a folder. Values are taken byte for byte; metric files are streamed. Links to folders are not
   followed in here, as MLflow does not: they could lead in circles. */
#include "base/file.h"
#include "source/filestore.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct mlt_str key_at_hand(const struct mlt_fs *s) {
  size_t start = s->walk.frame[0].path;
  return (struct mlt_str){s->path.p + start, s->path.len - start};
}

static enum mlt_rc begin(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                         struct mlt_err *err) {
  struct mlt_fs_walk *w = &s->walk;
  enum mlt_rc rc = mlt_fs_enter(s, &w->frame[0], parent, name, err);
  if (rc == MLT_NOINPUT)
    return rc;
  w->begun = true;
  if (rc != MLT_OK)
    return rc;
  w->depth = 1;
  return mlt_fs_list(s, &w->frame[0], err);
}

static enum mlt_rc descend(struct mlt_fs *s, const struct mlt_fs_dir *d, const char *name,
                           struct mlt_err *err) {
  struct mlt_fs_walk *w = &s->walk;
  if (w->depth == MLT_FS_KEY_DEPTH)
    return mlt_fs_fault(s, ENAMETOOLONG, err);
  struct mlt_fs_dir *below = &w->frame[w->depth];
  enum mlt_rc rc = mlt_fs_enter(s, below, d, name, err);
  if (rc != MLT_OK)
    return rc;
  w->depth++;
  return mlt_fs_list(s, below, err);
}

/* One entry of the folder d: into it, or the file opened into *fd, or a note (MLT_OK, fd is -1).
   MLT_AGAIN: go on with the next. */
static enum mlt_rc visit(struct mlt_fs *s, const struct mlt_fs_dir *d, size_t at, int *fd,
                         struct mlt_record *rec, struct mlt_err *err) {
  const char *name = mlt_names_at(&d->names, at);
  uint8_t type = d->names.v[at].type;
  if (type == DT_DIR) {
    enum mlt_rc rc = descend(s, d, name, err);
    return rc == MLT_OK ? MLT_AGAIN : rc;
  }
  if (type == DT_LNK && mlt_fs_is_dir(d->fd, name))
    return mlt_fs_ignored(s, rec, "linked folders", 1);
  if (type != DT_REG && type != DT_LNK)
    return mlt_fs_ignored(s, rec, "special files", 1);
  return mlt_fs_open_file(s, d, name, type == DT_REG, fd, err);
}

static void end(struct mlt_fs_walk *w) {
  while (w->depth)
    mlt_fs_leave(&w->frame[--w->depth]);
  w->begun = false;
}

/* The next file, opened; or a note about what is no file; or MLT_END. */
static enum mlt_rc next_file(struct mlt_fs *s, enum mlt_table table, int *fd,
                             struct mlt_record *rec, struct mlt_err *err) {
  struct mlt_fs_walk *w = &s->walk;
  *fd = -1;
  while (w->depth) {
    struct mlt_fs_dir *d = &w->frame[w->depth - 1];
    if (d->at == d->names.n) {
      mlt_fs_leave(d);
      w->depth--;
      continue;
    }
    enum mlt_rc rc = visit(s, d, d->at++, fd, rec, err);
    if (rc == MLT_DATA || rc == MLT_NOINPUT)
      return mlt_fs_reject(s, rec, table, 1);
    if (rc != MLT_AGAIN)
      return rc;
  }
  end(w);
  return MLT_END;
}

static enum mlt_rc next_in(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                           enum mlt_table table, int *fd, struct mlt_record *rec,
                           struct mlt_err *err) {
  *fd = -1;
  if (!s->walk.begun) {
    enum mlt_rc rc = begin(s, parent, name, err);
    if (rc == MLT_DATA)
      return mlt_fs_reject(s, rec, table, 1);
    if (rc != MLT_OK)
      return rc;
  }
  return next_file(s, table, fd, rec, err);
}

enum mlt_rc mlt_fs_keys(struct mlt_fs *s, const struct mlt_fs_dir *parent, const char *name,
                        enum mlt_table table, enum mlt_rec_kind kind, struct mlt_record *rec,
                        struct mlt_err *err) {
  int fd;
  enum mlt_rc rc = next_in(s, parent, name, table, &fd, rec, err);
  if (rc != MLT_OK || fd < 0)
    return rc;
  rc = mlt_fs_slurp(s, fd, MLT_FS_VALUE_MAX, err);
  if (rc == MLT_DATA)
    return mlt_fs_reject(s, rec, table, 1);
  if (rc != MLT_OK)
    return rc;
  mlt_fs_record(s, rec, kind);
  rec->kv = (struct mlt_kv){key_at_hand(s), mlt_buf_str(&s->text)};
  return MLT_OK;
}

static void close_metric(struct mlt_fs *s) {
  (void)close(s->metric_fd);
  s->metric_fd = -1;
}

/* The next line of the metric file at hand. MLT_DATA: it cannot be read on. */
static enum mlt_rc next_line(struct mlt_fs *s, struct mlt_line *line, struct mlt_err *err) {
  enum mlt_rc rc;
  while ((rc = mlt_lines_next(&s->lines, line)) == MLT_AGAIN) {
    size_t room;
    char *p = mlt_lines_room(&s->lines, &room);
    ssize_t n = mlt_file_read(s->metric_fd, p, room < MLT_LINE_MAX ? room : MLT_LINE_MAX);
    if (n < 0)
      return mlt_fs_fault(s, (int)-n, err);
    mlt_lines_fed(&s->lines, (size_t)n);
    s->progress.bytes_done += (uint64_t)n;
    if (mlt_beneath_was_rest(n))
      mlt_lines_eof(&s->lines);
  }
  return rc;
}

static bool is_text(struct mlt_fs *s, enum mlt_rc rc, const struct mlt_line *line) {
  if (rc == MLT_OK && !line->blank)
    return true;
  s->line_fault.field = "line";
  (void)snprintf(s->line_fault.reason, sizeof s->line_fault.reason, "%s",
                 rc == MLT_OK ? "the line is empty, though others follow"
                              : "the line is longer than a metric can be");
  return false;
}

static void mark_bad(struct mlt_fs *s, const struct mlt_line *line) {
  s->fault_line = line->number;
  s->fault_rows = line->blank ? line->blank : 1;
}

static enum mlt_rc reject_lines(struct mlt_fs *s, enum mlt_table table, struct mlt_record *rec) {
  s->fault.code = NULL;
  (void)mlt_blame(&s->fault, "bad-metric", "%s", s->line_fault.reason);
  enum mlt_rc rc = mlt_fs_reject(s, rec, table, s->fault_rows);
  rec->place.line = s->fault_line;
  rec->place.field = mlt_str_c(s->line_fault.field);
  rec->note.place = rec->place;
  s->fault_rows = 0;
  return rc;
}

/* Fills the columns from the file at hand until they are full, a line is bad (s->fault_rows), or
   the file is over (it is closed then). */
static enum mlt_rc fill(struct mlt_fs *s, size_t *n, struct mlt_err *err) {
  for (*n = 0; *n < MLT_FS_CHUNK;) {
    struct mlt_line line;
    struct mlt_point p;
    enum mlt_rc rc = next_line(s, &line, err);
    if (rc == MLT_END)
      close_metric(s);
    if (rc != MLT_OK && rc != MLT_TOOBIG)
      return rc == MLT_END ? MLT_OK : rc;
    if (!is_text(s, rc, &line) || !mlt_line_point(line.text, &p, &s->line_fault)) {
      mark_bad(s, &line);
      return MLT_OK;
    }
    s->timestamps[*n] = p.timestamp;
    s->steps[*n] = p.step;
    s->values[(*n)++] = p.value;
  }
  return MLT_OK;
}

static enum mlt_rc open_metric(struct mlt_fs *s, const struct mlt_fs_dir *parent,
                               enum mlt_table table, struct mlt_record *rec, struct mlt_err *err) {
  int fd;
  enum mlt_rc rc = next_in(s, parent, "metrics", table, &fd, rec, err);
  if (rc == MLT_OK && fd >= 0) {
    s->metric_fd = fd;
    mlt_lines_reset(&s->lines);
  }
  return rc;
}

/* A read error in the middle of a file: what follows in it is lost, and said to be. */
static enum mlt_rc cut_off(struct mlt_fs *s, enum mlt_table table, struct mlt_record *rec) {
  close_metric(s);
  return mlt_fs_reject(s, rec, table, 1);
}

enum mlt_rc mlt_fs_points(struct mlt_fs *s, const struct mlt_fs_dir *parent, struct mlt_record *rec,
                          struct mlt_err *err) {
  for (;;) {
    if (s->fault_rows)
      return reject_lines(s, MLT_T_METRICS, rec);
    if (s->metric_fd >= 0 && s->fault.code)
      return cut_off(s, MLT_T_METRICS, rec);
    if (s->metric_fd < 0) {
      enum mlt_rc rc = open_metric(s, parent, MLT_T_METRICS, rec, err);
      if (rc != MLT_OK || s->metric_fd < 0)
        return rc;
    }
    size_t n;
    enum mlt_rc rc = fill(s, &n, err);
    if (rc != MLT_OK && rc != MLT_DATA)
      return rc;
    if (!n)
      continue;
    mlt_fs_record(s, rec, MLT_REC_POINTS);
    rec->points = (struct mlt_points){key_at_hand(s), n, s->timestamps, s->steps, s->values};
    return MLT_OK;
  }
}

enum mlt_rc mlt_fs_model_metrics(struct mlt_fs *s, const struct mlt_fs_dir *parent,
                                 struct mlt_record *rec, struct mlt_err *err) {
  const enum mlt_table table = MLT_T_LOGGED_MODEL_METRICS;
  for (;;) {
    if (s->metric_fd < 0) {
      enum mlt_rc rc = open_metric(s, parent, table, rec, err);
      if (rc != MLT_OK || s->metric_fd < 0)
        return rc;
    }
    struct mlt_line line;
    enum mlt_rc rc = next_line(s, &line, err);
    if (rc == MLT_DATA)
      return cut_off(s, table, rec);
    if (rc == MLT_END) {
      close_metric(s);
      continue;
    }
    if (rc != MLT_OK && rc != MLT_TOOBIG)
      return rc;
    mlt_fs_record(s, rec, MLT_REC_LOGGED_MODEL_METRIC);
    rec->place.line = line.number;
    rec->lm_metric.key = key_at_hand(s);
    if (is_text(s, rc, &line) && mlt_line_model_metric(line.text, &rec->lm_metric, &s->line_fault))
      return MLT_OK;
    mark_bad(s, &line);
    return reject_lines(s, table, rec);
  }
}
