/* What the parts of the check "server" share.

     server.c          which runs are asked about, what the database says, what is asked
     server_answers.c  answers set against it
     server_files.c    the artifacts the server lists and gives, set against the disk */
#ifndef MLT_VERIFY_SERVER_H
#define MLT_VERIFY_SERVER_H

#include "base/arena.h"
#include "base/json_read.h"
#include "base/text.h"
#include "http/http.h"
#include "model/rules.h"
#include "verify/check.h"
#include "verify/facts.h"

/* Points told by how many they are and by a sum that their order does not change. */
struct mlt_point_sum {
  uint64_t n, sum;
};

struct mlt_history {
  struct mlt_str key;
  struct mlt_point_sum here, there;
};

struct mlt_server_run {
  struct mlt_str id;
  uint64_t hash;
};

enum { MLT_SERVER_HISTORIES = 3, MLT_SERVER_POINT = 3 * MLT_DOUBLE_TEXT + 32 };

struct mlt_places;

struct mlt_server {
  struct mlt_verify *v;
  struct mlt_http *http;
  struct mlt_places *places;
  struct mlt_arena *arena; /* of the check as a whole */
  struct mlt_buf answer, name;
  /* of the run that is looked at */
  struct mlt_str run;
  bool gone;                     /* the server does not know it */
  char experiment[MLT_INT_TEXT]; /* its id */
  struct mlt_str artifact_uri;   /* in the arena */
  struct mlt_facts *facts;       /* what the database says */
  struct mlt_history history[MLT_SERVER_HISTORIES];
  size_t n_histories;
};

void mlt_server_sum(struct mlt_point_sum *s, struct mlt_metric_point p);
/* "step 3, time 1700000000000, value 0.5"; returns its length. */
size_t mlt_server_point(char out[MLT_SERVER_POINT], struct mlt_metric_point p);
/* Puts the name of a fact into s->name: "param lr"; of those without a key the kind alone. */
enum mlt_rc mlt_server_name(struct mlt_server *s, const char *kind, struct mlt_str key);
/* A finding about the run. */
void mlt_server_found(struct mlt_server *s, enum mlt_finding_id what, struct mlt_str field,
                      const char *fmt, ...) MLT_PRINTF(4, 5);

/* Asks, and reads the answer. MLT_PROTOCOL: it is no JSON. */
enum mlt_rc mlt_server_get(struct mlt_server *s, const char *path,
                           const struct mlt_http_param *params, size_t n, struct mlt_json **out,
                           struct mlt_err *err) MLT_NODISCARD;
/* The "run" of an answer against the facts. MLT_NOMEM, without an error struct. */
enum mlt_rc mlt_server_hold_run(struct mlt_server *s, const struct mlt_json *run) MLT_NODISCARD;
/* Adds the points of one page, and leaves the token of the next in `token`, empty behind the last.
 */
enum mlt_rc mlt_server_sum_page(const struct mlt_json *page, struct mlt_point_sum *sum,
                                struct mlt_buf *token, struct mlt_err *err) MLT_NODISCARD;
/* Lists and fetches the run's artifacts. */
enum mlt_rc mlt_server_files(struct mlt_server *s, struct mlt_err *err) MLT_NODISCARD;

#endif
