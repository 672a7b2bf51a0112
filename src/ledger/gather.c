/* Rows of the listing, one an import and table, as imports. */
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number(struct mlt_str s) {
  return s.p ? strtoull(s.p, NULL, 10) : 0;
}

static enum mlt_rc give(struct mlt_ledger_gather *g, struct mlt_err *err) {
  enum mlt_rc rc = g->any ? g->fn(g->ctx, &g->import, err) : MLT_OK;
  g->any = false;
  if (g->arena)
    mlt_arena_reset(g->arena);
  return rc;
}

static enum mlt_rc begin_import(struct mlt_ledger_gather *g, const struct mlt_str *field,
                                struct mlt_err *err) {
  struct mlt_ledger_import *to = &g->import;
  struct mlt_str *const texts[] = {&to->source,   &to->format, &to->state,   &to->started_at,
                                   &to->ended_at, &to->error,  &to->options, &to->version,
                                   &to->head,     &to->worker};
  *to = (struct mlt_ledger_import){.id = (int64_t)number(field[MLT_LEDGER_ID]),
                                   .idle = (double)number(field[MLT_LEDGER_IDLE]),
                                   .runs = number(field[MLT_LEDGER_RUNS]),
                                   .created = number(field[MLT_LEDGER_CREATED]),
                                   .batches = number(field[MLT_LEDGER_BATCHES]),
                                   .age = (double)number(field[MLT_LEDGER_AGE]),
                                   .recent = number(field[MLT_LEDGER_RECENT])};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (mlt_arena_str(g->arena, field[MLT_LEDGER_SOURCE + i], texts[i]) != 0)
      return mlt_err_nomem(err);
  g->any = true;
  return MLT_OK;
}

enum mlt_rc mlt_ledger_gather_row(struct mlt_ledger_gather *g,
                                  const struct mlt_str field[MLT_LEDGER_FIELDS],
                                  struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  if (!g->arena && !(g->arena = mlt_arena_new()))
    return mlt_err_nomem(err);
  if (g->any && g->import.id != (int64_t)number(field[MLT_LEDGER_ID]))
    rc = give(g, err);
  if (rc == MLT_OK && !g->any)
    rc = begin_import(g, field, err);
  for (size_t t = 0; rc == MLT_OK && t < MLT_T_ALL; t++)
    if (mlt_str_is(field[MLT_LEDGER_TABLE], mlt_table_name((enum mlt_table)t))) {
      g->import.inserted[t] = number(field[MLT_LEDGER_INSERTED]);
      g->import.updated[t] = number(field[MLT_LEDGER_UPDATED]);
    }
  return rc;
}

enum mlt_rc mlt_ledger_gather_end(struct mlt_ledger_gather *g, enum mlt_rc rc,
                                  struct mlt_err *err) {
  rc = rc == MLT_OK ? give(g, err) : rc;
  mlt_arena_free(g->arena);
  g->arena = NULL;
  return rc;
}
