/* Connections, catalogs, schemas and experiment ids on a real PostgreSQL. */
#include "pg_harness.h"

static void experiments_get_the_ids_mlflow_would_give(void **state) {
  (void)state;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  run(pg, "SELECT setval('public.experiments_experiment_id_seq', 5000)");
  assert_int_equal(new_experiment(pg, "zero", 0), 0);
  assert_int_equal(new_experiment(pg, "zero taken", 0), 5001);
  assert_int_equal(new_experiment(pg, "any", -1), 5002);
  assert_int_equal(new_experiment(pg, "too big for the column", INT64_C(999999999999999999)), 5003);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void a_lagging_sequence_is_moved_ahead(void **state) {
  (void)state;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  run(pg, "INSERT INTO experiments (experiment_id, name) VALUES (9000, 'by hand');"
          "SELECT setval('public.experiments_experiment_id_seq', 8000)");
  assert_int_equal(new_experiment(pg, "after by hand", -1), 9001);
  assert_int_equal(new_experiment(pg, "wanted", 9500), 9500);
  assert_int_equal(number(pg, "SELECT nextval('public.experiments_experiment_id_seq')"), 9501);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void an_experiment_made_by_another_may_be_tried_again(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  int64_t id;
  const struct mlt_value row[MLT_MAX_COLUMNS] = {I(0), T("twice"), NUL, T("active"), NUL, NUL};
  struct mlt_pg *pg = open_pg();
  begin(pg);
  assert_true(new_experiment(pg, "twice", -1) > 0);
  assert_int_equal(mlt_pg_insert_experiment(pg, row, -1, NULL, &id, &err), MLT_TEMPFAIL);
  assert_non_null(strstr(err.msg, "\"twice\""));
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void a_sequence_is_found_however_it_is_tied_to_its_column(void **state) {
  (void)state;
  static const char *const ties[] = {
      /* a restored default on a sequence of another name, which nothing owns */
      "CREATE SEQUENCE public.other START 700;"
      "ALTER TABLE experiments ALTER experiment_id SET DEFAULT nextval('public.other'::regclass);",
      "ALTER TABLE experiments ALTER experiment_id DROP DEFAULT;"
      "DROP SEQUENCE IF EXISTS public.experiments_experiment_id_seq;"
      "ALTER TABLE experiments ALTER experiment_id ADD GENERATED ALWAYS AS IDENTITY (START 700)"};
  for (size_t i = 0; i < 2; i++) {
    struct mlt_pg *pg = open_pg();
    begin(pg);
    run(pg, "DELETE FROM metrics; DELETE FROM runs; DELETE FROM experiments");
    run(pg, ties[i]);
    assert_int_equal(new_experiment(pg, "tied", -1), 700);
    mlt_pg_rollback(pg);
    mlt_pg_close(pg);
  }
}

static void a_column_without_sequence_is_a_schema_matter(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  int64_t id;
  const struct mlt_value row[MLT_MAX_COLUMNS] = {I(0), T("unnumbered"), NUL, T("active"), NUL, NUL};
  struct mlt_pg *pg = open_pg();
  begin(pg);
  run(pg, "ALTER TABLE experiments ALTER experiment_id DROP DEFAULT;"
          "DROP SEQUENCE public.experiments_experiment_id_seq");
  assert_int_equal(mlt_pg_insert_experiment(pg, row, -1, NULL, &id, &err), MLT_SCHEMA);
  assert_non_null(strstr(err.msg, "no sequence"));
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
}

static void rows_of_other_workspaces_are_not_seen(void **state) {
  (void)state;
  struct mlt_pg *pg = open_pg();
  begin(pg);
  int64_t id = new_experiment(pg, "shared name", -1);
  if (features & MLT_F_WORKSPACE)
    run(pg, "INSERT INTO experiments (name, workspace) VALUES ('shared name', 'team')");
  struct seen *s = calloc(1, sizeof *s);
  select_by(pg, MLT_T_EXPERIMENTS, MLT_C_EXPERIMENTS_name, "shared name", s);
  assert_int_equal(s->n, 1);
  assert_true(s->last[0].i == id);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  free(s);
}

static void the_catalog_tells_what_is_there(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog cat;
  struct mlt_pg *pg = open_pg();
  must(mlt_pg_catalog(pg, arena, &cat, &err), &err);
  assert_int_equal(PQtransactionStatus(pg->conn), PQTRANS_IDLE);
  assert_string_equal(cat.head, head);
  assert_int_equal(cat.head_rows, 1);
  assert_string_equal(cat.schema, "public");
  assert_string_equal(cat.encoding, "UTF8");
  assert_int_equal(strncmp(cat.database, "PostgreSQL 1", 12), 0);
  const struct mlt_cat_table *t = mlt_cat_table(&cat, "experiments");
  assert_int_equal(t->relkind, 'r');
  assert_null(t->trigger);
  const struct mlt_cat_column *id = mlt_cat_column(t, "experiment_id");
  assert_string_equal(id->type, "integer");
  assert_true(id->not_null && id->has_default);
  const struct mlt_cat_column *name = mlt_cat_column(t, "name");
  assert_string_equal(name->type, "character varying");
  assert_int_equal(name->chars, 256);
  assert_false(name->has_default);
  t = mlt_cat_table(&cat, "metrics");
  bool found = false;
  for (size_t i = 0; i < t->n_indexes; i++)
    if (t->indexes[i].primary) {
      found = t->indexes[i].unique && t->indexes[i].valid && !t->indexes[i].partial;
      assert_int_equal(t->indexes[i].n, 6);
      assert_string_equal(t->indexes[i].columns[5], "is_nan");
    }
  assert_true(found);
  mlt_pg_close(pg);
  mlt_arena_free(arena);
}

static void odd_tables_are_told_as_such(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog cat;
  struct mlt_pg *pg = open_pg();
  run(pg,
      "BEGIN; ALTER TABLE tags ENABLE ROW LEVEL SECURITY;"
      "CREATE INDEX odd ON tags (lower(value), key) WHERE key <> '';"
      "CREATE RULE quiet AS ON INSERT TO params DO INSTEAD NOTHING;"
      "CREATE VIEW a_view AS SELECT 1 AS x;"
      "CREATE FUNCTION public.quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER loud BEFORE INSERT ON tags FOR EACH ROW EXECUTE FUNCTION public.quiet();"
      "DELETE FROM alembic_version");
  must(mlt_pg_catalog(pg, arena, &cat, &err), &err);
  assert_null(cat.head);
  assert_int_equal(cat.head_rows, 0);
  const struct mlt_cat_table *t = mlt_cat_table(&cat, "tags");
  assert_true(t->row_security);
  assert_string_equal(t->trigger, "loud");
  assert_string_equal(mlt_cat_table(&cat, "params")->rule, "quiet");
  assert_int_equal(mlt_cat_table(&cat, "a_view")->relkind, 'v');
  bool found = false;
  for (size_t i = 0; i < t->n_indexes; i++)
    if (strcmp(t->indexes[i].name, "odd") == 0) {
      found = t->indexes[i].partial && !t->indexes[i].unique;
      assert_string_equal(t->indexes[i].columns[0], "(expression)");
      assert_string_equal(t->indexes[i].columns[1], "key");
    }
  assert_true(found);
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  mlt_arena_free(arena);
}

/* Another schema, whose name must be quoted, ahead of public. */
static struct mlt_pg *open_in_schema(const char *schema) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg;
  char text[512];
  (void)snprintf(text, sizeof text, "%s%soptions=-csearch_path%%3D%s", conninfo,
                 strchr(conninfo, '?') ? "&" : "?", schema);
  must(mlt_pg_open(&pg, text, "mltrack test", &err), &err);
  return pg;
}

static void a_schema_of_any_name_is_made_and_used(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  char *script;
  struct mlt_arena *arena = mlt_arena_new();
  struct mlt_catalog cat;
  struct mlt_pg *admin = open_pg();
  run(admin, "CREATE SCHEMA \"Mixed \"\"Case\"");
  struct mlt_pg *pg = open_in_schema("%22Mixed%5C%20%22%22Case%22");
  assert_string_equal(pg->schema, "Mixed \"Case");
  must(mlt_schema_ddl(mlt_head_by_revision(head), MLT_TARGET_PG, &script, &err), &err);
  must(mlt_pg_run_ddl(pg, script, &err), &err);
  must(mlt_pg_catalog(pg, arena, &cat, &err), &err);
  assert_string_equal(cat.schema, "Mixed \"Case");
  assert_string_equal(cat.head, head);
  begin(pg);
  new_run(pg, "elsewhere");
  commit(pg);
  assert_int_equal(number(admin, "SELECT count(*) FROM \"Mixed \"\"Case\".runs"), 1);
  assert_int_equal(number(admin, "SELECT count(*) FROM runs WHERE run_uuid = 'elsewhere'"), 0);
  assert_int_equal(mlt_pg_run_ddl(pg, script, &err), MLT_SCHEMA); /* it is there already */
  assert_non_null(strstr(err.msg, "statement "));
  run(admin, "DROP SCHEMA \"Mixed \"\"Case\" CASCADE");
  free(script);
  mlt_pg_close(pg);
  mlt_pg_close(admin);
  mlt_arena_free(arena);
}

/* public may let everybody create functions; better matches there must not be called. */
static void operators_of_other_users_are_not_called(void **state) {
  (void)state;
  struct mlt_pg *admin = open_pg();
  run(admin,
      "CREATE FUNCTION public.trap(varchar, text) RETURNS boolean LANGUAGE plpgsql AS"
      " 'BEGIN RAISE EXCEPTION ''trapped''; END';"
      "CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = public.trap)");
  struct mlt_pg *pg = open_pg();
  begin(pg);
  assert_true(new_experiment(pg, "not trapped", -1) > 0);
  struct seen *s = calloc(1, sizeof *s);
  select_by(pg, MLT_T_EXPERIMENTS, MLT_C_EXPERIMENTS_name, "not trapped", s);
  assert_int_equal(s->n, 1);
  mlt_pg_rollback(pg);
  run(admin, "DROP OPERATOR public.= (varchar, text); DROP FUNCTION public.trap(varchar, text)");
  mlt_pg_close(pg);
  mlt_pg_close(admin);
  free(s);
}

static void opening_fails_with(const char *target, enum mlt_rc rc, const char *hint) {
  struct mlt_err err = MLT_ERR_INIT;
  struct mlt_pg *pg;
  assert_int_equal(mlt_pg_open(&pg, target, "mltrack test", &err), rc);
  assert_null(pg);
  assert_int_equal(err.rc, rc);
  assert_null(strstr(err.msg, "canary"));
  assert_null(strstr(err.hint, "canary"));
  if (!strstr(err.hint, hint))
    fail_msg("%s: hint \"%s\" does not say \"%s\"", err.msg, err.hint, hint);
}

static void failures_to_connect_are_told_apart(void **state) {
  (void)state;
  char text[512];
  opening_fails_with("postgresql://u:canary@127.0.0.1:1/x", MLT_UNAVAILABLE,
                     "is PostgreSQL running");
  opening_fails_with("host=127.0.0.1 password=two canary words", MLT_USAGE, "host=");
  opening_fails_with("postgresql://u:canary@[127.0.0.1/x", MLT_USAGE, "postgresql://");
  /* libpq takes the last database given */
  (void)snprintf(text, sizeof text, "%s%sdbname=no_such_database", conninfo,
                 strchr(conninfo, '?') ? "&" : "?");
  opening_fails_with(text, MLT_UNAVAILABLE, "createdb no_such_database");
  (void)snprintf(text, sizeof text, "%s%suser=no_such_role&password=canary", conninfo,
                 strchr(conninfo, '?') ? "&" : "?");
  opening_fails_with(text, MLT_NOPERM, "pg_hba.conf");
}

static void missing_privileges_name_the_grant(void **state) {
  (void)state;
  struct mlt_err err = MLT_ERR_INIT;
  char text[512];
  struct mlt_pg *admin = open_pg(), *pg;
  run(admin, "DROP ROLE IF EXISTS mlt_poor; CREATE ROLE mlt_poor LOGIN;"
             "GRANT SELECT ON ALL TABLES IN SCHEMA public TO mlt_poor");
  (void)snprintf(text, sizeof text, "%s%suser=mlt_poor", conninfo,
                 strchr(conninfo, '?') ? "&" : "?");
  must(mlt_pg_open(&pg, text, "mltrack test", &err), &err);
  assert_int_equal(mlt_pg_begin(pg, false, head, features, &err), MLT_NOPERM);
  assert_string_equal(err.sqlstate, "42501");
  assert_non_null(
      strstr(err.hint, "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA \"public\" TO \"mlt_poor\""));
  mlt_err_clear(&err);
  run(admin, "GRANT INSERT ON ALL TABLES IN SCHEMA public TO mlt_poor");
  must(mlt_pg_begin(pg, false, head, features, &err), &err);
  const struct mlt_value row[MLT_MAX_COLUMNS] = {I(0), T("poor"), NUL, T("active"), NUL, NUL};
  int64_t id;
  assert_int_equal(mlt_pg_insert_experiment(pg, row, -1, NULL, &id, &err), MLT_NOPERM);
  assert_non_null(strstr(err.hint, "ON ALL SEQUENCES IN SCHEMA \"public\""));
  mlt_pg_rollback(pg);
  mlt_pg_close(pg);
  run(admin, "DROP OWNED BY mlt_poor; DROP ROLE mlt_poor");
  mlt_pg_close(admin);
}

int main(void) {
  if (!read_environment())
    return 2;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(experiments_get_the_ids_mlflow_would_give),
      cmocka_unit_test(a_lagging_sequence_is_moved_ahead),
      cmocka_unit_test(an_experiment_made_by_another_may_be_tried_again),
      cmocka_unit_test(a_sequence_is_found_however_it_is_tied_to_its_column),
      cmocka_unit_test(a_column_without_sequence_is_a_schema_matter),
      cmocka_unit_test(rows_of_other_workspaces_are_not_seen),
      cmocka_unit_test(the_catalog_tells_what_is_there),
      cmocka_unit_test(odd_tables_are_told_as_such),
      cmocka_unit_test(a_schema_of_any_name_is_made_and_used),
      cmocka_unit_test(operators_of_other_users_are_not_called),
      cmocka_unit_test(failures_to_connect_are_told_apart),
      cmocka_unit_test(missing_privileges_name_the_grant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
