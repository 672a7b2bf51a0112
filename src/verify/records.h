/* Every run and logged model with the folder of its artifacts: who shares one, and whose a folder
   is. Some 200 bytes a record. Not thread-safe. */
#ifndef MLT_VERIFY_RECORDS_H
#define MLT_VERIFY_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "model/tables.h"

struct mlt_records;

struct mlt_record_place {
  enum mlt_table table;
  const char *id, *experiment;
  const char *path; /* absolute and plain; "": not on this machine */
};

struct mlt_records *mlt_records_new(void);    /* NULL when out of memory */
void mlt_records_free(struct mlt_records *r); /* NULL is fine */
/* Copies the strings. MLT_NOMEM. */
enum mlt_rc mlt_records_add(struct mlt_records *r, const struct mlt_record_place *p,
                            struct mlt_err *err) MLT_NODISCARD;

/* Calls fn for each record whose folder another one has, or lies in. */
typedef void (*mlt_records_fn)(void *ctx, const struct mlt_record_place *p,
                               const struct mlt_record_place *other);
void mlt_records_overlaps(struct mlt_records *r, mlt_records_fn fn, void *ctx);

/* NULL: none of this id. The first call after mlt_records_add sorts. */
const struct mlt_record_place *mlt_records_find(struct mlt_records *r, const char *id);

/* Is path the folder, or in it? Both are absolute, and plain: "//", ".", ".." do not occur. */
bool mlt_path_within(const char *path, const char *folder);

#endif
