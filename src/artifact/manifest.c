#include "artifact/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_read.h"
#include "base/mem.h"

enum { VERSION = 1, FLUSH = 64 << 10, CHUNK = 64 << 10 };

bool mlt_manifest_id_valid(const char *id) {
  size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
  return !id[n] && n >= 2 && n <= MLT_MANIFEST_ID_MAX;
}

void mlt_manifest_path(char out[MLT_MANIFEST_PATH], const char *id) {
  (void)snprintf(out, MLT_MANIFEST_PATH, "%s/%.2s/%s.jsonl", MLT_MANIFEST_FOLDER, id, id);
}

/* Hex. */

static int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum mlt_rc add_hex(struct mlt_buf *b, const void *p, size_t n) {
  const unsigned char *bytes = p;
  enum mlt_rc rc = mlt_buf_reserve(b, 2 * n);
  for (size_t i = 0; rc == MLT_OK && i < n; i++) {
    b->p[b->len++] = "0123456789abcdef"[bytes[i] >> 4];
    b->p[b->len++] = "0123456789abcdef"[bytes[i] & 15];
  }
  return rc;
}

static bool read_hex(unsigned char *out, struct mlt_str hex) {
  if (hex.len % 2)
    return false;
  for (size_t i = 0; i < hex.len; i += 2) {
    int high = digit(hex.p[i]), low = digit(hex.p[i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i / 2] = (unsigned char)(high << 4 | low);
  }
  return true;
}

/* Reading a line. */

static bool number(const struct mlt_json *object, const char *field, uint64_t *out) {
  const struct mlt_json *v = mlt_json_get(object, field);
  struct mlt_str text = mlt_json_text(v);
  *out = 0;
  if (mlt_json_kind(v) != MLT_JSON_NUMBER || !text.len)
    return false;
  for (size_t i = 0; i < text.len; i++) {
    unsigned d = (unsigned)(text.p[i] - '0');
    if (d > 9 || *out > (UINT64_MAX - d) / 10)
      return false;
    *out = *out * 10 + d;
  }
  return true;
}

static bool signed_number(const struct mlt_json *object, const char *field, int64_t *out) {
  const struct mlt_json *v = mlt_json_get(object, field);
  struct mlt_str text = mlt_json_text(v);
  bool negative = text.len && text.p[0] == '-';
  uint64_t n = 0;
  if (mlt_json_kind(v) != MLT_JSON_NUMBER || text.len == negative)
    return false;
  for (size_t i = negative; i < text.len; i++) {
    unsigned d = (unsigned)(text.p[i] - '0');
    if (d > 9 || n > ((uint64_t)INT64_MAX - d) / 10)
      return false;
    n = n * 10 + d;
  }
  *out = negative ? -(int64_t)n : (int64_t)n;
  return true;
}

static enum mlt_rc wrong(struct mlt_err *err, const char *what) {
  return mlt_err_set(err, MLT_DATA, "%s", what);
}

static enum mlt_rc parse_head(const struct mlt_json *line, struct mlt_manifest_parsed *out,
                              struct mlt_err *err) {
  uint64_t version;
  if (!number(line, "mltrack_manifest", &version))
    return wrong(err, "mltrack_manifest is no whole number");
  if (version != VERSION) {
    (void)mlt_err_set(err, MLT_SCHEMA, "a manifest of form %" PRIu64 "; this mltrack knows form %d",
                      version, VERSION);
    mlt_err_hint(err, "Use the mltrack that wrote it, or a newer one.");
    return MLT_SCHEMA;
  }
  const struct mlt_json *id = mlt_json_get(line, "id");
  struct mlt_str text = mlt_json_text(id);
  (void)snprintf(out->id, sizeof out->id, "%.*s", MLT_STR_ARG(text));
  if (mlt_json_kind(id) != MLT_JSON_STRING || text.len != strlen(out->id) ||
      !mlt_manifest_id_valid(out->id))
    return wrong(err, "id is none");
  out->kind = MLT_MANIFEST_HEAD;
  return MLT_OK;
}

/* The path, unescaped, into `path`. */
static enum mlt_rc parse_path(const struct mlt_json *line, struct mlt_buf *path,
                              struct mlt_err *err) {
  const struct mlt_json *plain = mlt_json_get(line, "path"), *hex = mlt_json_get(line, "path_hex");
  struct mlt_str text = mlt_json_text(plain ? plain : hex);
  if ((plain != NULL) == (hex != NULL) || mlt_json_kind(plain ? plain : hex) != MLT_JSON_STRING)
    return wrong(err, "a line has either a path or a path_hex");
  if (!text.p || mlt_buf_reserve(path, text.len) == MLT_NOMEM)
    return mlt_err_nomem(err);
  if (text.len > path->max)
    return wrong(err, "the path is too long");
  mlt_buf_clear(path);
  if (plain && mlt_buf_add(path, text.p, text.len) != MLT_OK)
    return mlt_err_nomem(err);
  if (hex) {
    if (!read_hex((unsigned char *)path->p, text))
      return wrong(err, "path_hex is not lower-case hex");
    path->len = text.len / 2;
    if (mlt_utf8_invalid(mlt_buf_str(path)) < 0)
      return wrong(err, "path_hex stands for what could be a path");
  }
  if (path->len >= PATH_MAX || !mlt_file_path_valid(mlt_buf_str(path)))
    return wrong(err, "the path is not one of a file below the folder");
  return MLT_OK;
}

static enum mlt_rc parse_file(const struct mlt_json *line, struct mlt_buf *path,
                              struct mlt_manifest_parsed *out, struct mlt_err *err) {
  enum mlt_rc rc = parse_path(line, path, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_manifest_entry *e = &out->entry;
  const struct mlt_json *sha = mlt_json_get(line, "sha256");
  struct mlt_str hex = mlt_json_text(sha);
  if (!number(line, "size", &e->size))
    return wrong(err, "size is no whole number");
  if (!signed_number(line, "mtime_ns", &e->mtime_ns))
    return wrong(err, "mtime_ns is no whole number");
  if (mlt_json_kind(sha) != MLT_JSON_STRING || hex.len != MLT_SHA256_HEX ||
      !read_hex(e->sha256, hex))
    return wrong(err, "sha256 is not 64 digits of lower-case hex");
  e->path = mlt_buf_str(path);
  out->kind = MLT_MANIFEST_FILE;
  return MLT_OK;
}

enum mlt_rc mlt_manifest_parse(struct mlt_str text, struct mlt_buf *path,
                               struct mlt_manifest_parsed *out, struct mlt_err *err) {
  struct mlt_json *line = mlt_json_parse(text, err);
  if (!line)
    return err->rc;
  enum mlt_rc rc;
  if (mlt_json_kind(line) != MLT_JSON_OBJECT) {
    rc = wrong(err, "not a JSON object");
  } else if (mlt_json_get(line, "mltrack_manifest")) {
    rc = parse_head(line, out, err);
  } else if (mlt_json_get(line, "files")) {
    out->kind = MLT_MANIFEST_TAIL;
    bool ok = number(line, "files", &out->files) && number(line, "bytes", &out->bytes);
    rc = ok ? MLT_OK : wrong(err, "files and bytes are no whole numbers");
  } else {
    rc = parse_file(line, path, out, err);
  }
  mlt_json_free(line);
  return rc;
}

/* Reading a file. */

struct mlt_manifest_reader {
  int fd;
  char *name;
  struct mlt_buf in; /* read, not yet parsed from `at` on */
  size_t at;
  uint64_t line, files, bytes;
  struct mlt_buf path[2]; /* of this entry and the one before */
  bool eof, ended;
  char id[MLT_MANIFEST_ID_MAX + 1];
};

static enum mlt_rc fill(struct mlt_manifest_reader *r, struct mlt_err *err) {
  memmove(r->in.p, r->in.p + r->at, r->in.len - r->at);
  r->in.len -= r->at;
  r->at = 0;
  if (r->in.len > MLT_MANIFEST_LINE_MAX)
    return wrong(err, "the line is too long");
  ssize_t n = mlt_file_read(r->fd, r->in.p + r->in.len, CHUNK);
  if (n < 0)
    return mlt_err_errno(err, (int)-n, "cannot be read");
  r->in.len += (size_t)n;
  r->eof = n == 0;
  return MLT_OK;
}

/* The next line without its end; MLT_END at the end of the file. */
static enum mlt_rc next_line(struct mlt_manifest_reader *r, struct mlt_str *line,
                             struct mlt_err *err) {
  for (;;) {
    char *start = r->in.p + r->at, *nl = memchr(start, '\n', r->in.len - r->at);
    if (nl) {
      *line = (struct mlt_str){start, (size_t)(nl - start)};
      r->at += line->len + 1;
      return line->len > MLT_MANIFEST_LINE_MAX ? wrong(err, "the line is too long") : MLT_OK;
    }
    if (r->eof)
      return r->at == r->in.len ? MLT_END : wrong(err, "the line is cut off");
    enum mlt_rc rc = fill(r, err);
    if (rc != MLT_OK)
      return rc;
  }
}

static enum mlt_rc at_place(const struct mlt_manifest_reader *r, enum mlt_rc rc,
                            struct mlt_err *err) {
  if (rc != MLT_NOMEM && rc != MLT_END && rc != MLT_OK)
    mlt_err_prefix(err, "manifest %s, line %" PRIu64, r->name, r->line);
  return rc;
}

static enum mlt_rc next_parsed(struct mlt_manifest_reader *r, struct mlt_manifest_parsed *p,
                               struct mlt_err *err) {
  struct mlt_str line;
  r->line++;
  enum mlt_rc rc = next_line(r, &line, err);
  return rc == MLT_OK ? mlt_manifest_parse(line, &r->path[r->files % 2], p, err) : rc;
}

static enum mlt_rc read_head(struct mlt_manifest_reader *r, struct mlt_err *err) {
  struct mlt_manifest_parsed p;
  enum mlt_rc rc = next_parsed(r, &p, err);
  if (rc == MLT_END)
    return at_place(r, wrong(err, "it is empty"), err);
  if (rc == MLT_OK && p.kind != MLT_MANIFEST_HEAD)
    rc = wrong(err, "it does not begin with the head of a manifest");
  if (rc == MLT_OK)
    memcpy(r->id, p.id, sizeof r->id);
  return at_place(r, rc, err);
}

enum mlt_rc mlt_manifest_reader_open(struct mlt_manifest_reader **out, int fd, const char *name,
                                     struct mlt_err *err) {
  struct mlt_manifest_reader *r = mlt_calloc(1, sizeof *r);
  *out = NULL;
  if (!r) {
    (void)close(fd);
    return mlt_err_nomem(err);
  }
  r->fd = fd;
  r->name = mlt_strdup(name);
  mlt_buf_init(&r->in, MLT_MANIFEST_LINE_MAX + 2 * CHUNK);
  mlt_buf_init(&r->path[0], MLT_MANIFEST_LINE_MAX);
  mlt_buf_init(&r->path[1], MLT_MANIFEST_LINE_MAX);
  enum mlt_rc rc = r->name ? mlt_buf_reserve(&r->in, r->in.max) : MLT_NOMEM;
  rc = rc == MLT_OK ? read_head(r, err) : mlt_err_nomem(err);
  if (rc != MLT_OK) {
    mlt_manifest_reader_close(r);
    return rc;
  }
  *out = r;
  return MLT_OK;
}

const char *mlt_manifest_reader_id(const struct mlt_manifest_reader *r) {
  return r->id;
}

static enum mlt_rc check_tail(struct mlt_manifest_reader *r, const struct mlt_manifest_parsed *p,
                              struct mlt_err *err) {
  struct mlt_str more;
  if (p->files != r->files || p->bytes != r->bytes)
    return wrong(err, "the number of files, or of bytes, is not what it says at the end");
  enum mlt_rc rc = next_line(r, &more, err);
  if (rc == MLT_OK)
    return wrong(err, "there are lines behind the end");
  r->ended = rc == MLT_END;
  return rc;
}

enum mlt_rc mlt_manifest_next(struct mlt_manifest_reader *r, struct mlt_manifest_entry *e,
                              struct mlt_err *err) {
  struct mlt_manifest_parsed p;
  if (r->ended)
    return MLT_END;
  enum mlt_rc rc = next_parsed(r, &p, err);
  if (rc == MLT_END)
    rc = wrong(err, "it ends without its end: it is not whole");
  else if (rc == MLT_OK && p.kind == MLT_MANIFEST_TAIL)
    rc = check_tail(r, &p, err);
  else if (rc == MLT_OK && p.kind == MLT_MANIFEST_HEAD)
    rc = wrong(err, "a second head");
  else if (rc == MLT_OK && r->files &&
           mlt_str_cmp(mlt_buf_str(&r->path[1 - r->files % 2]), p.entry.path) >= 0)
    rc = wrong(err, "the paths are not in order");
  if (rc != MLT_OK)
    return at_place(r, rc, err);
  r->files++;
  r->bytes += p.entry.size;
  *e = p.entry;
  return MLT_OK;
}

void mlt_manifest_reader_close(struct mlt_manifest_reader *r) {
  if (!r)
    return;
  (void)close(r->fd);
  mlt_buf_free(&r->in);
  mlt_buf_free(&r->path[0]);
  mlt_buf_free(&r->path[1]);
  mlt_free(r->name);
  mlt_free(r);
}

/* Writing. The buffer takes what one call adds at most, and is written when it is FLUSH long. */

static enum mlt_rc flush(struct mlt_manifest_writer *w, struct mlt_err *err) {
  int failed = mlt_file_write(w->fd, w->buf.p, w->buf.len);
  mlt_buf_clear(&w->buf);
  return failed ? mlt_err_errno(err, -failed, "cannot write the manifest") : MLT_OK;
}

/* rc: of what was added. */
static enum mlt_rc added(struct mlt_manifest_writer *w, enum mlt_rc rc, struct mlt_err *err) {
  if (rc == MLT_NOMEM)
    return mlt_err_nomem(err);
  if (rc != MLT_OK)
    return mlt_err_set(err, rc, "a path is too long for the manifest");
  return w->buf.len >= FLUSH ? flush(w, err) : MLT_OK;
}

enum mlt_rc mlt_manifest_begin(struct mlt_manifest_writer *w, int fd, const char *id,
                               struct mlt_err *err) {
  *w = (struct mlt_manifest_writer){.fd = fd};
  mlt_buf_init(&w->buf, FLUSH + 2 * MLT_MANIFEST_LINE_MAX);
  enum mlt_rc rc =
      mlt_buf_printf(&w->buf, "{\"mltrack_manifest\":%d,\"id\":\"%s\"}\n", VERSION, id);
  return added(w, rc, err);
}

static enum mlt_rc add_quoted(struct mlt_buf *b, struct mlt_str s) {
  enum mlt_rc rc = mlt_buf_reserve(b, 6 * s.len);
  for (size_t i = 0; rc == MLT_OK && i < s.len; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c < ' ' || c == 0x7F) {
      rc = c == '\n' ? mlt_buf_adds(b, "\\n") : mlt_buf_printf(b, "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\')
        b->p[b->len++] = '\\';
      b->p[b->len++] = (char)c;
    }
  }
  return rc;
}

enum mlt_rc mlt_manifest_add(struct mlt_manifest_writer *w, const struct mlt_manifest_entry *e,
                             struct mlt_err *err) {
  struct mlt_buf *b = &w->buf;
  bool text = mlt_utf8_invalid(e->path) < 0;
  enum mlt_rc rc = mlt_buf_adds(b, text ? "{\"path\":\"" : "{\"path_hex\":\"");
  if (rc == MLT_OK)
    rc = text ? add_quoted(b, e->path) : add_hex(b, e->path.p, e->path.len);
  if (rc == MLT_OK)
    rc = mlt_buf_printf(b, "\",\"size\":%" PRIu64 ",\"mtime_ns\":%" PRId64 ",\"sha256\":\"",
                        e->size, e->mtime_ns);
  if (rc == MLT_OK)
    rc = add_hex(b, e->sha256, MLT_SHA256_BYTES);
  if (rc == MLT_OK)
    rc = mlt_buf_adds(b, "\"}\n");
  w->files++;
  w->bytes += e->size;
  return added(w, rc, err);
}

enum mlt_rc mlt_manifest_finish(struct mlt_manifest_writer *w, struct mlt_err *err) {
  enum mlt_rc rc = mlt_buf_printf(&w->buf, "{\"files\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n",
                                  w->files, w->bytes);
  rc = added(w, rc, err);
  if (rc == MLT_OK)
    rc = flush(w, err);
  mlt_manifest_writer_free(w);
  return rc;
}

void mlt_manifest_writer_free(struct mlt_manifest_writer *w) {
  mlt_buf_free(&w->buf);
}
