#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/opt.h"

/* A small program of our own: the option table knows no program. */
enum { ADD = 1, DB_CHECK = 2, DB_INIT = 4 };
enum { TO, MODE, COUNT, ROOM, WAIT, FORCE, OUT, DIR_, FROM, HELP, LOUD, FMT };

static const struct mlt_opt opts[] = {
    {"to", 0, MLT_KIND_STRING, "URI", NULL, NULL, ADD | DB_CHECK, NULL, "where to"},
    {"mode", 'm', MLT_KIND_CHOICE, "MODE", "auto", "auto|fast|slow", ADD, "PROG_MODE",
     "how; 'fast' [or] not"},
    {"count", 'n', MLT_KIND_UINT, "N", NULL, NULL, ADD, "PROG_COUNT", "how many"},
    {"room", 0, MLT_KIND_SIZE, "SIZE", NULL, NULL, ADD, NULL, "how much"},
    {"wait", 0, MLT_KIND_TIME, "TIME", NULL, NULL, ADD, NULL, "how long"},
    {"force", 'f', MLT_KIND_FLAG, NULL, NULL, NULL, ADD, NULL, "do it"},
    {"out", 0, MLT_KIND_FILE, "FILE", NULL, NULL, ADD, NULL, "into a file"},
    {"dir", 0, MLT_KIND_DIR, "DIR", NULL, NULL, ADD, NULL, "into a folder"},
    {"from", 0, MLT_KIND_LIST, "A=B", NULL, NULL, ADD, NULL, "more than one"},
    {"help", 'h', MLT_KIND_STOP, NULL, NULL, NULL, MLT_CMD_ALL, NULL, "help"},
    {"loud", 'l', MLT_KIND_FLAG, NULL, NULL, NULL, MLT_CMD_ALL, NULL, "say more"},
    {"fmt", 0, MLT_KIND_CHOICE, "F", "text", "text|json", MLT_CMD_ALL, NULL, "form"},
};

static int run(const struct mlt_args *args) {
  return args->argc;
}

static const struct mlt_cmd cmds[] = {
    {"add", ADD, "A [B]", "file", "adds", "Adds A. And B.", "prog add x\tOne\nprog add x y\tTwo\n",
     "0 when done.", 1, 2, run},
    {"db check", DB_CHECK, NULL, NULL, "checks", "Checks.", "prog db check\tIt\n", "0.", 0, 0, run},
    {"db init", DB_INIT, NULL, NULL, "makes", "Makes.", "prog db init\tIt\n", "0.", 0, 0, run},
};

static const struct mlt_program prog = {.name = "my-prog",
                                        .version = "1",
                                        .date = "January 1, 2026",
                                        .summary = "does things",
                                        .description = "Does things.",
                                        .opts = opts,
                                        .n_opts = sizeof opts / sizeof opts[0],
                                        .cmds = cmds,
                                        .n_cmds = sizeof cmds / sizeof cmds[0]};

static struct mlt_args args;
static struct mlt_err err;

/* Parses "my-prog" and the words of line; the line is cut at blanks. */
static enum mlt_rc parse(const char *line) {
  static char words[512];
  static char *argv[32];
  int argc = 0;
  argv[argc++] = (char *)(uintptr_t) "my-prog";
  (void)snprintf(words, sizeof words, "%s", line);
  char *rest = words, *word;
  while ((word = strsep(&rest, " ")) != NULL)
    if (*word)
      argv[argc++] = word;
  argv[argc] = NULL;
  mlt_err_clear(&err);
  mlt_args_free(&args);
  return mlt_args_parse(&args, &prog, argc, argv, &err);
}

static void refused(const char *line, const char *msg, const char *in_hint) {
  assert_int_equal(parse(line), MLT_USAGE);
  assert_string_equal(err.msg, msg);
  if (!strstr(err.hint, in_hint))
    fail_msg("hint of '%s': '%s' lacks '%s'", line, err.hint, in_hint);
}

static int tidy(void **state) {
  (void)state;
  mlt_args_free(&args);
  unsetenv("PROG_MODE");
  unsetenv("PROG_COUNT");
  return 0;
}

static void options_stand_before_and_behind_words(void **state) {
  (void)state;
  assert_int_equal(parse("-l add one --to x -m fast two --count=7 -f"), MLT_OK);
  assert_string_equal(args.cmd->name, "add");
  assert_int_equal(args.argc, 2);
  assert_string_equal(args.argv[0], "one");
  assert_string_equal(args.argv[1], "two");
  assert_string_equal(mlt_args_str(&args, TO), "x");
  assert_string_equal(mlt_args_str(&args, MODE), "fast");
  assert_int_equal(mlt_args_uint(&args, COUNT), 7);
  assert_true(mlt_args_flag(&args, FORCE));
  assert_true(mlt_args_flag(&args, LOUD));
  assert_int_equal(args.cmd->run(&args), 2);
}

static void posixly_correct_changes_nothing(void **state) {
  (void)state;
  setenv("POSIXLY_CORRECT", "1", 1);
  assert_int_equal(parse("add one -f"), MLT_OK);
  assert_true(mlt_args_flag(&args, FORCE));
  unsetenv("POSIXLY_CORRECT");
}

static void two_dashes_end_the_options(void **state) {
  (void)state;
  assert_int_equal(parse("add -f -- --to -x"), MLT_OK);
  assert_int_equal(args.argc, 2);
  assert_string_equal(args.argv[0], "--to");
  assert_string_equal(args.argv[1], "-x");
  assert_false(mlt_args_given(&args, TO));
}

static void a_lone_dash_is_a_word(void **state) {
  (void)state;
  assert_int_equal(parse("add -"), MLT_OK);
  assert_string_equal(args.argv[0], "-");
}

static void commands_of_two_words_are_found(void **state) {
  (void)state;
  assert_int_equal(parse("--fmt json db init -l"), MLT_OK);
  assert_string_equal(args.cmd->name, "db init");
  assert_string_equal(mlt_args_str(&args, FMT), "json");
}

static void values_come_from_line_environment_default(void **state) {
  (void)state;
  assert_int_equal(parse("add x"), MLT_OK);
  assert_string_equal(mlt_args_str(&args, MODE), "auto");
  assert_null(mlt_args_str(&args, TO));
  assert_int_equal(mlt_args_uint(&args, COUNT), 0);
  setenv("PROG_MODE", "slow", 1);
  assert_string_equal(mlt_args_str(&args, MODE), "slow");
  assert_false(mlt_args_given(&args, MODE));
  assert_int_equal(parse("add x -m fast"), MLT_OK);
  assert_string_equal(mlt_args_str(&args, MODE), "fast");
  setenv("PROG_MODE", "", 1);
  assert_int_equal(parse("add x"), MLT_OK);
  assert_string_equal(mlt_args_str(&args, MODE), "auto");
}

static void a_list_has_them_all_in_order(void **state) {
  (void)state;
  assert_int_equal(parse("add x --from a=1 --to z --from=b=2"), MLT_OK);
  assert_string_equal(mlt_args_list(&args, FROM, 0), "a=1");
  assert_string_equal(mlt_args_list(&args, FROM, 1), "b=2");
  assert_null(mlt_args_list(&args, FROM, 2));
  assert_null(mlt_args_list(&args, TO, 0));
}

static void the_last_of_two_wins(void **state) {
  (void)state;
  assert_int_equal(parse("add x --to a --to b"), MLT_OK);
  assert_string_equal(mlt_args_str(&args, TO), "b");
}

static void help_ends_parsing_before_complaints(void **state) {
  (void)state;
  assert_int_equal(parse("add --help --nonsense"), MLT_OK);
  assert_ptr_equal(args.stop, &opts[HELP]);
  assert_string_equal(args.cmd->name, "add");
  assert_int_equal(parse("-h"), MLT_OK);
  assert_ptr_equal(args.stop, &opts[HELP]);
  assert_null(args.cmd);
}

static void no_command_is_no_error_of_the_parser(void **state) {
  (void)state;
  assert_int_equal(parse(""), MLT_OK);
  assert_null(args.cmd);
  assert_null(args.stop);
}

static void unknown_words_get_the_nearest_known_one(void **state) {
  (void)state;
  refused("ad x", "'ad' is not a command", "did you mean 'add'?");
  refused("frobnicate", "'frobnicate' is not a command", "see 'my-prog help'");
  refused("db", "'db' needs one of: check, init", "my-prog help");
  refused("db chekc", "'db chekc' is not a command; 'db' takes: check, init",
          "did you mean 'db check'?");
  refused("add x --cuont 3", "unknown option --cuont", "did you mean '--count'?");
  refused("add x --zzzzzz=3", "unknown option --zzzzzz", "see 'my-prog add --help'");
  refused("add x -lz", "unknown option -z", "my-prog add --help");
  refused("--lod add", "unknown option --lod", "did you mean '--loud'?");
}

static void an_option_of_another_command_says_whose_it_is(void **state) {
  (void)state;
  refused("db init --to x", "--to is an option of 'add', not of 'db init'",
          "my-prog db init --help");
  refused("--force add x", "--force is an option of 'add': it goes after the command",
          "my-prog --help");
}

static void bad_values_name_option_and_choices(void **state) {
  (void)state;
  refused("add x --mode quick", "--mode: 'quick' is not one of: auto, fast, slow", "");
  refused("add x --mode fas", "--mode: 'fas' is not one of: auto, fast, slow", "");
  refused("add x --mode auto|fast", "--mode: 'auto|fast' is not one of: auto, fast, slow", "");
  static const char *const numbers[] = {"-1", "x", "1.5", "0x10", "18446744073709551616", "1e3"};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    char line[64], msg[128];
    (void)snprintf(line, sizeof line, "add x --count=%s", numbers[i]);
    (void)snprintf(msg, sizeof msg,
                   "--count: '%s' is not a whole number from 0 to 18446744073709551615",
                   numbers[i]);
    refused(line, msg, "");
  }
  assert_int_equal(parse("add x --count 18446744073709551615"), MLT_OK);
  assert_true(mlt_args_uint(&args, COUNT) == UINT64_MAX);
}

static void times_have_units(void **state) {
  (void)state;
  static const struct {
    const char *line;
    uint64_t seconds;
  } good[] = {{"add x --wait 0", 0},
              {"add x --wait 90", 90},
              {"add x --wait 90s", 90},
              {"add x --wait 5m", 300},
              {"add x --wait=2h", 7200}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(parse(good[i].line), MLT_OK);
    assert_true(mlt_args_time(&args, WAIT) == good[i].seconds);
  }
  static const char *const bad[] = {"", "m", "1.5h", "-1", "5M", "1d", "5124095576030432h"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[64];
    (void)snprintf(line, sizeof line, "add x --wait=%s", bad[i]);
    assert_int_equal(parse(line), MLT_USAGE);
  }
}

static void sizes_have_units(void **state) {
  (void)state;
  static const struct {
    const char *line;
    uint64_t bytes;
  } good[] = {{"add x --room 0", 0},
              {"add x --room 1000", 1000},
              {"add x --room 3K", 3072},
              {"add x --room 64M", 64 << 20},
              {"add x --room=2G", UINT64_C(2) << 30},
              {"add x --room 17179869183G", UINT64_MAX - (UINT64_C(1) << 30) + 1}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_int_equal(parse(good[i].line), MLT_OK);
    assert_true(mlt_args_size(&args, ROOM) == good[i].bytes);
  }
  static const char *const bad[] = {"",
                                    "M",
                                    "1.5G",
                                    "-1K",
                                    "12m",
                                    "1T",
                                    "1KM",
                                    "17179869184G",
                                    "18446744073709551616",
                                    "00000000000000000000000001"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char line[64], msg[128];
    (void)snprintf(line, sizeof line, "add x --room=%s", bad[i]);
    (void)snprintf(msg, sizeof msg, "--room: '%s' is not a size such as 512K, 64M or 2G", bad[i]);
    refused(line, msg, "");
  }
}

static void bad_values_of_the_environment_are_named_by_it(void **state) {
  (void)state;
  setenv("PROG_MODE", "quick", 1);
  refused("add x", "PROG_MODE: 'quick' is not one of: auto, fast, slow", "");
  assert_int_equal(parse("add x --mode fast"), MLT_OK);
  assert_int_equal(parse("db check"), MLT_OK); /* not an option of this one */
}

static void missing_and_surplus_are_refused(void **state) {
  (void)state;
  refused("add", "'add' needs: A [B]", "my-prog add --help");
  refused("add a b c", "'add' does not take 'c'", "my-prog add --help");
  refused("db check x", "'db check' does not take 'x'", "my-prog db check --help");
  refused("add x --to", "--to needs a value: --to URI", "my-prog add --help");
  refused("add x -m", "--mode needs a value: --mode MODE", "my-prog add --help");
  refused("add x --force=yes", "--force takes no value", "my-prog add --help");
}

/* What the printer writes, for strstr. */
static char *printed(const char *what) {
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  if (strcmp(what, "man") == 0)
    mlt_opt_print_man(f, &prog);
  else if (strcmp(what, "help") == 0)
    mlt_opt_print_help(f, &prog, &cmds[0]);
  else
    assert_int_equal(mlt_opt_print_completion(f, &prog, what, &err), MLT_OK);
  assert_int_equal(fclose(f), 0);
  return text;
}

static void every_form_knows_every_option(void **state) {
  (void)state;
  static const char *const forms[] = {"man", "bash", "zsh", "fish"};
  for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
    char *text = printed(forms[k]);
    for (size_t i = 0; i < prog.n_opts; i++)
      if (!strstr(text, opts[i].name))
        fail_msg("%s lacks %s", forms[k], opts[i].name);
    free(text);
  }
  mlt_err_clear(&err);
  assert_int_equal(mlt_opt_print_completion(stdout, &prog, "tcsh", &err), MLT_USAGE);
}

/* A program that has no commands: what would be the command's is its own. */
static void a_program_without_commands_is_its_own_command(void **state) {
  static const struct mlt_cmd self[] = {
      {"", ADD, "[A]", NULL, "does", "Does.", "one x\tIt\n", "0.", 0, 1, run}};
  static const struct mlt_opt_note notes[] = {{"word", "What it means."}};
  static const struct mlt_opt_topic topics[] = {{"WORDS", "There are:", notes, 1}};
  struct mlt_program one = prog;
  char *argv[] = {(char *)(uintptr_t) "one", (char *)(uintptr_t) "x",
                  (char *)(uintptr_t) "--count=3", NULL, NULL};
  char *text = NULL;
  size_t n = 0;
  (void)state;
  one.name = "one";
  one.cmds = self;
  one.n_cmds = 1;
  one.topics = topics;
  one.n_topics = 1;
  mlt_err_clear(&err);
  assert_int_equal(mlt_args_parse(&args, &one, 3, argv, &err), MLT_OK);
  assert_ptr_equal(args.cmd, self);
  assert_string_equal(args.argv[0], "x");
  assert_int_equal(mlt_args_uint(&args, COUNT), 3);
  mlt_args_free(&args);
  argv[3] = (char *)(uintptr_t) "y";
  assert_int_equal(mlt_args_parse(&args, &one, 4, argv, &err), MLT_USAGE);
  assert_string_equal(err.msg, "'one' does not take 'y'");
  assert_string_equal(err.hint, "see 'one --help'.");
  FILE *f = open_memstream(&text, &n);
  mlt_opt_print_help(f, &one, NULL);
  mlt_opt_print_man(f, &one);
  assert_int_equal(mlt_opt_print_completion(f, &one, "bash", &err), MLT_OK);
  assert_int_equal(fclose(f), 0);
  assert_non_null(strstr(text, "Usage: one [OPTION]... [A]\n"));
  assert_non_null(strstr(text, ".Sh OPTIONS\n"));
  assert_non_null(strstr(text, ".Sh WORDS\nThere are:\n"));
  assert_non_null(strstr(text, ".It Cm word\nWhat it means.\n"));
  assert_null(strstr(text, ".Sh COMMANDS"));
  assert_non_null(strstr(text, "'one --completion bash'"));
  free(text);
}

static void help_fits_eighty_columns(void **state) {
  (void)state;
  char *text = printed("help");
  for (const char *line = text; *line;) {
    size_t n = strcspn(line, "\n");
    assert_true(n <= 80);
    line += n + 1;
  }
  assert_non_null(strstr(text, "Usage: my-prog add [OPTION]... A [B]\n"));
  assert_non_null(strstr(text, "  -m, --mode MODE"));
  assert_null(strstr(text, "--nothing"));
  free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, tidy)
  const struct CMUnitTest tests[] = {TEST(options_stand_before_and_behind_words),
                                     TEST(posixly_correct_changes_nothing),
                                     TEST(two_dashes_end_the_options),
                                     TEST(a_lone_dash_is_a_word),
                                     TEST(commands_of_two_words_are_found),
                                     TEST(values_come_from_line_environment_default),
                                     TEST(a_list_has_them_all_in_order),
                                     TEST(the_last_of_two_wins),
                                     TEST(help_ends_parsing_before_complaints),
                                     TEST(no_command_is_no_error_of_the_parser),
                                     TEST(unknown_words_get_the_nearest_known_one),
                                     TEST(an_option_of_another_command_says_whose_it_is),
                                     TEST(bad_values_name_option_and_choices),
                                     TEST(sizes_have_units),
                                     TEST(times_have_units),
                                     TEST(bad_values_of_the_environment_are_named_by_it),
                                     TEST(missing_and_surplus_are_refused),
                                     TEST(every_form_knows_every_option),
                                     TEST(a_program_without_commands_is_its_own_command),
                                     TEST(help_fits_eighty_columns)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
