/* The reads of schema/reads.h on a SQLite file, and the moment they see. One thread uses a
   connection and its reads. */
#ifndef MLT_LITE_READ_H
#define MLT_LITE_READ_H

#include "lite/store.h"
#include "schema/copied.h"
#include "schema/reads.h"

/* Makes *db (opened with MLT_LITE_READ) see one moment, until it is closed. A file in WAL mode: by
   a read transaction, which hinders nobody. In the other journal modes that would keep every writer
   out: there *db becomes a private copy, which SQLite keeps in a temporary file that is gone with
   the connection (SQLITE_TMPDIR, TMPDIR, /var/tmp). After an error, too, *db is
   to be closed. MLT_TEMPFAIL: busy. */
enum mlt_rc mlt_lite_snapshot(struct mlt_lite **db, struct mlt_err *err);

/* The same for a short look: nothing is copied, and in the other journal modes writers wait until
   db is closed. */
enum mlt_rc mlt_lite_hold(struct mlt_lite *db, struct mlt_err *err);

struct mlt_lite_read;

/* A table that the features lack has no rows. */
enum mlt_rc mlt_lite_read_new(struct mlt_lite_read **out, struct mlt_lite *db, enum mlt_read what,
                              uint32_t features, struct mlt_err *err);
/* Of a copied table: `sql` is that of schema/copied.h; the shape is borrowed. No keys. */
enum mlt_rc mlt_lite_read_copied(struct mlt_lite_read **out, struct mlt_lite *db,
                                 const struct mlt_shape *shape, const char *sql,
                                 struct mlt_err *err);
void mlt_lite_read_free(struct mlt_lite_read *r); /* NULL is fine */
/* Begins, or begins again. keys as reads.h has them, borrowed until the last row; n = 0 for a read
 * without keys. */
enum mlt_rc mlt_lite_read_start(struct mlt_lite_read *r, const struct mlt_str *keys, size_t n,
                                struct mlt_err *err);
/* The next row, valid until the next call; MLT_END after the last. */
enum mlt_rc mlt_lite_read_next(struct mlt_lite_read *r, const struct mlt_read_row **row,
                               struct mlt_err *err);
/* Rows of a table, whoever's it is. */
enum mlt_rc mlt_lite_count(struct mlt_lite *db, const char *table, uint64_t *n,
                           struct mlt_err *err);

#endif
