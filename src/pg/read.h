/* The reads of schema/reads.h on PostgreSQL: server-side cursors, all in one transaction that sees
   one moment. One thread uses a connection and its reads. Errors as in pg/store.h. */
#ifndef MLT_PG_READ_H
#define MLT_PG_READ_H

#include "pg/store.h"
#include "schema/copied.h"
#include "schema/reads.h"

/* Begins a READ ONLY, REPEATABLE READ transaction. Takes ACCESS SHARE on the tables the features
   bring before it looks: an upgrade of the schema waits until the end, and one that came before is
   seen (MLT_SCHEMA if alembic_version is not `head`). MLT_TEMPFAIL if somebody changes the tables
   just now. End it with mlt_pg_rollback, or by closing. */
enum mlt_rc mlt_pg_snapshot(struct mlt_pg *pg, const char *head, uint32_t features,
                            struct mlt_err *err);

/* Are both connected to the same database and schema? A standby counts as its primary. */
enum mlt_rc mlt_pg_same(struct mlt_pg *a, struct mlt_pg *b, bool *same, struct mlt_err *err);

struct mlt_pg_read;

/* A table that the features lack has no rows. */
enum mlt_rc mlt_pg_read_new(struct mlt_pg_read **out, struct mlt_pg *pg, enum mlt_read what,
                            uint32_t features, struct mlt_err *err);
/* Of a copied table: `sql` is that of schema/copied.h; the shape is borrowed. No keys. */
enum mlt_rc mlt_pg_read_copied(struct mlt_pg_read **out, struct mlt_pg *pg,
                               const struct mlt_shape *shape, const char *sql, struct mlt_err *err);
void mlt_pg_read_free(struct mlt_pg_read *r); /* NULL is fine; the connection must still be open */
/* Begins, or begins again. n = 0 for a read without keys. */
enum mlt_rc mlt_pg_read_start(struct mlt_pg_read *r, const struct mlt_str *keys, size_t n,
                              struct mlt_err *err);
/* The next row, valid until the next call; MLT_END after the last. */
enum mlt_rc mlt_pg_read_next(struct mlt_pg_read *r, const struct mlt_read_row **row,
                             struct mlt_err *err);
/* Rows of a table, whoever's it is. */
enum mlt_rc mlt_pg_count(struct mlt_pg *pg, const char *table, uint64_t *n, struct mlt_err *err);

#endif
