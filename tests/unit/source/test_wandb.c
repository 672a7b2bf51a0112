/* Offline runs of wandb as a stream of records: logs as old releases (JSON) and new ones (typed and
   nested items) write them. */
#include "store.h"
#include "wandb_maker.h"

enum { HISTORY = 2, SUMMARY = 3, CONFIG = 5, STATS = 7, ARTIFACT = 8, RUN_RECORD = 17, EXIT = 18 };
enum { KEY = 1, NESTED_KEY = 2, VALUE_JSON = 16 };

static struct mlt_buf wlog, message, item;

/* name: parts of a nested name joined by "/", or a plain one. */
static void put_item(unsigned number, const char *name, const char *json) {
  char part[64];
  bool nested = strchr(name, '/');
  for (; *name; name += *name == '/') {
    size_t n = strcspn(name, "/");
    memcpy(part, name, n);
    part[n] = '\0';
    put_text(&item, nested ? NESTED_KEY : KEY, part);
    name += n;
  }
  put_text(&item, VALUE_JSON, json);
  put_message(&message, number, &item);
}

static void put_time(unsigned number, uint64_t seconds, uint64_t nanos) {
  put_int(&item, 1, seconds);
  put_int(&item, 2, nanos);
  put_message(&message, number, &item);
}

static void put_record(unsigned kind) {
  struct mlt_buf record;
  mlt_buf_init(&record, 1 << 20);
  put_int(&record, 1, 1);
  put_message(&record, kind, &message);
  add_record(&wlog, mlt_buf_str(&record));
  mlt_buf_free(&record);
}

static void put_run_record(const char *id, const char *name) {
  put_text(&message, 1, id);
  put_text(&message, 3, "proj");
  put_text(&message, 7, "train");
  if (name)
    put_text(&message, 8, name);
  put_text(&message, 9, "notes");
  put_text(&message, 10, "a");
  put_text(&message, 10, "b");
  put_time(17, 1000, 500000000);
  put_record(RUN_RECORD);
}

static void row(const char *step, const char *time, const char *name, const char *value) {
  put_item(1, name, value);
  put_item(1, "_step", step);
  put_item(1, "_timestamp", time);
  put_item(1, "_runtime", "1.5");
  put_record(HISTORY);
}

static void begin_run(void) {
  begin_log(&wlog);
  mlt_buf_init(&message, 1 << 20);
  mlt_buf_init(&item, 1 << 20);
  put_record(21); /* header */
}

static void save(const char *path) {
  put_bytes(path, wlog.p, wlog.len);
  mlt_buf_free(&wlog);
  mlt_buf_free(&message);
  mlt_buf_free(&item);
}

static void exit_with(uint64_t code) {
  put_int(&message, 1, code);
  put_int(&message, 2, 9);
  put_record(EXIT);
}

static void read_runs(void) {
  read_source("wandb", &(struct mlt_source_opts){.path = store});
}

static void a_run_comes_with_all_that_it_logged(void **state) {
  (void)state;
  begin_run();
  put_run_record("abc", "my run");
  put_item(1, "lr", "0.1");
  put_item(1, "opt", "{\"name\": \"adam\", \"betas\": [0.9, 0.99]}");
  put_item(1, "new/deep", "true");
  put_item(1, "gone", "1");
  put_item(1, "_wandb", "{\"v\": 1}");
  put_item(2, "gone", "null");
  put_record(CONFIG);
  row("0", "1001.25", "loss", "0.5");
  row("1", "1002", "val/acc", "1e-3");
  row("2", "1003", "nested", "{\"a\": {\"b\": NaN}, \"c\": \"Infinity\", \"t\": \"text\"}");
  put_item(1, "img/_type", "\"image-file\"");
  put_item(1, "img/size", "17");
  row("3", "1004", "hist", "{\"_type\": \"histogram\", \"bins\": [1]}");
  put_item(3, "cpu", "12.5");
  put_item(3, "gpu.10.memoryAllocatedBytes", "2000000");
  put_item(3, "disk.a.in", "3");
  put_time(2, 1005, 0);
  put_record(STATS);
  put_item(1, "loss", "0.1");
  put_item(1, "best", "0.9");
  put_item(1, "note", "\"good\"");
  put_record(SUMMARY);
  put_record(ARTIFACT);
  exit_with(0);
  save("wandb/offline-run-1-abc/run-abc.wandb");
  put("wandb/offline-run-1-abc/files/run-x.wandb", "not looked at");
  read_runs();
  expect("experiment proj name=proj id=NULL location=NULL active ");
  expect("run ");
  expect("tag mlflow.runName=my run\n");
  expect("tag mlflow.source.name=run-abc.wandb\n");
  expect("tag mlflow.note.content=notes\n");
  expect("tag wandb.tags=a, b\n");
  expect("tag wandb.job_type=train\n");
  expect("tag wandb.run_id=abc\n");
  expect("param lr=0.1\nparam opt.name=adam\nparam opt.betas=[0.9,0.99]\nparam new.deep=True\n"
         "points ");
  expect("points loss (1001250,0.5,0)\n");
  expect("points val.acc (1002000,0.001,1)\n");
  expect("points nested.a.b (1003000,nan,2)\npoints nested.c (1003000,inf,2)\n");
  expect("points system/cpu_utilization_percentage (1005000,12.5,0)\n"
         "points system/gpu_10_memory_usage_megabytes (1005000,2,0)\n"
         "points system/disk.a.in (1005000,3,0)\n");
  expect("points best (1009500,0.90000000000000002,3)\n");
  expect("tag wandb.summary.note=good\n");
  expect("note ignored values that are no numbers ignored rows=1 ");
  assert_int_equal(
      count_lines("note ignored media, tables and histograms of wandb ignored rows=1 "), 2);
  expect("note ignored artifacts of wandb ignored rows=1 ");
  assert_int_equal(count_lines("note "), 4);
  assert_int_equal(count_lines("points "), 8);
  assert_non_null(strstr(mlt_buf_cstr(&stream), " FINISHED active 1000500 1009500 "));
}

static void items_may_be_typed(void **state) {
  static const char raw_step[] = "\x08\x07";
  double d = 2.5;
  (void)state;
  begin_run();
  put_run_record("abc", NULL);
  put_text(&item, KEY, "number");
  put_varint(&item, 6 << 3 | 1);
  assert_int_equal(mlt_buf_add(&item, &d, sizeof d), MLT_OK);
  put_message(&message, 1, &item);
  put_text(&item, KEY, "integer");
  put_int(&item, 5, (uint64_t)-3);
  put_message(&message, 1, &item);
  put_text(&item, KEY, "flag");
  put_int(&item, 4, 1);
  put_message(&message, 1, &item);
  put_text(&item, KEY, "none");
  put_int(&item, 3, 1);
  put_message(&message, 1, &item);
  put_text(&item, KEY, "text");
  put_text(&item, 7, "words");
  put_message(&message, 1, &item);
  put_text(&message, 2, raw_step);
  put_record(HISTORY);
  save("run-abc.wandb");
  read_runs();
  expect(
      "points number (1000500,2.5,7)\npoints integer (1000500,-3,7)\npoints flag (1000500,1,7)\n");
  expect("note ignored values that are no numbers ignored rows=1 ");
  assert_int_equal(count_lines("points "), 3);
}

static void how_a_run_ended_is_its_status(void **state) {
  (void)state;
  begin_run();
  put_run_record("ok", NULL);
  exit_with(0);
  save("run-1-ok/run-ok.wandb");
  begin_run();
  put_run_record("bad", NULL);
  exit_with(1);
  save("run-2-bad/run-bad.wandb");
  begin_run();
  put_run_record("dead", NULL);
  row("0", "1001", "m", "1");
  row("1", "1002", "m", "2");
  wlog.len -= 5; /* cut within its last record */
  save("run-3-dead/run-dead.wandb");
  read_runs();
  const char *text = mlt_buf_cstr(&stream);
  assert_non_null(strstr(text, "name=ok type=UNKNOWN source= entry= version= user="));
  assert_non_null(strstr(text, " FINISHED active 1000500 1009500 "));
  assert_non_null(strstr(text, " FAILED active 1000500 1009500 "));
  assert_non_null(strstr(text, " KILLED active 1000500 1001000 "));
  expect("points m (1001000,1,0)\n");
  expect("note changed runs unfinished rows=1 id=");
  assert_int_equal(count_lines("note "), 1);
  assert_int_equal(count_lines("experiment "), 1);
}

static void a_resumed_run_is_one(void **state) {
  (void)state;
  begin_run();
  put_run_record("abc", "first");
  put_item(1, "lr", "1");
  put_record(CONFIG);
  row("0", "1001", "m", "1");
  save("offline-run-1-abc/run-abc.wandb");
  begin_run();
  put_run_record("abc", "second");
  put_item(1, "lr", "2");
  put_record(CONFIG);
  row("1", "1002", "m", "2");
  exit_with(0);
  save("offline-run-2-abc/run-abc.wandb");
  read_runs();
  assert_int_equal(count_lines("run "), 1);
  expect("param lr=2\n");
  expect("tag mlflow.runName=second\n");
  expect("points m (1001000,1,0) (1002000,2,1)\n");
}

static void more_points_than_are_held_come_in_parts(void **state) {
  char step[16], value[32];
  (void)state;
  begin_run();
  put_run_record("abc", NULL);
  for (int i = 0; i < 30000; i++) { /* times three is more than MLT_GATHER_POINTS */
    (void)snprintf(step, sizeof step, "%d", i);
    (void)snprintf(value, sizeof value, "%d.5", i);
    put_item(1, "a", value);
    put_item(1, "b", value);
    row(step, "1001", "c", value);
  }
  save("run-abc.wandb");
  read_runs();
  assert_int_equal(count_lines("points a "), 2);
  assert_int_equal(count_lines("points b "), 2);
  assert_int_equal(count_lines("points c "), 2);
  size_t sum = 0;
  for (const char *p = mlt_buf_cstr(&stream); (p = strstr(p, " and ")); p++)
    sum += 8 + strtoul(p + 5, NULL, 10);
  assert_int_equal(sum, 90000);
}

static void what_is_too_much_is_counted(void **state) {
  enum { CONFIGS = 10003, ROWS = 66, OF_ROW = 1000 };
  char name[32];
  (void)state;
  begin_run();
  put_run_record("abc", NULL);
  for (int i = 0; i < CONFIGS; i++) {
    (void)snprintf(name, sizeof name, "c%d", i);
    put_item(1, name, "1");
  }
  put_record(CONFIG);
  for (int r = 0; r < ROWS; r++) {
    for (int i = 0; i < OF_ROW; i++) {
      (void)snprintf(name, sizeof name, "m%d", r * OF_ROW + i);
      put_item(1, name, "1");
    }
    put_record(HISTORY);
  }
  put_int(&message, 2, (uint64_t)1 << 62); /* seconds that the run took */
  put_record(EXIT);
  save("run-abc.wandb");
  read_runs();
  assert_int_equal(count_lines("param "), 10000);
  assert_int_equal(count_lines("points "), 65536);
  expect("note reject params bad-key rows=3 ");
  expect("note reject metrics bad-key rows=464 ");
  expect("note changed metrics no-times ");
  assert_int_equal(count_lines("note "), 3);
  assert_int_equal(count_lines("run_end"), 1);
}

static void damage_is_told_with_its_place(void **state) {
  (void)state;
  begin_run();
  put_run_record("abc", NULL);
  row("0", "1001", "m", "1");
  size_t at = wlog.len;
  row("1", "1002", "m", "[");
  row("2", "1003", "m", "3");
  save("run-abc.wandb");
  put("run-2/run-none.wandb", "no log");
  begin_run();
  save("run-3/run-empty.wandb");
  char want[256];
  (void)snprintf(want, sizeof want,
                 "note reject metrics damaged rows=1 id=NULL path=run-abc.wandb:0: the record at "
                 "byte %zu is damaged: a value is no JSON\n",
                 at);
  read_runs();
  expect(want);
  expect("points m (1001000,1,0) (1003000,3,2)\n");
  expect("note reject runs damaged rows=1 id=NULL path=run-2/run-none.wandb:0: damaged at byte 0: "
         "it is no log of wandb\n");
  expect("note reject runs damaged rows=1 id=NULL path=run-3/run-empty.wandb:0: the log does not "
         "say which run it is of\n");
  expect("note changed runs unfinished ");
  assert_int_equal(count_lines("note "), 4);
}

static void formats_are_recognised(void **state) {
  struct mlt_err err = MLT_ERR_INIT;
  (void)state;
  begin_run();
  put_run_record("abc", NULL);
  save("a/wandb/offline-run-1-abc/run-abc.wandb");
  assert_string_equal(mlt_source_detect(in_store("a"), &err)->name, "wandb");
  assert_string_equal(mlt_source_detect(in_store("a/wandb"), &err)->name, "wandb");
  assert_string_equal(
      mlt_source_detect(in_store("a/wandb/offline-run-1-abc/run-abc.wandb"), &err)->name, "wandb");
  read_source("wandb", &(struct mlt_source_opts){.path = in_store("a"), .experiment = "mine"});
  expect("experiment mine name=mine ");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_store, drop_store)
  const struct CMUnitTest tests[] = {
      TEST(a_run_comes_with_all_that_it_logged),     TEST(items_may_be_typed),
      TEST(how_a_run_ended_is_its_status),           TEST(a_resumed_run_is_one),
      TEST(more_points_than_are_held_come_in_parts), TEST(what_is_too_much_is_counted),
      TEST(damage_is_told_with_its_place),           TEST(formats_are_recognised),
  };
  return cmocka_run_group_tests_name("source/wandb", tests, NULL, NULL);
}
