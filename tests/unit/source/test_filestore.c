/* What a sound FileStore gives: every kind of record, in the promised order, byte for byte. */
#include "store.h"

static void a_run_comes_with_all_that_is_in_its_folder(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/params/lr", "0.1");
  put("1/" RUN "/params/opt/name", "sgd");
  put("1/" RUN "/tags/mlflow.user", "u");
  put("1/" RUN "/metrics/loss", "1 0.5 3\n2 0.25 4\n");
  put("1/" RUN "/metrics/old", "7 1e3\n");
  read_store();
  expect_all("experiment 1 name=one id=1 location=/a active NULL NULL\n"
             "run " RUN " experiment=1 name=r type=LOCAL source= entry= version= user=u FINISHED "
             "active 8 9 NULL uri=/a/u\n"
             "param lr=0.1\n"
             "param opt/name=sgd\n"
             "tag mlflow.user=u\n"
             "points old (7,1000,0)\n"
             "points loss (1,0.5,3) (2,0.25,4)\n"
             "run_end\n");
}

static void values_keep_every_byte(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/params/crlf", "a\r\nb\r\n");
  put("1/" RUN "/params/blank", "  x \n\n");
  put("1/" RUN "/params/empty", "");
  put("1/" RUN "/tags/t", "\r");
  read_store();
  expect("param crlf=a\\r\\nb\\r\\n\n");
  expect("param blank=  x \\n\\n\n");
  expect("param empty=\n");
  expect("tag t=\\r\n");
}

static void old_and_new_meta_of_runs_are_both_read(void **state) {
  (void)state;
  put("1/meta.yaml", "experiment_id: 1\nname: old\n");
  put("1/a/meta.yaml", "run_uuid: a\nname: n\nsource_type: 1\nsource_name: s.py\nstatus: 4\n"
                       "user_id: 77\nstart_time: 1\nend_time: null\nsource_version: null\n");
  put("1/b/meta.yaml", "run_id: b\nrun_uuid: ''\nrun_name: ''\nname: null\nsource_type: NOTEBOOK\n"
                       "status: KILLED\nuser_id: u\nstart_time: '5'\nend_time: 6.0\n"
                       "lifecycle_stage: deleted\ndeleted_time: 7\nartifact_uri: null\n");
  read_store();
  expect("experiment 1 name=old id=1 location=NULL active NULL NULL\n");
  expect("run a experiment=1 name=n type=LOCAL source=s.py entry= version=NULL user=77 FAILED "
         "active 1 NULL NULL uri=NULL\n");
  expect("run b experiment=1 name=NULL type=NOTEBOOK source= entry= version= user=u KILLED deleted "
         "5 6 7 uri=NULL\n");
}

static void deleted_experiments_follow_the_active_ones(void **state) {
  (void)state;
  put("10/meta.yaml", "name: ten\n");
  put("2/meta.yaml", "name: two\ncreation_time: 5\nlast_update_time: 6\n");
  put("0/meta.yaml", "name: Default\nlifecycle_stage: deleted\n");
  put(".trash/3/meta.yaml", "name: three\nlifecycle_stage: deleted\n");
  put(".trash/5/meta.yaml", "lifecycle_stage: active\nname: 5\n");
  read_store();
  expect_all("experiment 0 name=Default id=0 location=NULL deleted NULL NULL\n"
             "experiment 2 name=two id=2 location=NULL active 5 6\n"
             "experiment 10 name=ten id=10 location=NULL active NULL NULL\n"
             "experiment 3 name=three id=3 location=NULL deleted NULL NULL\n"
             "experiment 5 name=5 id=5 location=NULL active NULL NULL\n");
}

static void an_experiment_in_the_trash_without_a_stage_is_deleted(void **state) {
  (void)state;
  put(".trash/4/meta.yaml", "experiment_id: 4\n");
  read_store();
  expect_all("experiment 4 name=experiment_4 id=4 location=NULL deleted NULL NULL\n");
}

static void tags_of_experiments_may_be_nested(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("1/tags/a/b", "x");
  put("1/tags/mlflow.note.content", "line\n");
  read_store();
  expect("experiment_tag 1 a/b=x\n");
  expect("experiment_tag 1 mlflow.note.content=line\\n\n");
}

#define DATASET(name)                                                                              \
  "digest: d1\nname: " name "\nprofile: null\nschema: '{}'\nsource: s\nsource_type: local\n"

static void inputs_name_the_dataset_of_their_folder(void **state) {
  (void)state;
  put_run();
  put("1/datasets/aaaa/meta.yaml", DATASET("first"));
  put("1/datasets/bbbb/meta.yaml", DATASET("unused"));
  put("1/" RUN "/inputs/x/meta.yaml", "destination_id: aaaa\ndestination_type: RUN\n"
                                      "source_id: aaaa\nsource_type: DATASET\n"
                                      "tags:\n  mlflow.data.context: train\n  n: 5\n  b: yes\n"
                                      "  z: null\n");
  put("1/" RUN "/inputs/y/meta.yaml", "source_id: m-1\nsource_type: MODEL\ntags: {}\n");
  put("1/" RUN "/outputs/m-2/meta.yaml", "source_id: m-2\nstep: 7\n");
  read_store();
  expect("dataset experiment=1 name=first digest=d1 type=local source=s schema={} profile=NULL\n");
  expect("dataset experiment=1 name=unused");
  expect("input first d1\ninput_tag mlflow.data.context=train\ninput_tag n=5\ninput_tag b=True\n"
         "input_tag z=None\nmodel_input m-1\noutput m-2 step=7\nrun_end\n");
}

static void more_datasets_than_are_remembered_are_all_found(void **state) {
  (void)state;
  enum { COUNT = 1100 };
  char path[256], text[256];
  put_run();
  for (int i = 0; i < COUNT; i++) {
    (void)snprintf(path, sizeof path, "1/datasets/%d/meta.yaml", i);
    (void)snprintf(text, sizeof text, "name: n%d\ndigest: d%d\n", i, i);
    put(path, text);
    (void)snprintf(path, sizeof path, "1/" RUN "/inputs/%d/meta.yaml", i);
    (void)snprintf(text, sizeof text, "source_id: '%d'\nsource_type: DATASET\n", i);
    put(path, text);
  }
  read_store();
  for (int i = 0; i < COUNT; i++) {
    (void)snprintf(text, sizeof text, "input n%d d%d\n", i, i);
    expect(text);
  }
}

static void a_long_metric_comes_in_chunks_and_in_order(void **state) {
  (void)state;
  struct mlt_buf b;
  mlt_buf_init(&b, 1 << 20);
  for (int i = 0; i < 10000; i++)
    assert_int_equal(mlt_buf_printf(&b, "%d %d.5 %d\n", i, i, i), MLT_OK);
  put_run();
  put_bytes("1/" RUN "/metrics/m", b.p, b.len);
  mlt_buf_free(&b);
  read_store();
  assert_int_equal(count_lines("points m"), 3);
  expect("points m (0,0.5,0)");
  expect("points m (4096,4096.5,4096)");
  expect("points m (8192,8192.5,8192) (8193,8193.5,8193) (8194,8194.5,8194) (8195,8195.5,8195) "
         "(8196,8196.5,8196) (8197,8197.5,8197) (8198,8198.5,8198) (8199,8199.5,8199) and 1800 "
         "more\n");
}

static void metrics_take_two_three_and_more_fields_and_odd_line_ends(void **state) {
  (void)state;
  put_run();
  put("1/" RUN "/metrics/m", "1 nan\r\n2 inf 5\r\n 3 -inf 6 ds dg \n4 1e400 -7 x\r5 .5 8\n\n\n");
  read_store();
  expect("points m (1,nan,0) (2,inf,5) (3,-inf,6) (4,inf,-7) (5,0.5,8)\n");
  expect_none("note");
}

static void logged_models_come_after_the_runs_of_all_experiments(void **state) {
  (void)state;
  put_run();
  put("1/models/m-1/meta.yaml",
      "artifact_location: /m\ncreation_timestamp: 1\nexperiment_id: '1'\n"
      "last_updated_timestamp: 2\nmodel_id: m-1\nmodel_type: null\nname: lm\n"
      "source_run_id: " RUN "\nstatus: 2\nstatus_message: ok\n");
  put("1/models/m-1/params/p", "1");
  put("1/models/m-1/tags/a/b", "2");
  put("1/models/m-1/metrics/acc", "5 nan 1 " RUN "\n6 0.5 2 " RUN " ds dg\n");
  put("1/models/m-2/meta.yaml", "status: FAILED\nlifecycle_stage: deleted\n");
  put("2/meta.yaml", "name: two\n");
  put("2/r/meta.yaml", "run_id: r\n");
  read_store();
  const char *text = mlt_buf_cstr(&stream);
  assert_true(strstr(text, "run r ") < strstr(text, "logged_model m-1"));
  expect("logged_model m-1 experiment=1 name=lm location=/m 1 2 status=2 active type=NULL run=" RUN
         " message=ok\n"
         "logged_model_param p=1\nlogged_model_tag a/b=2\n"
         "logged_model_metric acc (5,nan,1) run=" RUN " dataset=NULL,NULL\n"
         "logged_model_metric acc (6,0.5,2) run=" RUN " dataset=ds,dg\n"
         "logged_model_end\n"
         "logged_model m-2 experiment=1 name= location= 0 0 status=3 deleted type=NULL run=NULL "
         "message=NULL\nlogged_model_end\n");
}

static void the_registry_comes_last(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("models/M 1/meta.yaml", "aliases:\n  champ: '1'\ncreation_timestamp: 1\ndescription: d\n"
                              "last_updated_timestamp: 2\nname: M 1\n");
  put("models/M 1/tags/t", "v");
  put("models/M 1/aliases/champ", "10\n");
  put("models/M 1/version-2/meta.yaml",
      "creation_timestamp: 3\ncurrent_stage: None\ndescription: ''\nlast_updated_timestamp: 4\n"
      "name: M 1\nrun_id: " RUN "\nrun_link: null\nsource: s3://b/x\nstatus: READY\n"
      "status_message: null\nstorage_location: s3://b/y\nuser_id: u\nversion: 2\n");
  put("models/M 1/version-10/meta.yaml", "version: '10'\ncurrent_stage: Production\n");
  put("models/M 1/version-10/tags/vt", "w");
  put("models/bare/meta.yaml", "description: null\n");
  read_store();
  expect_all(
      "experiment 1 name=one id=1 location=/a active NULL NULL\n"
      "registered_model M 1 description=d 1 2\n"
      "registered_model_tag t=v\n"
      "alias champ=10\n"
      "version 2 3 4 description= user=u stage=None source=s3://b/x location=s3://b/y run=" RUN
      " link=NULL status=READY message=NULL\n"
      "version 10 NULL NULL description=NULL user=NULL stage=Production source=NULL "
      "location=NULL run=NULL link=NULL status=READY message=NULL\n"
      "version_tag vt=w\n"
      "registered_model_end\n"
      "registered_model bare description=NULL NULL NULL\n"
      "registered_model_end\n");
}

static void traces_and_assessments_are_counted(void **state) {
  (void)state;
  put("1/meta.yaml", EXPERIMENT_META);
  put("1/traces/tr-1/trace_info.yaml", "a: 1\n");
  put("1/traces/tr-1/assessments/a-1.yaml", "a: 1\n");
  put("1/traces/tr-1/assessments/a-2.yaml", "a: 1\n");
  put("1/traces/tr-2/trace_info.yaml", "a: 1\n");
  read_store();
  expect_all("experiment 1 name=one id=1 location=/a active NULL NULL\n"
             "note ignored traces ignored rows=2 id=one path=1:0: traces are not imported\n"
             "note ignored assessments ignored rows=2 id=one path=1:0: assessments are not "
             "imported\n");
}

static void the_folder_above_and_file_uris_lead_to_the_store(void **state) {
  (void)state;
  char uri[256];
  put("a b/mlruns/7/meta.yaml", "name: seven\n");
  read_path(in_store("a b"));
  expect("experiment 7 name=seven");
  read_path(in_store("a b/mlruns/"));
  expect("experiment 7 name=seven");
  (void)snprintf(uri, sizeof uri, "file://%s/a%%20b/mlruns", store);
  read_path(uri);
  expect("experiment 7 name=seven");
  (void)snprintf(uri, sizeof uri, "file://localhost%s/a%%20b", store);
  read_path(uri);
  expect("experiment 7 name=seven");
  (void)snprintf(uri, sizeof uri, "file:%s/a b", store);
  read_path(uri);
  expect("experiment 7 name=seven");
}

static void paths_in_notes_start_where_the_user_pointed(void **state) {
  (void)state;
  put("mlruns/7/x", "");
  read_store();
  expect("note reject experiments missing-meta rows=1 id=7 path=mlruns/7/meta.yaml:0: ");
  read_path(in_store("mlruns"));
  expect("note reject experiments missing-meta rows=1 id=7 path=7/meta.yaml:0: ");
}

static void progress_knows_the_runs_ahead(void **state) {
  (void)state;
  const struct mlt_source_ops *ops = mlt_source_by_name("filestore");
  struct mlt_source *s = NULL;
  struct mlt_source_progress p;
  struct mlt_record rec;
  put_run();
  put("1/broken/params/x", "1");
  put(".trash/2/meta.yaml", "name: two\n");
  put(".trash/2/r/meta.yaml", "run_id: r\n");
  assert_int_equal(ops->open(&s, &(struct mlt_source_opts){.path = store}, NULL), MLT_OK);
  do
    assert_int_equal(ops->next(s, &rec, NULL), MLT_OK);
  while (rec.kind != MLT_REC_RUN);
  ops->progress(s, &p);
  assert_int_equal(p.runs_done, 1); /* the broken one, noted before */
  assert_int_equal(p.runs_total, 3);
  while (ops->next(s, &rec, NULL) == MLT_OK)
    continue;
  ops->progress(s, &p);
  assert_int_equal(p.runs_done, 3);
  assert_true(p.bytes_done > 100);
  ops->close(s);
}

/* Reads the store with three readers, a record each in turn. */
static void read_in_turns(void) {
  enum { READERS = 3 };
  const struct mlt_source_ops *ops = mlt_source_by_name("filestore");
  struct mlt_source *s[READERS] = {NULL};
  struct mlt_record rec;
  enum mlt_rc rc;
  mlt_buf_clear(&stream);
  assert_int_equal(ops->open(&s[0], &(struct mlt_source_opts){.path = store}, NULL), MLT_OK);
  do {
    assert_int_equal(ops->next(s[0], &rec, NULL), MLT_OK);
    say_record(&rec);
  } while (rec.kind != MLT_REC_RUN);
  for (int i = 1; i < READERS; i++)
    assert_int_equal(ops->twin(s[0], &s[i], NULL), MLT_OK);
  for (unsigned going = (1u << READERS) - 1, i = 0; going; i = (i + 1) % READERS) {
    if (!(going & 1u << i))
      continue;
    rc = ops->next(s[i], &rec, NULL);
    if (rc == MLT_OK)
      say_record(&rec);
    else
      going &= ~(1u << i);
    assert_true(rc == MLT_OK || rc == (i ? MLT_END : MLT_AGAIN));
  }
  for (int i = 1; i < READERS; i++)
    ops->close(s[i]);
  while ((rc = ops->next(s[0], &rec, NULL)) == MLT_OK)
    say_record(&rec);
  assert_int_equal(rc, MLT_END);
  ops->close(s[0]);
}

static void put_runs_of(const char *experiment, int n) {
  char path[200], text[200];
  for (int i = 0; i < n; i++) {
    (void)snprintf(path, sizeof path, "%s/%032d/meta.yaml", experiment, i);
    (void)snprintf(text, sizeof text, "run_id: %s-%d\nuser_id: u\nstatus: %d\n",
                   strrchr(experiment, '/') ? "t" : experiment, i, i % 5 == 4 ? 9 : 3);
    put(path, text);
    (void)snprintf(path, sizeof path, "%s/%032d/metrics/a/b", experiment, i);
    put(path, "1 1 1\n2 x 2\n");
    (void)snprintf(path, sizeof path, "%s/%032d/inputs/i/meta.yaml", experiment, i);
    (void)snprintf(text, sizeof text, "source_type: DATASET\nsource_id: d%d\n", i % 3);
    put(path, text);
    (void)snprintf(path, sizeof path, "%s/stray%d/x", experiment, i);
    put(path, "");
  }
}

/* As text, whatever the order of lines. */
static uint64_t sum_of_lines(void) {
  uint64_t sum = 0, hash = 0;
  for (const char *p = mlt_buf_cstr(&stream); *p; p++) {
    hash = hash * 1099511628211u + (uint64_t)(unsigned char)*p + 1;
    if (*p == '\n') {
      sum += hash * hash;
      hash = 0;
    }
  }
  return sum;
}

static void several_readers_give_what_one_gives(void **state) {
  (void)state;
  put("1/meta.yaml", "name: one\n");
  put("1/datasets/d0/meta.yaml", "name: n\ndigest: g\nsource_type: local\nsource: s\n");
  put("2/meta.yaml", "name: [\n"); /* rejected, with its runs */
  put("3/meta.yaml", "name: three\n");
  put("3/models/m/meta.yaml", "name: m\n");
  put("4/meta.yaml", "name: four\n"); /* without runs */
  put(".trash/5/meta.yaml", "name: five\n");
  put_runs_of("1", 20);
  put_runs_of("2", 3);
  put_runs_of("3", 7);
  put_runs_of(".trash/5", 5);
  read_store();
  size_t alone = stream.len, rejected = count_lines("note reject runs");
  uint64_t sum = sum_of_lines();
  assert_int_equal(count_lines("run "), 26); /* of 32, every fifth has a bad status */
  assert_int_equal(count_lines("note ignored"), 3);
  read_in_turns();
  assert_int_equal(stream.len, alone);
  assert_int_equal(sum_of_lines(), sum);
  assert_int_equal(count_lines("note reject runs"), rejected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_store, drop_store)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_run_comes_with_all_that_is_in_its_folder),
      TEST(values_keep_every_byte),
      TEST(old_and_new_meta_of_runs_are_both_read),
      TEST(deleted_experiments_follow_the_active_ones),
      TEST(an_experiment_in_the_trash_without_a_stage_is_deleted),
      TEST(tags_of_experiments_may_be_nested),
      TEST(inputs_name_the_dataset_of_their_folder),
      TEST(more_datasets_than_are_remembered_are_all_found),
      TEST(a_long_metric_comes_in_chunks_and_in_order),
      TEST(metrics_take_two_three_and_more_fields_and_odd_line_ends),
      TEST(logged_models_come_after_the_runs_of_all_experiments),
      TEST(the_registry_comes_last),
      TEST(traces_and_assessments_are_counted),
      TEST(the_folder_above_and_file_uris_lead_to_the_store),
      TEST(paths_in_notes_start_where_the_user_pointed),
      TEST(progress_knows_the_runs_ahead),
      TEST(several_readers_give_what_one_gives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
