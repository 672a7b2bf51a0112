/* Inside the sources that read MLflow's own database: what their files share. sqlite.c and
   postgresql.c are the back ends, over the named reads of schema/reads.h; the rest knows neither.
   mlflow_db.c drives, mlflow_db_runs.c, _models.c know what each table's rows become, _copied.c
   gives the tables that are copied as they are, _rest.c what is left over in the end.

   The stream goes through four tables of owners: experiments, runs, logged models, registered
   models. A window of owners is held; the tables that belong to them are read beside each other, in
   the owners' order, so that nothing else is held but a row of each and one chunk of points.

   Every row is accounted for: the rows read of a table are compared with how many it has, and
   those that belong to nothing are found and rejected by name. */
#ifndef MLT_SOURCE_MLFLOW_DB_H
#define MLT_SOURCE_MLFLOW_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "model/record.h"
#include "schema/copied.h"
#include "schema/reads.h"
#include "schema/schema.h"
#include "source/source.h"

enum {
  MLT_DB_CHUNK = 4096, /* points of a record */
  MLT_DB_KEY_MAX = 64 * 1024 * 1024,
};

/* A back end. db is its connection, read one of its reads; contracts as in lite/read.h. */
struct mlt_db_ops {
  enum mlt_target_kind kind;
  enum mlt_rc (*catalog)(void *db, struct mlt_arena *arena, struct mlt_catalog *out,
                         struct mlt_err *err);
  /* From here on the database stands still; MLT_SCHEMA if its head is another by now. */
  enum mlt_rc (*snapshot)(void *db, const char *head, uint32_t features, struct mlt_err *err);
  enum mlt_rc (*read_new)(void **out, void *db, enum mlt_read what, uint32_t features,
                          struct mlt_err *err);
  enum mlt_rc (*read_copied)(void **out, void *db, const struct mlt_shape *shape, const char *sql,
                             struct mlt_err *err);
  enum mlt_rc (*start)(void *read, const struct mlt_str *keys, size_t n, struct mlt_err *err);
  enum mlt_rc (*next)(void *read, const struct mlt_read_row **row, struct mlt_err *err);
  void (*read_free)(void *read);
  enum mlt_rc (*count)(void *db, const char *table, uint64_t *n, struct mlt_err *err);
  void (*close)(void *db);
};

/* Makes the source; `db` is its own from here on, also when this fails. `name` is for messages. */
enum mlt_rc mlt_db_open(struct mlt_source **out, const struct mlt_db_ops *ops, void *db,
                        const char *name, struct mlt_err *err);
enum mlt_rc mlt_db_next(struct mlt_source *s, struct mlt_record *rec, struct mlt_err *err);
void mlt_db_progress(const struct mlt_source *s, struct mlt_source_progress *out);
void mlt_db_copies(struct mlt_source *s, const struct mlt_shape *target);
void mlt_db_skip(struct mlt_source *s, enum mlt_rec_kind kind);
void mlt_db_close(struct mlt_source *s);

/* ---- inside ---- */

/* A row of an owning table, kept while its window is. */
struct mlt_db_owner {
  struct mlt_value v[MLT_MAX_COLUMNS];
  struct mlt_str extra; /* the workspace of runs and logged models; absent: no experiment */
  struct mlt_str key;   /* the id as text; absent in a row that has none */
  enum mlt_column bad;
};

struct mlt_db_cursor {
  void *read;
  const struct mlt_read_row *row; /* the row at hand, once looked at and until it is taken */
  bool done;
  uint64_t rows; /* all of them so far */
};

struct mlt_db;
struct mlt_db_child;

/* MLT_OK: *rec is a record. MLT_AGAIN: none came of it, go on. MLT_END (of `end`): nothing more.
   Else an error of the source as a whole. */
typedef enum mlt_rc (*mlt_db_step)(struct mlt_db *d, const struct mlt_db_child *c,
                                   struct mlt_record *rec, struct mlt_err *err);

/* A table that belongs to owners. */
struct mlt_db_child {
  enum mlt_read read;
  enum mlt_column owner;      /* the owner's id; MLT_C_COUNT: it is extra[0] */
  mlt_db_step emit;           /* the row at hand, which is the owner's at hand; takes it */
  mlt_db_step end;            /* after its last row; may be NULL */
  enum mlt_rec_kind kind;     /* of key/value tables */
  enum mlt_column key, value; /* likewise */
};

/* An owning table. */
struct mlt_db_phase {
  enum mlt_read read;
  /* The owner at hand as a record, or the note that rejects it with all that belongs to it. */
  enum mlt_rc (*open)(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err);
  const struct mlt_db_child *children;
  size_t n_children;
  int end; /* kind of the record that ends an owner; -1: none */
};

extern const struct mlt_db_phase mlt_db_experiments, mlt_db_runs, mlt_db_logged_models,
    mlt_db_registered_models;

struct mlt_db {
  const struct mlt_db_ops *ops;
  void *db;
  struct mlt_schema schema;
  struct mlt_arena *arena; /* the catalog */
  struct mlt_catalog catalog;
  struct mlt_db_cursor cursor[MLT_READ_COUNT];
  struct mlt_source_progress progress;

  unsigned phase;
  struct mlt_arena *window_arena;
  struct mlt_db_owner window[MLT_READ_KEYS];
  struct mlt_str keys[MLT_READ_KEYS];
  size_t n, at, n_keys;             /* owners in the window, and the one behind the one at hand */
  bool begun;                       /* what belongs to them is being read */
  const struct mlt_db_owner *owner; /* at hand; NULL between owners */
  size_t child;
  bool skip;        /* the owner at hand was not given, so its rows are not either */
  bool quiet;       /* and that is nobody's loss: another workspace's, or not wanted */
  bool chosen;      /* some were not wanted: rows that were not read say nothing */
  uint64_t skipped; /* rows of the child at hand that went with it */

  struct mlt_map *rejected; /* experiments, by id as text */
  char experiment[24];      /* key of the experiment at hand */

  char reason[512]; /* of the note given last */
  bool has_pending; /* a note to be given next: about the record given last */
  struct mlt_note pending;

  /* points of the key at hand */
  struct mlt_buf key;
  bool key_open;
  uint64_t odd; /* of them, not as MLflow writes them */
  bool has_latest, latest_nan;
  double latest_value;
  int64_t latest_step, latest_timestamp;
  int64_t timestamps[MLT_DB_CHUNK], steps[MLT_DB_CHUNK];
  double values[MLT_DB_CHUNK];

  /* rows within rows: tags of an input, tags of a model version */
  bool inner_open, inner_skip;
  uint64_t inner_skipped;
  struct mlt_buf inner_id, inner_end; /* of the input at hand: its id, what is at the other end */
  int64_t inner_number;               /* of the version at hand */

  /* tables that are copied */
  struct mlt_shape shapes[MLT_COPIED_COUNT];
  unsigned asked;       /* groups of them that are wanted, a bit for each */
  bool told;            /* somebody has said which */
  unsigned copied;      /* the table at hand, from MLT_T_COUNT */
  void *copying;        /* its read; NULL: not begun */
  uint64_t n_elsewhere; /* rows of it in other workspaces */

  /* what is left over */
  size_t rest, table;
  bool lost_begun;
  bool elsewhere;  /* some of them are in other workspaces */
  uint64_t unread; /* rows of the table not accounted for yet */
  uint64_t other;  /* things in other workspaces */
  struct mlt_buf names;
};

/* mlflow_db.c. The row at hand of a read; MLT_END when there is none. */
enum mlt_rc mlt_db_peek(struct mlt_db *d, enum mlt_read what, const struct mlt_read_row **row,
                        struct mlt_err *err) MLT_NODISCARD;
/* Done with the row at hand; its strings live until the read is looked at again. */
void mlt_db_take(struct mlt_db *d, enum mlt_read what);
/* The same, if it is a row of the owner at hand; MLT_END otherwise. */
enum mlt_rc mlt_db_peek_own(struct mlt_db *d, const struct mlt_db_child *c,
                            const struct mlt_read_row **row, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_db_start(struct mlt_db *d, enum mlt_read what, const struct mlt_str *keys, size_t n,
                         struct mlt_err *err) MLT_NODISCARD;
/* A note about the owner at hand as a record; always MLT_OK. */
enum mlt_rc mlt_db_note(struct mlt_db *d, struct mlt_record *rec, enum mlt_note_kind kind,
                        enum mlt_table table, const char *code, uint64_t rows, const char *fmt, ...)
    MLT_PRINTF(7, 8);
/* A change to the record being given, to be told after it. */
void mlt_db_changed(struct mlt_db *d, enum mlt_table table, const char *code, struct mlt_str field,
                    const char *reason);
/* The owner is not given: a note that rejects it, and all of its rows with it. Always MLT_OK. */
enum mlt_rc mlt_db_reject_owner(struct mlt_db *d, struct mlt_record *rec, enum mlt_table table,
                                const char *code, const char *fmt, ...) MLT_PRINTF(5, 6);
/* An empty record. */
void mlt_db_record(struct mlt_record *rec, enum mlt_rec_kind kind);
/* emit of key/value tables. */
enum mlt_rc mlt_db_kv(struct mlt_db *d, const struct mlt_db_child *c, struct mlt_record *rec,
                      struct mlt_err *err);
/* Is the experiment of a run or logged model one that is given? If not, *rec is the note that says
   so. Leaves its key in d->experiment. */
bool mlt_db_in_experiment(struct mlt_db *d, struct mlt_record *rec, enum mlt_table table,
                          const struct mlt_value *id, const char *other);
/* Rows of `inner` that belong to the row given last: MLT_OK with a record, MLT_END when there are
   no more. order(): is the row at hand of an earlier (< 0), this, or a later one (> 0)? */
enum mlt_rc mlt_db_inner(struct mlt_db *d, const struct mlt_db_child *inner,
                         int (*order)(const struct mlt_db *d, const struct mlt_read_row *row),
                         struct mlt_record *rec, struct mlt_err *err) MLT_NODISCARD;

/* mlflow_db_copied.c: as a next() of its own. Is this a table that it gives? */
enum mlt_rc mlt_db_copied(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err);
bool mlt_db_copies_table(const struct mlt_db *d, const char *table);
/* mlflow_db_rest.c: as a next() of its own. */
enum mlt_rc mlt_db_rest(struct mlt_db *d, struct mlt_record *rec, struct mlt_err *err);

static inline struct mlt_str mlt_db_text(const struct mlt_value *v) {
  return v->kind == MLT_V_TEXT ? v->s : MLT_STR_NULL;
}
static inline struct mlt_opt_i64 mlt_db_int(const struct mlt_value *v) {
  bool has = v->kind == MLT_V_INT;
  return (struct mlt_opt_i64){has ? v->i : 0, has};
}
/* false: it is neither "active" nor "deleted", and MLflow's readers would not find the row. */
static inline bool mlt_db_lifecycle(const struct mlt_value *v, bool *deleted) {
  struct mlt_str s = mlt_db_text(v);
  *deleted = mlt_str_is(s, "deleted");
  return *deleted || mlt_str_is(s, "active");
}
/* The value of a column in an owner's or read's row: MLT_DB_AT(row, RUNS, run_uuid) */
#define MLT_DB_FIRST_EXPERIMENTS MLT_C_EXPERIMENTS_experiment_id
#define MLT_DB_FIRST_RUNS MLT_C_RUNS_run_uuid
#define MLT_DB_FIRST_METRICS MLT_C_METRICS_key
#define MLT_DB_FIRST_LATEST_METRICS MLT_C_LATEST_METRICS_key
#define MLT_DB_FIRST_DATASETS MLT_C_DATASETS_dataset_uuid
#define MLT_DB_FIRST_INPUTS MLT_C_INPUTS_input_uuid
#define MLT_DB_FIRST_INPUT_TAGS MLT_C_INPUT_TAGS_input_uuid
#define MLT_DB_FIRST_LOGGED_MODELS MLT_C_LOGGED_MODELS_model_id
#define MLT_DB_FIRST_LOGGED_MODEL_METRICS MLT_C_LOGGED_MODEL_METRICS_model_id
#define MLT_DB_FIRST_REGISTERED_MODELS MLT_C_REGISTERED_MODELS_name
#define MLT_DB_FIRST_MODEL_VERSIONS MLT_C_MODEL_VERSIONS_name
#define MLT_DB_FIRST_MODEL_VERSION_TAGS MLT_C_MODEL_VERSION_TAGS_key
#define MLT_DB_FIRST_REGISTERED_MODEL_ALIASES MLT_C_REGISTERED_MODEL_ALIASES_name
#define MLT_DB_AT(row, table, column) (&(row)->v[MLT_C_##table##_##column - MLT_DB_FIRST_##table])
#define MLT_DB_TEXT(row, table, column) mlt_db_text(MLT_DB_AT(row, table, column))
#define MLT_DB_INT(row, table, column) mlt_db_int(MLT_DB_AT(row, table, column))

#endif
