/* See line_input.h. */
#include "source/line_input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/temp.h"
#include "lines/lines.h"

enum { CHUNK = 256 * 1024 };

static enum mlt_rc failed(const struct mlt_line_input *in, int errnum, struct mlt_err *err) {
  return in->standard ? mlt_err_errno(err, errnum, "cannot read standard input")
                      : mlt_err_errno(err, errnum, "cannot read '%s'", in->path);
}

static enum mlt_rc open_path(struct mlt_line_input *in, struct mlt_err *err) {
  struct stat st;
  in->standard = strcmp(in->path, "-") == 0;
  in->fd = in->standard ? STDIN_FILENO : open(in->path, O_RDONLY | O_CLOEXEC);
  if (in->fd < 0 || fstat(in->fd, &st) < 0)
    return failed(in, errno, err);
  if (S_ISDIR(st.st_mode))
    return mlt_err_set(err, MLT_NOINPUT, "'%s' is a folder, not a file of JSON lines", in->path);
  in->live = !S_ISREG(st.st_mode);
  return MLT_OK;
}

/* MLT_AGAIN: nothing is there to be read when it is due. */
static enum mlt_rc wait_until_due(const struct mlt_line_input *in) {
  if (!in->live || in->due == 0)
    return MLT_OK;
  double left = in->due - mlt_clock_seconds();
  struct pollfd p = {.fd = in->fd, .events = POLLIN};
  int n = poll(&p, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
  return n == 0 ? MLT_AGAIN : MLT_OK; /* an error shows when it is read */
}

/* Reads what is there, at least min bytes if there are so many. */
static enum mlt_rc read_some(struct mlt_line_input *in, char *to, size_t room, size_t min,
                             size_t *got, struct mlt_err *err) {
  for (*got = 0; *got < min && !in->read_all;) {
    if (wait_until_due(in) == MLT_AGAIN)
      return MLT_AGAIN;
    ssize_t n = mlt_file_read(in->fd, to + *got, room - *got);
    if (n < 0)
      return failed(in, (int)-n, err);
    in->read_all = n == 0;
    *got += (size_t)n;
    in->bytes += (size_t)n;
  }
  return MLT_OK;
}

/* The first bytes say whether it is packed. */
static enum mlt_rc start(struct mlt_line_input *in, struct mlt_err *err) {
  static const char mark[] = "\xef\xbb\xbf";
  size_t n;
  enum mlt_rc rc = read_some(in, in->buf, CHUNK, MLT_CODING_HEAD, &n, err);
  if (rc != MLT_OK)
    return rc;
  enum mlt_coding coding = mlt_coding_of((struct mlt_str){in->buf, n});
  if (coding == MLT_CODING_NONE) {
    in->end = n;
    in->marked = n >= 3 && memcmp(in->buf, mark, 3) == 0;
    in->start = in->at = in->marked ? 3 : 0;
    return MLT_OK;
  }
  in->inflate = mlt_inflate_new(coding);
  in->packed = mlt_alloc(CHUNK);
  if (!in->inflate || !in->packed)
    return mlt_err_nomem(err);
  memcpy(in->packed, in->buf, n);
  in->rest = (struct mlt_str){in->packed, n};
  return MLT_OK;
}

enum mlt_rc mlt_line_input_open(struct mlt_line_input *in, const char *path, struct mlt_err *err) {
  *in = (struct mlt_line_input){.fd = -1, .path = path, .line = 1, .cap = 2 * (size_t)CHUNK};
  enum mlt_rc rc = open_path(in, err);
  if (rc != MLT_OK)
    return rc;
  in->buf = mlt_alloc(in->cap);
  return in->buf ? start(in, err) : mlt_err_nomem(err);
}

void mlt_line_input_close(struct mlt_line_input *in) {
  if (in->fd >= 0 && !in->standard)
    (void)close(in->fd);
  in->fd = -1;
  mlt_inflate_free(in->inflate);
  mlt_free(in->packed);
  mlt_free(in->buf);
  in->inflate = NULL;
  in->packed = in->buf = NULL;
}

static enum mlt_rc unpack(struct mlt_line_input *in, char *to, size_t room, size_t *got,
                          struct mlt_err *err) {
  for (;;) {
    enum mlt_rc rc = mlt_inflate(in->inflate, &in->rest, in->read_all, to, room, got, err);
    if (rc != MLT_AGAIN)
      return rc;
    size_t n;
    rc = read_some(in, in->packed, CHUNK, 1, &n, err);
    if (rc != MLT_OK)
      return rc;
    in->rest = (struct mlt_str){in->packed, n};
  }
}

/* More bytes behind those at hand; none: in->eof. */
static enum mlt_rc fill(struct mlt_line_input *in, struct mlt_err *err) {
  if (in->start) {
    memmove(in->buf, in->buf + in->start, in->end - in->start);
    in->at -= in->start;
    in->end -= in->start;
    in->start = 0;
  }
  if (in->cap - in->end < CHUNK) {
    char *more = mlt_realloc(in->buf, in->cap * 2);
    if (!more)
      return mlt_err_nomem(err);
    in->buf = more;
    in->cap *= 2;
  }
  size_t got = 0, room = in->cap - in->end;
  enum mlt_rc rc = in->inflate ? unpack(in, in->buf + in->end, room, &got, err)
                               : read_some(in, in->buf + in->end, room, 1, &got, err);
  in->eof = rc != MLT_AGAIN && (rc != MLT_OK || got == 0);
  in->end += got;
  return rc == MLT_END ? MLT_OK : rc;
}

struct mlt_str mlt_line_input_peek(struct mlt_line_input *in) {
  struct mlt_err err = MLT_ERR_INIT;
  if (in->start == in->end && fill(in, &err) != MLT_OK)
    return MLT_STR_LIT("");
  return (struct mlt_str){in->buf + in->start, in->end - in->start};
}

static bool is_blank(struct mlt_str s) {
  for (size_t i = 0; i < s.len; i++)
    if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
      return false;
  return true;
}

/* Looks for the end of the line at hand. MLT_OK: *n bytes of it are there, *next is behind it. */
static enum mlt_rc find_end(struct mlt_line_input *in, size_t *n, size_t *next,
                            struct mlt_err *err) {
  for (;;) {
    const char *nl = memchr(in->buf + in->at, '\n', in->end - in->at);
    if (nl || in->eof) {
      *n = (size_t)((nl ? nl : in->buf + in->end) - (in->buf + in->start));
      *next = in->start + *n + (nl != NULL);
      return MLT_OK;
    }
    in->at = in->end;
    if (in->end - in->start > MLT_LINE_MAX) {
      in->skipping = true;
      in->start = in->end;
    }
    enum mlt_rc rc = fill(in, err);
    if (rc != MLT_OK)
      return rc;
  }
}

enum mlt_rc mlt_line_input_next(struct mlt_line_input *in, struct mlt_str *line, uint64_t *number,
                                struct mlt_err *err) {
  for (;;) {
    size_t n, next;
    *number = in->line;
    enum mlt_rc rc = find_end(in, &n, &next, err);
    if (rc == MLT_DATA) { /* the beginning of a line, whose rest there is not */
      in->start = in->at = in->end;
      *number = in->line - 1;
    }
    if (rc != MLT_OK)
      return rc;
    bool too_long = in->skipping || n > MLT_LINE_MAX;
    if (next == in->start && !too_long)
      return MLT_END;
    *line = (struct mlt_str){in->buf + in->start, n};
    in->start = in->at = next;
    in->skipping = false;
    in->line++;
    if (too_long || !is_blank(*line))
      return too_long ? MLT_TOOBIG : MLT_OK;
  }
}

static enum mlt_rc write_all(int fd, const char *p, size_t n, struct mlt_err *err) {
  while (n) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno != EINTR)
      return mlt_temp_failed(errno, "cannot write to", err);
    p += done > 0 ? done : 0;
    n -= done > 0 ? (size_t)done : 0;
  }
  return MLT_OK;
}

/* From the line just given. */
static enum mlt_rc copy(struct mlt_line_input *in, struct mlt_str first, int fd,
                        struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  for (uint64_t i = 2; i < in->line && rc == MLT_OK; i++)
    rc = write_all(fd, "\n", 1, err);
  in->start = (size_t)(first.p - in->buf);
  while (rc == MLT_OK && !(in->eof && in->start == in->end)) {
    rc = write_all(fd, in->buf + in->start, in->end - in->start, err);
    in->start = in->at = in->end;
    if (rc == MLT_OK && !in->eof)
      rc = fill(in, err);
  }
  if (rc == MLT_OK && lseek(fd, 0, SEEK_SET) < 0)
    rc = mlt_temp_failed(errno, "cannot read", err);
  return rc;
}

enum mlt_rc mlt_line_input_seekable(struct mlt_line_input *in, struct mlt_str first, int *fd,
                                    struct mlt_err *err) {
  *fd = -1;
  if (!in->inflate && !in->marked && lseek(in->fd, 0, SEEK_SET) == 0) {
    *fd = fcntl(in->fd, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? failed(in, errno, err) : MLT_OK;
  }
  enum mlt_rc rc = mlt_temp_open(fd, err);
  if (rc == MLT_OK)
    rc = copy(in, first, *fd, err);
  if (rc != MLT_OK && *fd >= 0)
    (void)close(*fd);
  return rc;
}
