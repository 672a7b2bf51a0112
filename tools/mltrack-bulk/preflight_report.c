#include "preflight_report.h"

#include <string.h>

#include "base/log.h"

/* Lines as an array of texts. */
static void add_lines(struct mlt_json *to, const char *key, const char *lines) {
  struct mlt_json *array = mlt_json_set(to, key, mlt_json_array());
  while (lines && *lines) {
    size_t n = strcspn(lines, "\n");
    mlt_json_push_str(array, (struct mlt_str){lines, n});
    lines += n + (lines[n] == '\n');
  }
}

static void add_connections(struct mlt_json *j, const struct mlt_preflight *p) {
  struct mlt_json *c = mlt_json_set(j, "connections", mlt_json_object());
  mlt_json_set_u64(c, "wanted", p->connections);
  if (p->connections_free < 0)
    mlt_json_set_null(c, "free");
  else
    mlt_json_set_i64(c, "free", p->connections_free);
}

static void add_timeouts(struct mlt_json *j, const struct mlt_preflight *p) {
  struct mlt_json *t = mlt_json_set(j, "timeouts_ms", mlt_json_object());
  mlt_json_set_u64(t, "statement", p->statement_timeout);
  mlt_json_set_u64(t, "transaction", p->transaction_timeout);
  mlt_json_set_u64(t, "idle_in_transaction", p->idle_in_transaction_timeout);
  mlt_json_set_u64(t, "lock", p->lock_timeout);
}

static void add_role(struct mlt_json *j, const struct mlt_preflight *p) {
  mlt_json_set_cstr(j, "role", p->role);
  mlt_json_set_u64(j, "rights_looked_up", p->rights);
  add_lines(j, "lacking", p->lacking);
  add_lines(j, "may_lack", p->may_lack);
  mlt_json_set_bool(j, "standby", p->standby);
  mlt_json_set_bool(j, "read_only", p->read_only);
  mlt_json_set_cstr(j, "password_valid_until", p->valid_until);
  add_connections(j, p);
  add_timeouts(j, p);
}

static void add_rooms(struct mlt_json *j, const struct mlt_preflight *p) {
  struct mlt_json *rooms = mlt_json_set(j, "room", mlt_json_array());
  for (size_t i = 0; i < p->n_rooms; i++) {
    const struct mlt_preflight_room *r = &p->rooms[i];
    struct mlt_json *room = mlt_json_push(rooms, mlt_json_object());
    mlt_json_set_cstr(room, "for", r->what);
    mlt_json_set_cstr(room, "folder", r->path);
    mlt_json_set_u64(room, "free_bytes", r->free);
    if (r->needs)
      mlt_json_set_u64(room, "needs_about_bytes", r->needs);
    else
      mlt_json_set_null(room, "needs_about_bytes");
  }
}

void mlt_preflight_add_json(struct mlt_json *doc, const struct mlt_preflight *p) {
  struct mlt_json *j = mlt_json_set(doc, "preflight", mlt_json_object());
  if (p->role)
    add_role(j, p);
  add_rooms(j, p);
  struct mlt_json *warnings = mlt_json_set(j, "warnings", mlt_json_array());
  for (size_t i = 0; i < p->n_warnings; i++) {
    struct mlt_json *w = mlt_json_push(warnings, mlt_json_object());
    mlt_json_set_cstr(w, "code", p->warnings[i].code);
    mlt_json_set_cstr(w, "text", p->warnings[i].text);
    mlt_json_set_cstr(w, "mend", p->warnings[i].mend);
  }
}

void mlt_preflight_tell(const struct mlt_preflight *p) {
  for (size_t i = 0; i < p->n_warnings; i++)
    mlt_log(MLT_LOG_WARN, p->warnings[i].text, MLT_KV_CSTR("mend", p->warnings[i].mend));
}
