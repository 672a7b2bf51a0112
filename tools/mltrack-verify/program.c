/* The table of mltrack-verify: what it takes and says about itself. */
#include "program.h"

#include "verify/verify.h"

static const struct mlt_opt opts[] = {
#define MLT_OPT(id, name, letter, kind, arg, dflt, choices, commands, env, help)                   \
  {name, letter, MLT_KIND_##kind, arg, dflt, choices, commands, env, help},
#include "options.def"
#undef MLT_OPT
};

static const struct mlt_cmd cmds[] = {
    {.name = "",
     .bit = MLT_OWN,
     .summary = "verify a tracking store",
     .description =
         "Compares what MLflow's database says with itself and with the artifact files it names, and "
         "names every difference. Nothing is written: the database is read in one read-only "
         "transaction, also while a server works with it. --source also sets the "
         "database against what was imported into it. --repair is the exception: it shows what it is to "
         "change, asks, and writes by MLflow's rules in one transaction; without a terminal it needs --yes. Times are 30s, 5m, 12h, 7d, 2w.",
     .examples =
         "mltrack-verify\tThe database in force (see ENVIRONMENT in the manual)\n"
         "mltrack-verify --to postgresql:///mlflow --artifacts-destination /srv/mlartifacts\tA server's store\n"
         "mltrack-verify --run 0123456789abcdef0123456789abcdef --quiet\tAt the end of a training job\n"
         "mltrack-verify --full --junit verify.xml --md\tIn CI: read every file\n"
         "mltrack-verify --source ./mlruns --check source\tAfter an import: is all of it in?\n"
         "mltrack-verify --repair stale-runs --stale 2d\tEnd the runs that were left behind\n",
     .exits =
         "0 when database and disk agree (warnings may be named), 1 when differences were found, "
         "64 for a wrong command line, 66 when there is no such file, 69 when the database cannot "
         "be reached, 77 without permission, 78 for a schema that mltrack does not know.",
     .run = mlt_cmd_verify},
};

static const struct mlt_opt_note findings[] = {
#define MLT_FINDING(id, code, severity, meaning) {code, #severity ": " meaning "."},
#include "verify/findings.def"
#undef MLT_FINDING
};

static const struct mlt_opt_topic topics[] = {
    {"FINDINGS",
     "What can be found, as \"code\" in --json. An ERROR is a difference and gives exit status 1; a WARNING "
     "may be meant; an INFO is good to know.",
     findings, sizeof findings / sizeof findings[0]},
};

static const struct mlt_opt_note environment[] = {
    {"MLFLOW_BACKEND_STORE_URI", "The database, when neither --to nor MLTRACK_STORE_URI is given."},
    {"MLFLOW_TRACKING_URI", "The database, when none of the former is given and this names one."},
    {"MLFLOW_TRACKING_TOKEN",
     "This and MLflow's other variables of a client (_USERNAME, _PASSWORD, _SERVER_CERT_PATH, "
     "_CLIENT_CERT_PATH, _INSECURE_TLS) say who asks --server."},
    {"TMPDIR",
     "Where SQLite keeps a copy of a file that is not in WAL mode while it is looked at."},
    {"NO_COLOR", "When set and not empty, nothing is coloured unless --color always."},
    {"CLICOLOR_FORCE", "When set and not 0, colours are used although the output is no terminal."},
    {"PGHOST",
     "This and libpq's other variables, the password file and the service file work as in psql."},
};

const struct mlt_program mlt_verify_program = {
    .name = "mltrack-verify",
    .version = MLT_VERSION,
    .date = "November 21, 2026",
    .summary = "tell whether an MLflow tracking store is what it says it is",
    .description =
        "Compares what is in MLflow's database, SQLite or PostgreSQL, with what follows from "
        "the rest of it and with the artifact files it names.",
    .opts = opts,
    .n_opts = sizeof opts / sizeof opts[0],
    .cmds = cmds,
    .n_cmds = sizeof cmds / sizeof cmds[0],
    .topics = topics,
    .n_topics = sizeof topics / sizeof topics[0],
    .environment = environment,
    .n_environment = sizeof environment / sizeof environment[0],
};
