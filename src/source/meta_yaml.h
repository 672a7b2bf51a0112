/* A meta.yaml as MLflow's FileStore writes it: a map of scalars, with at most one level of maps
   below (the tags of an input). Takes bytes, does no I/O. The only user of libyaml, through its
   event interface: nothing is expanded, so no document can grow in memory. Refused with a reason:
   aliases and anchors, tags but the plain ones, more than one document, what is not UTF-8, and
   anything beyond the limits below. */
#ifndef MLT_SOURCE_META_YAML_H
#define MLT_SOURCE_META_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "source/yaml_scalar.h"

enum { MLT_META_MAX_BYTES = 1 << 20, MLT_META_MAX_DEPTH = 16, MLT_META_MAX_FIELDS = 10000 };

struct mlt_meta_value {
  enum mlt_yaml_kind kind;
  struct mlt_str text; /* as MLflow's importer would store it in a text column: numbers in decimal,
                          true as 1; absent for NULL, LIST, MAP */
  int64_t i;           /* BOOL, INT */
  bool fits;           /* INT: within int64 */
};

struct mlt_meta;

struct mlt_meta *mlt_meta_new(void); /* NULL when out of memory */
void mlt_meta_free(struct mlt_meta *m);

/* Replaces what m held. MLT_DATA with a reason (and the line) in err, or MLT_NOMEM. */
enum mlt_rc mlt_meta_parse(struct mlt_meta *m, struct mlt_str yaml,
                           struct mlt_err *err) MLT_NODISCARD;

/* A field of the document, NULL if there is none. Valid until the next parse. Of two fields of one
   name the last counts, as in PyYAML. */
const struct mlt_meta_value *mlt_meta_get(const struct mlt_meta *m, const char *key);

/* The scalars of the map under `key`, in order: start with *pos = 0; false at the end. */
bool mlt_meta_child(const struct mlt_meta *m, const char *key, size_t *pos, struct mlt_str *name,
                    const struct mlt_meta_value **value);

#endif
