/* Notes of a batch: what was rejected or changed while adding and sealing. Their text is always
   valid UTF-8, whatever the record held, and lives in an arena of its own. */
#include <stdio.h>
#include <string.h>

#include "batch/private.h"

enum { REASON_MAX = 1024, TEXT_MAX = 4096, NOTES_DUE = 2000 };

/* Copies s (the first 4 KiB of it) with each byte that is not UTF-8, and each NUL, written as \xNN.
 */
static int printable(struct mlt_arena *arena, struct mlt_str s, struct mlt_str *out) {
  if (s.len > TEXT_MAX)
    s.len = TEXT_MAX;
  if (!mlt_rule_text(s))
    return mlt_arena_str(arena, s, out);
  char *p = mlt_arena_alloc(arena, s.len * 4 + 1);
  if (!p)
    return -1;
  size_t n = 0;
  while (s.len) {
    ptrdiff_t bad = mlt_utf8_invalid(s);
    size_t good = bad < 0 ? s.len : (size_t)bad;
    const char *nul = memchr(s.p, '\0', good);
    if (nul)
      good = (size_t)(nul - s.p);
    memcpy(p + n, s.p, good);
    n += good;
    s.p += good;
    s.len -= good;
    if (s.len) {
      n += (size_t)snprintf(p + n, 5, "\\x%02x", (unsigned char)s.p[0]);
      s.p++;
      s.len--;
    }
  }
  p[n] = '\0';
  *out = (struct mlt_str){p, n};
  return 0;
}

enum mlt_rc mlt_batch_note(struct mlt_batch *b, struct mlt_note note, struct mlt_err *err) {
  struct mlt_arena *arena = b->priv->noted;
  if (!MLT_VEC_ROOM(b->notes) || printable(arena, note.id, &note.id) ||
      printable(arena, note.place.path, &note.place.path) ||
      printable(arena, note.place.field, &note.place.field) ||
      printable(arena, note.reason, &note.reason))
    return mlt_err_nomem(err);
  b->notes.v[b->notes.n++] = note;
  return MLT_OK;
}

/* While a rejected run goes by, its note still waits for the number of its rows. */
bool mlt_batch_notes_due(const struct mlt_batch *b) {
  return b->notes.n >= NOTES_DUE && !b->priv->skip;
}

void mlt_batch_forget_notes(struct mlt_batch *b) {
  b->notes.n = 0;
  mlt_arena_reset(b->priv->noted);
}

static enum mlt_rc add_note(struct mlt_adding *a, enum mlt_note_kind kind, const char *code,
                            const char *field, const char *fmt, va_list ap) {
  char reason[REASON_MAX];
  (void)vsnprintf(reason, sizeof reason, fmt, ap);
  struct mlt_note note = {.kind = kind,
                          .table = a->table,
                          .code = code,
                          .rows = a->rows,
                          .id = a->id,
                          .place = a->rec->place,
                          .reason = mlt_str_c(reason)};
  if (!note.place.field.p)
    note.place.field = a->field.p ? a->field : mlt_str_c(field);
  return mlt_batch_note(a->b, note, a->err);
}

enum mlt_rc mlt_adding_reject(struct mlt_adding *a, const char *code, const char *field,
                              const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  enum mlt_rc rc = add_note(a, MLT_NOTE_REJECT, code, field, fmt, ap);
  va_end(ap);
  a->b->counts[a->table].rejected += a->rows;
  return rc == MLT_OK ? MLT_REJECTED : rc;
}

enum mlt_rc mlt_adding_note(struct mlt_adding *a, const char *code, const char *field, bool changed,
                            const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  enum mlt_rc rc = add_note(a, MLT_NOTE_CHANGED, code, field, fmt, ap);
  va_end(ap);
  if (changed && !a->changed)
    a->b->counts[a->table].changed += a->rows;
  a->changed |= changed;
  return rc;
}

enum mlt_rc mlt_batch_drop(struct mlt_batch *b, enum mlt_table table, struct mlt_str id,
                           struct mlt_place place, struct mlt_err *err, const char *fmt, ...) {
  char reason[REASON_MAX];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(reason, sizeof reason, fmt, ap);
  va_end(ap);
  b->counts[table].rejected++;
  struct mlt_note note = {.kind = MLT_NOTE_REJECT,
                          .table = table,
                          .code = "conflicting-value",
                          .rows = 1,
                          .id = id,
                          .place = place,
                          .reason = mlt_str_c(reason)};
  return mlt_batch_note(b, note, err);
}

enum mlt_rc mlt_batch_note_more(struct mlt_batch *b, size_t index, struct mlt_err *err,
                                const char *fmt, ...) {
  struct mlt_str *reason = &b->notes.v[index].reason;
  char more[REASON_MAX];
  va_list ap;
  va_start(ap, fmt);
  (void)vsnprintf(more, sizeof more, fmt, ap);
  va_end(ap);
  size_t n = reason->len, n_more = strlen(more);
  char *p = mlt_arena_alloc(b->priv->noted, n + n_more + 1);
  if (!p)
    return mlt_err_nomem(err);
  memcpy(p, reason->p, n);
  memcpy(p + n, more, n_more + 1);
  *reason = (struct mlt_str){p, n + n_more};
  return MLT_OK;
}
