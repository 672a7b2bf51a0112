/* Rows of MLflow's tables as values in the order of model/columns.def: what the database layers
   (pg/, lite/) take and give. One value per column of the table, also for columns the target's head
   lacks (those are skipped on insert and come back as NULL on select). */
#ifndef MLT_MODEL_ROW_H
#define MLT_MODEL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"
#include "model/tables.h"

enum mlt_value_kind { MLT_V_NULL, MLT_V_INT, MLT_V_DOUBLE, MLT_V_BOOL, MLT_V_TEXT };

/* In a NULL that a select gives, s is absent. */
struct mlt_value {
  enum mlt_value_kind kind;
  union {
    int64_t i;
    double d;
    bool b;
    struct mlt_str s;
  };
};

enum { MLT_MAX_COLUMNS = 32 }; /* of one table */

/* A column of a table that is copied as it is. */
struct mlt_shape_column {
  const char *name;
  enum mlt_coltype type;
  bool json; /* text that the database wants to be JSON */
  bool not_null;
  uint32_t chars; /* declared length of text; 0: none, or not enforced */
};

/* Its columns but those the database computes, by name; n is 0 where it is not there, or where rows
   cannot be copied into or out of it. */
struct mlt_shape {
  enum mlt_table table;
  unsigned n;
  struct mlt_shape_column c[MLT_MAX_COLUMNS];
};

/* Produces row i into `out` (MLT_MAX_COLUMNS values), strings borrowed until the next call. Called
   for 0, 1, 2 ... once each. Anything but MLT_OK, with *err set, ends the insert with that code;
   MLT_UNAVAILABLE and MLT_PROTOCOL are the database's own and not to be used. */
typedef enum mlt_rc (*mlt_row_get_fn)(const void *ctx, size_t i, struct mlt_value *out,
                                      struct mlt_err *err);

/* Rows to insert. */
struct mlt_rows {
  enum mlt_table table;
  size_t n;
  mlt_row_get_fn get;
  const void *ctx;
};

/* What becomes of a row that the target holds under the same key. */
enum mlt_merge_how {
  MLT_MERGE_ADD,     /* it stays */
  MLT_MERGE_REPLACE, /* its `set` columns become ours where they differ */
  MLT_MERGE_LATER,   /* latest_metrics: likewise where ours is the later point (mlt_metric_later) */
  MLT_MERGE_UPDATE,  /* as REPLACE; of our rows, those whose key is not there are left out */
};

/* Rows for a table that may hold them: no two with the same key. key and set have a bit for each
   column of the table, the first one's lowest; ADD needs neither. */
struct mlt_merge {
  struct mlt_rows rows;
  enum mlt_merge_how how;
  uint32_t key, set;
};

/* Rows of a table that is copied: n values each, in the order of its shape. */
struct mlt_copied_rows {
  const struct mlt_shape *shape;
  size_t n;
  const struct mlt_value *const *v;
};

/* What became of them; the rest was there. */
struct mlt_merged {
  uint64_t inserted, updated;
};

/* Which rows to select: `by` IN (keys), and optionally `eq` = eq_value. Keys are text, or decimal
   text for integer columns. */
struct mlt_where {
  enum mlt_column by;
  const struct mlt_str *keys;
  size_t n_keys;
  bool has_eq;
  enum mlt_column eq;
  struct mlt_str eq_value;
};

/* Text of a column that begins with `from`, and then ends or goes on with "/", is to begin with
   `to` instead. */
struct mlt_rewrite {
  enum mlt_column column;
  const char *from, *to;
};

struct mlt_rewritten {
  uint64_t rows;
  uint64_t longest; /* characters that the longest of them would have; 0 once it is done */
};

/* What is known of a transaction whose connection was lost. */
enum mlt_fate_known { MLT_KNOWN_OUT, MLT_KNOWN_IN, MLT_KNOWN_UNKNOWN };

/* Receives one selected row; strings valid during the call only. Anything but MLT_OK ends the
 * select with that code. */
typedef enum mlt_rc (*mlt_row_fn)(void *ctx, const struct mlt_value *row, struct mlt_err *err);

#endif
