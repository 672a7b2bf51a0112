/* Reading back what batches have recorded (lite/session.h): SQLite's changesets in mltrack_batch. A
   changeset knows columns by their position only; what they are called is looked up. */
#ifndef MLT_LITE_CHANGES_H
#define MLT_LITE_CHANGES_H

#include "lite/db.h"
#include "lite/store.h"
#include "model/row.h"

/* A row that was inserted or updated. Valid during the call. */
struct mlt_lite_change {
  enum mlt_table table;
  bool inserted;             /* else some columns were changed, none of them of the key */
  unsigned n;                /* columns */
  bool key[MLT_MAX_COLUMNS]; /* of the primary key */
  const char *name[MLT_MAX_COLUMNS];
  /* An insert: now is the row, was NULL. A change: was is the key and what the changed columns
     held, now what they hold since; both NULL of the others. */
  sqlite3_value *was[MLT_MAX_COLUMNS], *now[MLT_MAX_COLUMNS];
};
typedef enum mlt_rc (*mlt_lite_change_fn)(void *ctx, const struct mlt_lite_change *c,
                                          struct mlt_err *err);

/* What the columns of tables are called; begins as zeros. */
struct mlt_lite_names {
  struct {
    unsigned n;
    char *name[MLT_MAX_COLUMNS];
  } of[MLT_T_ALL];
};
void mlt_lite_names_free(struct mlt_lite_names *names);

/* The changes of one record (lite/changeset.h); where: what it is, for
   messages. MLT_DATA: it is damaged, or holds what no import does. */
enum mlt_rc mlt_lite_changeset(struct mlt_lite *db, struct mlt_lite_names *names, const char *where,
                               const void *blob, int size, mlt_lite_change_fn fn, void *ctx,
                               struct mlt_err *err) MLT_NODISCARD;
/* Those of the import, the last one first; others: those that other imports recorded after it had
   begun, in any order. */
enum mlt_rc mlt_lite_each_change(struct mlt_lite *db, struct mlt_lite_names *names, int64_t import,
                                 bool others, mlt_lite_change_fn fn, void *ctx,
                                 struct mlt_err *err) MLT_NODISCARD;

/* The position of a column; -1: there is none of that name. */
int mlt_lite_change_column(const struct mlt_lite_change *c, const char *name);
/* What identifies the row holds in that column: of the key. */
sqlite3_value *mlt_lite_change_key(const struct mlt_lite_change *c, int column);

#endif
