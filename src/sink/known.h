/* The experiments an import has met so far: the source's key -> what it is in the target. Shared by
   the sinks (connections) of one import; thread-safe. Entries never move or change once added, so a
   pointer to one stays good until the last sink is closed. Internal to sink/. */
#ifndef MLT_SINK_KNOWN_H
#define MLT_SINK_KNOWN_H

#include "base/err.h"
#include "base/map.h"
#include "model/record.h"
#include "sink/sink.h"

struct mlt_known_experiment {
  struct mlt_id_map pub;
  bool rejected;           /* its runs are, too; its name is not taken by it */
  bool placed;             /* the source's: mlt_experiment.placed */
  struct mlt_str location; /* in the target; absent if it has none */
};

struct mlt_known;

struct mlt_known *mlt_known_new(void); /* NULL when out of memory; one reference */
struct mlt_known *mlt_known_share(struct mlt_known *k);
void mlt_known_release(struct mlt_known *k); /* NULL is fine */

/* By the source's key, by name (rejected ones left out); NULL if not met. */
const struct mlt_known_experiment *mlt_known_by_key(struct mlt_known *k, struct mlt_str key);
const struct mlt_known_experiment *mlt_known_by_name(struct mlt_known *k, struct mlt_str name);
/* Copies the strings of entry. */
enum mlt_rc mlt_known_add(struct mlt_known *k, const struct mlt_known_experiment *entry,
                          struct mlt_err *err);
/* Is it below the location of one of them in the target? */
bool mlt_known_has_location(struct mlt_known *k, struct mlt_str path);
size_t mlt_known_count(struct mlt_known *k);
/* Forgets the entries from the n-th on: their transaction was rolled back. No other sink may have
 * used them. */
void mlt_known_forget(struct mlt_known *k, size_t n);
/* Copied rows that were left out and that others may belong to (copied.c), by keys of the caller's:
   the keys of the map are added. */
enum mlt_rc mlt_known_lose(struct mlt_known *k, const struct mlt_map *lost, struct mlt_err *err);
bool mlt_known_is_lost(struct mlt_known *k, struct mlt_str key);
/* Those not rejected, in order of first sight, in an array of the arena; NULL when out of memory.
 */
struct mlt_id_map *mlt_known_list(struct mlt_known *k, struct mlt_arena *arena, size_t *n);

#endif
