/* The manual page in mdoc(7), clean under mandoc -Tlint: a sentence starts a line, lines stay
   short, hyphens of options are minus signs. */
#include <string.h>

#include "base/opt_intern.h"

enum { LINE_MAX_LEN = 72 };

static void put_char(FILE *out, const char *word, size_t i) {
  bool dash = word[i] == '-' && (i == 0 || word[i - 1] == '-');
  if (word[i] == '\\')
    (void)fputs("\\e", out);
  else if (dash)
    (void)fputs("\\-", out);
  else
    (void)fputc(word[i], out);
}

static void put_text(FILE *out, const char *text) {
  size_t at = 0;
  while (*text) {
    size_t n = strcspn(text, " ");
    if (at && at + n > LINE_MAX_LEN) {
      (void)fputc('\n', out);
      at = 0;
    }
    if (at)
      (void)fputc(' ', out);
    else if (*text == '.' || *text == '\'')
      (void)fputs("\\&", out);
    for (size_t i = 0; i < n; i++)
      put_char(out, text, i);
    at += n + 1;
    if (n && text[n - 1] == '.' && text[n])
      at = LINE_MAX_LEN + 1; /* a sentence ended: the next begins a line */
    text += n + (text[n] == ' ');
  }
  (void)fputc('\n', out);
}

/* "SOURCE [COMMAND]" as macros, one a line. */
static void put_args(FILE *out, const char *args) {
  for (const char *a = args; a && *a;) {
    int n = (int)strcspn(a, " ");
    if (*a == '[')
      (void)fprintf(out, ".Op Ar %.*s\n", n - 2, a + 1);
    else
      (void)fprintf(out, ".Ar %.*s\n", n, a);
    a += n + (a[n] == ' ');
  }
}

static void put_option(FILE *out, const struct mlt_opt *o) {
  (void)fputs(".It ", out);
  if (o->letter)
    (void)fprintf(out, "Fl %c , ", o->letter);
  (void)fprintf(out, "Fl \\-%s", o->name);
  if (o->arg)
    (void)fprintf(out, " Ar %s", o->arg);
  (void)fputc('\n', out);
  put_text(out, o->help);
  if (o->choices) {
    (void)fputs("(one of:\n", out);
    for (const char *c = o->choices; *c;) {
      int n = (int)strcspn(c, "|");
      (void)fprintf(out, ".Cm %.*s%s\n", n, c, c[n] ? " ," : " ) .");
      c += n + (c[n] == '|');
    }
  }
  if (o->dflt)
    (void)fprintf(out, "Default:\n.Ql %s .\n", o->dflt);
  if (o->env)
    (void)fprintf(out, "Environment:\n.Ev %s .\n", o->env);
}

/* The options for which every command shares (cmd NULL), or those of the command alone. */
static void put_options(FILE *out, const struct mlt_program *p, const struct mlt_cmd *cmd) {
  bool open = false;
  for (size_t i = 0; i < p->n_opts; i++) {
    const struct mlt_opt *o = &p->opts[i];
    if (!mlt_opt_applies(o, cmd) || (cmd && o->commands == MLT_CMD_ALL))
      continue;
    if (!open)
      (void)fputs(".Bl -tag -width Ds\n", out);
    open = true;
    put_option(out, o);
  }
  if (open)
    (void)fputs(".El\n", out);
}

static void put_examples(FILE *out, const struct mlt_cmd *cmd, bool first) {
  for (const char *line = cmd->examples; *line;) {
    size_t command = strcspn(line, "\t"), what = strcspn(line + command + 1, "\n");
    (void)fprintf(out, "%s%.*s:\n.Bd -literal -offset indent\n", first ? "" : ".Pp\n", (int)what,
                  line + command + 1);
    for (size_t i = 0; i < command; i++)
      put_char(out, line, i);
    (void)fputs("\n.Ed\n", out);
    first = false;
    line += command + 1 + what + 1;
  }
}

static void put_head(FILE *out, const struct mlt_program *p) {
  char title[64] = "";
  for (size_t i = 0; p->name[i] && i + 1 < sizeof title; i++) {
    char c = p->name[i];
    title[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  (void)fprintf(out, ".Dd %s\n.Dt %s 1\n.Os\n", p->date, title);
  (void)fprintf(out, ".Sh NAME\n.Nm %s\n.Nd %s\n.Sh SYNOPSIS\n", p->name, p->summary);
  for (size_t i = 0; i < p->n_cmds; i++) {
    (void)fputs(".Nm\n", out);
    if (*p->cmds[i].name)
      (void)fprintf(out, ".Cm %s\n", p->cmds[i].name);
    (void)fputs(".Op Ar option ...\n", out);
    put_args(out, p->cmds[i].args);
  }
}

static void put_commands(FILE *out, const struct mlt_program *p) {
  (void)fputs(".Sh COMMANDS\n", out);
  for (size_t i = 0; i < p->n_cmds; i++) {
    const struct mlt_cmd *c = &p->cmds[i];
    (void)fprintf(out, ".Ss %s\n", c->name);
    put_text(out, c->description);
    put_options(out, p, c);
    (void)fputs(".Pp\nExit status:\n", out);
    put_text(out, c->exits);
  }
}

/* A program without commands: what would be said of the command is said of it. */
static void put_alone(FILE *out, const struct mlt_program *p, const struct mlt_cmd *c) {
  put_text(out, c->description);
  (void)fputs(".Sh OPTIONS\n", out);
  put_options(out, p, c);
  put_options(out, p, NULL);
}

static void put_notes(FILE *out, const char *macro, const struct mlt_opt_note *notes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    (void)fprintf(out, ".It %s %s\n", macro, notes[i].name);
    put_text(out, notes[i].help);
  }
}

static void put_topic(FILE *out, const struct mlt_opt_topic *t) {
  (void)fprintf(out, ".Sh %s\n", t->title);
  put_text(out, t->text);
  (void)fputs(".Bl -tag -width Ds\n", out);
  put_notes(out, "Cm", t->notes, t->n_notes);
  (void)fputs(".El\n", out);
}

static void put_environment(FILE *out, const struct mlt_program *p) {
  (void)fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n", out);
  for (size_t i = 0; i < p->n_opts; i++)
    if (p->opts[i].env)
      (void)fprintf(out, ".It Ev %s\nStands in for\n.Fl \\-%s\nwhen that is not given.\n",
                    p->opts[i].env, p->opts[i].name);
  put_notes(out, "Ev", p->environment, p->n_environment);
  (void)fputs(".El\n", out);
}

/* Several return codes may share an exit status: their meanings are joined. */
static void put_exit_status(FILE *out) {
  (void)fprintf(out, ".Sh EXIT STATUS\nAny status that is not listed means failure.\n"
                     ".Bl -tag -width Ds\n");
  for (int status = 0; status <= 255; status++) {
    const char *gap = "";
    for (int rc = 0; rc < MLT_RC_COUNT; rc++) {
      bool internal = rc != MLT_OK && mlt_rc_exit((enum mlt_rc)rc) == 0;
      if (internal || mlt_rc_exit((enum mlt_rc)rc) != status)
        continue;
      if (!*gap)
        (void)fprintf(out, ".It %d\n", status);
      (void)fputs(gap, out);
      put_text(out, mlt_rc_meaning((enum mlt_rc)rc));
      gap = "or\n";
    }
  }
  (void)fputs(".El\n", out);
}

void mlt_opt_print_man(FILE *out, const struct mlt_program *program) {
  const struct mlt_cmd *alone = mlt_opt_alone(program);
  put_head(out, program);
  (void)fputs(".Sh DESCRIPTION\n", out);
  put_text(out, program->description);
  if (alone) {
    put_alone(out, program, alone);
  } else {
    put_commands(out, program);
    (void)fputs(".Sh COMMON OPTIONS\nThese may also stand before the command.\n", out);
    put_options(out, program, NULL);
  }
  for (size_t i = 0; i < program->n_topics; i++)
    put_topic(out, &program->topics[i]);
  put_environment(out, program);
  put_exit_status(out);
  (void)fputs(".Sh EXAMPLES\n", out);
  for (size_t i = 0; i < program->n_cmds; i++)
    put_examples(out, &program->cmds[i], i == 0);
}
