/* Asking an MLflow server: the only part that knows libcurl. Nothing is followed: not a redirect,
   not an address that an answer names; only the server that was given is asked, by http or https.
   One thread uses an instance. */
#ifndef MLT_HTTP_HTTP_H
#define MLT_HTTP_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Everything is borrowed until mlt_http_open returns, but `cancelled`, which outlives the instance.
 */
struct mlt_http_opts {
  const char *base;            /* "https://mlflow.example.com/prefix"; may hold user:password@ */
  const char *user, *password; /* basic authentication; NULL: none */
  const char *token;           /* a bearer token; goes before user and password; NULL: none */
  bool insecure_tls;           /* do not check the server's certificate */
  const char *ca_file;         /* certificates to trust, PEM; NULL: the system's */
  const char *client_cert;     /* certificate and key of ours, PEM; NULL: none */
  long timeout_seconds;        /* without a byte; 0: 120, MLflow's own */
  const volatile sig_atomic_t *cancelled; /* not 0: give up soon (MLT_CANCELLED); may be NULL */
};

/* What MLflow's own client takes from the environment (mlflow/environment_variables.py):
   MLFLOW_TRACKING_TOKEN, _USERNAME, _PASSWORD, _INSECURE_TLS, _SERVER_CERT_PATH, _CLIENT_CERT_PATH,
   and MLFLOW_HTTP_REQUEST_TIMEOUT. Sets what is set there, leaves the rest. */
void mlt_http_environment(struct mlt_http_opts *o);

struct mlt_http;

/* Asks nobody yet. MLT_USAGE: base is no http(s) address. */
enum mlt_rc mlt_http_open(struct mlt_http **out, const struct mlt_http_opts *opts,
                          struct mlt_err *err) MLT_NODISCARD;
void mlt_http_close(struct mlt_http *h); /* NULL is fine */
/* The server's address without user and password; belongs to h. */
const char *mlt_http_shown(const struct mlt_http *h);

/* name=value of a query; the value is escaped. */
struct mlt_http_param {
  const char *name;
  struct mlt_str value;
};

/* A piece of the answer. Anything but MLT_OK ends the request with that code. */
typedef enum mlt_rc (*mlt_http_body_fn)(void *ctx, const void *p, size_t n);

/* GET base/path?params. path: without a leading "/". The body of an answer of 2xx goes to fn.
   MLT_UNAVAILABLE: nobody answers, or 5xx, also when asked again for some seconds. MLT_NOINPUT:
   404. MLT_NOPERM: 401, 403. MLT_PROTOCOL: anything else, redirects too. Of MLflow's error the
   message stands in err. */
enum mlt_rc mlt_http_get(struct mlt_http *h, const char *path, const struct mlt_http_param *params,
                         size_t n, mlt_http_body_fn fn, void *ctx,
                         struct mlt_err *err) MLT_NODISCARD;
/* The same, into `out` (which is cleared first); MLT_TOOBIG beyond its limit. */
enum mlt_rc mlt_http_get_buf(struct mlt_http *h, const char *path,
                             const struct mlt_http_param *params, size_t n, struct mlt_buf *out,
                             struct mlt_err *err) MLT_NODISCARD;
/* POST base/path with a JSON document. */
enum mlt_rc mlt_http_post_buf(struct mlt_http *h, const char *path, struct mlt_str json,
                              struct mlt_buf *out, struct mlt_err *err) MLT_NODISCARD;

#endif
