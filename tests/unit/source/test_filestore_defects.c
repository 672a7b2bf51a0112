/* What a damaged FileStore gives: each defect is named with its path and reason, and all that is
   sound around it still comes. */
#include "store.h"

#include <sys/socket.h>
#include <sys/un.h>

static void a_run_without_meta_is_rejected_and_the_next_one_read(void **state) {
  (void)state;
  put_run();
  put("1/00000000000000000000000000000000/x", "");
  put("1/named/metrics/m", "1 1\n");
  read_store();
  expect("note reject runs missing-meta rows=1 id=00000000000000000000000000000000 "
         "path=1/00000000000000000000000000000000/meta.yaml:0: the folder has no meta.yaml\n");
  expect("note reject runs missing-meta rows=1 id=named path=1/named/meta.yaml:0: ");
  expect("run " RUN);
}

static void what_is_no_run_is_counted_as_a_stray(void **state) {
  (void)state;
  put_run();
  put("1/.ipynb_checkpoints/x", "");
  put("1/notes/x", "");
  put("1/README.md", "");
  put("stray/x", "");
  put("file", "");
  read_store();
  expect("note ignored stray folders ignored rows=1 id=NULL path=:0: ");
  expect("note ignored stray folders ignored rows=2 id=1 path=1:0: ");
  expect_none("note reject");
}

static void an_unreadable_meta_names_its_line(void **state) {
  (void)state;
  put_run();
  put("1/a/meta.yaml", "name: x\n  bad: [\n");
  put("1/b/meta.yaml", "");
  put("1/c/meta.yaml", "- a\n- b\n");
  put("1/d/meta.yaml", "\xff\xfe");
  put("1/e/meta.yaml", "run_id: [e]\n");
  put("1/f/meta.yaml/x", "");
  put("1/g/meta.yaml", "name: g\n");
  put("1/h/meta.yaml", "run_id: h\nstatus: 6\n");
  put("1/i/meta.yaml", "run_id: i\nstart_time: soon\n");
  put("1/j/meta.yaml", "run_id: j\nlifecycle_stage: gone\n");
  put("1/k/meta.yaml", "run_id: k\nend_time: 9223372036854775808\n");
  put("1/l/meta.yaml", "run_id: l\nstart_time: 1.5\n");
  read_store();
  expect("note reject runs bad-yaml rows=1 id=a path=1/a/meta.yaml:0: meta.yaml cannot be read: "
         "line 2: ");
  expect("note reject runs bad-yaml rows=1 id=b path=1/b/meta.yaml:0: meta.yaml cannot be read: it "
         "is empty\n");
  expect("note reject runs bad-yaml rows=1 id=c path=1/c/meta.yaml:0: meta.yaml cannot be read: "
         "line 1: a list where");
  expect("note reject runs bad-yaml rows=1 id=d path=1/d/meta.yaml:0: meta.yaml cannot be read: it "
         "is not UTF-8");
  expect("note reject runs bad-field rows=1 id=e path=1/e/meta.yaml:0: field run_id is a list, not "
         "text\n");
  expect("note reject runs unreadable rows=1 id=f path=1/f/meta.yaml:0: cannot be read: it is a "
         "folder, not a file\n");
  expect("note reject runs bad-field rows=1 id=g path=1/g/meta.yaml:0: there is neither a run_id");
  expect("note reject runs bad-field rows=1 id=h path=1/h/meta.yaml:0: field status is '6'");
  expect("note reject runs bad-field rows=1 id=i path=1/i/meta.yaml:0: field start_time is text "
         "(soon)");
  expect("note reject runs bad-field rows=1 id=j path=1/j/meta.yaml:0: field lifecycle_stage is "
         "'gone'");
  expect("note reject runs bad-field rows=1 id=k path=1/k/meta.yaml:0: field end_time is a number "
         "(9223372036854775808)");
  expect(
      "note reject runs bad-field rows=1 id=l path=1/l/meta.yaml:0: field start_time is a number "
      "with a fraction (1.5)");
  expect("run " RUN);
}

static void a_rejected_experiment_takes_its_runs_and_models_with_it(void **state) {
  (void)state;
  put_run();
  put("1/models/m-1/meta.yaml", "name: x\n");
  put("1/models/m-2/meta.yaml", "name: x\n");
  put("1/other/meta.yaml", "run_id: o\n");
  put("1/tags/t", "");
  put("1/meta.yaml", "name: [\n");
  put("2/meta.yaml", "name: two\n");
  read_store();
  expect("note reject experiments bad-yaml rows=1 id=1 path=1/meta.yaml:0: ");
  expect("note reject runs no-experiment rows=2 id=1 path=1:0: ");
  expect("note reject logged_models no-experiment rows=2 id=1 path=1/models:0: ");
  expect("experiment 2 name=two");
  assert_int_equal(count_lines(""), 4);
}

static void an_experiment_both_active_and_deleted_is_taken_once(void **state) {
  (void)state;
  put_run();
  put(".trash/1/meta.yaml", "name: old\n");
  put(".trash/1/r/meta.yaml", "run_id: r\n");
  read_store();
  expect("experiment 1 name=one");
  expect("note reject experiments experiment-duplicate rows=1 id=old path=.trash/1/meta.yaml:0: ");
  expect("note reject runs no-experiment rows=1 id=old path=.trash/1:0: ");
}

static void missing_folders_are_named_in_one_note(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("1/" RUN "/meta.yaml", RUN_META);
  put("1/" RUN "/params/x", "1");
  put("1/b/meta.yaml", "run_id: b\n");
  put("1/b/params/", "");
  put("1/b/metrics/", "");
  read_store();
  expect("note changed runs missing-folder rows=1 id=" RUN " path=1/" RUN
         ":0: no such folders, taken as empty: metrics tags artifacts\n");
  assert_int_equal(count_lines("note"), 1);
  expect("param x=1\n");
}

static void bad_metric_lines_are_rejected_one_by_one(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/metrics/m", "1 1 1\nabc 2 2\n3 x 3\n4 4 four\n\n\n5 5 5\n6\n7  7\n"
                             "8 8 9223372036854775808\n9 9 9\n");
  read_store();
  expect("points m (1,1,1)\n");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN
         "/metrics/m:2: timestamp 'abc' is not a whole number of 64 bits\n");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN
         "/metrics/m:3: value 'x' is not a number\n");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN
         "/metrics/m:4: step 'four' is not a whole number of 64 bits\n");
  expect("note reject metrics bad-metric rows=2 id=" RUN " path=1/" RUN
         "/metrics/m:5: the line is empty, though others follow\n");
  expect("points m (5,5,5)\n");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN
         "/metrics/m:8: the line has 1 field where");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN
         "/metrics/m:9: value '' is not a number\n");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=1/" RUN "/metrics/m:10: step '922");
  expect("points m (9,9,9)\n");
}

static void an_empty_metric_file_holds_nothing(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/metrics/m", "");
  put("1/" RUN "/metrics/blank", " \n\n\t\n");
  read_store();
  expect_none("points");
  expect_none("note");
}

static void bad_metric_lines_of_models_are_rejected(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("1/models/m-1/meta.yaml", "name: x\n");
  put("1/models/m-1/metrics/a", "1 1 1\n2 2 2 r ds\n3 3 3 r d s dg\n4 4 4 r\n");
  read_store();
  expect("note reject logged_model_metrics bad-metric rows=1 id=m-1 "
         "path=1/models/m-1/metrics/a:1: the line has 3 fields where");
  assert_int_equal(count_lines("note reject"), 3);
  expect("logged_model_metric a (4,4,4) run=r");
}

static void inputs_that_lead_nowhere_are_rejected(void **state) {
  (void)state;
  put_run();
  put("1/datasets/bad/meta.yaml", "name: {a: b}\n");
  put("1/datasets/gone/x", "");
  put("1/" RUN "/inputs/a/meta.yaml", "source_id: nowhere\nsource_type: DATASET\ntags: {k: v}\n");
  put("1/" RUN "/inputs/b/meta.yaml", "source_id: bad\n");
  put("1/" RUN "/inputs/c/meta.yaml", "source_id: ../datasets/bad\n");
  put("1/" RUN "/inputs/d/meta.yaml", "source_type: TABLE\n");
  put("1/" RUN "/inputs/e/x", "");
  put("1/" RUN "/inputs/f/meta.yaml", "source_id: m\nsource_type: MODEL\ntags: {a: [1], b: 2}\n");
  put("1/" RUN "/outputs/m/meta.yaml", "step: x\n");
  read_store();
  expect("note reject datasets bad-field rows=1");
  expect("note reject datasets missing-meta rows=1");
  expect("note reject inputs no-dataset rows=1 id=" RUN " path=1/" RUN
         "/inputs/a:0: the dataset of this input ('nowhere') cannot be read\n");
  assert_int_equal(count_lines("note reject inputs no-dataset"), 3);
  expect("note reject inputs bad-field rows=1 id=" RUN " path=1/" RUN
         "/inputs/d/meta.yaml:0: field source_type is 'TABLE'");
  expect("note reject inputs missing-meta");
  expect("note reject input_tags bad-field");
  expect("model_input m\n");
  expect("input_tag b=2\n");
  expect("note reject inputs bad-field rows=1 id=" RUN " path=1/" RUN "/outputs/m/meta.yaml:0: ");
  expect("run_end");
}

static void broken_parts_of_the_registry_are_rejected(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("models/none/version-1/meta.yaml", "version: 1\n");
  put("models/some/meta.yaml", "name: some\n");
  put("models/some/version-1/meta.yaml", "version: one\n");
  put("models/some/version-2/x", "");
  put("models/some/version-3/meta.yaml", "version: 3\n");
  put("models/some/aliases/bad", "x");
  put("models/some/aliases/good", " 3\n");
  read_store();
  expect("note reject registered_models missing-meta rows=1 id=none");
  expect("note reject model_versions bad-field rows=1 id=some path=models/some/version-1/");
  expect("note reject model_versions missing-meta rows=1 id=some path=models/some/version-2/");
  expect("version 3 ");
  expect("note reject registered_model_aliases bad-alias rows=1 id=some "
         "path=models/some/aliases/bad:0: ");
  expect("alias good=3\n");
}

static void links_inside_the_store_are_followed(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/params/x", "inner");
  assert_int_equal(symlink("x", in_store("1/" RUN "/params/y")), 0);
  put("2/meta.yaml", "name: two\n");
  assert_int_equal(symlink("../1/" RUN, in_store("2/linked")), 0);
  assert_int_equal(symlink("1", in_store("3")), 0);
  read_store();
  expect("experiment 2 name=two id=2 location=NULL active");
  expect("param x=inner\nparam y=inner\nrun_end\nrun " RUN " experiment=2");
  expect("experiment 3 name=one");
  expect_none("note");
}

static void links_out_of_the_store_are_refused(void **state) {
  (void)state;
  put("secret/file", "hidden");
  put("secret/dir/meta.yaml", "run_id: s\n");
  put("m/1/meta.yaml", EXPERIMENT_META);
  put("m/1/" RUN "/meta.yaml", RUN_META);
  put("m/1/" RUN "/params/sound", "1");
  assert_int_equal(symlink("../../../../secret/file", in_store("m/1/" RUN "/params/out")), 0);
  assert_int_equal(symlink("/etc/passwd", in_store("m/1/" RUN "/params/abs")), 0);
  assert_int_equal(symlink("loop", in_store("m/1/" RUN "/params/loop")), 0);
  assert_int_equal(symlink("nothing", in_store("m/1/" RUN "/params/dangling")), 0);
  assert_int_equal(symlink("..", in_store("m/1/" RUN "/params/up")), 0);
  assert_int_equal(symlink("/proc/self/cwd", in_store("m/1/" RUN "/metrics")), 0);
  assert_int_equal(symlink("../../secret/dir", in_store("m/1/linked")), 0);
  read_path(in_store("m"));
  assert_int_equal(count_lines("param "), 1);
  expect("note reject params link-out rows=1 id=" RUN " path=1/" RUN "/params/out:0: ");
  expect("note reject params link-out rows=1 id=" RUN " path=1/" RUN "/params/abs:0: ");
  expect("note reject params bad-link rows=1 id=" RUN " path=1/" RUN "/params/loop:0: ");
  expect("note reject params bad-link rows=1 id=" RUN " path=1/" RUN "/params/dangling:0: ");
  expect("note ignored linked folders ignored rows=1");
  expect("note reject metrics link-out rows=1 id=" RUN " path=1/" RUN "/metrics:0: ");
  expect("note reject runs link-out rows=1 id=linked path=1/linked:0: ");
  expect("run_end");
}

static void the_root_itself_may_be_a_link(void **state) {
  (void)state;
  put("real/1/meta.yaml", EXPERIMENT_META);
  assert_int_equal(symlink("real", in_store("mlruns")), 0);
  read_store();
  expect("experiment 1 name=one");
}

static void special_files_are_never_read(void **state) {
  (void)state;
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  put_run();
  put("1/a/params/", "");
  assert_int_equal(mkfifo(in_store("1/" RUN "/params/fifo"), 0600), 0);
  assert_int_equal(mkfifo(in_store("1/a/meta.yaml"), 0600), 0);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", in_store("1/a/socket"));
  assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(rename(a.sun_path, in_store("1/" RUN "/tags/socket")), 0);
  (void)close(s);
  read_store();
  assert_int_equal(count_lines("note ignored special files"), 2);
  expect("note reject runs special-file rows=1 id=a path=1/a/meta.yaml:0: ");
  expect("run_end");
}

static void values_beyond_the_limit_are_rejected(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/params/small", "1");
  put("1/" RUN "/params/huge", "");
  assert_int_equal(truncate(in_store("1/" RUN "/params/huge"), (16 << 20) + 1), 0);
  put("1/a/meta.yaml", "");
  assert_int_equal(truncate(in_store("1/a/meta.yaml"), (1 << 20) + 1), 0);
  read_store();
  expect("note reject params too-long rows=1 id=" RUN " path=1/" RUN "/params/huge:0: ");
  expect("note reject runs too-long rows=1 id=a ");
  expect("param small=1\n");
}

static void keys_nested_too_deep_are_rejected(void **state) {
  (void)state;
  char path[1024];
  int n = snprintf(path, sizeof path, "1/" RUN "/params");
  put_run();
  put("1/" RUN "/params/z", "1");
  for (int i = 0; i < 130; i++)
    n += snprintf(path + n, sizeof path - (size_t)n, "/d");
  (void)snprintf(path + n, sizeof path - (size_t)n, "/x");
  put(path, "deep");
  read_store();
  expect("param z=1\n");
  expect("note reject params too-deep rows=1");
}

static int give_away(const char *path, const struct stat *st, int type, struct FTW *ftw) {
  (void)st;
  (void)type;
  (void)ftw;
  return lchown(path, 65534, 65534);
}

/* Root may read everything, so root becomes nobody. */
static void folders_without_permission_are_rejected(void **state) {
  (void)state;
  bool root = geteuid() == 0;
  put_run();
  put("1/" RUN "/params/x", "1");
  put("1/" RUN "/tags/t", "1");
  put("2/meta.yaml", "name: two\n");
  assert_int_equal(chmod(in_store("1/" RUN "/params"), 0), 0);
  assert_int_equal(chmod(in_store("1/" RUN "/tags/t"), 0), 0);
  assert_int_equal(chmod(in_store("2"), 0), 0);
  if (root)
    assert_int_equal(nftw(store, give_away, 16, FTW_PHYS) | seteuid(65534), 0);
  read_store();
  if (root)
    assert_int_equal(seteuid(0), 0);
  expect("note reject params unreadable rows=1 id=" RUN " path=1/" RUN
         "/params:0: cannot be read: permission denied\n");
  expect("note reject tags unreadable rows=1 id=" RUN " path=1/" RUN "/tags/t:0: ");
  expect("note reject experiments unreadable rows=1 id=2 path=2:0: ");
  expect("run_end");
}

static enum mlt_rc open_error(const char *path, struct mlt_err *err) {
  struct mlt_source *s = NULL;
  *err = (struct mlt_err)MLT_ERR_INIT;
  enum mlt_rc rc =
      mlt_source_by_name("filestore")->open(&s, &(struct mlt_source_opts){.path = path}, err);
  assert_null(s);
  return rc;
}

static void where_there_is_no_store_the_error_says_where_one_is(void **state) {
  (void)state;
  struct mlt_err err;
  put("a/b/mlruns/1/meta.yaml", EXPERIMENT_META);
  put("file", "");
  put("empty/", "");
  assert_int_equal(open_error(store, &err), MLT_NOINPUT);
  assert_non_null(strstr(err.msg, "holds experiments"));
  assert_non_null(strstr(err.hint, "/a/b/mlruns"));
  assert_int_equal(open_error(in_store("a"), &err), MLT_NOINPUT);
  assert_non_null(strstr(err.hint, "/a/b/mlruns"));
  assert_int_equal(open_error(in_store("empty"), &err), MLT_NOINPUT);
  assert_null(strstr(err.hint, "there is one"));
  assert_int_equal(open_error(in_store("file"), &err), MLT_NOINPUT);
  assert_non_null(strstr(err.msg, "is a file"));
  assert_int_equal(open_error(in_store("gone"), &err), MLT_NOINPUT);
  assert_int_equal(open_error("file://other.example/mlruns", &err), MLT_NOINPUT);
}

static void formats_are_found_by_what_they_claim(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  put("yes/mlruns/1/meta.yaml", EXPERIMENT_META);
  put("perhaps/1/x", "");
  put("file", "");
  put("a/b/mlruns/1/meta.yaml", EXPERIMENT_META);
  const struct mlt_source_ops *ops = mlt_source_by_name("filestore");
  assert_null(mlt_source_by_name("nosuch"));
  assert_int_equal(ops->probe(in_store("yes")), 95);
  assert_true(ops->probe(in_store("perhaps")) < 95 && ops->probe(in_store("perhaps")) > 0);
  assert_int_equal(ops->probe(in_store("file")), 0);
  assert_ptr_equal(mlt_source_detect(in_store("yes"), &err), ops);
  assert_null(mlt_source_detect(in_store("file"), &err));
  assert_non_null(strstr(err.msg, "tried: filestore"));
  mlt_err_clear(&err);
  assert_null(mlt_source_detect(in_store("a"), &err));
  assert_non_null(strstr(err.hint, "/a/b/mlruns"));
  assert_non_null(strstr(err.msg, "tried: filestore"));
  mlt_err_clear(&err);
  put_bytes("a/mlflow.db", "SQLite format 3", 16);
  assert_null(mlt_source_detect(in_store("a"), &err));
  assert_non_null(strstr(err.hint, "/a/mlflow.db'"));
  mlt_err_clear(&err);
  put("server/mlruns/1/" RUN "/artifacts/metrics.csv", "step,loss\n1,2\n");
  put("server/mlruns/1/" RUN "/artifacts/tb/events.out.tfevents.1", "");
  assert_ptr_equal(mlt_source_detect(in_store("server"), &err), ops);
  put_bytes("server/mlflow.db", "SQLite format 3", 16);
  assert_null(mlt_source_detect(in_store("server"), &err));
  assert_non_null(strstr(err.hint, "/server/mlflow.db'"));
}

/* Nobody writes into it: whoever waits for it waits for ever. Only JSON lines may come from one. */
static void a_fifo_is_not_waited_for(void **state) {
  struct mlt_err err = MLT_ERR_INIT;
  (void)state;
  assert_int_equal(mkfifo(in_store("fifo"), 0600), 0);
  (void)alarm(10);
  assert_string_equal(mlt_source_detect(in_store("fifo"), &err)->name, "jsonl");
  (void)alarm(0);
}

static void closing_half_way_leaves_nothing_open(void **state) {
  (void)state;
  const struct mlt_source_ops *ops = mlt_source_by_name("filestore");
  put_run();
  put("1/" RUN "/params/a/b", "1");
  put("1/" RUN "/metrics/m", "1 1\nbad\n2 2\n");
  put("1/" RUN "/inputs/a/meta.yaml", "source_type: MODEL\nsource_id: m\ntags: {a: b, c: d}\n");
  put("1/models/m/meta.yaml", "name: m\n");
  put("1/models/m/metrics/m", "1 1 1 r\n2 2 2 r\n");
  put("models/m/meta.yaml", "name: m\n");
  put("models/m/version-1/meta.yaml", "version: 1\n");
  put("models/m/version-1/tags/t", "");
  for (int n = 0, more = 1; more; n++) {
    struct mlt_source *s = NULL;
    struct mlt_record rec;
    assert_int_equal(ops->open(&s, &(struct mlt_source_opts){.path = store}, NULL), MLT_OK);
    for (int i = 0; i < n && more; i++)
      more = ops->next(s, &rec, NULL) == MLT_OK;
    ops->close(s);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fd < 10);
    (void)close(fd);
  }
  ops->close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_store, drop_store)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_run_without_meta_is_rejected_and_the_next_one_read),
      TEST(what_is_no_run_is_counted_as_a_stray),
      TEST(an_unreadable_meta_names_its_line),
      TEST(a_rejected_experiment_takes_its_runs_and_models_with_it),
      TEST(an_experiment_both_active_and_deleted_is_taken_once),
      TEST(missing_folders_are_named_in_one_note),
      TEST(bad_metric_lines_are_rejected_one_by_one),
      TEST(an_empty_metric_file_holds_nothing),
      TEST(bad_metric_lines_of_models_are_rejected),
      TEST(inputs_that_lead_nowhere_are_rejected),
      TEST(broken_parts_of_the_registry_are_rejected),
      TEST(links_inside_the_store_are_followed),
      TEST(links_out_of_the_store_are_refused),
      TEST(the_root_itself_may_be_a_link),
      TEST(special_files_are_never_read),
      TEST(values_beyond_the_limit_are_rejected),
      TEST(keys_nested_too_deep_are_rejected),
      TEST(folders_without_permission_are_rejected),
      TEST(where_there_is_no_store_the_error_says_where_one_is),
      TEST(formats_are_found_by_what_they_claim),
      TEST(a_fifo_is_not_waited_for),
      TEST(closing_half_way_leaves_nothing_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
