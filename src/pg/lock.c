/* Who may write a run that exists. A run stands for one of a bounded number of advisory locks, as a
   batch may hold more runs than the server's lock table has room for; two runs that share one only
   wait for each other. Locks are taken in the order of their numbers. */

#include "pg/internal.h"

enum {
  NAMESPACE = 0x6d6c7472, /* "mltr", so that other users' advisory locks are others */
  LOCKS = 1024,
  STATEMENT_MAX = 16 * 1024
};

/* From here on somebody may wait for our rows. MLflow's sessions look for a deadlock when they have
   waited for deadlock_timeout (1 s) and give up if they find one; so we wait for them only a
   fraction of that, and they are not the ones. */
static const char short_waits[] = "SET LOCAL lock_timeout = '100ms'";

/* FNV-1a */
static unsigned lock_of(struct mlt_str run) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < run.len; i++)
    h = (h ^ (unsigned char)run.p[i]) * 16777619u;
  return h % LOCKS;
}

static enum mlt_rc write_statement(struct mlt_buf *sql, const bool *wanted) {
  enum mlt_rc rc =
      mlt_buf_printf(sql, "SELECT pg_advisory_xact_lock(%d, k) FROM unnest('{", (int)NAMESPACE);
  const char *comma = "";
  for (unsigned i = 0; i < LOCKS && rc == MLT_OK; i++) {
    if (!wanted[i])
      continue;
    rc = mlt_buf_printf(sql, "%s%u", comma, i);
    comma = ",";
  }
  return rc == MLT_OK ? mlt_buf_adds(sql, "}'::int4[]) AS k") : rc;
}

enum mlt_rc mlt_pg_lock_runs(struct mlt_pg *pg, const struct mlt_str *runs, size_t n,
                             struct mlt_err *err) {
  bool wanted[LOCKS] = {false};
  struct mlt_buf sql;
  for (size_t i = 0; i < n; i++)
    wanted[lock_of(runs[i])] = true;
  mlt_buf_init(&sql, STATEMENT_MAX);
  enum mlt_rc rc = write_statement(&sql, wanted);
  const char *text = rc == MLT_OK ? mlt_buf_cstr(&sql) : NULL;
  rc = text ? mlt_pg_command(pg, text, NULL, err)
            : mlt_pg_buf_failed(rc == MLT_OK ? MLT_NOMEM : rc, err);
  if (rc == MLT_OK)
    rc = mlt_pg_command(pg, short_waits, NULL, err);
  mlt_buf_free(&sql);
  return rc;
}
