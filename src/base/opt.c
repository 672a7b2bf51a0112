/* The parser. getopt_long does the scanning; this file turns the tables into its form, its verdicts
   into messages, and checks values. Help and completions are in opt_help.c, opt_man.c and
   opt_complete.c. */
#include "base/opt.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt_intern.h"

enum { POSITIONAL = 1, OPT_BASE = 256, WORD_MAX_LEN = 64 };

const struct mlt_cmd *mlt_opt_alone(const struct mlt_program *p) {
  return p->n_cmds == 1 && !*p->cmds[0].name ? &p->cmds[0] : NULL;
}

void mlt_opt_help_command(const struct mlt_program *p, const struct mlt_cmd *cmd, char *buf,
                          size_t size) {
  const char *name = cmd ? cmd->name : "";
  (void)snprintf(buf, size, "%s%s%s --help", p->name, *name ? " " : "", name);
}

bool mlt_opt_takes_value(const struct mlt_opt *o) {
  return o->kind != MLT_KIND_STOP && o->kind != MLT_KIND_FLAG;
}

bool mlt_opt_applies(const struct mlt_opt *o, const struct mlt_cmd *cmd) {
  return cmd ? (o->commands & cmd->bit) != 0 : o->commands == MLT_CMD_ALL;
}

/* --- Nearest known word --- */

static size_t min3(size_t a, size_t b, size_t c) {
  size_t m = a < b ? a : b;
  return m < c ? m : c;
}

/* Levenshtein's distance; words longer than WORD_MAX_LEN are as far as can be. */
static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  size_t row[WORD_MAX_LEN + 1];
  if (n > WORD_MAX_LEN || m > WORD_MAX_LEN)
    return SIZE_MAX;
  for (size_t j = 0; j <= m; j++)
    row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t cost = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = min3(cost, row[j] + 1, row[j - 1] + 1);
    }
  }
  return row[m];
}

struct nearest {
  const char *word;
  size_t best;
};

static void consider(struct nearest *near, const char *typed, const char *known) {
  size_t d = distance(typed, known);
  if (d < near->best && d <= 1 + strlen(known) / 4) {
    near->best = d;
    near->word = known;
  }
}

/* --- Commands --- */

/* How many of words[0..n) spell the command's name; 0 if they do not. */
static int spells(const struct mlt_cmd *c, const char *const *words, int n) {
  size_t first = strcspn(c->name, " ");
  if (n < 1 || strlen(words[0]) != first || memcmp(words[0], c->name, first) != 0)
    return 0;
  if (!c->name[first])
    return 1;
  return n >= 2 && strcmp(words[1], c->name + first + 1) == 0 ? 2 : 0;
}

const struct mlt_cmd *mlt_cmd_find(const struct mlt_program *program, const char *const *words,
                                   int n, int *used) {
  const struct mlt_cmd *found = NULL;
  *used = 0;
  for (size_t i = 0; i < program->n_cmds; i++) {
    int k = spells(&program->cmds[i], words, n);
    if (k > *used) {
      *used = k;
      found = &program->cmds[i];
    }
  }
  return found;
}

/* The second words of the commands that begin with `first`, as "a, b, c". */
static bool list_seconds(const struct mlt_program *p, const char *first, char *out, size_t size) {
  size_t n = strlen(first);
  out[0] = '\0';
  for (size_t i = 0; i < p->n_cmds; i++) {
    const char *name = p->cmds[i].name;
    size_t used = strlen(out);
    if (strncmp(name, first, n) == 0 && name[n] == ' ')
      (void)snprintf(out + used, size - used, "%s%s", used ? ", " : "", name + n + 1);
  }
  return out[0] != '\0';
}

bool mlt_cmd_is_group(const struct mlt_program *program, const char *word) {
  char seconds[256];
  return list_seconds(program, word, seconds, sizeof seconds);
}

static void hint_nearest(const struct nearest *near, const char *dashes, const char *help,
                         struct mlt_err *err) {
  if (near->word)
    mlt_err_hint(err, "did you mean '%s%s'? See '%s'.", dashes, near->word, help);
  else
    mlt_err_hint(err, "see '%s'.", help);
}

enum mlt_rc mlt_cmd_unknown(const struct mlt_program *program, const char *const *words, int n,
                            struct mlt_err *err) {
  char typed[2 * WORD_MAX_LEN + 2], seconds[256], help[128];
  struct nearest near = {NULL, SIZE_MAX};
  bool group = list_seconds(program, words[0], seconds, sizeof seconds);
  (void)snprintf(typed, sizeof typed, "%s%s%s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
  (void)snprintf(help, sizeof help, "%s help", program->name);
  if (group && n == 1)
    mlt_err_set(err, MLT_USAGE, "'%s' needs one of: %s", words[0], seconds);
  else if (group)
    mlt_err_set(err, MLT_USAGE, "'%s' is not a command; '%s' takes: %s", typed, words[0], seconds);
  else
    mlt_err_set(err, MLT_USAGE, "'%s' is not a command", words[0]);
  for (size_t i = 0; i < program->n_cmds; i++) {
    const char *name = program->cmds[i].name;
    consider(&near, strchr(name, ' ') ? typed : words[0], name);
  }
  hint_nearest(&near, "", help, err);
  return MLT_USAGE;
}

/* --- Options --- */

struct parser {
  struct mlt_args *out;
  const struct mlt_program *program;
  struct option *longs;
  char *shorts;
  struct mlt_err *err;
};

static void help_command(const struct parser *p, char *buf, size_t size) {
  mlt_opt_help_command(p->program, p->out->cmd, buf, size);
}

/* Fills longs and shorts with the options that apply; `mode` is getopt's first character. */
static void load_options(struct parser *p, char mode) {
  size_t n = 0;
  char *s = p->shorts;
  *s++ = mode;
  *s++ = ':';
  for (size_t i = 0; i < p->program->n_opts; i++) {
    const struct mlt_opt *o = &p->program->opts[i];
    if (!mlt_opt_applies(o, p->out->cmd))
      continue;
    int has_arg = mlt_opt_takes_value(o) ? required_argument : no_argument;
    p->longs[n++] = (struct option){o->name, has_arg, NULL, OPT_BASE + (int)i};
    if (o->letter) {
      *s++ = o->letter;
      if (has_arg == required_argument)
        *s++ = ':';
    }
  }
  p->longs[n] = (struct option){0};
  *s = '\0';
}

static const struct mlt_opt *option_of(const struct parser *p, int code) {
  if (code >= OPT_BASE)
    return &p->program->opts[code - OPT_BASE];
  for (size_t i = 0; i < p->program->n_opts; i++)
    if (code && p->program->opts[i].letter == code)
      return &p->program->opts[i];
  return NULL;
}

/* An option that exists, but not for this command: say whose it is. */
static bool belongs_elsewhere(const struct parser *p, const char *name, size_t len) {
  const struct mlt_cmd *cmd = p->out->cmd;
  for (size_t i = 0; i < p->program->n_opts; i++) {
    const struct mlt_opt *o = &p->program->opts[i];
    if (strlen(o->name) != len || memcmp(o->name, name, len) != 0)
      continue;
    for (size_t k = 0; k < p->program->n_cmds; k++) {
      if (!mlt_opt_applies(o, &p->program->cmds[k]))
        continue;
      mlt_err_set(p->err, MLT_USAGE,
                  cmd ? "--%s is an option of '%s', not of '%s'"
                      : "--%s is an option of '%s': it goes after the command",
                  o->name, p->program->cmds[k].name, cmd ? cmd->name : "");
      return true;
    }
  }
  return false;
}

static enum mlt_rc unknown_option(const struct parser *p, const char *token, int letter) {
  char help[128], name[WORD_MAX_LEN];
  struct nearest near = {NULL, SIZE_MAX};
  help_command(p, help, sizeof help);
  if (letter) {
    mlt_err_set(p->err, MLT_USAGE, "unknown option -%c", letter);
    hint_nearest(&near, "--", help, p->err);
    return MLT_USAGE;
  }
  size_t len = strcspn(token + 2, "=");
  if (!belongs_elsewhere(p, token + 2, len)) {
    (void)snprintf(name, sizeof name, "%.*s", (int)len, token + 2);
    mlt_err_set(p->err, MLT_USAGE, "unknown option --%s", name);
    for (const struct option *o = p->longs; o->name; o++)
      consider(&near, name, o->name);
  }
  hint_nearest(&near, "--", help, p->err);
  return MLT_USAGE;
}

/* getopt answered '?' or ':'. */
static enum mlt_rc bad_option(const struct parser *p, int answer, const char *token) {
  const struct mlt_opt *o = option_of(p, optopt);
  char help[128];
  if (!o || !mlt_opt_applies(o, p->out->cmd))
    return unknown_option(p, token, optopt < OPT_BASE ? optopt : 0);
  help_command(p, help, sizeof help);
  if (answer == ':')
    mlt_err_set(p->err, MLT_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
  else
    mlt_err_set(p->err, MLT_USAGE, "--%s takes no value", o->name);
  mlt_err_hint(p->err, "see '%s'.", help);
  return MLT_USAGE;
}

/* Scans argv from its second element. With '+' it stops at the first word that is no option, with
   '-' words are collected as positionals wherever they stand. */
static enum mlt_rc scan(struct parser *p, int argc, char **argv, char mode) {
  int answer;
  load_options(p, mode);
  opterr = 0;
  optind = 0; /* glibc and musl: start afresh */
  while ((answer = getopt_long(argc, argv, p->shorts, p->longs, NULL)) != -1) {
    if (answer == '?' || answer == ':')
      return bad_option(p, answer, argv[optind - 1]);
    if (answer == POSITIONAL) {
      p->out->argv[p->out->argc++] = optarg;
      continue;
    }
    const struct mlt_opt *o = option_of(p, answer);
    p->out->given[o - p->program->opts] = optarg ? optarg : "";
    if (o->kind == MLT_KIND_LIST)
      p->out->list[p->out->n_list++] =
          (struct mlt_args_value){(size_t)(o - p->program->opts), optarg};
    if (o->kind == MLT_KIND_STOP) {
      p->out->stop = o;
      return MLT_OK;
    }
  }
  for (; mode == '-' && optind < argc; optind++) /* what stands behind "--" */
    p->out->argv[p->out->argc++] = argv[optind];
  return MLT_OK;
}

/* --- Values --- */

static bool parse_uint(const char *s, uint64_t *out) {
  uint64_t v = 0;
  if (!*s)
    return false;
  for (; *s; s++) {
    unsigned digit = (unsigned)(*s - '0');
    if (digit > 9 || v > (UINT64_MAX - digit) / 10)
      return false;
    v = v * 10 + digit;
  }
  *out = v;
  return true;
}

/* A whole number, or of one of the units, as worth[i] is what units[i] stands for. */
static bool parse_with_unit(const char *s, const char *units, const uint64_t *worth,
                            uint64_t *out) {
  char digits[24];
  size_t len = strlen(s);
  const char *unit = len ? strchr(units, s[len - 1]) : NULL;
  uint64_t factor = unit ? worth[unit - units] : 1;
  len -= unit != NULL;
  if (len >= sizeof digits)
    return false;
  memcpy(digits, s, len);
  digits[len] = '\0';
  if (!parse_uint(digits, out) || *out > UINT64_MAX / factor)
    return false;
  *out *= factor;
  return true;
}

static bool parse_size(const char *s, uint64_t *out) {
  static const uint64_t worth[] = {1 << 10, 1 << 20, 1 << 30};
  return parse_with_unit(s, "KMG", worth, out);
}

static bool parse_time(const char *s, uint64_t *out) {
  static const uint64_t worth[] = {1, 60, 3600};
  return parse_with_unit(s, "smh", worth, out);
}

static bool is_choice(const char *choices, const char *value) {
  size_t len = strlen(value);
  for (const char *c = choices;; c++) {
    size_t n = strcspn(c, "|");
    if (n == len && memcmp(c, value, n) == 0)
      return true;
    c += n;
    if (!*c)
      return false;
  }
}

/* "auto, always, never" */
static void list_choices(const char *choices, char *out, size_t size) {
  size_t n = 0;
  for (const char *c = choices; *c && n + 3 < size; c++) {
    if (*c == '|') {
      out[n++] = ',';
      out[n++] = ' ';
    } else {
      out[n++] = *c;
    }
  }
  out[n] = '\0';
}

static const char *from_environment(const struct mlt_opt *o) {
  const char *v = o->env ? getenv(o->env) : NULL;
  return v && *v ? v : NULL;
}

static enum mlt_rc check_value(const struct mlt_args *args, size_t i, struct mlt_err *err) {
  const struct mlt_opt *o = &args->program->opts[i];
  const char *value = mlt_args_str(args, i);
  bool from_env = !args->given[i] && from_environment(o);
  const char *dashes = from_env ? "" : "--";
  const char *name = from_env ? o->env : o->name;
  char choices[256];
  uint64_t n;
  if (!value || !mlt_opt_applies(o, args->cmd))
    return MLT_OK;
  if (o->kind == MLT_KIND_UINT && !parse_uint(value, &n))
    return mlt_err_set(err, MLT_USAGE, "%s%s: '%s' is not a whole number from 0 to %ju", dashes,
                       name, value, (uintmax_t)UINT64_MAX);
  if (o->kind == MLT_KIND_SIZE && !parse_size(value, &n))
    return mlt_err_set(err, MLT_USAGE, "%s%s: '%s' is not a size such as 512K, 64M or 2G", dashes,
                       name, value);
  if (o->kind == MLT_KIND_TIME && !parse_time(value, &n))
    return mlt_err_set(err, MLT_USAGE, "%s%s: '%s' is not a time such as 90, 90s, 5m or 2h", dashes,
                       name, value);
  if (o->kind != MLT_KIND_CHOICE || is_choice(o->choices, value))
    return MLT_OK;
  list_choices(o->choices, choices, sizeof choices);
  return mlt_err_set(err, MLT_USAGE, "%s%s: '%s' is not one of: %s", dashes, name, value, choices);
}

static enum mlt_rc check_positionals(const struct mlt_args *args, struct mlt_err *err) {
  const struct mlt_cmd *c = args->cmd;
  const char *name = *c->name ? c->name : args->program->name;
  char help[128];
  if (args->argc < c->min_args)
    mlt_err_set(err, MLT_USAGE, "'%s' needs: %s", name, c->args);
  else if (args->argc > c->max_args)
    mlt_err_set(err, MLT_USAGE, "'%s' does not take '%s'", name, args->argv[c->max_args]);
  else
    return MLT_OK;
  mlt_opt_help_command(args->program, c, help, sizeof help);
  mlt_err_hint(err, "see '%s'.", help);
  return MLT_USAGE;
}

static enum mlt_rc check_all(const struct mlt_args *args, struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (size_t i = 0; rc == MLT_OK && i < args->program->n_opts; i++)
    rc = check_value(args, i, err);
  return rc == MLT_OK ? check_positionals(args, err) : rc;
}

/* --- The whole --- */

static enum mlt_rc parse_rest(struct parser *p, int argc, char **argv) {
  enum mlt_rc rc = scan(p, argc, argv, '-');
  return rc != MLT_OK || p->out->stop ? rc : check_all(p->out, p->err);
}

/* "schema --help": of all commands, as `schema` alone is none. */
static bool asks_for_help(const char *const *words, int n) {
  return n == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0);
}

static enum mlt_rc parse(struct parser *p, int argc, char **argv) {
  int used;
  p->out->cmd = mlt_opt_alone(p->program);
  if (p->out->cmd)
    return parse_rest(p, argc, argv);
  enum mlt_rc rc = scan(p, argc, argv, '+');
  if (rc != MLT_OK || p->out->stop || optind >= argc)
    return rc;
  const char *const *words = (const char *const *)argv + optind;
  p->out->cmd = mlt_cmd_find(p->program, words, argc - optind, &used);
  if (!p->out->cmd && mlt_cmd_is_group(p->program, words[0]) && asks_for_help(words, argc - optind))
    return scan(p, argc - optind, argv + optind, '-');
  if (!p->out->cmd)
    return mlt_cmd_unknown(p->program, words, argc - optind, p->err);
  int skip = optind + used - 1;
  return parse_rest(p, argc - skip, argv + skip);
}

enum mlt_rc mlt_args_parse(struct mlt_args *out, const struct mlt_program *program, int argc,
                           char **argv, struct mlt_err *err) {
  struct parser p = {.out = out, .program = program, .err = err};
  enum mlt_rc rc;
  *out = (struct mlt_args){.program = program};
  out->given = mlt_calloc(program->n_opts, sizeof *out->given);
  out->argv = mlt_calloc((size_t)argc + 1, sizeof *out->argv);
  out->list = mlt_calloc((size_t)argc + 1, sizeof *out->list);
  p.longs = mlt_calloc(program->n_opts + 1, sizeof *p.longs);
  p.shorts = mlt_calloc(2 * program->n_opts + 3, 1);
  if (out->given && out->argv && out->list && p.longs && p.shorts)
    rc = parse(&p, argc, argv);
  else
    rc = mlt_err_nomem(err);
  mlt_free(p.longs);
  mlt_free(p.shorts);
  return rc;
}

void mlt_args_free(struct mlt_args *args) {
  mlt_free(args->given);
  mlt_free(args->argv);
  mlt_free(args->list);
  *args = (struct mlt_args){0};
}

bool mlt_args_given(const struct mlt_args *args, size_t opt) {
  return args->given[opt] != NULL;
}

bool mlt_args_flag(const struct mlt_args *args, size_t opt) {
  return mlt_args_given(args, opt);
}

const char *mlt_args_str(const struct mlt_args *args, size_t opt) {
  const struct mlt_opt *o = &args->program->opts[opt];
  const char *env = from_environment(o);
  if (args->given[opt])
    return args->given[opt];
  return env ? env : o->dflt;
}

const char *mlt_args_list(const struct mlt_args *args, size_t opt, size_t n) {
  for (size_t i = 0; i < args->n_list; i++)
    if (args->list[i].opt == opt && n-- == 0)
      return args->list[i].value;
  return NULL;
}

uint64_t mlt_args_uint(const struct mlt_args *args, size_t opt) {
  const char *s = mlt_args_str(args, opt);
  uint64_t v = 0;
  return s && parse_uint(s, &v) ? v : 0;
}

uint64_t mlt_args_size(const struct mlt_args *args, size_t opt) {
  const char *s = mlt_args_str(args, opt);
  uint64_t v = 0;
  return s && parse_size(s, &v) ? v : 0;
}

uint64_t mlt_args_time(const struct mlt_args *args, size_t opt) {
  const char *s = mlt_args_str(args, opt);
  uint64_t v = 0;
  return s && parse_time(s, &v) ? v : 0;
}
