/* Tables of metrics as streams of records: forms, presets, times, and what cannot be used. */
#include "store.h"

#include <time.h>

enum { MTIME = 1700000000 };

/* A file whose last change was at MTIME. */
static void put_log(const char *path, const char *text) {
  const struct timespec times[2] = {{MTIME, 0}, {MTIME, 5000000}};
  put(path, text);
  assert_int_equal(utimensat(AT_FDCWD, in_store(path), times, 0), 0);
}

static struct mlt_source_opts opts;

/* The file or folder beneath the store, with what else is set in opts. */
static void read_log(const char *path) {
  opts.path = in_store(path);
  read_source("csv", &opts);
  opts = (struct mlt_source_opts){.path = NULL};
}

static size_t notes(void) {
  return count_lines("note ");
}

static void a_wide_table_has_a_column_for_each_metric(void **state) {
  (void)state;
  put_log("train.csv", "epoch,loss,acc\n0,0.5,0.25\n1,nan,\n2,-inf,1e-3\n");
  read_log("train.csv");
  expect("experiment train name=train id=NULL location=NULL active ");
  expect("run ");
  expect("tag mlflow.runName=train\n");
  expect("tag mlflow.source.name=train.csv\n");
  expect("tag mlflow.source.type=LOCAL\n");
  expect("points loss (1700000000005,0.5,0) (1700000000005,nan,1) (1700000000005,-inf,2)\n");
  expect("points acc (1700000000005,0.25,0) (1700000000005,0.001,2)\n");
  expect("note changed metrics no-times ");
  assert_int_equal(notes(), 1);
  expect("run_end\n");
}

static void the_step_is_found_by_name_or_told(void **state) {
  (void)state;
  put_log("a.csv", "epoch,Global_Step,loss\n1,10,0.5\n");
  read_log("a.csv");
  expect("points epoch (1700000000005,1,10)\n");
  opts.step_field = "epoch";
  read_log("a.csv");
  expect("points Global_Step (1700000000005,10,1)\n");
  put_log("b.csv", "loss\n0.5\n0.25\n");
  read_log("b.csv");
  expect("points loss (1700000000005,0.5,0) (1700000000005,0.25,1)\n");
  expect("note changed metrics no-step ");
}

static void a_long_table_names_its_metrics(void **state) {
  (void)state;
  put_log("l.csv", "value;step;timestamp;key;run\n0.5;1;1700000000;loss;b\n"
                   "0.25;2;1700000001.5;loss;a\n1;2;1700000002;acc;b\n");
  read_log("l.csv");
  expect("run e01d0002127f648f8ac86939e641920c experiment=l name=b type=UNKNOWN source= entry= "
         "version= user=");
  expect("points loss (1700000000000,0.5,1)\n");
  expect("points acc (1700000002000,1,2)\n");
  expect("points loss (1700000001500,0.25,2)\n");
  expect("note changed metrics guessed-time-unit ");
  assert_int_equal(count_lines("run_end"), 2);
}

static void runs_may_come_mixed(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 8 << 20);
  assert_int_equal(mlt_buf_adds(&b, "run,key,step,value\n"), MLT_OK);
  for (int i = 0; i < 40000; i++) /* b is far from itself, c mixed with a, d at both ends */
    assert_int_equal(mlt_buf_printf(&b, "%s,loss,%d,%d\n",
                                    i % 10000 == 5 ? "b"
                                    : i < 3        ? "d"
                                    : i > 39996    ? "d"
                                    : i % 2        ? "a"
                                                   : "c",
                                    i, i),
                     MLT_OK);
  put_log("l.csv", mlt_buf_cstr(&b));
  mlt_buf_free(&b);
  read_log("l.csv");
  assert_int_equal(count_lines("run "), 4);
  expect("points loss (1700000000005,5,5) (1700000000005,10005,10005) "
         "(1700000000005,20005,20005) (1700000000005,30005,30005)\n");
  expect("points loss (1700000000005,0,0) (1700000000005,1,1) (1700000000005,2,2) "
         "(1700000000005,39997,39997) (1700000000005,39998,39998) (1700000000005,39999,39999)\n");
  expect("points loss (1700000000005,3,3) (1700000000005,7,7)");      /* 5 is b's */
  assert_non_null(strstr(mlt_buf_cstr(&stream), "and 19985 more\n")); /* a */
  assert_non_null(strstr(mlt_buf_cstr(&stream), "and 19989 more\n")); /* c */
}

static void a_header_may_come_again(void **state) {
  (void)state;
  put_log("t.csv", "epoch,loss\n0,0.5\nepoch,loss\n1,0.25\nloss,epoch,lr\n0.125,2,0.1\n");
  read_log("t.csv");
  expect("points loss (1700000000005,0.5,0) (1700000000005,0.25,1) (1700000000005,0.125,2)\n");
  expect("points lr (1700000000005,0.10000000000000001,2)\n");
  assert_int_equal(notes(), 1);
}

static void many_points_go_out_in_order(void **state) {
  (void)state;
  enum { ROWS = 50000 };
  struct mlt_buf b;
  mlt_buf_init(&b, 8 << 20);
  assert_int_equal(mlt_buf_adds(&b, "step,a,b,c\n"), MLT_OK);
  for (int i = 0; i < ROWS; i++)
    assert_int_equal(mlt_buf_printf(&b, "%d,%d,%d,%d\n", i, i, 2 * i, 3 * i), MLT_OK);
  put_log("t.csv", mlt_buf_cstr(&b));
  mlt_buf_free(&b);
  read_log("t.csv");
  assert_int_equal(count_lines("points a "), 3);
  assert_int_equal(count_lines("points b "), 3);
  expect("points c (1700000000005,65535,21845)");
  expect("points a (1700000000005,21846,21846)");
}

static void values_that_are_none_are_told_with_their_place(void **state) {
  (void)state;
  put_log("t.csv", "step,loss,note\n0,0.5,warm\n1,x,up\n,1,a\n1.5,2,b\n3,4\n4,5,c\n"
                   "9223372036854775808,1,d\n5.0,6,\"e\n");
  read_log("t.csv");
  expect("points loss (1700000000005,0.5,0) (1700000000005,5,4)\n");
  expect("note reject metrics bad-value rows=1 id=b5a211e8f1e0ef1c6f52c6787cdff3fc"
         " path=t.csv:3: 'loss' is 'x', which is not a number\n");
  assert_int_equal(count_lines("note reject metrics bad-step"), 3);
  assert_non_null(strstr(mlt_buf_cstr(&stream), "t.csv:5: 'step' is '1.5', which is not a whole"));
  assert_non_null(strstr(mlt_buf_cstr(&stream), "t.csv:6: the row has 2 fields, the header 3\n"));
  assert_non_null(strstr(mlt_buf_cstr(&stream), "t.csv:9: a quote that is opened here is never"));
}

static void text_before_numbers_is_not_lost_quietly(void **state) {
  (void)state;
  put_log("t.csv", "step,loss\n0,x\n1,y\n2,0.5\n");
  read_log("t.csv");
  assert_int_equal(count_lines("note reject metrics bad-value rows=2"), 1);
  assert_non_null(strstr(mlt_buf_cstr(&stream),
                         "'loss' holds text here and 2 times in all, numbers from line 4 on\n"));
  expect("points loss (1700000000005,0.5,2)\n");
  put_log("t.csv", "step,loss\n0,x\n1,0.5\n");
  read_log("t.csv");
  assert_non_null(
      strstr(mlt_buf_cstr(&stream), "'loss' holds text here, numbers from line 3 on\n"));
}

static void columns_of_text_are_named(void **state) {
  (void)state;
  put_log("t.csv", "step,loss,host,,date\n0,0.5,a,1,2024-01x\n1,0.5,NA,2,\n");
  read_log("t.csv");
  expect("note changed metrics columns-left-out rows=3");
  assert_non_null(
      strstr(mlt_buf_cstr(&stream), "for want of numbers or a name: host, (unnamed), date\n"));
}

static void numbers_are_spelled_as_in_python_r_and_c(void **state) {
  (void)state;
  put_log("t.csv", "step,v\n0,NaN\n1,Inf\n2,-Infinity\n3,-nan\n4,nan(0x1)\n5,1.#INF\n6,-1.#IND\n"
                   "7,NA\n8,None\n9, 1_0 \n");
  read_log("t.csv");
  expect("points v (1700000000005,nan,0) (1700000000005,inf,1) (1700000000005,-inf,2) "
         "(1700000000005,");
  assert_int_equal(notes(), 1);
  assert_non_null(strstr(mlt_buf_cstr(&stream), "(1700000000005,10,9)\n") /* 7, 8: nothing */
                      ? "ok"
                      : NULL);
}

static void times_have_units(void **state) {
  (void)state;
  put_log("t.csv", "step,wall_time,loss\n0,1700000000,1\n1,1700000002.5,2\n");
  opts.time_unit = "s";
  read_log("t.csv");
  expect("points loss (1700000000000,1,0) (1700000002500,2,1)\n");
  assert_int_equal(notes(), 0);
  assert_non_null(strstr(mlt_buf_cstr(&stream), " FINISHED active 1700000000000 1700000002500 "));
  opts.time_unit = "ms";
  read_log("t.csv");
  expect("points loss (1700000000,1,0) (1700000003,2,1)\n");
  put_log("i.csv", "step,time,loss\n0,2024-02-29T12:34:56Z,1\n1,bad,2\n");
  read_log("i.csv");
  expect("points loss (1709210096000,1,0)\n");
  assert_int_equal(count_lines("note reject metrics bad-time rows=1"), 1);
  assert_int_equal(notes(), 1);
}

static void a_time_since_the_start_is_a_metric(void **state) {
  (void)state;
  put_log("run/results.csv", "   epoch,    time,  metrics/mAP50(B)\n  1, 12.5, 0.5\n");
  put_log("run/args.yaml", "lr0: 0.01\nnested: {a: true}\n");
  read_log("run");
  expect("points time (1700000000005,12.5,1)\n");
  expect("points metrics/mAP50B (1700000000005,0.5,1)\n");
  expect("note changed metrics renamed ");
  expect("param lr0=0.01\n");
  expect("param nested/a=True\n");
  expect("tag mlflow.runName=run\n");
}

static void a_folder_is_a_tree_of_runs(void **state) {
  (void)state;
  put_log("logs/version_0/metrics.csv", "epoch,step,loss\n0,1,0.5\n");
  put_log("logs/version_0/hparams.yaml", "lr: 0.1\n");
  put_log("logs/version_10/metrics.csv", "epoch,step,loss\n0,1,0.25\n");
  put_log("logs/other/data.csv", "name,age\nx,1\n");
  put_log("logs/deep/er/train.csv", "step,loss\n1,1\n");
  put_log("logs/.hidden/metrics.csv", "step,loss\n1,1\n");
  read_log("logs");
  expect("experiment logs name=logs ");
  assert_int_equal(count_lines("run "), 3);
  expect("tag mlflow.runName=version_0\n");
  expect("tag mlflow.runName=version_10\n");
  expect("tag mlflow.runName=deep/er/train\n");
  expect("tag mlflow.source.name=version_0/metrics.csv\n");
  expect("note ignored tables without a header with a column of steps ignored rows=1");
  expect("param lr=0.1\n");
}

static void one_file_of_a_tree_is_the_same_run(void **state) {
  (void)state;
  char line[256];
  put_log("logs/version_0/metrics.csv", "epoch,step,loss\n0,1,0.5\n");
  read_log("logs");
  const char *run = strstr(mlt_buf_cstr(&stream), "\nrun ") + 1;
  (void)snprintf(line, sizeof line, "%.36s experiment=logs", run);
  read_log("logs/version_0/metrics.csv");
  expect(line);
}

static void of_checkpoints_the_last_is_taken(void **state) {
  (void)state;
  put_log("out/checkpoint-500/trainer_state.json", "{\"log_history\": [{\"step\": 1}]}");
  put_log("out/checkpoint-1000/trainer_state.json",
          "{\"log_history\": [{\"epoch\": 0.5, \"loss\": 1.5, \"step\": 1},\n"
          " {\"eval_loss\": NaN, \"epoch\": 1.0, \"step\": 2}], \"step\": 9}");
  read_log("out");
  expect("tag mlflow.runName=out\n");
  expect("points loss (1700000000005,1.5,1)\n");
  expect("points eval_loss (1700000000005,nan,2)\n");
  expect("note ignored earlier checkpoints ignored rows=1");
  put_log("out/trainer_state.json", "{\"log_history\": [{\"step\": 3, \"x\": 1}]}");
  read_log("out");
  expect("points x (1700000000005,1,3)\n");
  expect("note ignored earlier checkpoints ignored rows=2");
}

static void rows_of_ray_are_json_lines(void **state) {
  (void)state;
  put_log("exp/t1/result.json",
          "{\"training_iteration\": 1, \"r\": {\"mean\": 1.5}, \"timestamp\": 1700000000, "
          "\"trial_id\": \"0001\", \"done\": false, \"config\": {\"lr\": 3}}\n"
          "{\"training_iteration\": 2, \"r\": {\"mean\": Infinity}, \"timestamp\": 1700000009}\n"
          "{\"training_iteration\": 3, \"r\"");
  put_log("exp/t1/progress.csv", "training_iteration,r/mean\n1,1.5\n");
  put_log("exp/t1/params.json", "{\"lr\": 3, \"x\": {\"y\": null}}");
  read_log("exp");
  expect("points r/mean (1700000000000,1.5,1) (1700000009000,inf,2)\n");
  expect("param lr=3\n");
  expect("param x/y=None\n");
  expect("note ignored progress.csv beside a result.json ignored rows=1");
  assert_int_equal(count_lines("note reject metrics bad-row rows=1"), 1);
  assert_non_null(strstr(mlt_buf_cstr(&stream), "for want of numbers or a name: trial_id, done\n"));
}

static void rows_in_json_may_name_their_run(void **state) {
  (void)state;
  put_log("exp/result.json", "{\"run\": \"a\", \"key\": \"m\", \"step\": 1, \"value\": 2}\n"
                             "{\"run\": \"b\", \"key\": \"m\", \"step\": 1, \"value\": 3}\n"
                             "{\"run\": \"a\", \"key\": \"m\", \"step\": 2, \"value\": 4}\n");
  read_log("exp");
  assert_int_equal(count_lines("run "), 2);
  expect("points m (1700000000005,2,1) (1700000000005,4,2)\n");
  expect("points m (1700000000005,3,1)\n");
}

static void names_that_become_one_are_told(void **state) {
  (void)state;
  put_log("t.csv", "step,a(b),ab,c%d\n1,1,2,3\n2,4,5,6\n");
  read_log("t.csv");
  expect("points ab (1700000000005,1,1) (1700000000005,4,2)\n");
  expect("points c_d (1700000000005,3,1) (1700000000005,6,2)\n");
  expect("note reject metrics bad-key rows=2");
  assert_int_equal(count_lines("note changed metrics renamed"), 2);
}

static void files_that_are_no_logs_are_told(void **state) {
  (void)state;
  put_log("a/metrics.csv", "");
  put_log("b/metrics.csv", "\xff\xfe"
                           "s\n");
  put_log("c/metrics.csv", "step,loss\n1,2\n");
  put_log("c/hparams.yaml", "- 1\n");
  read_log(".");
  expect("note reject runs empty ");
  expect("note reject runs bad-header ");
  assert_int_equal(count_lines("note reject params bad-params rows=1 id=NULL path=c/metrics.csv"),
                   1);
  assert_int_equal(count_lines("run "), 1);
  opts.step_field = "nope";
  read_log("c");
  expect("note reject runs no-column ");
}

static void links_do_not_lead_out(void **state) {
  (void)state;
  put_log("a/metrics.csv", "step,loss\n1,2\n");
  put_log("b/x.csv", "step,loss\n1,2\n");
  assert_int_equal(symlink("/etc/passwd", in_store("a/out.csv")), 0);
  assert_int_equal(symlink("../b/x.csv", in_store("a/in.csv")), 0);
  assert_int_equal(symlink("..", in_store("a/loop")), 0);
  assert_int_equal(symlink("nothing", in_store("a/lost.csv")), 0);
  assert_int_equal(symlink("self.csv", in_store("a/self.csv")), 0);
  read_log(".");
  assert_int_equal(count_lines("run "), 3);
  expect("note reject runs link-out ");
  assert_int_equal(count_lines("note reject runs bad-link "), 2);
  expect("note ignored links to folders ignored rows=1");
}

static void names_are_given_by_options(void **state) {
  (void)state;
  put_log("t.csv", "step,loss\n1,2\n");
  opts = (struct mlt_source_opts){.experiment = "e", .run = "r"};
  read_log("t.csv");
  expect("experiment e name=e ");
  expect("tag mlflow.runName=r\n");
  expect("run c5da9290b2dc0033ebc619104fc6faff experiment=e name=r ");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_store, drop_store)
  const struct CMUnitTest tests[] = {
      TEST(a_wide_table_has_a_column_for_each_metric),
      TEST(the_step_is_found_by_name_or_told),
      TEST(a_long_table_names_its_metrics),
      TEST(runs_may_come_mixed),
      TEST(a_header_may_come_again),
      TEST(many_points_go_out_in_order),
      TEST(values_that_are_none_are_told_with_their_place),
      TEST(text_before_numbers_is_not_lost_quietly),
      TEST(columns_of_text_are_named),
      TEST(numbers_are_spelled_as_in_python_r_and_c),
      TEST(times_have_units),
      TEST(a_time_since_the_start_is_a_metric),
      TEST(a_folder_is_a_tree_of_runs),
      TEST(one_file_of_a_tree_is_the_same_run),
      TEST(of_checkpoints_the_last_is_taken),
      TEST(rows_of_ray_are_json_lines),
      TEST(rows_in_json_may_name_their_run),
      TEST(names_that_become_one_are_told),
      TEST(files_that_are_no_logs_are_told),
      TEST(links_do_not_lead_out),
      TEST(names_are_given_by_options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
