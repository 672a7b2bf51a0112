#include "notes.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/log.h"

enum { NOTES_SHOWN = 10 };

static const char *const kind_names[] = {"reject", "conflict", "changed", "ignored", "differs"};

struct mlt_json *mlt_note_json(const struct mlt_note *n) {
  struct mlt_json *j = mlt_json_object();
  mlt_json_set_cstr(j, "kind", kind_names[n->kind]);
  mlt_json_set_cstr(j, "table", n->kind == MLT_NOTE_IGNORED ? NULL : mlt_table_name(n->table));
  mlt_json_set_cstr(j, "code", n->code);
  mlt_json_set_u64(j, "rows", n->rows);
  mlt_json_set_str(j, "id", n->id);
  mlt_json_set_str(j, "path", n->place.path);
  if (n->place.line)
    mlt_json_set_u64(j, "line", n->place.line);
  else
    mlt_json_set_null(j, "line");
  mlt_json_set_str(j, "field", n->place.field);
  mlt_json_set_str(j, "reason", n->reason);
  return j;
}

void mlt_notes_add_json(struct mlt_json *doc, const struct mlt_report *r) {
  struct mlt_json *ignored = mlt_json_set(doc, "ignored", mlt_json_object());
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++)
    mlt_json_set_u64(ignored, r->ignored[i].what, r->ignored[i].n);
  mlt_json_set_u64(doc, "rejects", r->rejects);
  mlt_json_set_u64(doc, "conflicts", r->conflicts);
  mlt_json_set_u64(doc, "changes", r->changes);
  struct mlt_json *changed = mlt_json_set(doc, "changed", mlt_json_object());
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++)
    mlt_json_set_u64(changed, r->changed[i].code, r->changed[i].n);
  struct mlt_json *notes = mlt_json_set(doc, "notes", mlt_json_array());
  for (size_t i = 0; i < r->n_notes; i++)
    (void)mlt_json_push(notes, mlt_note_json(&r->notes[i]));
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++)
    (void)mlt_json_push(notes, mlt_note_json(&r->changed[i].first));
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++)
    if (r->ignored[i].first.place.field.p)
      (void)mlt_json_push(notes, mlt_note_json(&r->ignored[i].first));
}

void mlt_error_add_json(struct mlt_json *doc, enum mlt_rc rc, const struct mlt_err *err) {
  if (rc == MLT_OK || rc == MLT_REJECTED) {
    mlt_json_set_null(doc, "error");
    return;
  }
  struct mlt_json *e = mlt_json_set(doc, "error", mlt_json_object());
  mlt_json_set_cstr(e, "code", mlt_rc_name(rc));
  mlt_json_set_cstr(e, "message", err->msg);
  mlt_json_set_cstr(e, "hint", err->hint[0] ? err->hint : NULL);
  mlt_json_set_cstr(e, "sqlstate", err->sqlstate[0] ? err->sqlstate : NULL);
}

static void print_note(FILE *out, const struct mlt_note *n) {
  if (n->place.path.p) {
    mlt_text_print(out, n->place.path);
    if (n->place.line)
      (void)fprintf(out, ":%" PRIu64, n->place.line);
  } else if (n->id.p) {
    (void)fprintf(out, "%s '", mlt_table_name(n->table));
    mlt_text_print(out, n->id);
    (void)fputc('\'', out);
  } else {
    (void)fputs(mlt_table_name(n->table), out);
  }
  (void)fputs(": ", out);
  mlt_text_print(out, n->reason);
  (void)fputc('\n', out);
}

static void print_rejects(FILE *out, const struct mlt_report *r, const char *done) {
  if (r->n_notes)
    (void)fprintf(out, "\nNot %s, because:\n", done);
  for (size_t i = 0; i < r->n_notes && i < NOTES_SHOWN; i++) {
    (void)fputs("  ", out);
    print_note(out, &r->notes[i]);
  }
  if (r->n_notes > NOTES_SHOWN)
    (void)fputs("  and more (--rejects FILE lists all)\n", out);
}

static void print_changes(FILE *out, const struct mlt_report *r, const char *done) {
  if (r->changes)
    (void)fprintf(out, "\n%c%s with a change:\n", toupper(*done), done + 1);
  for (size_t i = 0; i < MLT_REPORT_CHANGES && r->changed[i].code; i++) {
    (void)fprintf(out, "  %" PRIu64 " x %s, first: ", r->changed[i].n, r->changed[i].code);
    print_note(out, &r->changed[i].first);
  }
}

static void print_ignored(FILE *out, const struct mlt_report *r, const char *done) {
  for (size_t i = 0; i < MLT_REPORT_IGNORED && r->ignored[i].what; i++) {
    const struct mlt_str names = r->ignored[i].first.place.field;
    if (i == 0)
      (void)fprintf(out, "\n  not %s: ", done);
    (void)fprintf(out, "%s%" PRIu64 " %s", i ? ", " : "", r->ignored[i].n, r->ignored[i].what);
    if (!names.p)
      continue;
    (void)fputs(" (", out);
    mlt_text_print(out, names);
    (void)fputc(')', out);
  }
  if (r->ignored[0].what)
    (void)fputc('\n', out);
}

void mlt_notes_print_text(FILE *out, const struct mlt_report *r, const char *done) {
  print_ignored(out, r, done);
  print_rejects(out, r, done);
  print_changes(out, r, done);
}
