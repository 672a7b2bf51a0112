/* Compresses a stream. One thread uses an instance. */
#ifndef MLT_BASE_DEFLATE_H
#define MLT_BASE_DEFLATE_H

#include <stddef.h>
#include "base/err.h"

enum mlt_deflate_kind { MLT_DEFLATE_GZIP, MLT_DEFLATE_ZSTD };

struct mlt_deflate;

/* Takes compressed bytes. Anything but MLT_OK ends the call that it is called in with that code. */
typedef enum mlt_rc (*mlt_deflate_out)(void *ctx, const char *p, size_t n, struct mlt_err *err);

/* NULL when out of memory. */
struct mlt_deflate *mlt_deflate_new(enum mlt_deflate_kind kind, mlt_deflate_out out, void *ctx);
void mlt_deflate_free(struct mlt_deflate *d); /* NULL is fine */
enum mlt_rc mlt_deflate_add(struct mlt_deflate *d, const char *p, size_t n,
                            struct mlt_err *err) MLT_NODISCARD;
/* Ends the stream: nothing may be added any more. */
enum mlt_rc mlt_deflate_end(struct mlt_deflate *d, struct mlt_err *err) MLT_NODISCARD;

#endif
