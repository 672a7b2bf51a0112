#include "pg/rights.h"

#include <string.h>

#include "sql.h"

enum { NAMES_MAX = 4096 };
static const char updated[] = "{experiment_tags,runs,tags,latest_metrics}";

enum mlt_rc mlt_pg_needs(struct mlt_pg *pg, bool copies, PGresult **out, struct mlt_err *err) {
  struct mlt_buf names;
  mlt_buf_init(&names, NAMES_MAX);
  *out = NULL;
  enum mlt_rc rc = MLT_OK;
  for (unsigned t = 0; rc == MLT_OK && t < (copies ? MLT_T_ALL : MLT_T_COUNT); t++)
    rc = mlt_buf_printf(&names, "%s%s", t ? "," : "{", mlt_table_name((enum mlt_table)t));
  if (rc == MLT_OK)
    rc = mlt_buf_adds(&names, "}");
  const char *tables = rc == MLT_OK ? mlt_buf_cstr(&names) : NULL;
  const char *params[] = {pg->schema, tables, updated};
  rc = tables ? mlt_pg_query(pg, mlt_sql_pg_needs, 3, params, out, err) : mlt_err_nomem(err);
  mlt_buf_free(&names);
  return rc;
}

static unsigned purpose_of(const PGresult *needs, int row) {
  static const struct {
    const char *name;
    unsigned bit;
  } purposes[] = {{"load", MLT_FOR_LOAD},
                  {"numbering", MLT_FOR_NUMBERING},
                  {"merging", MLT_FOR_MERGING},
                  {"trusting", MLT_FOR_TRUSTING},
                  {"ledger", MLT_FOR_LEDGER}};
  const char *name = PQgetvalue(needs, row, MLT_NEED_PURPOSE);
  for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
    if (strcmp(name, purposes[i].name) == 0)
      return purposes[i].bit;
  return 0;
}

static bool same(const PGresult *needs, int a, int b, int column) {
  return strcmp(PQgetvalue(needs, a, column), PQgetvalue(needs, b, column)) == 0;
}

static bool goes_on(const PGresult *needs, int before, int row, enum mlt_pg_need column) {
  return same(needs, before, row, MLT_NEED_KIND) && same(needs, before, row, (int)column);
}

static enum mlt_rc begin_grant(struct mlt_buf *out, const PGresult *needs, int row,
                               enum mlt_pg_need column) {
  const char *kind = PQgetvalue(needs, row, MLT_NEED_KIND);
  bool table = strcmp(kind, "TABLE") == 0;
  return mlt_buf_printf(out, "GRANT %s ON %s%s", PQgetvalue(needs, row, (int)column),
                        table ? "" : kind, table ? "" : " ");
}

enum mlt_rc mlt_pg_add_grants(struct mlt_buf *out, const PGresult *needs, enum mlt_pg_need column,
                              unsigned purposes, const char *role, const char *between) {
  int last = -1;
  enum mlt_rc rc = MLT_OK;
  for (int i = 0; rc == MLT_OK && i < PQntuples(needs); i++) {
    if (!(purpose_of(needs, i) & purposes) || !*PQgetvalue(needs, i, (int)column))
      continue;
    bool more = last >= 0 && goes_on(needs, last, i, column);
    if (last >= 0 && !more)
      rc = mlt_buf_printf(out, " TO %s;\n", role);
    if (rc == MLT_OK)
      rc = more ? mlt_buf_adds(out, between) : begin_grant(out, needs, i, column);
    if (rc == MLT_OK)
      rc = mlt_buf_adds(out, PQgetvalue(needs, i, MLT_NEED_OBJECT));
    last = i;
  }
  return rc == MLT_OK && last >= 0 ? mlt_buf_printf(out, " TO %s;\n", role) : rc;
}
