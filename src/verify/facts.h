/* What two sides say about one thing, set against each other: facts by name, such as "status" or
   "param lr". One side puts its facts in, the other is held against them, and what only the first
   side knows is told at the end. One thread uses an instance. */
#ifndef MLT_VERIFY_FACTS_H
#define MLT_VERIFY_FACTS_H

#include <stdbool.h>
#include "base/err.h"
#include "base/str.h"

struct mlt_facts;

struct mlt_facts *mlt_facts_new(void); /* NULL when out of memory */
void mlt_facts_free(struct mlt_facts *f);
void mlt_facts_clear(struct mlt_facts *f);
/* Copies both. An absent value is a fact, too: "there is none". MLT_NOMEM, without an error struct.
 */
enum mlt_rc mlt_facts_put(struct mlt_facts *f, struct mlt_str name,
                          struct mlt_str value) MLT_NODISCARD;

enum mlt_fact_verdict {
  MLT_FACT_SAME,
  MLT_FACT_DIFFERS, /* *known is the first side's value */
  MLT_FACT_NEW      /* the first side has no such fact */
};

/* What is said about one fact. *known lives until f is cleared. */
enum mlt_fact_verdict mlt_facts_hold(struct mlt_facts *f, struct mlt_str name, struct mlt_str value,
                                     struct mlt_str *known);
/* Facts that nothing was held against: start with *pos = 0; false at the end. */
bool mlt_facts_rest(const struct mlt_facts *f, size_t *pos, struct mlt_str *name,
                    struct mlt_str *value);

#endif
