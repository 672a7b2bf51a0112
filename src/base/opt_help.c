/* --help as text, 80 columns wide. */
#include <string.h>

#include "base/opt_intern.h"

enum { WIDTH = 80, LEFT_MAX = 31 };

/* A word, one of several choices with the "|" behind it, or everything in one pair of brackets. */
static int unit_length(const char *text) {
  if (*text == '[')
    return (int)strcspn(text, "]") + 1;
  size_t n = strcspn(text, " |");
  return (int)n + (text[n] == '|');
}

/* Prints words from column `at` on, broken before WIDTH, continued at column `indent`. */
static void print_wrapped(FILE *out, const char *text, int at, int indent) {
  const char *gap = "";
  while (*text) {
    int n = unit_length(text);
    if (at > indent && at + (int)strlen(gap) + n > WIDTH) {
      (void)fprintf(out, "\n%*s", indent, "");
      at = indent;
      gap = "";
    }
    (void)fprintf(out, "%s%.*s", gap, n, text);
    at += (int)strlen(gap) + n;
    gap = text[n] == ' ' ? " " : "";
    text += n + (text[n] == ' ');
  }
  (void)fputc('\n', out);
}

static void print_option(FILE *out, const struct mlt_opt *o) {
  char left[64], right[512];
  char letter[] = {'-', o->letter, ',', ' ', '\0'};
  int at = snprintf(left, sizeof left, "  %s--%s%s%s", o->letter ? letter : "    ", o->name,
                    o->arg ? " " : "", o->arg ? o->arg : "");
  int n = snprintf(right, sizeof right, "%s", o->help);
  if (o->choices)
    n += snprintf(right + n, sizeof right - (size_t)n, " (%s)", o->choices);
  if (o->dflt)
    n += snprintf(right + n, sizeof right - (size_t)n, " [default: %s]", o->dflt);
  if (o->env)
    (void)snprintf(right + n, sizeof right - (size_t)n, " [env: %s]", o->env);
  (void)fprintf(out, "%s%*s", left, at < LEFT_MAX ? LEFT_MAX - at : 2, "");
  print_wrapped(out, right, at < LEFT_MAX ? LEFT_MAX : at + 2, LEFT_MAX);
}

/* The options that are `common` to all commands, or those that are the command's own. */
static void print_options(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd,
                          bool common) {
  const char *title = common ? "\nCommon options:\n" : "\nOptions:\n";
  for (size_t i = 0; i < p->n_opts; i++) {
    const struct mlt_opt *o = &p->opts[i];
    if (!mlt_opt_applies(o, cmd) || (o->commands == MLT_CMD_ALL) != common)
      continue;
    (void)fputs(title, out);
    title = "";
    print_option(out, o);
  }
}

static void print_examples(FILE *out, const struct mlt_cmd *cmd) {
  (void)fputs("\nExamples:\n", out);
  for (const char *line = cmd->examples; *line;) {
    int command = (int)strcspn(line, "\t");
    int what = (int)strcspn(line + command + 1, "\n");
    (void)fprintf(out, "  # %.*s\n  %.*s\n", what, line + command + 1, command, line);
    line += command + 1 + what + 1;
  }
}

static void print_command(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  (void)fprintf(out, "Usage: %s%s%s [OPTION]...%s%s\n\n", p->name, *cmd->name ? " " : "", cmd->name,
                cmd->args ? " " : "", cmd->args ? cmd->args : "");
  print_wrapped(out, cmd->description, 0, 0);
  print_options(out, p, cmd, false);
  print_options(out, p, cmd, true);
  print_examples(out, cmd);
  (void)fputs("\nExit status: ", out);
  print_wrapped(out, cmd->exits, 13, 0);
}

void mlt_opt_print_help(FILE *out, const struct mlt_program *program, const struct mlt_cmd *cmd) {
  if (!cmd)
    cmd = mlt_opt_alone(program);
  if (cmd) {
    print_command(out, program, cmd);
    return;
  }
  (void)fprintf(out, "Usage: %s [OPTION]... COMMAND [ARGUMENT]...\n\n", program->name);
  print_wrapped(out, program->description, 0, 0);
  (void)fputs("\nCommands:\n", out);
  for (size_t i = 0; i < program->n_cmds; i++)
    (void)fprintf(out, "  %-14s  %s\n", program->cmds[i].name, program->cmds[i].summary);
  print_options(out, program, NULL, true);
  if (program->n_cmds)
    print_examples(out, &program->cmds[0]);
  (void)fprintf(out, "\n'%s help COMMAND' says more about one; '%s help --man' says it all.\n",
                program->name, program->name);
}
