/* Tables whose rows are given as they are, where the target has the same (schema/copied.h): one
   after the other, in an order that satisfies their foreign keys. */
#include "source/mlflow_db.h"

#include <string.h>

enum { SQL_MAX = 16 * 1024 };

static enum mlt_table table_at(const struct mlt_db *d) {
  return (enum mlt_table)(MLT_T_COUNT + d->copied);
}

static bool is_asked(const struct mlt_db *d, unsigned i) {
  enum mlt_table table = (enum mlt_table)(MLT_T_COUNT + i);
  return d->shapes[i].n && (d->asked >> mlt_copied_info(table)->group & 1);
}

bool mlt_db_copies_table(const struct mlt_db *d, const char *table) {
  for (unsigned i = 0; i < MLT_COPIED_COUNT; i++)
    if (is_asked(d, i) && strcmp(mlt_table_name(d->shapes[i].table), table) == 0)
      return true;
  return false;
}

static enum mlt_rc begin(struct mlt_db *d, struct mlt_err *err) {
  struct mlt_buf sql;
  mlt_buf_init(&sql, SQL_MAX);
  enum mlt_rc rc = mlt_copied_sql(&sql, d->shapes, table_at(d), d->schema.features);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? d->ops->read_copied(&d->copying, d->db, &d->shapes[d->copied], text, err)
            : mlt_err_nomem(err);
  mlt_buf_free(&sql);
  return rc == MLT_OK ? d->ops->start(d->copying, NULL, 0, err) : rc;
}

/* The next table; of this one, what is in other workspaces is named. */
static enum mlt_rc end(struct mlt_db *d, struct mlt_record *rec) {
  uint64_t n = d->n_elsewhere;
  enum mlt_table table = table_at(d);
  d->ops->read_free(d->copying);
  d->copying = NULL;
  d->n_elsewhere = 0;
  d->copied++;
  if (!n)
    return MLT_AGAIN;
  (void)mlt_db_note(d, rec, MLT_NOTE_IGNORED, table, "ignored", n,
                    "rows of table %s that are in other workspaces are not imported",
                    mlt_table_name(table));
  rec->note.what = "rows of other workspaces";
  rec->note.place.field = mlt_str_c(mlt_table_name(table));
  return MLT_OK;
}

static enum mlt_rc give(struct mlt_db *d, const struct mlt_read_row *row, struct mlt_record *rec) {
  struct mlt_str workspace = row->extra[MLT_COPIED_WORKSPACE];
  if (workspace.p && !mlt_str_is(workspace, "default")) {
    d->n_elsewhere++;
    return MLT_AGAIN;
  }
  mlt_db_record(rec, MLT_REC_COPIED);
  rec->copied = (struct mlt_copied_row){.table = table_at(d),
                                        .n = d->shapes[d->copied].n,
                                        .v = row->v,
                                        .experiment = row->extra[MLT_COPIED_EXPERIMENT]};
  if (row->extra[MLT_COPIED_ORPHAN].p) {
    rec->copied.fault = MLT_COPIED_LOST;
  } else if (row->bad != MLT_C_COUNT) {
    rec->copied.fault = MLT_COPIED_TYPED;
    rec->copied.at = (unsigned)row->bad - MLT_C_COUNT - 1;
  }
  return MLT_OK;
}

enum mlt_rc mlt_db_copied(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err) {
  const struct mlt_read_row *row;
  if (d->copied == MLT_COPIED_COUNT)
    return MLT_END;
  if (!is_asked(d, d->copied)) {
    d->copied++;
    return MLT_AGAIN;
  }
  enum mlt_rc rc = d->copying ? MLT_OK : begin(d, err);
  if (rc == MLT_OK)
    rc = d->ops->next(d->copying, &row, err);
  if (rc == MLT_END)
    return end(d, rec);
  return rc == MLT_OK ? give(d, row, rec) : rc;
}
