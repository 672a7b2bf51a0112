/* Command lines as data. A program describes its options and commands once, in two tables; the
   parser, --help, the manual page and the shell completions all come from them. A program that has
   no commands has one whose name is empty. Knows no program: tables are passed in. Parsing uses
   getopt_long, whose state is the process's: call it from main only. Nothing here prints unless
   given a FILE. */
#ifndef MLT_BASE_OPT_H
#define MLT_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"

enum mlt_opt_kind {
  MLT_KIND_STOP, /* a flag that ends parsing at once: --help, --version */
  MLT_KIND_FLAG,
  MLT_KIND_STRING,
  MLT_KIND_LIST, /* may be given several times: mlt_args_list */
  MLT_KIND_UINT,
  MLT_KIND_SIZE, /* bytes, or with K, M, G behind the number */
  MLT_KIND_TIME, /* seconds, or with s, m, h behind the number */
  MLT_KIND_CHOICE,
  MLT_KIND_FILE,
  MLT_KIND_DIR
};

#define MLT_CMD_ALL UINT32_MAX /* an option of every command; may stand before the command, too */

struct mlt_opt {
  const char *name; /* "batch-rows" */
  char letter;      /* 0 = none */
  enum mlt_opt_kind kind;
  const char *arg;     /* "N" in help; NULL for flags */
  const char *dflt;    /* NULL = none */
  const char *choices; /* "a|b|c" for CHOICE, else NULL */
  uint32_t commands;   /* bits of mlt_cmd.bit */
  const char *env;     /* variable that stands in when the option is not given; NULL = none */
  const char *help;    /* one line, no full stop */
};

struct mlt_args;

struct mlt_cmd {
  const char *name; /* one or two words; "": the program itself, and it is the only one */
  uint32_t bit;
  const char *args;        /* positionals as help shows them: "SOURCE", "[COMMAND]"; NULL = none */
  const char *args_kind;   /* what a shell completes there: "file", "command"; NULL = nothing */
  const char *summary;     /* one line */
  const char *description; /* a paragraph */
  const char *examples;    /* lines "command line\twhat it does\n" */
  const char *exits;       /* what its exit statuses mean, one paragraph */
  int min_args, max_args;
  int (*run)(const struct mlt_args *); /* returns the process's exit status */
};

/* A word and what it means: environment variables of the manual. */
struct mlt_opt_note {
  const char *name, *help;
};

/* A section of the manual that lists words. */
struct mlt_opt_topic {
  const char *title, *text;
  const struct mlt_opt_note *notes;
  size_t n_notes;
};

struct mlt_program {
  const char *name, *version;
  const char *date; /* of the manual: "January 31, 2026" */
  const char *summary, *description;
  const struct mlt_opt *opts;
  size_t n_opts;
  const struct mlt_cmd *cmds;
  size_t n_cmds;
  const struct mlt_opt_topic *topics;
  size_t n_topics;
  const struct mlt_opt_note *environment;
  size_t n_environment;
};

/* A parsed command line. Strings belong to argv, the environment or the tables. */
struct mlt_args {
  const struct mlt_program *program;
  const struct mlt_cmd *cmd;  /* NULL when no command was named */
  const struct mlt_opt *stop; /* the MLT_KIND_STOP option that ended parsing, or NULL */
  int argc;                   /* positionals behind the command */
  const char **argv;
  const char **given;     /* by option; NULL = not on the command line; the last one counts */
  struct mlt_args_value { /* of LIST options, in order */
    size_t opt;
    const char *value;
  } * list;
  size_t n_list;
};

/* Fills *out; free it with mlt_args_free also after a failure. MLT_USAGE names the culprit, what is
   allowed, and the nearest known word. */
enum mlt_rc mlt_args_parse(struct mlt_args *out, const struct mlt_program *program, int argc,
                           char **argv, struct mlt_err *err) MLT_NODISCARD;
void mlt_args_free(struct mlt_args *args);

/* By index in program->opts. A value is the command line's, else the environment's, else the
   default. */
bool mlt_args_given(const struct mlt_args *args, size_t opt); /* on the command line */
bool mlt_args_flag(const struct mlt_args *args, size_t opt);
const char *mlt_args_str(const struct mlt_args *args, size_t opt); /* NULL if there is none */
/* The n-th value of a LIST option, from 0; NULL behind the last. */
const char *mlt_args_list(const struct mlt_args *args, size_t opt, size_t n);
uint64_t mlt_args_uint(const struct mlt_args *args, size_t opt); /* 0 if there is none */
uint64_t mlt_args_size(const struct mlt_args *args, size_t opt); /* in bytes; 0 likewise */
uint64_t mlt_args_time(const struct mlt_args *args, size_t opt); /* in seconds; 0 likewise */

/* The command of one or two words at words[0..n), NULL if there is none; *used = how many. */
const struct mlt_cmd *mlt_cmd_find(const struct mlt_program *program, const char *const *words,
                                   int n, int *used);
/* Do commands of two words begin with this one? */
bool mlt_cmd_is_group(const struct mlt_program *program, const char *word);
/* MLT_USAGE about words that name no command, with the nearest that does. */
enum mlt_rc mlt_cmd_unknown(const struct mlt_program *program, const char *const *words, int n,
                            struct mlt_err *err);

/* Prints to out; cmd NULL is the program's own help. Whether the writing worked, the caller learns
   from ferror. */
void mlt_opt_print_help(FILE *out, const struct mlt_program *program, const struct mlt_cmd *cmd);
void mlt_opt_print_man(FILE *out, const struct mlt_program *program); /* mdoc(7) */
/* shell: "bash", "zsh" or "fish". */
enum mlt_rc mlt_opt_print_completion(FILE *out, const struct mlt_program *program,
                                     const char *shell, struct mlt_err *err) MLT_NODISCARD;

#endif
