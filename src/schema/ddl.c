/* MLflow's DDL of a known head, out of the library. The dumps in sql/mlflow/ are embedded as
   pg_dump and sqlite3 print them; what makes them run anywhere happens here. */
#include "schema/schema.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include "base/buf.h"
#include "base/mem.h"
#include "schema/ddl.h"

enum { ROOM_FOR_ROWS = 1024 };

static const struct mlt_blob *find_blob(const struct mlt_head *head, enum mlt_target_kind kind) {
  char name[64];
  (void)snprintf(name, sizeof name, "%s.%s", head->revision,
                 kind == MLT_TARGET_PG ? "pg" : "sqlite");
  for (const struct mlt_blob *b = mlt_mlflow_ddl; b->name; b++)
    if (strcmp(b->name, name) == 0)
      return b;
  return NULL;
}

static enum mlt_rc inflate_blob(const struct mlt_blob *blob, char **out, struct mlt_err *err) {
  char *text = mlt_alloc(blob->raw_len + 1);
  if (!text)
    return mlt_err_nomem(err);
  uLongf len = (uLongf)blob->raw_len;
  int z = uncompress((Bytef *)text, &len, blob->data, (uLong)blob->len);
  if (z != Z_OK || len != blob->raw_len) {
    mlt_free(text);
    if (z == Z_MEM_ERROR)
      return mlt_err_nomem(err);
    return mlt_err_set(err, MLT_INTERNAL, "the embedded schema %s is damaged", blob->name);
  }
  text[len] = '\0';
  *out = text;
  return MLT_OK;
}

/* Settings would outlive the script in its session, an emptied search_path most of all; lines that
   begin with a backslash are psql's. */
static bool is_for_psql(struct mlt_str line) {
  return mlt_str_starts(line, "SET ") || mlt_str_starts(line, "SELECT pg_catalog.set_config(") ||
         mlt_str_starts(line, "--") || mlt_str_starts(line, "\\");
}

/* What pg_dump prints that would not come out the same anywhere: names bound to a schema, and
   CHECK (x IN (...)), which PostgreSQL parses from its own printed form into another one unless the
   list's type is said. */
static const struct {
  const char *from, *to;
} edits[] = {
    {"public.", ""},
    {"])::text[]", "]::character varying[])::text[]"},
};

static enum mlt_rc add_edited(struct mlt_buf *b, struct mlt_str line) {
  const char *p = line.p, *end = line.p + line.len;
  enum mlt_rc rc = MLT_OK;
  while (p < end && rc == MLT_OK) {
    const char *found = NULL;
    size_t which = 0;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
      const char *at = memmem(p, (size_t)(end - p), edits[i].from, strlen(edits[i].from));
      if (at && (!found || at < found)) {
        found = at;
        which = i;
      }
    }
    rc = mlt_buf_add(b, p, (size_t)((found ? found : end) - p));
    if (found && rc == MLT_OK)
      rc = mlt_buf_adds(b, edits[which].to);
    p = found ? found + strlen(edits[which].from) : end;
  }
  return rc;
}

static enum mlt_rc add_pg_dump(struct mlt_buf *b, const char *dump) {
  enum mlt_rc rc = MLT_OK;
  for (const char *p = dump; *p && rc == MLT_OK;) {
    const char *newline = strchr(p, '\n');
    struct mlt_str line = {p, newline ? (size_t)(newline - p) + 1 : strlen(p)};
    if (!is_for_psql(line))
      rc = add_edited(b, line);
    p += line.len;
  }
  return rc;
}

/* What MLflow's migrations themselves leave in the tables. Experiment 0 is not among it: MLflow
   makes that when it first opens the database, since its location depends on the server. */
static enum mlt_rc add_rows(struct mlt_buf *b, const struct mlt_head *head) {
  enum mlt_rc rc = mlt_buf_printf(b, "\nINSERT INTO alembic_version (version_num) VALUES ('%s');\n",
                                  head->revision);
  if (rc == MLT_OK && (head->features & MLT_F_WORKSPACE))
    rc = mlt_buf_adds(b, "INSERT INTO workspaces (name, description) VALUES "
                         "('default', 'Default workspace for legacy resources');\n");
  return rc;
}

enum mlt_rc mlt_schema_ddl(const struct mlt_head *head, enum mlt_target_kind kind, char **out,
                           struct mlt_err *err) {
  const struct mlt_blob *blob = find_blob(head, kind);
  if (!blob)
    return mlt_err_set(err, MLT_INTERNAL, "no schema of MLflow %s is built in", head->first);
  char *dump = NULL;
  enum mlt_rc rc = inflate_blob(blob, &dump, err);
  if (rc != MLT_OK)
    return rc;
  struct mlt_buf script;
  mlt_buf_init(&script, blob->raw_len + ROOM_FOR_ROWS);
  rc = kind == MLT_TARGET_PG ? add_pg_dump(&script, dump) : mlt_buf_adds(&script, dump);
  if (rc == MLT_OK)
    rc = add_rows(&script, head);
  mlt_free(dump);
  if (rc != MLT_OK || !mlt_buf_cstr(&script)) {
    mlt_buf_free(&script);
    return mlt_err_nomem(err);
  }
  *out = script.p;
  return MLT_OK;
}
