/* Inside the writer: text that becomes lines. A line is begun, takes fields, and is ended, or held
   open for more. What goes wrong with it is remembered until then. */
#ifndef MLT_LINES_OUT_H
#define MLT_LINES_OUT_H

#include "base/buf.h"
#include "lines/lines.h"

struct mlt_line_out {
  mlt_lines_out take;
  void *ctx;
  struct mlt_buf buf; /* whole lines, and the one at hand */
  size_t start;       /* of the one at hand */
  enum mlt_line_type type;
  enum mlt_rc failed; /* MLT_OK, MLT_REJECTED: fault says why; else err does */
  struct mlt_line_fault *fault;
  struct mlt_err *err;
};

void mlt_out_init(struct mlt_line_out *o, mlt_lines_out take, void *ctx);
void mlt_out_free(struct mlt_line_out *o);
/* Gives whole lines out; no line may be at hand. */
enum mlt_rc mlt_out_flush(struct mlt_line_out *o, struct mlt_err *err) MLT_NODISCARD;

/* The one at hand cannot be written. */
void mlt_out_refuse(struct mlt_line_out *o, const char *code, const char *field, const char *fmt,
                    ...) MLT_PRINTF(4, 5);

void mlt_out_begin(struct mlt_line_out *o, enum mlt_line_type type, struct mlt_line_fault *fault,
                   struct mlt_err *err);
/* Fields, `at` of them in lines.def; what is absent is left out, or refused where it must not be.
 */
void mlt_out_put_text(struct mlt_line_out *o, int at, struct mlt_str s);
void mlt_out_put_word(struct mlt_line_out *o, int at, const char *word); /* plain ASCII */
void mlt_out_put_int(struct mlt_line_out *o, int at, int64_t n);
void mlt_out_put_opt_int(struct mlt_line_out *o, int at, struct mlt_opt_i64 n);
void mlt_out_put_number(struct mlt_line_out *o, int at, double d);
void mlt_out_put_true(struct mlt_line_out *o, int at);
/* A list that stands in p as it is to be written, without brackets. */
void mlt_out_put_list(struct mlt_line_out *o, int at, struct mlt_str p);
/* An object of texts. */
void mlt_out_put_texts(struct mlt_line_out *o, int at, const struct mlt_kv *v, size_t n);
/* The line is complete: MLT_REJECTED: it was taken back. */
enum mlt_rc mlt_out_end(struct mlt_line_out *o) MLT_NODISCARD;
/* Likewise, but more fields follow: it may be ended later. */
enum mlt_rc mlt_out_hold(struct mlt_line_out *o) MLT_NODISCARD;

/* The code of what is wrong with a text, which may be absent; NULL: nothing. */
const char *mlt_out_bad_text(struct mlt_str s);
/* Would so many more bytes make the line too long? */
bool mlt_out_fits(const struct mlt_line_out *o, size_t more);
/* Bytes that a text takes in quotes. */
size_t mlt_out_quoted(struct mlt_str s);
/* Appends a number of JSON, or one of the words for what JSON has no number for. */
enum mlt_rc mlt_out_add_number(struct mlt_buf *b, double d) MLT_NODISCARD;
enum mlt_rc mlt_out_add_int(struct mlt_buf *b, int64_t n) MLT_NODISCARD;

#endif
