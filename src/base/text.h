/* Text that came from outside, made fit for where it goes: a terminal, a JSON document, a log that
   must not hold passwords. Also doubles as text, free of the process's locale. */
#ifndef MLT_BASE_TEXT_H
#define MLT_BASE_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Adds s so that a terminal shows it and does nothing else: control characters (C0, DEL, C1),
   bidirectional overrides and bad UTF-8 become \n, \t, \xHH or \u{HHHH}. */
enum mlt_rc mlt_text_escape(struct mlt_buf *b, struct mlt_str s) MLT_NODISCARD;
/* The same, printed. */
void mlt_text_print(FILE *out, struct mlt_str s);
/* Adds s with U+FFFD for every byte that is not UTF-8. */
enum mlt_rc mlt_text_repair(struct mlt_buf *b, struct mlt_str s) MLT_NODISCARD;
/* Adds s with the passwords of URIs (scheme://user:PW@host, ?password=PW) and of keywords
   (password=PW) replaced by ***. */
enum mlt_rc mlt_text_mask(struct mlt_buf *b, struct mlt_str s) MLT_NODISCARD;

/* The shortest decimal that reads back as d, always with a point or an exponent: "0.1", "1.0",
   "1e+300", "nan", "inf", "-inf". Ends in NUL; returns its length. */
#define MLT_DOUBLE_TEXT 32
size_t mlt_text_double(char out[MLT_DOUBLE_TEXT], double d);
/* Likewise of an integer. */
#define MLT_INT_TEXT 24
size_t mlt_text_int(char out[MLT_INT_TEXT], int64_t n);

#endif
