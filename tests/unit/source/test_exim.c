/* Directories of mlflow-export-import, as a stream of records: what each document gives, and that
   one bad document or point costs only itself. */
#include "store.h"

#define WRAP(body) "{\"system\": {\"mlflow_tracking_uri\": \"http://s\"}, \"mlflow\": " body "}\n"
#define EXPERIMENT                                                                                 \
  WRAP("{\"experiment\": {\"experiment_id\": \"7\", \"name\": \"one\", \"artifact_location\": "    \
       "\"/a/7\", \"lifecycle_stage\": \"active\", \"tags\": {\"k\": \"v\", \"e\\u00e9\": \"\"}, " \
       "\"creation_time\": 5, \"last_update_time\": 6, \"_creation_time\": \"x\"}, \"runs\": "     \
       "[\"" RUN "\"]}")
#define INFO(id)                                                                                   \
  "\"info\": {\"run_id\": \"" id "\", \"run_uuid\": \"" id "\", \"experiment_id\": \"7\", "        \
  "\"user_id\": \"u\", \"status\": \"FINISHED\", \"start_time\": 8, \"end_time\": null, "          \
  "\"lifecycle_stage\": \"active\", \"artifact_uri\": \"/a/7/" id "/artifacts\", "                 \
  "\"run_name\": \"r\", \"_start_time\": \"1970\"}"
#define BODY                                                                                       \
  "\"params\": {\"lr\": \"0.1\", \"a\\nb\": \"\\u00e9\\\"\"}, "                                    \
  "\"metrics\": {\"loss\": [{\"value\": 0.5, \"timestamp\": 1, \"step\": 0}, {\"value\": NaN, "    \
  "\"timestamp\": 2, \"step\": -1, \"model_id\": null, \"x\": {\"y\": []}}], \"none\": []}, "      \
  "\"tags\": {\"t\": \"w\"}"
#define DATASET(name)                                                                              \
  "{\"dataset\": {\"name\": \"" name "\", \"digest\": \"d\", \"source_type\": \"local\", "         \
  "\"source\": \"s\", \"schema\": null, \"profile\": \"p\"}, \"tags\": [{\"key\": "                \
  "\"mlflow.data.context\", \"value\": \"train\"}]}"
#define INPUTS "\"inputs\": [" DATASET("x") ", " DATASET("y") "]"
#define RUN2 "00000000000000000000000000000002"
#define REJECTED_RUN "note reject runs "

static void read_export(void) {
  read_source("export-import", &(struct mlt_source_opts){.path = store});
}

static void an_experiment_and_its_runs_keep_ids_and_times(void **state) {
  (void)state;
  put("experiment.json", EXPERIMENT);
  put(RUN "/run.json", WRAP("{" INFO(RUN) ", " BODY ", " INPUTS "}"));
  put(RUN "/artifacts/run.json", "not looked at");
  read_export();
  expect_all("experiment 7 name=one id=7 location=/a/7 active 5 6\n"
             "experiment_tag 7 k=v\n"
             "experiment_tag 7 e\xc3\xa9=\n"
             "dataset experiment=7 name=x digest=d type=local source=s schema=NULL profile=p\n"
             "dataset experiment=7 name=y digest=d type=local source=s schema=NULL profile=p\n"
             "run " RUN " experiment=7 name=r type=UNKNOWN source= entry= version= user=u FINISHED "
             "active 8 NULL NULL uri=/a/7/" RUN "/artifacts\n"
             "param lr=0.1\n"
             "param a\\nb=\xc3\xa9\"\n"
             "points loss (1,0.5,0) (2,nan,-1)\n"
             "tag t=w\n"
             "input x d\n"
             "input_tag mlflow.data.context=train\n"
             "input y d\n"
             "input_tag mlflow.data.context=train\n"
             "run_end\n");
}

/* export-run leaves out the experiment, export-model all of it but the name. */
static void runs_without_their_experiment_get_one(void **state) {
  (void)state;
  put("run.json", WRAP("{" INFO(RUN) ", " INPUTS "}"));
  read_export();
  expect("experiment 7 name=experiment_7 id=7 location=/a/7 active NULL NULL\n"
         "dataset experiment=7 name=x digest=d type=local source=s schema=NULL profile=p\n");
  put("model.json", WRAP("{\"registered_model\": {\"name\": \"m\", \"versions\": [{\"version\": "
                         "\"1\", \"run_id\": \"" RUN "\", \"_experiment_name\": \"known\"}]}}"));
  read_export();
  expect("experiment 7 name=known id=7 ");
  read_source("export-import", &(struct mlt_source_opts){.path = store, .experiment = "mine"});
  expect("experiment :given name=mine id=NULL location=NULL active NULL NULL\n");
  expect("run " RUN " experiment=:given ");
}

static void a_run_exported_twice_comes_once(void **state) {
  (void)state;
  put("a/" RUN "/run.json", WRAP("{" INFO(RUN) ", " INPUTS "}"));
  put("b/" RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  put("b/" RUN2 "/run.json", WRAP("{" INFO(RUN2) ", " INPUTS "}"));
  read_export();
  assert_int_equal(count_lines("run "), 2);
  assert_int_equal(count_lines("dataset "), 2);
  assert_int_equal(count_lines("note "), 0);
}

static void the_registry_comes_last(void **state) {
  (void)state;
  put("models/m/model.json",
      WRAP("{\"registered_model\": {\"name\": \"m\", \"creation_timestamp\": \"1\", "
           "\"last_updated_timestamp\": 2, \"tags\": [{\"key\": \"k\", \"value\": \"v\"}], "
           "\"aliases\": [{\"alias\": \"champion\", \"version\": \"2\"}, {\"alias\": \"x\", "
           "\"version\": \"no\"}], \"versions\": [{\"version\": \"2\", \"creation_timestamp\": 3, "
           "\"current_stage\": \"Staging\", \"run_id\": \"" RUN "\", \"run_link\": \"\", "
           "\"source\": \"s3://x\", \"status\": \"READY\", \"user_id\": \"\", \"tags\": {\"a\": "
           "\"b\"}}, {\"version\": 0}, {\"version\": 3, \"source\": \"models:/m-1\"}]}}"));
  put("models/bad/model.json", WRAP("{\"registered_model\": [1]}"));
  put(RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  read_export();
  expect("note reject registered_models bad-json rows=1 id=models/bad path=models/bad/model.json:");
  expect("run_end\nregistered_model m ");
  expect("registered_model_tag k=v\n");
  expect("version 2 ");
  expect("version_tag a=b\n"
         "note reject model_versions bad-field rows=1 id=m path=models/m/model.json:");
  expect("version 3 ");
  expect("alias champion=2\n"
         "note reject registered_model_aliases bad-field rows=1 id=m path=models/m/model.json:");
  expect("registered_model_end\n");
}

static void logged_models_come_after_all_runs(void **state) {
#define MODEL                                                                                      \
  WRAP("{\"experiment_id\": \"7\", \"model_id\": \"m-1\", \"name\": \"net\", "                     \
       "\"artifact_location\": \"/m\", \"creation_timestamp\": 1, \"last_updated_timestamp\": 2, " \
       "\"model_type\": \"agent\", \"source_run_id\": \"" RUN "\", \"status\": \"READY\", "        \
       "\"status_message\": null, \"tags\": {\"t\": \"v\"}, \"params\": {\"p\": \"1\"}, "          \
       "\"metrics\": [{\"key\": \"acc\", \"value\": 0.5, \"timestamp\": 3, \"step\": 4, "          \
       "\"model_id\": \"m-1\", \"dataset_name\": \"x\", \"dataset_digest\": \"d\", \"run_id\": "   \
       "\"" RUN "\"}]}")
  (void)state;
  put("a/" RUN "/m-1/logged_model.json", MODEL);
  put("logged_models/m-1/logged_model.json", MODEL);
  put("logged_models/m-2/logged_model.json", WRAP("{\"model_id\": \"m-2\"}"));
  put("logged_models/m-3/logged_model.json", WRAP("{\"model_id\": \"m-3\", \"experiment_id\": "
                                                  "\"7\", \"status\": \"BAKED\"}"));
  put("z/" RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  read_export();
  expect("run_end\nlogged_model m-1 ");
  expect("logged_model_end\n");
  assert_int_equal(count_lines("logged_model m-1"), 1);
  assert_int_equal(count_lines("note reject logged_models bad-field rows=1 "), 2);
}

static void a_bad_document_costs_itself(void **state) {
  (void)state;
  put("experiment.json", EXPERIMENT);
  put(RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  put("a/run.json", "");
  put("b/run.json", "[1]");
  put("c/run.json", "{\"mlflow\": {" INFO(RUN2) ",\n\"metrics\": {\"loss\": [{\"value\": 1");
  put("d/run.json", WRAP("{\"params\": {}}"));
  put("e/run.json", WRAP("{\"info\": {\"run_id\": \"x\"}}"));
  put("f/run.json", WRAP("{\"info\": {\"run_id\": \"f\", \"experiment_id\": \"7\", \"status\": "
                         "\"DONE\"}}"));
  put("g/run.json", WRAP("{\"info\": {\"run_id\": \"g\", \"experiment_id\": \"7\", \"start_time\": "
                         "\"soon\"}}"));
  put("h/run.json/x", "");
  put("i/run.json", "{\"mlflow\": {\n\"info\": {\"run_id\": nothing}}}");
  read_export();
  expect(REJECTED_RUN "bad-json rows=1 id=NULL path=a/run.json:1: it is no JSON: it ends "
                      "before the document does\n");
  expect(REJECTED_RUN "bad-json rows=1 id=NULL path=b/run.json:1: it is no JSON object\n");
  expect(REJECTED_RUN "bad-json rows=1 id=" RUN2 " path=c/run.json:2: it is no JSON: it ends");
  expect(REJECTED_RUN "bad-json rows=1 id=NULL path=d/run.json:");
  expect(REJECTED_RUN "bad-field rows=1 id=NULL path=e/run.json:");
  expect(REJECTED_RUN "bad-field rows=1 id=NULL path=f/run.json:");
  expect(REJECTED_RUN "bad-field rows=1 id=NULL path=g/run.json:");
  expect(REJECTED_RUN "bad-json rows=1 id=NULL path=i/run.json:2: it is no JSON: ");
  assert_int_equal(count_lines("run "), 1);
  assert_int_equal(count_lines("run_end"), 1);
}

static void a_bad_value_costs_itself(void **state) {
  (void)state;
  put("run.json",
      WRAP("{" INFO(
          RUN) ", \"params\": {\"l\": [1], \"n\": null, \"i\": 3}, \"tags\": {\"o\": {}},\n"
               "\"metrics\": {\"m\": [{\"value\": 1, \"timestamp\": 1, \"step\": 0},\n"
               "{\"value\": \"1\", \"timestamp\": 1, \"step\": 0},\n"
               "{\"value\": 1, \"timestamp\": 1.5, \"step\": 0}, {\"value\": 1, \"timestamp\": 1}, 5, "
               "[], {\"value\": 1, \"timestamp\": 1, \"step\": 9223372036854775808}, {\"value\": "
               "2, \"timestamp\": 1, \"step\": 1}],\n"
               "\"o\": {}, \"s\": 1}, \"later\": {\"x\": 1}}"));
  read_export();
  expect(
      "note reject params bad-field rows=1 id=" RUN " path=run.json:1: the value of l is no text\n"
      "param n=\nparam i=3\n"
      "note reject tags bad-field rows=1 id=" RUN " path=run.json:1: the value of o is no text\n");
  expect("points m (1,1,0) (1,2,1)\nnote reject metrics bad-metric rows=6 id=" RUN
         " path=run.json:3: a point of m has");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=run.json:5: a point of o has");
  expect("note reject metrics bad-metric rows=1 id=" RUN " path=run.json:5: a point of s has");
  expect("note ignored unknown fields of run.json ignored rows=1 ");
  expect("run_end\n");
}

static void runs_of_a_rejected_experiment_are_rejected(void **state) {
  (void)state;
  put("a/experiment.json", EXPERIMENT);
  put("a/" RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  put("b/experiment.json", EXPERIMENT);
  put("b/" RUN2 "/run.json", WRAP("{" INFO(RUN2) "}"));
  put("c/experiment.json", "{");
  put("c/x/run.json", WRAP("{" INFO("x") "}"));
  read_export();
  expect("note reject experiments experiment-duplicate rows=1 id=b path=b/experiment.json:");
  expect("note reject experiments bad-json rows=1 id=c path=c/experiment.json:");
  expect(REJECTED_RUN "no-experiment rows=1 id=" RUN2 " path=b/" RUN2 "/run.json:");
  expect(REJECTED_RUN "no-experiment rows=1 id=x path=c/x/run.json:");
  assert_int_equal(count_lines("run "), 1);
}

static void runs_that_are_listed_but_not_there_are_told(void **state) {
  (void)state;
  put("experiment.json", EXPERIMENT);
  read_export();
  expect("note reject runs missing rows=1 id=" RUN " path=experiment.json:");
}

/* Between the survey and the rows of the run. */
static void a_document_that_changes_meanwhile_costs_itself(void **state) {
  const struct mlt_source_ops *ops = mlt_source_by_name("export-import");
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_source *s = NULL;
  struct mlt_record rec;
  enum mlt_rc rc;
  (void)state;
  put("1/run.json", WRAP("{" INFO(RUN) ", " BODY "}"));
  put("2/run.json", WRAP("{" INFO(RUN2) ", " BODY "}"));
  assert_int_equal(ops->open(&s, &(struct mlt_source_opts){.path = store}, &err), MLT_OK);
  mlt_buf_clear(&stream);
  while ((rc = ops->next(s, &rec, &err)) == MLT_OK) {
    say_record(&rec);
    if (rec.kind == MLT_REC_RUN && mlt_str_is(rec.run.run_uuid, RUN))
      put("1/run.json", "{}");
  }
  ops->close(s);
  assert_string_equal(err.msg, "");
  assert_int_equal(rc, MLT_END);
  expect("note reject metrics bad-json rows=1 id=" RUN " ");
  expect("param lr=0.1\n");
  assert_int_equal(count_lines("run_end"), 2);
}

static void formats_are_recognised(void **state) {
  struct mlt_err err = MLT_ERR_INIT;
  (void)state;
  put("export/1/experiment.json", EXPERIMENT);
  put("export/experiments.json", WRAP("{}"));
  put("nested/1/" RUN "/run.json", WRAP("{" INFO(RUN) "}"));
  put("other/run.json", "{\"x\": 1}");
  assert_string_equal(mlt_source_detect(in_store("export"), &err)->name, "export-import");
  assert_string_equal(mlt_source_detect(in_store("export/1"), &err)->name, "export-import");
  assert_string_equal(mlt_source_detect(in_store("nested"), &err)->name, "export-import");
  assert_string_equal(mlt_source_detect(in_store("nested/1/" RUN "/run.json"), &err)->name,
                      "export-import");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, new_store, drop_store)
  const struct CMUnitTest tests[] = {
      TEST(an_experiment_and_its_runs_keep_ids_and_times),
      TEST(runs_without_their_experiment_get_one),
      TEST(a_run_exported_twice_comes_once),
      TEST(the_registry_comes_last),
      TEST(logged_models_come_after_all_runs),
      TEST(a_bad_document_costs_itself),
      TEST(a_bad_value_costs_itself),
      TEST(runs_of_a_rejected_experiment_are_rejected),
      TEST(runs_that_are_listed_but_not_there_are_told),
      TEST(a_document_that_changes_meanwhile_costs_itself),
      TEST(formats_are_recognised),
  };
  return cmocka_run_group_tests_name("source/exim", tests, NULL, NULL);
}
