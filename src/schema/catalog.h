/* What a database says about its tables, in a form both back ends can fill (pg/catalog.h,
   lite/catalog.h) and schema/check.c can compare. Everything lives in the arena given to the
   reader. */
#ifndef MLT_SCHEMA_CATALOG_H
#define MLT_SCHEMA_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

struct mlt_cat_column {
  const char *name;
  const char *type; /* as the database prints it: "character varying", "BIGINT" */
  uint32_t chars;   /* declared length; 0 = none */
  bool not_null;
  bool has_default; /* default, identity or generated: an INSERT may leave it out */
  bool generated;   /* always what the database computes */
};

struct mlt_cat_index {
  const char *name;
  bool unique, primary, partial, valid;
  size_t n;
  const char **columns; /* in index order; an expression is "(expression)" */
};

struct mlt_cat_table {
  const char *name;
  char relkind;      /* 'r' table, 'p' partitioned, 'v' view, 'f' foreign ...; SQLite: 'r' or 'v' */
  bool row_security; /* PostgreSQL */
  const char *trigger; /* name of a user trigger, or NULL */
  const char *rule;    /* name of a rewrite rule, or NULL */
  size_t n_columns;
  struct mlt_cat_column *columns;
  size_t n_indexes;
  struct mlt_cat_index *indexes;
};

struct mlt_catalog {
  const char *database; /* "PostgreSQL 15.20" / "SQLite 3.40.1" */
  const char *schema;   /* PostgreSQL: current_schema(); "" for SQLite */
  const char *encoding; /* "UTF8" */
  const char *head;     /* alembic_version.version_num; NULL when there is no such table or row */
  size_t head_rows;     /* rows of alembic_version: must be 1 */
  size_t n_tables; /* of the schema, ordinary tables and views; only those in model/tables.def and
                      model/copied.def need columns */
  struct mlt_cat_table *tables;
};

const struct mlt_cat_table *mlt_cat_table(const struct mlt_catalog *c, const char *name);
const struct mlt_cat_column *mlt_cat_column(const struct mlt_cat_table *t, const char *name);

#endif
