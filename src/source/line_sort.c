#include "source/line_sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/temp.h"
#include "base/vec.h"

enum { LEAST_BUFFER = 4096 };

/* Stands before each line in the file. */
struct head {
  uint64_t rank, number;
  size_t len;
};

struct entry {
  struct head head;
  size_t at; /* of text */
};

/* A sorted piece of the file, and a part of it in memory: the line at hand, and maybe more. */
struct piece {
  uint64_t next, end; /* of the file: not in memory yet */
  char *buffer;
  size_t cap, at, held; /* of the buffer: the head of the line at hand, and the end */
  struct head head;     /* of the line at hand */
};

struct mlt_line_sort {
  size_t most, room; /* bytes held while lines come in; of a piece's buffer */
  char *text;
  size_t len, cap;
  MLT_VEC(struct entry) entries;
  size_t given; /* of them, where all fit into memory */
  FILE *file;   /* NULL: they do */
  MLT_VEC(struct piece) pieces;
  struct piece **heap; /* the one with the least line first */
  size_t n;            /* of the heap */
  bool sorted;
};

enum mlt_rc mlt_line_sort_new(struct mlt_line_sort **out, size_t bytes, struct mlt_err *err) {
  *out = mlt_calloc(1, sizeof **out);
  if (!*out)
    return mlt_err_nomem(err);
  (*out)->most = bytes;
  return MLT_OK;
}

void mlt_line_sort_free(struct mlt_line_sort *s) {
  if (!s)
    return;
  for (size_t i = 0; i < s->pieces.n; i++)
    mlt_free(s->pieces.v[i].buffer);
  mlt_free(s->pieces.v);
  mlt_free(s->heap);
  mlt_free(s->entries.v);
  mlt_free(s->text);
  if (s->file)
    (void)fclose(s->file);
  mlt_free(s);
}

static int order(const struct head *a, const struct head *b) {
  if (a->rank != b->rank)
    return a->rank < b->rank ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

static int entry_order(const void *a, const void *b) {
  return order(&((const struct entry *)a)->head, &((const struct entry *)b)->head);
}

static void sort_entries(struct mlt_line_sort *s) {
  if (s->entries.n)
    qsort(s->entries.v, s->entries.n, sizeof *s->entries.v, entry_order);
}

/* ---- lines come in ---- */

static enum mlt_rc open_file(struct mlt_line_sort *s, struct mlt_err *err) {
  int fd;
  enum mlt_rc rc = mlt_temp_open(&fd, err);
  if (rc != MLT_OK)
    return rc;
  s->file = fdopen(fd, "r+b");
  if (s->file)
    return MLT_OK;
  (void)close(fd);
  return mlt_err_nomem(err);
}

/* What is in memory becomes a piece of the file. */
static enum mlt_rc write_piece(struct mlt_line_sort *s, struct mlt_err *err) {
  enum mlt_rc rc = s->file ? MLT_OK : open_file(s, err);
  if (rc == MLT_OK && !MLT_VEC_ROOM(s->pieces))
    rc = mlt_err_nomem(err);
  if (rc != MLT_OK)
    return rc;
  uint64_t from = s->pieces.n ? s->pieces.v[s->pieces.n - 1].end : 0, to = from;
  sort_entries(s);
  for (size_t i = 0; i < s->entries.n; i++) {
    const struct entry *e = &s->entries.v[i];
    bool written = fwrite(&e->head, sizeof e->head, 1, s->file) == 1 &&
                   fwrite(s->text + e->at, 1, e->head.len, s->file) == e->head.len;
    if (!written)
      return mlt_temp_failed(errno, "cannot write to", err);
    to += sizeof e->head + e->head.len;
  }
  if (fflush(s->file) != 0)
    return mlt_temp_failed(errno, "cannot write to", err);
  s->pieces.v[s->pieces.n++] = (struct piece){.next = from, .end = to};
  s->entries.n = s->len = 0;
  return MLT_OK;
}

static bool text_room(struct mlt_line_sort *s, size_t more) {
  size_t cap = s->cap ? s->cap : LEAST_BUFFER;
  while (cap < s->len + more)
    cap *= 2;
  if (cap == s->cap)
    return true;
  char *text = mlt_realloc(s->text, cap);
  s->text = text ? text : s->text;
  s->cap = text ? cap : s->cap;
  return text != NULL;
}

enum mlt_rc mlt_line_sort_add(struct mlt_line_sort *s, const struct mlt_sorted_line *line,
                              struct mlt_err *err) {
  size_t n = line->text.len;
  enum mlt_rc rc = MLT_OK;
  if (s->entries.n && s->len + n + (s->entries.n + 1) * sizeof *s->entries.v > s->most)
    rc = write_piece(s, err);
  if (rc != MLT_OK)
    return rc;
  if (!text_room(s, n) || !MLT_VEC_ROOM(s->entries))
    return mlt_err_nomem(err);
  s->entries.v[s->entries.n++] = (struct entry){{line->rank, line->number, n}, s->len};
  memcpy(s->text + s->len, line->text.p, n);
  s->len += n;
  return MLT_OK;
}

/* ---- lines go out ---- */

/* Has `n` bytes from the head on in memory; they are there. */
static enum mlt_rc have(const struct mlt_line_sort *s, struct piece *p, size_t n,
                        struct mlt_err *err) {
  if (p->held - p->at >= n)
    return MLT_OK;
  size_t cap = n > s->room ? n : s->room;
  if (p->at)
    memmove(p->buffer, p->buffer + p->at, p->held - p->at);
  p->held -= p->at;
  p->at = 0;
  if (cap > p->cap) {
    char *buffer = mlt_realloc(p->buffer, cap);
    if (!buffer)
      return mlt_err_nomem(err);
    p->buffer = buffer;
    p->cap = cap;
  }
  while (p->held < n) {
    uint64_t left = p->end - p->next;
    size_t want = p->cap - p->held < left ? p->cap - p->held : (size_t)left;
    ssize_t got = pread(fileno(s->file), p->buffer + p->held, want, (off_t)p->next);
    if (got == 0 || (got < 0 && errno != EINTR))
      return mlt_temp_failed(got < 0 ? errno : EIO, "cannot read", err);
    p->held += got > 0 ? (size_t)got : 0;
    p->next += got > 0 ? (uint64_t)got : 0;
  }
  return MLT_OK;
}

/* The line at p->at is at hand, all of it. MLT_END: there is none. */
static enum mlt_rc look(const struct mlt_line_sort *s, struct piece *p, struct mlt_err *err) {
  if (p->at == p->held && p->next == p->end)
    return MLT_END;
  enum mlt_rc rc = have(s, p, sizeof p->head, err);
  if (rc != MLT_OK)
    return rc;
  memcpy(&p->head, p->buffer + p->at, sizeof p->head);
  return have(s, p, sizeof p->head + p->head.len, err);
}

static void sift_down(const struct mlt_line_sort *s, size_t i) {
  struct piece *moving = s->heap[i];
  for (size_t child; (child = 2 * i + 1) < s->n; i = child) {
    if (child + 1 < s->n && order(&s->heap[child + 1]->head, &s->heap[child]->head) < 0)
      child++;
    if (order(&s->heap[child]->head, &moving->head) >= 0)
      break;
    s->heap[i] = s->heap[child];
  }
  s->heap[i] = moving;
}

/* Nothing more comes in. */
static enum mlt_rc start(struct mlt_line_sort *s, struct mlt_err *err) {
  s->sorted = true;
  if (!s->file) {
    sort_entries(s);
    return MLT_OK;
  }
  enum mlt_rc rc = write_piece(s, err);
  if (rc != MLT_OK)
    return rc;
  mlt_free(s->text);
  mlt_free(s->entries.v);
  s->text = NULL;
  s->entries.v = NULL;
  s->room = s->most / s->pieces.n > LEAST_BUFFER ? s->most / s->pieces.n : LEAST_BUFFER;
  s->heap = mlt_calloc(s->pieces.n, sizeof(struct piece *));
  if (!s->heap)
    return mlt_err_nomem(err);
  for (size_t i = 0; i < s->pieces.n; i++) {
    rc = look(s, &s->pieces.v[i], err);
    if (rc != MLT_OK)
      return rc;
    s->heap[s->n++] = &s->pieces.v[i];
  }
  for (size_t i = s->n / 2; i-- > 0;)
    sift_down(s, i);
  return MLT_OK;
}

static enum mlt_rc next_in_memory(struct mlt_line_sort *s, struct mlt_sorted_line *line) {
  if (s->given == s->entries.n)
    return MLT_END;
  const struct entry *e = &s->entries.v[s->given++];
  *line = (struct mlt_sorted_line){e->head.rank, e->head.number, {s->text + e->at, e->head.len}};
  return MLT_OK;
}

enum mlt_rc mlt_line_sort_next(struct mlt_line_sort *s, struct mlt_sorted_line *line,
                               struct mlt_err *err) {
  bool first = !s->sorted;
  enum mlt_rc rc = first ? start(s, err) : MLT_OK;
  if (rc == MLT_OK && !s->file)
    return next_in_memory(s, line);
  if (rc == MLT_OK && !first && s->n) { /* the one that was given is done with */
    struct piece *p = s->heap[0];
    p->at += sizeof p->head + p->head.len;
    rc = look(s, p, err);
    if (rc == MLT_END) {
      s->heap[0] = s->heap[--s->n];
      rc = MLT_OK;
    }
    if (rc == MLT_OK && s->n)
      sift_down(s, 0);
  }
  if (rc != MLT_OK || !s->n)
    return rc == MLT_OK ? MLT_END : rc;
  const struct piece *p = s->heap[0];
  *line = (struct mlt_sorted_line){
      p->head.rank, p->head.number, {p->buffer + p->at + sizeof p->head, p->head.len}};
  return MLT_OK;
}
