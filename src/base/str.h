/* String slices: bytes that somebody else owns. p == NULL means "absent" (SQL NULL); an empty
   string has p != NULL and len 0. Slices are UTF-8 unless said otherwise and need not end in NUL.
 */
#ifndef MLT_BASE_STR_H
#define MLT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mlt_str {
  const char *p;
  size_t len;
};

#define MLT_STR_NULL ((struct mlt_str){NULL, 0})
#define MLT_STR_LIT(s) ((struct mlt_str){"" s, sizeof(s) - 1})
/* For printf("%.*s", MLT_STR_ARG(s)); absent prints as nothing. */
#define MLT_STR_ARG(s) (int)((s).len > 4096 ? 4096 : (s).len), ((s).p ? (s).p : "")

struct mlt_str mlt_str_c(const char *s);             /* from a C string; NULL becomes absent */
bool mlt_str_eq(struct mlt_str a, struct mlt_str b); /* absent equals absent only */
bool mlt_str_is(struct mlt_str a, const char *s);
int mlt_str_cmp(struct mlt_str a, struct mlt_str b); /* by bytes; absent sorts first */
bool mlt_str_starts(struct mlt_str a, const char *prefix);
bool mlt_str_ends(struct mlt_str a, const char *suffix); /* and is more than that */

/* UTF-8 (RFC 3629: no surrogates, no overlong forms, <= U+10FFFF). */
/* Offset of the first bad byte, or -1 if all of it is valid. NUL bytes are valid UTF-8: test for
 * them apart. */
ptrdiff_t mlt_utf8_invalid(struct mlt_str s);
/* Number of code points, which is what Python's len() and PostgreSQL's varchar(n) count. s must be
 * valid. */
size_t mlt_utf8_length(struct mlt_str s);
/* Bytes of the first n code points (all of s if it has fewer). s must be valid. */
size_t mlt_utf8_prefix(struct mlt_str s, size_t n);
/* Decodes one code point at s (len > 0, valid UTF-8) into *cp and returns its length in bytes. */
size_t mlt_utf8_next(struct mlt_str s, uint32_t *cp);

#endif
