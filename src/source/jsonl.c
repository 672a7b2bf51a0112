/* JSON lines as a source: a file, a FIFO or standard input, compressed or not. Lines are calls to
   MLflow's store (lines/lines.h); objects without a "type" are rows of metrics, which the source of
   tables reads. See jsonl.h. */
#include "source/jsonl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "source/tabular.h"

struct mlt_source {
  struct mlt_jsonl lines;
  struct mlt_source *rows; /* not NULL: rows of metrics, of which it is a source */
};

/* ---- what the input is called ---- */

static bool cut_suffix(char *name, const char *suffix) {
  size_t n = strlen(name), m = strlen(suffix);
  if (n <= m || strcasecmp(name + n - m, suffix) != 0)
    return false;
  name[n - m] = '\0';
  return true;
}

/* Without its suffixes; was it one of JSON lines? */
static bool cut_suffixes(char *name) {
  static const char *const packed[] = {".gz", ".zst", ".zstd"};
  static const char *const lines[] = {".jsonl", ".ndjson"};
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
    if (cut_suffix(name, packed[i]))
      break;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (cut_suffix(name, lines[i]))
      return true;
  (void)cut_suffix(name, ".json");
  return false;
}

static void name_input(struct mlt_jsonl *s, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (strcmp(path, "-") == 0)
    name = "stdin";
  else if (strncmp(path, "/dev/fd/", 8) == 0) /* the shell's <(command) */
    name = "pipe";
  (void)snprintf(s->name, sizeof s->name, "%s", name);
  (void)snprintf(s->stem, sizeof s->stem, "%s", s->name);
  (void)cut_suffixes(s->stem);
}

/* Files of artifacts are named from there. */
static enum mlt_rc find_folder(struct mlt_jsonl *s, const char *path, struct mlt_err *err) {
  char above[PATH_MAX];
  const char *slash = strrchr(path, '/');
  size_t n = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
  if (n >= sizeof above)
    return mlt_err_set(err, MLT_NOINPUT, "'%s' is too long a path", path);
  (void)snprintf(above, sizeof above, "%.*s", n ? (int)n : 1, n ? path : ".");
  return realpath(above, s->folder) ? MLT_OK
                                    : mlt_err_errno(err, errno, "cannot enter '%s'", above);
}

/* ---- reading a line ---- */

static enum mlt_rc fault(struct mlt_jsonl *s, const char *code, const char *fmt, ...)
    MLT_PRINTF(3, 4);
static enum mlt_rc fault(struct mlt_jsonl *s, const char *code, const char *fmt, ...) {
  va_list ap;
  s->fault = (struct mlt_line_fault){.code = code, .type = MLT_LINE_COUNT};
  va_start(ap, fmt);
  (void)vsnprintf(s->fault.reason, sizeof s->fault.reason, fmt, ap);
  va_end(ap);
  memset(s->line.v, 0, sizeof s->line.v);
  return MLT_DATA;
}

/* ---- lines of a pipe do not wait for ever ---- */

/* Lines are held, or have been given, that could be written now. */
static bool may_end_window(const struct mlt_jsonl *s) {
  return s->model_of == MLT_LINE_COUNT &&
         (mlt_jsonl_window_holds(&s->window) ||
          (s->streamed && !s->complete && s->giver.open == MLT_OPEN_NOTHING));
}

static void start_waiting(struct mlt_jsonl *s) {
  if (s->input.live && s->patience > 0 && s->due == 0)
    s->due = mlt_clock_seconds() + s->patience;
}

static bool is_overdue(const struct mlt_jsonl *s) {
  return s->due > 0 && may_end_window(s) && mlt_clock_seconds() >= s->due;
}

static void use_line(struct mlt_jsonl *s, uint64_t number) {
  const struct mlt_line_value *v = s->line.v;
  bool run = s->line_rc == MLT_OK && s->line.type == MLT_LINE_RUN;
  s->now = (struct mlt_jsonl_line){
      .number = number,
      .type = s->line.type,
      .whole = run && (s->complete || v[MLT_AT_RUN_complete].integer),
      .exact = s->complete,
      .v = v,
  };
}

/* The next line, whatever it is, is at hand, or s->over. MLT_AGAIN: it is not there yet, and what
   was before it has waited long enough. */
static enum mlt_rc read_line(struct mlt_jsonl *s, struct mlt_err *err) {
  struct mlt_err why = MLT_ERR_INIT;
  uint64_t number;
  s->input.due = may_end_window(s) ? s->due : 0;
  enum mlt_rc rc = mlt_line_input_next(&s->input, &s->text, &number, &why);
  switch (rc) {
  case MLT_OK:
    s->line_rc = mlt_line_read(s->reader, s->text, &s->line, &s->fault);
    break;
  case MLT_AGAIN:
    return MLT_AGAIN;
  case MLT_END:
    s->over = true;
    return MLT_OK;
  case MLT_TOOBIG:
    s->line_rc = fault(s, "too-long", "the line is longer than %d bytes", MLT_LINE_MAX);
    break;
  case MLT_DATA:
    s->line_rc = fault(s, "bad-compression", "%s%s%s", why.msg, *why.hint ? "; " : "", why.hint);
    break;
  default:
    *err = why;
    return rc;
  }
  if (s->line_rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  use_line(s, number);
  s->held = true;
  return MLT_OK;
}

/* ---- notes ---- */

static const enum mlt_table tables[MLT_LINE_COUNT + 1] = {
    [MLT_LINE_HEADER] = MLT_T_RUNS,
    [MLT_LINE_EXPERIMENT] = MLT_T_EXPERIMENTS,
    [MLT_LINE_RUN] = MLT_T_RUNS,
    [MLT_LINE_METRIC] = MLT_T_METRICS,
    [MLT_LINE_METRICS] = MLT_T_METRICS,
    [MLT_LINE_POINTS] = MLT_T_METRICS,
    [MLT_LINE_PARAM] = MLT_T_PARAMS,
    [MLT_LINE_TAG] = MLT_T_TAGS,
    [MLT_LINE_DATASET] = MLT_T_DATASETS,
    [MLT_LINE_MODEL_INPUT] = MLT_T_INPUTS,
    [MLT_LINE_MODEL_OUTPUT] = MLT_T_INPUTS,
    [MLT_LINE_ARTIFACT] = MLT_T_RUNS,
    [MLT_LINE_END] = MLT_T_RUNS,
    [MLT_LINE_LOGGED_MODEL] = MLT_T_LOGGED_MODELS,
    [MLT_LINE_MODEL_METRIC] = MLT_T_LOGGED_MODEL_METRICS,
    [MLT_LINE_REGISTERED_MODEL] = MLT_T_REGISTERED_MODELS,
    [MLT_LINE_MODEL_VERSION] = MLT_T_MODEL_VERSIONS,
    [MLT_LINE_COUNT] = MLT_T_METRICS, /* what most lines are */
};

/* The line at hand is refused. */
static enum mlt_rc refuse(struct mlt_jsonl *s, const char *code, struct mlt_str field,
                          const char *reason, struct mlt_record *rec) {
  const struct mlt_jsonl_line *l = &s->now;
  bool says = s->fault.type < MLT_LINE_COUNT && s->fault.type != MLT_LINE_HEADER;
  mlt_jsonl_begin(&s->giver, rec, MLT_REC_NOTE, l->number);
  rec->place.field = field;
  rec->note = (struct mlt_note){.kind = MLT_NOTE_REJECT,
                                .table = tables[s->fault.type],
                                .code = code,
                                .rows = 1,
                                .id = says ? s->line.v[0].text : MLT_STR_NULL,
                                .place = rec->place,
                                .reason = mlt_str_c(reason)};
  s->held = false;
  return MLT_OK;
}

static enum mlt_rc refuse_wrong(struct mlt_jsonl *s, const char *field, struct mlt_record *rec) {
  const char *code = s->wrong.code;
  s->wrong.code = NULL;
  return refuse(s, code, mlt_str_c(field), s->wrong.text, rec);
}

/* The run that is streamed has no end, and gets one. */
static enum mlt_rc no_end(struct mlt_jsonl *s, struct mlt_record *rec) {
  bool held = s->held;
  s->fault.type = MLT_LINE_RUN;
  (void)refuse(s, "no-end", MLT_STR_NULL,
               "the end of this complete run is missing: its lines may be cut off", rec);
  rec->note.id = mlt_buf_str(&s->run);
  s->held = held;
  mlt_jsonl_serve(&s->giver, NULL);
  s->serving = true;
  return MLT_OK;
}

/* ---- giving ---- */

static enum mlt_rc end_window(struct mlt_jsonl *s, struct mlt_record *rec) {
  s->streamed = false;
  s->due = 0;
  mlt_jsonl_begin(&s->giver, rec, MLT_REC_WINDOW_END, 0);
  return MLT_OK;
}

static enum mlt_rc give_window(struct mlt_jsonl *s, struct mlt_record *rec, struct mlt_err *err) {
  s->due = 0;
  return mlt_jsonl_window_give(&s->window, &s->giver, rec, err);
}

static enum mlt_rc give_what_there_is(struct mlt_jsonl *s, struct mlt_record *rec,
                                      struct mlt_err *err) {
  return mlt_jsonl_window_holds(&s->window) ? give_window(s, rec, err) : end_window(s, rec);
}

/* There are no more lines. */
static enum mlt_rc finish(struct mlt_jsonl *s, struct mlt_record *rec, struct mlt_err *err) {
  if (mlt_jsonl_window_holds(&s->window))
    return give_window(s, rec, err);
  if (s->giver.open == MLT_OPEN_RUN)
    return no_end(s, rec);
  if (s->giver.open != MLT_OPEN_NOTHING) {
    mlt_jsonl_serve(&s->giver, NULL);
    return mlt_jsonl_give(&s->giver, rec, err);
  }
  if (s->streamed && !s->complete)
    return end_window(s, rec);
  s->whole_gives = s->whole != NULL;
  return s->whole ? mlt_jsonl_whole_give(s->whole, &s->giver, rec, err) : MLT_END;
}

static enum mlt_rc gather(struct mlt_jsonl *s, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  if (s->whole)
    rc = mlt_jsonl_whole_add(s->whole, &s->now, s->text, err);
  else if (mlt_jsonl_window_add(&s->window, &s->giver, &s->now) != MLT_OK)
    rc = mlt_err_nomem(err);
  return rc == MLT_OK ? MLT_AGAIN : rc;
}

/* A good line, in its place. MLT_AGAIN: it has been taken; MLT_OK: *rec comes before. */
static enum mlt_rc take(struct mlt_jsonl *s, struct mlt_record *rec, struct mlt_err *err) {
  bool streams = s->complete || s->now.whole || s->giver.open == MLT_OPEN_RUN;
  if (is_overdue(s) && !mlt_jsonl_follows_model(&s->now))
    return give_what_there_is(s, rec, err);
  if (streams && mlt_jsonl_window_holds(&s->window))
    return give_window(s, rec, err);
  if (!streams && s->streamed)
    return end_window(s, rec);
  if (!streams && mlt_jsonl_window_is_due(&s->window, &s->giver, &s->now))
    return give_window(s, rec, err);
  s->held = false;
  start_waiting(s);
  if (!streams)
    return gather(s, err);
  mlt_jsonl_serve(&s->giver, &s->now);
  s->serving = s->streamed = true;
  return MLT_AGAIN;
}

/* The line at hand: likewise. */
static enum mlt_rc look(struct mlt_jsonl *s, struct mlt_record *rec, struct mlt_err *err) {
  const char *field = NULL;
  if (s->line_rc != MLT_OK)
    return refuse(s, s->fault.code, s->fault.field, s->fault.reason, rec);
  if (s->giver.open == MLT_OPEN_RUN && s->now.type == MLT_LINE_RUN)
    return no_end(s, rec);
  s->fault.type = s->now.type;
  enum mlt_rc rc = mlt_jsonl_check(&s->now, &s->wrong, &field);
  if (rc == MLT_OK)
    rc = mlt_jsonl_follows(s, &field);
  if (rc == MLT_DATA)
    return refuse_wrong(s, field, rec);
  if (rc != MLT_OK)
    return mlt_err_nomem(err);
  if (s->now.type != MLT_LINE_HEADER)
    return take(s, rec, err);
  s->held = false;
  return MLT_AGAIN;
}

static enum mlt_rc next_record(struct mlt_jsonl *s, struct mlt_record *rec, struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = MLT_OK;
    if (s->whole_gives)
      return mlt_jsonl_whole_give(s->whole, &s->giver, rec, err);
    if (mlt_jsonl_window_gives(&s->window))
      return give_window(s, rec, err);
    if (s->serving) {
      rc = mlt_jsonl_give(&s->giver, rec, err);
      if (rc != MLT_END)
        return rc;
      s->serving = false;
    }
    if (!s->held && !s->over) {
      s->first = false;
      rc = read_line(s, err);
    }
    if (rc == MLT_AGAIN)
      return give_what_there_is(s, rec, err);
    if (rc != MLT_OK && rc != MLT_END)
      return rc;
    if (s->over)
      return finish(s, rec, err);
    rc = look(s, rec, err);
    if (rc != MLT_AGAIN)
      return rc;
  }
}

static enum mlt_rc jsonl_next(struct mlt_source *src, struct mlt_record *rec, struct mlt_err *err) {
  return src->rows ? mlt_source_csv.next(src->rows, rec, err) : next_record(&src->lines, rec, err);
}

/* ---- open and close ---- */

static void jsonl_close(struct mlt_source *src) {
  if (!src)
    return;
  struct mlt_jsonl *s = &src->lines;
  mlt_source_csv.close(src->rows);
  mlt_line_input_close(&s->input);
  mlt_line_reader_free(s->reader);
  mlt_jsonl_giver_free(&s->giver);
  mlt_jsonl_window_free(&s->window);
  mlt_jsonl_whole_free(s->whole);
  mlt_buf_free(&s->run);
  mlt_buf_free(&s->model);
  mlt_free(src);
}

static enum mlt_rc allocate(struct mlt_jsonl *s, struct mlt_err *err) {
  enum { ID_BYTES = 1 << 20, NAME_BYTES = MLT_LINE_MAX + 1 };
  mlt_buf_init(&s->run, ID_BYTES);
  mlt_buf_init(&s->model, NAME_BYTES);
  s->reader = mlt_line_reader_new();
  enum mlt_rc rc = s->reader ? MLT_OK : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = mlt_jsonl_giver_init(&s->giver, err);
  return rc == MLT_OK ? mlt_jsonl_window_init(&s->window, err) : rc;
}

/* The first line says what the input is. */
static enum mlt_rc begin(struct mlt_source *src, const struct mlt_source_opts *opts,
                         struct mlt_err *err) {
  struct mlt_jsonl *s = &src->lines;
  enum mlt_rc rc = read_line(s, err);
  if (rc != MLT_OK)
    return rc;
  if (s->over)
    return mlt_err_set(err, MLT_DATA, "there is no line in it");
  s->first = true;
  if (s->line_rc == MLT_DATA && strcmp(s->fault.code, "no-type") == 0) {
    int fd;
    rc = mlt_line_input_seekable(&s->input, s->text, &fd, err);
    return rc == MLT_OK ? mlt_tab_open_lines(&src->rows, fd, s->name, s->stem, opts, err) : rc;
  }
  s->complete = s->line_rc == MLT_OK && s->line.type == MLT_LINE_HEADER &&
                s->line.v[MLT_AT_HEADER_complete].integer;
  return MLT_OK;
}

static enum mlt_rc jsonl_open(struct mlt_source **out, const struct mlt_source_opts *opts,
                              struct mlt_err *err) {
  *out = NULL;
  struct mlt_source *src = mlt_calloc(1, sizeof *src);
  if (!src)
    return mlt_err_nomem(err);
  struct mlt_jsonl *s = &src->lines;
  s->input.fd = -1;
  s->model_of = MLT_LINE_COUNT;
  s->patience = opts->whole_runs ? 0 : opts->window_seconds;
  s->window.full = opts->window_rows && opts->window_rows < MLT_WINDOW_ROWS ? opts->window_rows
                                                                            : MLT_WINDOW_ROWS;
  name_input(s, opts->path);
  s->giver.place = s->name;
  s->giver.folder = s->folder;
  s->giver.experiment = mlt_str_c(opts->experiment ? opts->experiment : s->stem);
  enum mlt_rc rc = mlt_line_input_open(&s->input, opts->path, err);
  if (rc == MLT_OK)
    rc = find_folder(s, opts->path, err);
  if (rc == MLT_OK)
    rc = allocate(s, err);
  if (rc == MLT_OK && opts->whole_runs)
    rc = mlt_jsonl_whole_new(&s->whole, err);
  if (rc == MLT_OK)
    rc = begin(src, opts, err);
  if (rc == MLT_OK)
    *out = src;
  else
    jsonl_close(src);
  if (rc == MLT_DATA)
    mlt_err_prefix(err, "%s", opts->path);
  return rc;
}

static void jsonl_progress(const struct mlt_source *src, struct mlt_source_progress *out) {
  if (src->rows)
    mlt_source_csv.progress(src->rows, out);
  else
    *out = (struct mlt_source_progress){.runs_done = src->lines.giver.runs,
                                        .bytes_done = src->lines.input.bytes};
}

static bool jsonl_adds(const struct mlt_source *src) {
  return !src->rows && !src->lines.complete;
}

/* ---- looking for the format ---- */

enum { SURE = 95, BY_SUFFIX = 60, BY_CONTENT = 40 };

static struct mlt_str skip_blanks(struct mlt_str s) {
  while (s.len && strchr(" \t\r\n", s.p[0])) {
    s.p++;
    s.len--;
  }
  return s;
}

/* Takes the first line off. */
static struct mlt_str take_line(struct mlt_str *s) {
  const char *nl = s->len ? memchr(s->p, '\n', s->len) : NULL;
  struct mlt_str line = {s->p, nl ? (size_t)(nl - s->p) : s->len};
  s->p += line.len;
  s->len -= line.len;
  return line;
}

/* A whole object, and another one begins: whatever the file is called, these are rows. */
static bool begins_with_rows(struct mlt_str head) {
  head = skip_blanks(head);
  struct mlt_str line = take_line(&head);
  while (line.len && strchr(" \t\r", line.p[line.len - 1]))
    line.len--;
  head = skip_blanks(head);
  return line.len && line.p[0] == '{' && line.p[line.len - 1] == '}' && head.len &&
         head.p[0] == '{';
}

/* Is the first line an object with a type that is known? */
static bool begins_with_type(struct mlt_str head) {
  struct mlt_line_fault fault = {0};
  struct mlt_line *line = mlt_alloc(sizeof *line);
  struct mlt_line_reader *r = mlt_line_reader_new();
  head = skip_blanks(head);
  head = take_line(&head);
  bool object = r && line && head.len && head.p[0] == '{';
  enum mlt_rc rc = object ? mlt_line_read(r, head, line, &fault) : MLT_DATA;
  bool known = rc == MLT_OK || fault.type < MLT_LINE_COUNT;
  mlt_line_reader_free(r);
  mlt_free(line);
  return object && known;
}

static int jsonl_probe(const char *path) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_line_input in;
  struct stat st;
  char name[PATH_MAX];
  if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
    return 0;
  struct mlt_str head = MLT_STR_NULL;
  if (mlt_line_input_open(&in, path, &err) == MLT_OK)
    head = mlt_line_input_peek(&in);
  bool typed = begins_with_type(head), rows = begins_with_rows(head);
  mlt_line_input_close(&in);
  (void)snprintf(name, sizeof name, "%s", path);
  return typed ? SURE : cut_suffixes(name) ? BY_SUFFIX : rows ? BY_CONTENT : 0;
}

const struct mlt_source_ops mlt_source_jsonl = {
    .name = "jsonl",
    .description = "JSON lines: calls to MLflow's store, or rows of metrics",
    .holds = MLT_HOLDS_TEXT,
    .probe = jsonl_probe,
    .open = jsonl_open,
    .next = jsonl_next,
    .progress = jsonl_progress,
    .adds = jsonl_adds,
    .close = jsonl_close,
};
