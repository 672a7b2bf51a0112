#include "pipeline/budget.h"

#define MIB ((uint64_t)1 << 20)

/* The program, its libraries, a source's buffers. */
static const uint64_t BASE = 14 * MIB;
/* Beside each batch: a connection's buffers, those of merging, what sealing and counting take. */
static const uint64_t BESIDE_BATCH = 3 * MIB;
static const uint64_t LEAST_BATCH = 2 * MIB;
static const uint64_t LEAST_CACHE = 2 * MIB; /* SQLite's own default */

enum { CACHE_SHARE = 3 }; /* SQLite gets that part of the rest */

enum mlt_rc mlt_budget_divide(struct mlt_budget *out, uint64_t total, enum mlt_target_kind kind,
                              unsigned batches, struct mlt_err *err) {
  bool caches = kind == MLT_TARGET_SQLITE;
  uint64_t fixed = BASE + batches * BESIDE_BATCH;
  uint64_t least = fixed + batches * LEAST_BATCH + (caches ? LEAST_CACHE : 0);
  if (!total)
    total = MLT_MEMORY_DEFAULT;
  if (total < least)
    return mlt_err_set(err, MLT_USAGE,
                       "%llu MiB of memory are too little for %u batches at a time: at least %llu "
                       "MiB (--memory)",
                       (unsigned long long)(total / MIB), batches,
                       (unsigned long long)((least + MIB - 1) / MIB));
  uint64_t rest = total - fixed;
  uint64_t cache = caches ? rest / CACHE_SHARE : 0;
  if (caches && cache < LEAST_CACHE)
    cache = LEAST_CACHE;
  uint64_t batch = (rest - cache) / batches;
  *out = (struct mlt_budget){(size_t)batch, (size_t)(batch / 2), (size_t)cache};
  return MLT_OK;
}
