/* Completion scripts for bash, zsh and fish, written out of the tables. All find the command by
   walking the words before the cursor, then offer its options, or the values of the option there.
   A program without commands has nothing to be found. */
#include <string.h>

#include "base/opt_intern.h"

/* "mltrack-bulk" -> "_mltrack_bulk", a name for a shell function. */
static void function_name(const struct mlt_program *p, char *out, size_t size) {
  (void)snprintf(out, size, "_%s", p->name);
  for (char *c = out; *c; c++)
    if (*c == '-')
      *c = '_';
}

static void put_choices(FILE *out, const char *choices) {
  for (const char *c = choices; *c; c++)
    (void)fputc(*c == '|' ? ' ' : *c, out);
}

static size_t first_word(const struct mlt_cmd *c) {
  return strcspn(c->name, " ");
}

/* Is this the first command of the table with its first word? */
static bool first_of_group(const struct mlt_program *p, size_t i) {
  size_t n = first_word(&p->cmds[i]);
  for (size_t k = 0; k < i; k++)
    if (first_word(&p->cmds[k]) == n && memcmp(p->cmds[k].name, p->cmds[i].name, n) == 0)
      return false;
  return true;
}

static bool in_group(const struct mlt_cmd *c, const struct mlt_cmd *head) {
  size_t n = first_word(head);
  return strncmp(c->name, head->name, n) == 0 && c->name[n] == ' ';
}

static bool is_group(const struct mlt_cmd *c) {
  return c->name[first_word(c)] != '\0';
}

/* Every path to a command as patterns of a shell's case: import|schema|'schema check'|... */
static void put_paths(FILE *out, const struct mlt_program *p) {
  for (size_t i = 0; i < p->n_cmds; i++) {
    const struct mlt_cmd *c = &p->cmds[i];
    if (first_of_group(p, i))
      (void)fprintf(out, "%s%.*s", i ? "|" : "", (int)first_word(c), c->name);
    if (is_group(c))
      (void)fprintf(out, "|'%s'", c->name);
  }
}

/* The loop both bash and zsh use to find the command; `first` is the index of the first argument.
 */
static void put_find_command(FILE *out, const struct mlt_program *p, const char *from,
                             const char *to, const char *word) {
  if (mlt_opt_alone(p))
    return;
  (void)fprintf(out,
                "  for ((i = %s; i < %s; i++)); do\n"
                "    candidate=\"${command:+$command }%s\"\n"
                "    case $candidate in\n      ",
                from, to, word);
  put_paths(out, p);
  (void)fputs(") command=$candidate ;;\n    esac\n  done\n", out);
}

static void put_first_words(FILE *out, const struct mlt_program *p) {
  for (size_t i = 0; i < p->n_cmds; i++)
    if (first_of_group(p, i))
      (void)fprintf(out, "%s%.*s", i ? " " : "", (int)first_word(&p->cmds[i]), p->cmds[i].name);
}

static void put_second_words(FILE *out, const struct mlt_program *p, const struct mlt_cmd *head) {
  const char *gap = "";
  for (size_t i = 0; i < p->n_cmds; i++)
    if (in_group(&p->cmds[i], head)) {
      (void)fprintf(out, "%s%s", gap, p->cmds[i].name + first_word(head) + 1);
      gap = " ";
    }
}

/* --- bash --- */

static void put_option_words(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  const char *gap = "";
  for (size_t i = 0; i < p->n_opts; i++)
    if (mlt_opt_applies(&p->opts[i], cmd)) {
      (void)fprintf(out, "%s--%s", gap, p->opts[i].name);
      gap = " ";
    }
}

/* Another command may have an option of the same name. */
static bool came_before(const struct mlt_program *p, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (strcmp(p->opts[k].name, p->opts[i].name) == 0)
      return true;
  return false;
}

static void bash_values(FILE *out, const struct mlt_program *p) {
  (void)fputs("  case $prev in\n", out);
  for (size_t i = 0; i < p->n_opts; i++) {
    const struct mlt_opt *o = &p->opts[i];
    if (!mlt_opt_takes_value(o) || came_before(p, i))
      continue;
    (void)fprintf(out, "    --%s) ", o->name);
    if (o->kind == MLT_KIND_CHOICE) {
      (void)fputs("words='", out);
      put_choices(out, o->choices);
      (void)fputs("' ;;\n", out);
    } else if (o->kind == MLT_KIND_FILE || o->kind == MLT_KIND_DIR) {
      (void)fprintf(out, "files=%c ;;\n", o->kind == MLT_KIND_FILE ? 'f' : 'd');
    } else {
      (void)fputs("return ;;\n", out);
    }
  }
  (void)fputs("    *) value=0 ;;\n  esac\n", out);
}

static void bash_options(FILE *out, const struct mlt_program *p) {
  (void)fputs("    case $command in\n", out);
  for (size_t i = 0; i < p->n_cmds; i++) {
    (void)fprintf(out, "      '%s') words='", p->cmds[i].name);
    put_option_words(out, p, &p->cmds[i]);
    (void)fputs("' ;;\n", out);
  }
  if (!mlt_opt_alone(p)) {
    (void)fputs("      *) words='", out);
    put_option_words(out, p, NULL);
    (void)fputs("' ;;\n", out);
  }
  (void)fputs("    esac\n", out);
}

static void bash_positionals(FILE *out, const struct mlt_program *p) {
  (void)fputs("    case $command in\n      '') words='", out);
  put_first_words(out, p);
  (void)fputs("' ;;\n", out);
  for (size_t i = 0; i < p->n_cmds; i++) {
    const struct mlt_cmd *c = &p->cmds[i];
    if (is_group(c) && first_of_group(p, i)) {
      (void)fprintf(out, "      %.*s) words='", (int)first_word(c), c->name);
      put_second_words(out, p, c);
      (void)fputs("' ;;\n", out);
    }
    if (c->args_kind && strcmp(c->args_kind, "file") == 0)
      (void)fprintf(out, "      '%s') files=f ;;\n", c->name);
    if (c->args_kind && strcmp(c->args_kind, "command") == 0) {
      (void)fprintf(out, "      '%s') words='", c->name);
      put_first_words(out, p);
      (void)fputs("' ;;\n", out);
    }
  }
  (void)fputs("    esac\n", out);
}

static void bash(FILE *out, const struct mlt_program *p) {
  char name[64];
  function_name(p, name, sizeof name);
  (void)fprintf(out,
                "# bash completion for %s, printed by '%s%s --completion bash'\n"
                "%s() {\n"
                "  local cur prev candidate command='' words='' files='' value=1 i\n"
                "  cur=${COMP_WORDS[COMP_CWORD]}\n"
                "  prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                "  COMPREPLY=()\n"
                "  # --option=value arrives as three words\n"
                "  if [[ $cur == = ]]; then\n"
                "    cur=''\n"
                "  elif [[ $prev == = ]]; then\n"
                "    prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                "  fi\n",
                p->name, p->name, mlt_opt_alone(p) ? "" : " help", name);
  put_find_command(out, p, "1", "COMP_CWORD", "${COMP_WORDS[i]}");
  bash_values(out, p);
  (void)fputs("  if ((value)); then\n    :\n  elif [[ $cur == -* ]]; then\n", out);
  bash_options(out, p);
  (void)fputs("  else\n", out);
  bash_positionals(out, p);
  (void)fprintf(out,
                "  fi\n"
                "  if [[ $files ]]; then\n"
                "    compopt -o filenames 2>/dev/null\n"
                "    mapfile -t COMPREPLY < <(compgen -\"$files\" -- \"$cur\")\n"
                "  else\n"
                "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                "  fi\n"
                "}\n"
                "complete -F %s %s\n",
                name, p->name);
}

/* --- zsh --- */

/* Text inside '...[text]...' of _arguments: brackets and colons escaped, quotes doubled out. */
static void zsh_text(FILE *out, const char *text) {
  for (; *text; text++) {
    if (*text == '\'')
      (void)fputs("'\\''", out);
    else if (strchr("[]:\\", *text))
      (void)fprintf(out, "\\%c", *text);
    else
      (void)fputc(*text, out);
  }
}

static void zsh_option(FILE *out, const struct mlt_opt *o) {
  bool value = mlt_opt_takes_value(o);
  if (o->letter)
    (void)fprintf(out, " \\\n        '(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter,
                  o->name);
  else
    (void)fprintf(out, " \\\n        '--%s%s[", o->name, value ? "=" : "");
  zsh_text(out, o->help);
  (void)fputc(']', out);
  if (value)
    (void)fprintf(out, ":%s:", o->arg);
  if (o->kind == MLT_KIND_CHOICE) {
    (void)fputc('(', out);
    put_choices(out, o->choices);
    (void)fputc(')', out);
  } else if (o->kind == MLT_KIND_FILE) {
    (void)fputs("_files", out);
  } else if (o->kind == MLT_KIND_DIR) {
    (void)fputs("_files -/", out);
  }
  (void)fputc('\'', out);
}

static void zsh_arguments(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  (void)fputs("      _arguments -s -S", out);
  for (size_t i = 0; i < p->n_opts; i++)
    if (mlt_opt_applies(&p->opts[i], cmd))
      zsh_option(out, &p->opts[i]);
}

static void zsh_positionals(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  const char *kind = cmd ? cmd->args_kind : "command";
  if (!kind)
    return;
  (void)fputs(" \\\n        '*: :", out);
  if (strcmp(kind, "file") == 0) {
    (void)fputs("_files", out);
  } else {
    (void)fputc('(', out);
    put_first_words(out, p);
    (void)fputc(')', out);
  }
  (void)fputc('\'', out);
}

static void zsh_case(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  (void)fprintf(out, "    '%s')\n", cmd ? cmd->name : "");
  zsh_arguments(out, p, cmd);
  zsh_positionals(out, p, cmd);
  (void)fputs("\n      ;;\n", out);
}

static void zsh(FILE *out, const struct mlt_program *p) {
  (void)fprintf(out,
                "#compdef %s\n"
                "# zsh completion for %s, printed by '%s%s --completion zsh'\n"
                "_%s() {\n"
                "  local command='' candidate\n"
                "  local -i i\n",
                p->name, p->name, p->name, mlt_opt_alone(p) ? "" : " help", p->name);
  put_find_command(out, p, "2", "CURRENT", "${words[i]}");
  (void)fputs("  case $command in\n", out);
  if (!mlt_opt_alone(p))
    zsh_case(out, p, NULL);
  for (size_t i = 0; i < p->n_cmds; i++) {
    const struct mlt_cmd *c = &p->cmds[i];
    zsh_case(out, p, c);
    if (is_group(c) && first_of_group(p, i)) {
      (void)fprintf(out, "    %.*s)\n      compadd -- ", (int)first_word(c), c->name);
      put_second_words(out, p, c);
      (void)fputs("\n      ;;\n", out);
    }
  }
  (void)fprintf(out,
                "  esac\n"
                "}\n"
                "if [[ $funcstack[1] == _%s ]]; then\n"
                "  _%s \"$@\"\n"
                "else\n"
                "  compdef _%s %s\n"
                "fi\n",
                p->name, p->name, p->name, p->name);
}

/* --- fish --- */

static void fish_text(FILE *out, const char *text) {
  (void)fputc('\'', out);
  for (; *text; text++) {
    if (*text == '\'' || *text == '\\')
      (void)fputc('\\', out);
    (void)fputc(*text, out);
  }
  (void)fputc('\'', out);
}

/* A condition that holds when the command line names cmd; NULL: always. */
static void fish_condition(FILE *out, const struct mlt_cmd *cmd) {
  const char *c = cmd ? cmd->name : "";
  const char *gap = " -n '";
  while (*c) {
    int n = (int)strcspn(c, " ");
    (void)fprintf(out, "%s__fish_seen_subcommand_from %.*s", gap, n, c);
    gap = "; and ";
    c += n + (c[n] == ' ');
  }
  if (*gap == ';')
    (void)fputc('\'', out);
}

static void fish_option(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd,
                        const struct mlt_opt *o) {
  (void)fprintf(out, "complete -c %s", p->name);
  fish_condition(out, cmd);
  (void)fprintf(out, " -l %s", o->name);
  if (o->letter)
    (void)fprintf(out, " -s %c", o->letter);
  if (o->kind == MLT_KIND_CHOICE) {
    (void)fputs(" -x -a '", out);
    put_choices(out, o->choices);
    (void)fputc('\'', out);
  } else if (o->kind == MLT_KIND_FILE) {
    (void)fputs(" -r -F", out);
  } else if (o->kind == MLT_KIND_DIR) {
    (void)fputs(" -x -a '(__fish_complete_directories)'", out);
  } else if (mlt_opt_takes_value(o)) {
    (void)fputs(" -x", out);
  }
  (void)fputs(" -d ", out);
  fish_text(out, o->help);
  (void)fputc('\n', out);
}

static void fish_command(FILE *out, const struct mlt_program *p, size_t i) {
  const struct mlt_cmd *c = &p->cmds[i];
  int n = (int)first_word(c);
  if (first_of_group(p, i)) {
    (void)fprintf(out, "complete -c %s -n 'not __fish_seen_subcommand_from ", p->name);
    put_first_words(out, p);
    (void)fprintf(out, "' -a %.*s -d ", n, c->name);
    fish_text(out, is_group(c) ? "" : c->summary);
    (void)fputc('\n', out);
  }
  if (is_group(c)) {
    (void)fprintf(out,
                  "complete -c %s -n '__fish_seen_subcommand_from %.*s; and not "
                  "__fish_seen_subcommand_from ",
                  p->name, n, c->name);
    put_second_words(out, p, c);
    (void)fprintf(out, "' -a %s -d ", c->name + n + 1);
    fish_text(out, c->summary);
    (void)fputc('\n', out);
  }
  if (c->args_kind && strcmp(c->args_kind, "file") == 0) {
    (void)fprintf(out, "complete -c %s", p->name);
    fish_condition(out, c);
    (void)fputs(" -F\n", out);
  }
}

static void fish(FILE *out, const struct mlt_program *p) {
  (void)fprintf(out,
                "# fish completion for %s, printed by '%s%s --completion fish'\n"
                "complete -c %s -f\n",
                p->name, p->name, mlt_opt_alone(p) ? "" : " help", p->name);
  for (size_t i = 0; i < p->n_cmds && !mlt_opt_alone(p); i++)
    fish_command(out, p, i);
  for (size_t k = 0; k < p->n_opts; k++) {
    const struct mlt_opt *o = &p->opts[k];
    if (o->commands == MLT_CMD_ALL)
      fish_option(out, p, NULL, o);
    for (size_t i = 0; o->commands != MLT_CMD_ALL && i < p->n_cmds; i++)
      if (mlt_opt_applies(o, &p->cmds[i]))
        fish_option(out, p, &p->cmds[i], o);
  }
}

enum mlt_rc mlt_opt_print_completion(FILE *out, const struct mlt_program *program,
                                     const char *shell, struct mlt_err *err) {
  static const struct {
    const char *name;
    void (*print)(FILE *, const struct mlt_program *);
  } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
    if (strcmp(shell, shells[i].name) == 0) {
      shells[i].print(out, program);
      return MLT_OK;
    }
  return mlt_err_set(err, MLT_USAGE, "no completion for '%s': bash, zsh and fish have one", shell);
}
