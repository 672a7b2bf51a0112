/* The command table of mltrack-bulk: what its commands are called, take, and say about themselves.
 */
#include "commands.h"

#include "base/uri.h"

static const struct mlt_opt opts[] = {
#define MLT_OPT(id, name, letter, kind, arg, dflt, choices, commands, env, help)                   \
  {name, letter, MLT_KIND_##kind, arg, dflt, choices, commands, env, help},
#include "options.def"
#undef MLT_OPT
};

static const struct mlt_cmd cmds[] = {
    {.name = "import",
     .bit = MLT_BIT_IMPORT,
     .args = "SOURCE",
     .args_kind = "file",
     .summary = "load the runs of a tracking store into a database",
     .description =
         "Loads every experiment, run, model and registered model of SOURCE into MLflow's own tables, "
         "in transactions of whole runs. SOURCE is an MLflow file store (mlruns) or database, tables of "
         "metrics (CSV or TSV files, logs of Keras, Lightning, Ultralytics, Ray, Hugging Face), a "
         "TensorBoard logdir, offline runs of wandb, or what mlflow-export-import wrote. "
         "Run ids, times and deleted states are kept; what went in is noted (see imports). "
         "What is there already and identical is counted as present, so a second import adds nothing; "
         "a run that has grown since takes what it lacks; "
         "what differs otherwise is a conflict and never overwritten, unless --load merge is given. "
         "A missing SQLite file is made with MLflow's schema and appears when everything is in it.",
     .examples =
         "mltrack-bulk import ./mlruns\tInto ./mlflow.db, made if missing\n"
         "mltrack-bulk import ./mlruns --to postgresql://mlflow@db.example.com/mlflow\tInto PostgreSQL\n"
         "mltrack-bulk import ./mlruns --on-error skip --rejects bad.jsonl\tGo on past broken runs and list them\n"
         "mltrack-bulk import lightning_logs --experiment mnist\tLogs of Lightning's CSVLogger\n"
         "mltrack-bulk import ./mlruns --dry-run --json\tSee what would be written\n",
     .exits =
         "0 when everything is in, 2 when it is done but records were rejected (--on-error skip), "
         "65 for bad data or a conflict, 66 when SOURCE cannot be read, 69 when the database cannot "
         "be reached, 75 when running again is safe, 78 for a schema that mltrack does not know.",
     .min_args = 1,
     .max_args = 1,
     .run = mlt_cmd_import},
    {.name = "imports",
     .bit = MLT_BIT_IMPORTS,
     .args = "[ID]",
     .summary = "list what was imported into a database",
     .description =
         "Lists the imports that the ledger of a database tells of, newest first; with ID, one of "
         "them and its batches. Imports keep that ledger in tables of their own: schema mltrack in "
         "PostgreSQL, tables mltrack_* in SQLite. One that wrote nothing is not listed.",
     .examples = "mltrack-bulk imports\tThe database in force (see ENVIRONMENT in the manual)\n"
                 "mltrack-bulk imports 3 --json\tOne import, for a script\n",
     .exits = "0, also when there are none; 66 when there is no such import or file, 69 when the "
              "database cannot be reached, 77 without permission, 78 when a newer mltrack made the "
              "ledger.",
     .max_args = 1,
     .run = mlt_cmd_imports},
    {.name = "progress",
     .bit = MLT_BIT_PROGRESS,
     .args = "[ID]",
     .summary = "show how far an import is, from anywhere",
     .description =
         "Shows what of import ID is committed: runs, rows, batches and how many rows a second in the "
         "last minute. Without ID it is the newest that is running. What is not committed yet is told "
         "as far as PostgreSQL does so: the rows of the COPY at hand, the phase of an index that is "
         "built. How much is left only the import itself knows: kill -USR1 has it say so. A SQLite "
         "file that is being made cannot be seen before it is complete.",
     .examples = "mltrack-bulk progress --follow\tThe newest, until it ends\n"
                 "mltrack-bulk progress 3 --json\tOne import, for a script\n",
     .exits =
         "0; 66 when there is no such import or file, or none is running; with --follow 75 when it "
         "failed or its process is gone: running it again goes on. 69 when the database cannot be "
         "reached, 77 without permission, 78 when a newer mltrack made the ledger.",
     .max_args = 1,
     .run = mlt_cmd_progress},
    {.name = "undo",
     .bit = MLT_BIT_UNDO,
     .args = "ID",
     .summary = "take back what an import wrote",
     .description =
         "Removes the rows that import ID wrote (see imports) and that nobody has touched since, in "
         "one transaction. A run that it created goes as a whole, or stays as a whole if anything of "
         "it was changed, or something else refers to it; what stays is named. In runs that were "
         "there before, what it added goes, what it changed becomes what it was, and latest metrics "
         "are found anew. Files of artifacts are not touched.",
     .examples = "mltrack-bulk undo 3 --dry-run\tWhat would go, and what would stay\n"
                 "mltrack-bulk undo 3\tThe database in force (see ENVIRONMENT in the manual)\n",
     .exits =
         "0 when it is done, also when something is left; 65 when the ledger's record is damaged, 66 "
         "when there is no such import or file, 69 when the database cannot be reached, 75 when the "
         "import is at work or running again is safe, 77 without permission, 78 for a schema that "
         "mltrack does not know.",
     .min_args = 1,
     .max_args = 1,
     .run = mlt_cmd_undo},
    {.name = "export",
     .bit = MLT_BIT_EXPORT,
     .args = "[SOURCE]",
     .args_kind = "file",
     .summary = "write a tracking store as JSON lines",
     .description =
         "Writes every experiment, run, model and registered model of SOURCE, which is whatever import "
         "reads, as JSON lines: one object a line, in an order that depends on nothing but the store, so "
         "that two exports can be compared with diff. import reads them back to the same rows. "
         "Without SOURCE the database is exported that import would write to. "
         "An output file appears when all of it is written. "
         "The result is told on standard error where the lines go to standard output. "
         "Artifacts are named, not contained.",
     .examples =
         "mltrack-bulk export > store.jsonl\tThe database in force (see ENVIRONMENT in the manual)\n"
         "mltrack-bulk export postgresql:///mlflow -o store.jsonl.zst\tA compressed file\n"
         "mltrack-bulk export old.db -o old.jsonl\tTo compare it: diff old.jsonl new.jsonl\n"
         "mltrack-bulk export ./mlruns --on-error skip --rejects bad.jsonl -o good.jsonl\tGo on past "
         "what cannot be read\n",
     .exits =
         "0 when everything is out, 2 when it is done but records were rejected (--on-error skip), "
         "65 for bad data, 66 when SOURCE cannot be read, 69 when the database cannot be reached, 73 "
         "when the output is there already or cannot be created, 74 when it cannot be written.",
     .max_args = 1,
     .run = mlt_cmd_export},
    {.name = "artifacts rewrite",
     .bit = MLT_BIT_ARTIFACTS_REWRITE,
     .args = "[DATABASE]",
     .summary = "change what a database calls the places of artifacts",
     .description =
         "Where the location of an experiment, the artifact URI of a run, the location of a logged "
         "model, the source or storage location of a model version begins with one prefix, it begins "
         "with the other afterwards: all in one transaction, and nothing if one of them would not "
         "fit its column. Files are not looked at, nor moved. DATABASE is given as --to is elsewhere; "
         "without it, the database in force is meant.",
     .examples =
         "mltrack-bulk artifacts rewrite --from /old/mlruns --to /srv/mlruns --dry-run\tHow many\n"
         "mltrack-bulk artifacts rewrite --from /srv/mlruns --to mlflow-artifacts:\tServed now\n",
     .exits =
         "0 when it is done, also when nothing begins so; 64 when a place would not fit, 66 when "
         "there is no such file, 69 when the database cannot be reached, 75 when running again is "
         "safe, 78 for a schema that mltrack does not know.",
     .max_args = 1,
     .run = mlt_cmd_artifacts_rewrite},
    {.name = "grants",
     .bit = MLT_BIT_GRANTS,
     .summary = "print the rights that a role needs to import",
     .description =
         "Prints the GRANT statements that let a role import into a PostgreSQL database as it is, "
         "and do nothing else there: read and add, with UPDATE where rows of runs that are there "
         "change (not for --load append). Nothing is changed: hand them to psql as the owner.",
     .examples =
         "mltrack-bulk grants --role loader --to postgresql:///mlflow | psql mlflow\tGrant them\n"
         "mltrack-bulk grants --role loader --load append\tFor imports that only add runs\n",
     .exits =
         "0 when they are printed, 64 for SQLite, which has no roles, 69 when the database "
         "cannot be reached, 77 without permission, 78 for a schema that mltrack does not know.",
     .run = mlt_cmd_grants},
    {.name = "schema check",
     .bit = MLT_BIT_SCHEMA_CHECK,
     .summary = "tell whether mltrack can write to a database",
     .description = "Compares the tables of the database with what mltrack writes and names every "
                    "difference. Nothing is changed.",
     .examples =
         "mltrack-bulk schema check\tThe database in force (see ENVIRONMENT in the manual)\n"
         "mltrack-bulk schema check --to sqlite:///mlflow.db --json\tFor a script\n",
     .exits =
         "0 when it fits, 66 when there is no such file, 69 when the database cannot be reached, "
         "77 without permission, 78 when it does not fit.",
     .run = mlt_cmd_schema_check},
    {.name = "schema show",
     .bit = MLT_BIT_SCHEMA_SHOW,
     .summary = "show which MLflow schema a database has",
     .description =
         "Prints the database's schema revision, the MLflow releases that have it, and what "
         "it can hold. Nothing is changed.",
     .examples =
         "mltrack-bulk schema show\tThe database in force\n"
         "mltrack-bulk schema show --to 'service=mlflow' --json\tA libpq service, for a script\n",
     .exits = "0 when there is one, 66 when there is no such file, 69 when the database cannot be "
              "reached, 77 without permission, 78 when it holds no MLflow schema.",
     .run = mlt_cmd_schema_show},
    {.name = "schema init",
     .bit = MLT_BIT_SCHEMA_INIT,
     .summary = "make MLflow's tables in an empty database",
     .description =
         "Makes MLflow's full schema, as MLflow itself would, in an empty database or a new "
         "SQLite file. An MLflow older than the schema refuses it and a newer one upgrades "
         "it, so the default is the oldest that holds everything mltrack writes. "
         "Existing tables are never changed. With --ledger it makes instead the tables in which "
         "imports keep what they wrote (mltrack-bulk imports), for roles that may not do so "
         "themselves.",
     .examples = "mltrack-bulk schema init --to sqlite:///mlflow.db\tA new file\n"
                 "mltrack-bulk schema init --to postgresql:///mlflow --mlflow-version 3.10\tFor "
                 "a server of that release\n",
     .exits =
         "0 when it is made, 64 for an unknown release, 69 when the database cannot be reached, 73 "
         "when the file cannot be created or MLflow's tables are there already, 77 without "
         "permission.",
     .run = mlt_cmd_schema_init},
    {.name = "help",
     .bit = MLT_BIT_HELP,
     .args = "[COMMAND]",
     .args_kind = "command",
     .summary = "show help, the manual or shell completions",
     .description =
         "Shows the help of a command, or prints the manual page or a completion script.",
     .examples = "mltrack-bulk help import\tThe options of import\n"
                 "mltrack-bulk help --man | man -l -\tThe whole manual\n"
                 "source <(mltrack-bulk help --completion bash)\tComplete commands and options "
                 "in this shell\n",
     .exits = "0, or 64 when there is no such command.",
     .max_args = 2,
     .run = mlt_cmd_help},
};

static const struct mlt_opt_note environment[] = {
    {"MLFLOW_BACKEND_STORE_URI", "The database, when neither --to nor MLTRACK_STORE_URI is given."},
    {"MLFLOW_TRACKING_URI", "The database, when none of the former is given and this names one."},
    {"MLFLOW_TRUNCATE_LONG_VALUES",
     "When false, a param or tag value that does not fit its column is rejected, not cut."},
    {"TMPDIR", "Where runs too large for --memory are sorted; /tmp when it is not set."},
    {"NO_COLOR", "When set and not empty, nothing is coloured unless --color always."},
    {"CLICOLOR_FORCE", "When set and not 0, colours are used although the output is no terminal."},
    {"PGHOST",
     "This and libpq's other variables, the password file and the service file work as in psql."},
};

const struct mlt_program mlt_bulk = {
    .name = "mltrack-bulk",
    .version = MLT_VERSION,
    .date = "November 21, 2026",
    .summary = "load MLflow runs straight into MLflow's own database",
    .description =
        "Writes MLflow runs, params, metrics, tags, datasets and models straight into the "
        "PostgreSQL or SQLite tables of MLflow, without its server. "
        "The stock MLflow reads them as if it had written them.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0],
    .cmds = cmds,
    .n_cmds = sizeof cmds / sizeof cmds[0],
    .environment = environment,
    .n_environment = sizeof environment / sizeof environment[0],
};

const char *mlt_bulk_target(const struct mlt_args *args, const char **origin) {
  bool given = mlt_args_given(args, MLT_OPT_TO);
  return mlt_target_default(given ? mlt_args_str(args, MLT_OPT_TO) : NULL, NULL, origin);
}
