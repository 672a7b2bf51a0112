/* source/jsonl.c: lines in, records out, in the order that model/record.h promises. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "source/jsonl.h"

static char folder[] = "/tmp/mltrack-jsonl-XXXXXX";
static struct mlt_buf said;

static const char *in_folder(const char *name) {
  static char path[256];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void write_file(const char *name, struct mlt_str text) {
  FILE *f = fopen(in_folder(name), "w");
  assert_non_null(f);
  assert_int_equal(fwrite(text.p, 1, text.len, f), text.len);
  assert_int_equal(fclose(f), 0);
}

static void say(const char *fmt, ...) MLT_PRINTF(1, 2);
static void say(const char *fmt, ...) {
  char text[4096];
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  assert_in_range(n, 0, sizeof text - 1);
  assert_int_equal(mlt_buf_add(&said, text, (size_t)n), MLT_OK);
}

static void say_text(const char *name, struct mlt_str s) {
  if (s.p)
    say(" %s=%.*s", name, MLT_STR_ARG(s));
}

static void say_run(const struct mlt_run *r) {
  static const char *const parts[] = {"whole", "begun", "more"};
  say("run %s%s %.*s", parts[r->part], r->told ? " and told" : "", MLT_STR_ARG(r->run_uuid));
  say_text("in", r->experiment);
  say_text("name", r->name);
  say_text("user", r->user_id);
  say_text("uri", r->artifact_uri);
  say_text("type", r->source_type);
  if (r->status)
    say(" %s", mlt_run_status_name(r->status));
  if (r->end_time.has)
    say(" end=%" PRId64, r->end_time.v);
  if (r->deleted)
    say(" deleted");
}

static void say_points(const struct mlt_points *p) {
  say("points %.*s", MLT_STR_ARG(p->key));
  for (size_t i = 0; i < p->n && i < 5; i++)
    say(" %" PRId64 "@%" PRId64 "=%g", p->step[i], p->timestamp[i], p->value[i]);
  if (p->n > 5)
    say(" of %zu", p->n);
}

static void say_input(const struct mlt_input *in) {
  say("input %.*s %.*s", MLT_STR_ARG(in->name), MLT_STR_ARG(in->digest));
  say_text("in", in->experiment);
  if (in->made)
    say_text("made", in->made->source);
}

static void say_record(const struct mlt_record *r) {
  static const char *const words[] = {
      [MLT_REC_EXPERIMENT_TAG] = "experiment tag",
      [MLT_REC_PARAM] = "param",
      [MLT_REC_TAG] = "tag",
      [MLT_REC_INPUT_TAG] = "input tag",
      [MLT_REC_RUN_END] = "end",
      [MLT_REC_LOGGED_MODEL_PARAM] = "model param",
      [MLT_REC_LOGGED_MODEL_TAG] = "model tag",
      [MLT_REC_LOGGED_MODEL_END] = "model end",
      [MLT_REC_REGISTERED_MODEL_TAG] = "registered tag",
      [MLT_REC_MODEL_VERSION_TAG] = "version tag",
      [MLT_REC_REGISTERED_MODEL_END] = "registered end",
      [MLT_REC_WINDOW_END] = "----",
  };
  switch (r->kind) {
  case MLT_REC_EXPERIMENT:
    say("experiment %.*s%s", MLT_STR_ARG(r->experiment.name),
        r->experiment.placed ? " placed" : "");
    break;
  case MLT_REC_DATASET:
    say("dataset %.*s in=%.*s", MLT_STR_ARG(r->dataset.name), MLT_STR_ARG(r->dataset.experiment));
    break;
  case MLT_REC_RUN:
    say_run(&r->run);
    break;
  case MLT_REC_POINTS:
    say_points(&r->points);
    break;
  case MLT_REC_INPUT:
    say_input(&r->input);
    break;
  case MLT_REC_MODEL_INPUT:
  case MLT_REC_OUTPUT:
    say("%s %.*s %" PRId64, r->kind == MLT_REC_OUTPUT ? "output" : "model input",
        MLT_STR_ARG(r->edge.model_id), r->edge.step);
    break;
  case MLT_REC_ARTIFACT:
    say("artifact %.*s <- %s", MLT_STR_ARG(r->artifact.path),
        r->artifact.file.p + strlen(folder) + 1);
    break;
  case MLT_REC_LOGGED_MODEL:
    say("model %.*s %d", MLT_STR_ARG(r->logged_model.model_id), r->logged_model.status);
    break;
  case MLT_REC_LOGGED_MODEL_METRIC:
    say("model metric %.*s=%g", MLT_STR_ARG(r->lm_metric.key), r->lm_metric.value);
    break;
  case MLT_REC_REGISTERED_MODEL:
    say("registered %.*s", MLT_STR_ARG(r->registered_model.name));
    break;
  case MLT_REC_MODEL_VERSION:
    say("version %d", r->version.version);
    break;
  case MLT_REC_ALIAS:
    say("alias %.*s=%d", MLT_STR_ARG(r->alias.alias), r->alias.version);
    break;
  case MLT_REC_NOTE:
    say("refused %" PRIu64 " %s", r->note.place.line, r->note.code);
    say_text("field", r->note.place.field);
    say_text("id", r->note.id);
    break;
  default:
    say("%s", words[r->kind]);
    if (r->kind != MLT_REC_RUN_END && r->kv.key.p)
      say(" %.*s=%.*s", MLT_STR_ARG(r->kv.key), MLT_STR_ARG(r->kv.value));
  }
  say("\n");
}

static struct mlt_source *opened(const char *name) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  const struct mlt_source_opts opts = {.path = in_folder(name)};
  if (mlt_source_by_name("jsonl")->open(&s, &opts, &err) != MLT_OK)
    fail_msg("%s", err.msg);
  return s;
}

static const char *records_from(struct mlt_source *s) {
  const struct mlt_source_ops *ops = mlt_source_by_name("jsonl");
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec;
  enum mlt_rc rc;
  mlt_buf_clear(&said);
  while ((rc = ops->next(s, &rec, &err)) == MLT_OK)
    say_record(&rec);
  assert_int_equal(rc, MLT_END);
  assert_int_equal(ops->next(s, &rec, &err), MLT_END);
  ops->close(s);
  return mlt_buf_cstr(&said);
}

static const char *records_of(const char *text) {
  write_file("x.jsonl", mlt_str_c(text));
  return records_from(opened("x.jsonl"));
}

static const char *whole_runs_of(const char *text) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  write_file("x.jsonl", mlt_str_c(text));
  const struct mlt_source_opts opts = {.path = in_folder("x.jsonl"), .whole_runs = true};
  assert_int_equal(mlt_source_by_name("jsonl")->open(&s, &opts, &err), MLT_OK);
  return records_from(s);
}

#define COMPLETE "{\"type\":\"mltrack\",\"version\":1,\"complete\":true}\n"
#define METRIC(run, key, value, step)                                                              \
  "{\"type\":\"metric\",\"run_id\":\"" run "\",\"key\":\"" key "\",\"value\":" value               \
  ",\"step\":" step ",\"timestamp\":9}\n"
#define TAG(run, key, value)                                                                       \
  "{\"type\":\"tag\",\"run_id\":\"" run "\",\"key\":\"" key "\",\"value\":\"" value "\"}\n"
#define RUN(run, more) "{\"type\":\"run\",\"run_id\":\"" run "\"" more "}\n"
#define END(run, more) "{\"type\":\"end\",\"run_id\":\"" run "\"" more "}\n"

static void lines_are_gathered_by_run(void **state) {
  (void)state;
  assert_string_equal(
      records_of(METRIC("b", "loss", "1", "1") RUN(
          "a",
          ",\"experiment\":\"e\",\"user\":\"u\",\"params\":{\"p\":\"1\"},\"tags\":{\"t\":\"2\"},"
          "\"parent_run_id\":\"b\"") METRIC("a", "loss", "2", "1") METRIC("b", "acc", "3", "1")
                     METRIC("b", "loss", "4", "2") TAG("a", "t", "3") TAG("b", "x", "y")
                         END("b", ",\"status\":\"KILLED\",\"end_time\":7") TAG("a", "t", "4")),
      "experiment e placed\n"
      "run more b KILLED end=7\ntag x=y\npoints loss 1@9=1 2@9=4\npoints acc 1@9=3\nend\n"
      "run begun a in=e user=u type=UNKNOWN RUNNING\nparam p=1\ntag t=2\ntag mlflow.parentRunId=b\n"
      "tag t=3\ntag t=4\npoints loss 1@9=2\nend\n----\n");
}

static void every_call_of_a_run_is_a_record(void **state) {
  (void)state;
  assert_string_equal(
      records_of(RUN(
          "a", "") "{\"type\":\"param\",\"run_id\":\"a\",\"key\":\"p\",\"value\":\"1\"}\n"
                   "{\"type\":\"metrics\",\"run_id\":\"a\",\"timestamp\":5,\"values\":"
                   "{\"x\":1,\"y\":2}}\n"
                   "{\"type\":\"points\",\"run_id\":\"a\",\"key\":\"x\",\"step\":[1,2],"
                   "\"timestamp\":[6,7],\"value\":[3,4]}\n"
                   "{\"type\":\"points\",\"run_id\":\"a\",\"key\":\"z\",\"step\":[],"
                   "\"timestamp\":[],\"value\":[]}\n"
                   "{\"type\":\"dataset\",\"run_id\":\"a\",\"name\":\"d\",\"digest\":\"1\","
                   "\"source_type\":\"local\",\"source\":\"s\",\"context\":\"train\","
                   "\"tags\":{\"k\":\"v\"}}\n"
                   "{\"type\":\"dataset\",\"run_id\":\"a\",\"name\":\"d\",\"digest\":\"2\","
                   "\"experiment\":\"other\"}\n"
                   "{\"type\":\"model_input\",\"run_id\":\"a\",\"model_id\":\"m-1\","
                   "\"tags\":{\"k\":\"v\"}}\n"
                   "{\"type\":\"model_output\",\"run_id\":\"a\",\"model_id\":\"m-2\",\"step\":3}\n"
                   "{\"type\":\"artifact\",\"run_id\":\"a\",\"path\":\"plots/a.png\","
                   "\"file\":\"local/a.png\"}\n" END("a", "")),
      "experiment x placed\n"
      "run begun a in=x type=UNKNOWN FINISHED\nparam p=1\ninput d 1 made=s\n"
      "input tag mlflow.data.context=train\ninput tag k=v\ninput d 2 in=other\n"
      "model input m-1 0\ninput tag k=v\noutput m-2 3\nartifact plots/a.png <- local/a.png\n"
      "points x 0@5=1 1@6=3 2@7=4\npoints y 0@5=2\nend\n----\n");
}

static void complete_files_are_streamed(void **state) {
  (void)state;
  assert_string_equal(
      records_of(
          COMPLETE
          "{\"type\":\"experiment\",\"name\":\"e\",\"artifact_location\":\"s3://b\","
          "\"tags\":{\"k\":\"v\"}}\n"
          "{\"type\":\"dataset\",\"experiment\":\"e\",\"name\":\"d\",\"digest\":\"1\","
          "\"source_type\":\"local\",\"source\":\"s\"}\n" RUN(
              "a",
              ",\"experiment\":\"e\",\"status\":\"FAILED\",\"params\":{\"p\":\"1\"}") METRIC("a",
                                                                                             "x",
                                                                                             "1",
                                                                                             "1")
              METRIC("a", "x", "2", "2") END("a", "") RUN("b", ",\"experiment\":\"e\"") END(
                  "b",
                  ",\"status\":\"RUNNING\"") "{\"type\":\"logged_model\",\"model_id\":\"m\",\"experiment\":\"e\","
                                             "\"name\":\"n\",\"artifact_location\":\"l\",\"creation_time\":1,"
                                             "\"last_updated_time\":2,\"status\":\"READY\",\"params\":{\"a\":\"b\"},"
                                             "\"tags\":{\"c\":\"d\"}}\n"
                                             "{\"type\":\"model_metric\",\"model_id\":\"m\",\"run_id\":\"a\",\"key\":\"x\","
                                             "\"value\":2,\"timestamp\":3}\n"
                                             "{\"type\":\"registered_model\",\"name\":\"r\",\"tags\":{\"e\":\"f\"},"
                                             "\"aliases\":{\"best\":\"2\"}}\n"
                                             "{\"type\":\"model_version\",\"name\":\"r\",\"version\":2,"
                                             "\"tags\":{\"g\":\"h\"}}\n"),
      "experiment e\nexperiment tag k=v\ndataset d in=e\n"
      "run whole a in=e FAILED\nparam p=1\npoints x 1@9=1\npoints x 2@9=2\nend\n"
      "run whole b in=e RUNNING\nend\n"
      "model m 2\nmodel param a=b\nmodel tag c=d\nmodel metric x=2\nmodel end\n"
      "registered r\nregistered tag e=f\nalias best=2\nversion 2\nversion tag g=h\n"
      "registered end\n");
}

static void complete_runs_among_others_are_streamed(void **state) {
  (void)state;
  assert_string_equal(records_of(METRIC("b", "x", "1", "1") RUN("a", ",\"complete\":true")
                                     METRIC("a", "x", "2", "1") METRIC("b", "x", "3", "1")
                                         END("a", "") METRIC("b", "x", "4", "1")),
                      "run more b\npoints x 1@9=1\nend\n----\n"
                      "experiment x placed\nrun whole a in=x RUNNING\npoints x 1@9=2\n"
                      "refused 4 out-of-order field=run_id id=b\nend\n----\n"
                      "run more b\npoints x 1@9=4\nend\n----\n");
}

static void models_come_after_the_runs_of_the_window(void **state) {
  (void)state;
  assert_string_equal(
      records_of("{\"type\":\"registered_model\",\"name\":\"r\"}\n"
                 "{\"type\":\"model_version\",\"name\":\"r\",\"version\":1}\n"
                 "{\"type\":\"registered_model\",\"name\":\"q\"}\n" TAG("b", "k", "v")),
      "run more b\ntag k=v\nend\n"
      "registered r\nversion 1\nregistered end\nregistered q\nregistered end\n----\n");
}

static void what_comes_twice_begins_a_new_window(void **state) {
  (void)state;
  assert_string_equal(
      records_of(RUN("a", "") TAG("a", "k", "1") RUN(
          "a",
          ",\"name\":\"n\"") "{\"type\":\"experiment\",\"name\":\"x\",\"tags\":{\"t\":\"1\"}}\n"),
      "experiment x placed\nrun begun a in=x type=UNKNOWN RUNNING\ntag k=1\nend\n----\n"
      "run begun a in=x name=n type=UNKNOWN RUNNING\nend\n----\n"
      "experiment x placed\nexperiment tag t=1\n----\n");
}

static void where_runs_are_is_left_to_the_target_unless_they_say(void **state) {
  (void)state;
  assert_string_equal(
      records_of(
          "{\"type\":\"experiment\",\"name\":\"e\",\"artifact_location\":\"s3://b/1\"}\n" RUN(
              "a", ",\"experiment\":\"e\"")
              RUN("b", ",\"experiment\":\"e\",\"artifact_uri\":\"u\"")),
      "experiment e\nrun begun a in=e type=UNKNOWN RUNNING\nend\n"
      "run begun b in=e uri=u type=UNKNOWN RUNNING\nend\n----\n");
}

static void lines_out_of_place_are_refused(void **state) {
  (void)state;
  assert_string_equal(
      records_of(COMPLETE COMPLETE METRIC("a", "x", "1", "1") RUN("a", ",\"complete\":false")
                     RUN("a", "") RUN("b", ",\"end_time\":5") END("b", ",\"status\":\"FAILED\"")
                         END("b", ",\"end_time\":6") END("b", ",\"end_time\":5")),
      "refused 2 out-of-order\n"
      "refused 3 out-of-order field=run_id id=a\n"
      "refused 4 out-of-order field=complete id=a\n"
      "experiment x placed\nrun whole a in=x RUNNING\nrefused 6 no-end id=a\nend\n"
      "run whole b in=x RUNNING end=5\nrefused 7 bad-value field=status id=b\n"
      "refused 8 bad-value field=end_time id=b\nend\n");
  assert_string_equal(
      records_of("{\"type\":\"model_metric\",\"model_id\":\"m\",\"run_id\":\"a\",\"key\":\"x\","
                 "\"value\":2,\"timestamp\":3}\n"
                 "{\"type\":\"registered_model\",\"name\":\"r\"}\n" TAG(
                     "b", "k", "v") "{\"type\":\"model_version\",\"name\":\"r\",\"version\":1}\n"),
      "refused 1 out-of-order id=m\nrefused 4 out-of-order id=r\n"
      "run more b\ntag k=v\nend\nregistered r\nregistered end\n----\n");
}

static void a_run_that_is_cut_off_is_told(void **state) {
  (void)state;
  assert_string_equal(records_of(COMPLETE RUN("a", "") TAG("a", "k", "v")),
                      "experiment x placed\nrun whole a in=x RUNNING\ntag k=v\n"
                      "refused 3 no-end id=a\nend\n");
}

/* Every prefix of two kilobytes of lines: the whole ones are there, the rest of one is refused. */
static void lines_may_be_cut_anywhere(void **state) {
  (void)state;
  static const char line[] = TAG("a", "k", "v");
  enum { LENGTH = sizeof line - 1, LINES = 2048 / LENGTH };
  char text[LINES * LENGTH + 1] = "", refused[32];
  for (unsigned i = 0; i < LINES; i++)
    memcpy(text + (size_t)i * LENGTH, line, sizeof line);
  for (size_t n = LINES * LENGTH - 1; n > 0; n--) {
    text[n] = '\0';
    size_t rest = n % LENGTH, tags = 0;
    bool whole = rest == LENGTH - 1; /* but for its newline */
    const char *found = records_of(text);
    for (const char *p = found; (p = strstr(p, "tag k=v\n")); p++)
      tags++;
    assert_int_equal(tags, n / LENGTH + whole);
    (void)snprintf(refused, sizeof refused, "refused %zu ", n / LENGTH + 1);
    assert_int_equal(strstr(found, refused) != NULL, rest && !whole);
  }
}

static void bad_lines_are_refused_and_the_rest_goes_on(void **state) {
  (void)state;
  assert_string_equal(
      records_of(
          "{\"type\":\"tag\",\"run_id\":\"b\",\"key\":\"k\"\n"
          "\n"
          "nonsense\n" TAG("b", "k", "v") TAG("a/b", "k", "v") TAG(
              "", "k",
              "v") "{\"type\":\"tag\",\"run_id\":\"b\",\"key\":\"k\",\"valeu\":\"v\"}\r\n"
                   "{\"step\":1}\n"
                   "{\"type\":\"experiment\",\"name\":\"e\",\"experiment_id\":\"1e3\"}\n"
                   "{\"type\":\"registered_model\",\"name\":\"r\",\"aliases\":{\"a\":\"x\"}}\n"
                   "{\"type\":\"artifact\",\"run_id\":\"b\",\"path\":\"../x\",\"file\":\"f\"}\n"
                   "{\"type\":\"artifact\",\"run_id\":\"b\",\"path\":\"x\",\"file\":\"/etc/passwd\"}"),
      "refused 1 bad-json id=b\nrefused 3 not-an-object\n"
      "refused 5 bad-run-id field=run_id id=a/b\nrefused 6 bad-run-id field=run_id id=\n"
      "refused 7 unknown-field field=valeu id=b\nrefused 8 no-type\n"
      "refused 9 bad-value field=experiment_id id=e\nrefused 10 bad-value field=aliases id=r\n"
      "refused 11 bad-path field=path id=b\nrefused 12 bad-path field=file id=b\n"
      "run more b\ntag k=v\nend\n----\n");
}

static void add_line(struct mlt_buf *b, const char *line) {
  assert_int_equal(mlt_buf_adds(b, line), MLT_OK);
}

static void a_long_line_is_refused(void **state) {
  (void)state;
  struct mlt_buf text;
  mlt_buf_init(&text, 2 * (size_t)MLT_LINE_MAX);
  add_line(&text, TAG("b", "k", "v"));
  assert_int_equal(mlt_buf_reserve(&text, (size_t)MLT_LINE_MAX + 1), MLT_OK);
  memset(text.p + text.len, 'x', (size_t)MLT_LINE_MAX + 1);
  text.len += (size_t)MLT_LINE_MAX + 1;
  add_line(&text, "\n" TAG("b", "k", "w"));
  assert_string_equal(records_of(mlt_buf_cstr(&text)),
                      "refused 2 too-long\nrun more b\ntag k=v\ntag k=w\nend\n----\n");
  mlt_buf_free(&text);
}

static void windows_end_when_they_are_full(void **state) {
  (void)state;
  struct mlt_buf text;
  mlt_buf_init(&text, (size_t)1 << 28);
  for (int i = 0; i < 2 * MLT_WINDOW_ROWS; i++)
    add_line(&text, METRIC("b", "x", "1", "1"));
  const char *records = records_of(mlt_buf_cstr(&text));
  int windows = 0;
  for (const char *p = records; (p = strstr(p, "----")); p++)
    windows++;
  assert_in_range(windows, 2, 4);
  mlt_buf_free(&text);
}

/* What the source gives until there is a WINDOW_END. */
static const char *window_of(struct mlt_source *s) {
  const struct mlt_source_ops *ops = mlt_source_by_name("jsonl");
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec = {.kind = MLT_REC_NOTE};
  mlt_buf_clear(&said);
  while (rec.kind != MLT_REC_WINDOW_END) {
    assert_int_equal(ops->next(s, &rec, &err), MLT_OK);
    say_record(&rec);
  }
  return mlt_buf_cstr(&said);
}

static void put(int fd, const char *text) {
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void lines_of_a_pipe_do_not_wait_for_more(void **state) {
  (void)state;
  const struct mlt_source_ops *ops = mlt_source_by_name("jsonl");
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_record rec;
  struct mlt_source *s = NULL;
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  int fd = open(in_folder("pipe"), O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  put(fd, TAG("b", "k", "v") "{\"type\":\"tag\",\"run_id\":\"b\",");
  const struct mlt_source_opts opts = {.path = in_folder("pipe"), .window_seconds = 0.05};
  assert_int_equal(ops->open(&s, &opts, &err), MLT_OK);
  assert_string_equal(window_of(s), "run more b\ntag k=v\nend\n----\n");
  put(fd, "\"key\":\"k\",\"value\":\"w\"}\n"); /* the rest of the line */
  assert_string_equal(window_of(s), "run more b\ntag k=w\nend\n----\n");
  put(fd, RUN("c", ",\"complete\":true") END("c", ""));
  assert_string_equal(window_of(s),
                      "experiment pipe placed\nrun whole c in=pipe RUNNING\nend\n----\n");
  assert_int_equal(close(fd), 0);
  assert_int_equal(ops->next(s, &rec, &err), MLT_END);
  ops->close(s);
}

static void a_window_may_be_asked_to_be_small(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  write_file("x.jsonl", MLT_STR_LIT(TAG("b", "k", "1") TAG("b", "k", "2") TAG("b", "k", "3")));
  const struct mlt_source_opts opts = {.path = in_folder("x.jsonl"), .window_rows = 2};
  assert_int_equal(mlt_source_by_name("jsonl")->open(&s, &opts, &err), MLT_OK);
  assert_string_equal(window_of(s), "run more b\ntag k=1\ntag k=2\nend\n----\n");
  assert_string_equal(window_of(s), "run more b\ntag k=3\nend\n----\n");
  mlt_source_by_name("jsonl")->close(s);
}

static void whole_runs_are_gathered_from_everywhere(void **state) {
  (void)state;
  assert_string_equal(
      whole_runs_of(
          METRIC("b", "loss", "1", "1") RUN("a", ",\"experiment\":\"e\",\"user\":\"u\","
                                                 "\"params\":{\"p\":\"1\"}") RUN("c", "")
              METRIC("a", "loss", "2", "1") TAG("a", "t", "1") METRIC(
                  "b", "loss", "4",
                  "2") "{\"type\":\"registered_model\",\"name\":\"r\"}\n"
                       "{\"type\":\"model_version\",\"name\":\"r\",\"version\":2}\n"
                       "{\"type\":\"experiment\",\"name\":\"e\",\"tags\":{\"k\":\"v\"}}\n" END("b",
                                                                                               "")
                           RUN("a", ",\"experiment\":\"e\",\"name\":\"n\",\"tags\":{\"t\":\"2\"}")
                               METRIC("a", "loss", "3", "2") TAG("z", "t", "no")
                                   END("a", ",\"status\":\"FAILED\",\"end_time\":7")),
      "experiment e placed\nexperiment tag k=v\n"
      "run more b FINISHED\npoints loss 1@9=1\npoints loss 2@9=4\nend\n"
      "run begun and told a in=e name=n user=u type=UNKNOWN FAILED end=7\nparam p=1\n"
      "points loss 1@9=2\ntag t=1\ntag t=2\npoints loss 2@9=3\nend\n"
      "experiment x placed\nrun begun c in=x type=UNKNOWN RUNNING\nend\n"
      "run more z\ntag t=no\nend\n"
      "registered r\nversion 2\nregistered end\n");
}

static void whole_runs_come_in_other_ways_too(void **state) {
  (void)state;
  assert_string_equal(
      whole_runs_of("{\"type\":\"experiment\",\"name\":\"e\"}\n"
                    "{\"type\":\"experiment\",\"name\":\"e\",\"tags\":{\"k\":\"v\"}}\n" TAG(
                        "a", "t", "1") RUN("a", "") END("a", "")),
      "experiment e placed\n----\nexperiment e placed\nexperiment tag k=v\n"
      "experiment x placed\nrun begun a in=x type=UNKNOWN FINISHED\ntag t=1\nend\n");
  assert_string_equal(whole_runs_of(RUN("a", ",\"complete\":true") TAG("a", "t", "1") END("a", "")
                                        TAG("b", "t", "1")),
                      "experiment x placed\nrun whole a in=x RUNNING\ntag t=1\nend\n----\n"
                      "run more b\ntag t=1\nend\n");
  assert_string_equal(whole_runs_of(COMPLETE RUN("a", "") END("a", "")),
                      "experiment x placed\nrun whole a in=x RUNNING\nend\n");
}

static void the_first_line_says_what_the_file_is(void **state) {
  const struct mlt_source_ops *ops = mlt_source_by_name("jsonl");
  (void)state;
  static const struct {
    const char *name, *text;
    bool is, adds;
  } cases[] = {
      {"lines", " \n" TAG("b", "k", "v"), true, true},
      {"header", COMPLETE, true, false},
      {"header.jsonl", "{\"type\":\"mltrack\",\"version\":1}\n", true, true},
      {"rows", "{\"step\":1,\"loss\":2}\n", false, false},
      {"rows.log", "{\"step\":1,\"loss\":NaN} \r\n\n{\"step\":2,\"loss\":2}\n", true, false},
      {"one.json", "{\"rows\":[\n{\"step\":1}]}\n", false, true},
      {"rows.ndjson", "{\"step\":1,\"loss\":2}\n", true, false},
      {"typo.jsonl.gz", "{\"type\":\"tga\"}\n", true, true},
      {"typo", "{\"type\":\"tga\"}\n", false, true},
      {"marked", "\xef\xbb\xbf" TAG("b", "k", "v"), true, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_file(cases[i].name, mlt_str_c(cases[i].text));
    int score = ops->probe(in_folder(cases[i].name));
    if ((score > 0) != cases[i].is)
      fail_msg("%s: %d", cases[i].name, score);
    struct mlt_source *s = opened(cases[i].name);
    assert_int_equal(ops->adds(s), cases[i].adds);
    ops->close(s);
  }
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s;
  write_file("empty.jsonl", MLT_STR_LIT("\n \n"));
  assert_int_equal(ops->open(&s, &(struct mlt_source_opts){.path = in_folder("empty.jsonl")}, &err),
                   MLT_DATA);
  ops->close(NULL);
}

static void rows_of_metrics_are_a_run(void **state) {
  (void)state;
  const char *records = records_of("\xef\xbb\xbf\n{\"step\":1,\"loss\":2,\"val\":{\"acc\":3}}\n"
                                   "{\"step\":2,\"loss\":\"x\"}\n");
  assert_non_null(strstr(records, "experiment x placed\n"));
  assert_non_null(strstr(records, " in=x name=x"));
  assert_non_null(strstr(records, "points val/acc 1@"));
  assert_non_null(strstr(records, "refused 3 "));
}

static int set_up(void **state) {
  (void)state;
  mlt_buf_init(&said, (size_t)1 << 28);
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  char command[64];
  (void)state;
  mlt_buf_free(&said);
  (void)snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_gathered_by_run),
      cmocka_unit_test(every_call_of_a_run_is_a_record),
      cmocka_unit_test(complete_files_are_streamed),
      cmocka_unit_test(complete_runs_among_others_are_streamed),
      cmocka_unit_test(models_come_after_the_runs_of_the_window),
      cmocka_unit_test(what_comes_twice_begins_a_new_window),
      cmocka_unit_test(where_runs_are_is_left_to_the_target_unless_they_say),
      cmocka_unit_test(lines_out_of_place_are_refused),
      cmocka_unit_test(a_run_that_is_cut_off_is_told),
      cmocka_unit_test(lines_may_be_cut_anywhere),
      cmocka_unit_test(bad_lines_are_refused_and_the_rest_goes_on),
      cmocka_unit_test(a_long_line_is_refused),
      cmocka_unit_test(windows_end_when_they_are_full),
      cmocka_unit_test(lines_of_a_pipe_do_not_wait_for_more),
      cmocka_unit_test(a_window_may_be_asked_to_be_small),
      cmocka_unit_test(whole_runs_are_gathered_from_everywhere),
      cmocka_unit_test(whole_runs_come_in_other_ways_too),
      cmocka_unit_test(the_first_line_says_what_the_file_is),
      cmocka_unit_test(rows_of_metrics_are_a_run),
  };
  return cmocka_run_group_tests_name("source/jsonl", tests, set_up, tear_down);
}
