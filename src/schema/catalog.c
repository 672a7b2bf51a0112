/* Finding tables and columns in a catalog. The readers are pg/catalog.c and lite/catalog.c. */
#include "schema/catalog.h"

#include <string.h>

const struct mlt_cat_table *mlt_cat_table(const struct mlt_catalog *c, const char *name) {
  for (size_t i = 0; i < c->n_tables; i++)
    if (strcmp(c->tables[i].name, name) == 0)
      return &c->tables[i];
  return NULL;
}

const struct mlt_cat_column *mlt_cat_column(const struct mlt_cat_table *t, const char *name) {
  for (size_t i = 0; i < t->n_columns; i++)
    if (strcmp(t->columns[i].name, name) == 0)
      return &t->columns[i];
  return NULL;
}
