#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/json_read.h"
#include "base/mem.h"

enum {
  ERROR_BODY_MAX = 8192,
  URL_MAX = 65536,
  CONNECT_SECONDS = 20,
  TIMEOUT_SECONDS = 120,
  TRIES = 5
};

struct mlt_http {
  CURL *curl;
  struct curl_slist *headers; /* of every request; owned */
  struct mlt_buf url;
  size_t base_len; /* of url */
  char *shown;
  bool answered; /* once at least: it is there */
  const volatile sig_atomic_t *cancelled;
  char curl_error[CURL_ERROR_SIZE];
};

/* One request on its way. */
struct answer {
  struct mlt_http *h;
  mlt_http_body_fn fn;
  void *ctx;
  enum mlt_rc rc;         /* of fn */
  bool given;             /* fn has got something */
  struct mlt_buf refusal; /* the body of what is no 2xx, as far as it goes */
};

static CURLcode started = CURLE_FAILED_INIT;

static void start_curl(void) {
  started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static const char *set_in(const char *name) {
  const char *v = getenv(name);
  return v && *v ? v : NULL;
}

static bool is_true(const char *v) {
  return v && (strcmp(v, "1") == 0 || strcasecmp(v, "true") == 0);
}

void mlt_http_environment(struct mlt_http_opts *o) {
  const char *timeout = set_in("MLFLOW_HTTP_REQUEST_TIMEOUT");
  o->token = set_in("MLFLOW_TRACKING_TOKEN");
  o->user = set_in("MLFLOW_TRACKING_USERNAME");
  o->password = set_in("MLFLOW_TRACKING_PASSWORD");
  o->insecure_tls = is_true(set_in("MLFLOW_TRACKING_INSECURE_TLS"));
  o->ca_file = set_in("MLFLOW_TRACKING_SERVER_CERT_PATH");
  o->client_cert = set_in("MLFLOW_TRACKING_CLIENT_CERT_PATH");
  if (timeout)
    o->timeout_seconds = strtol(timeout, NULL, 10);
}

/* ---- opening ---- */

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  const struct mlt_http *h = ctx;
  (void)a, (void)b, (void)c, (void)d;
  return h->cancelled && *h->cancelled;
}

/* Takes a part of the address out of it; NULL if it is not there. To be freed by curl_free. */
static char *take_part(CURLU *u, CURLUPart part) {
  char *text = NULL;
  if (curl_url_get(u, part, &text, CURLU_URLDECODE) != CURLUE_OK)
    return NULL;
  (void)curl_url_set(u, part, NULL, 0);
  return text;
}

static enum mlt_rc authenticate(struct mlt_http *h, const struct mlt_http_opts *o, const char *user,
                                const char *password, struct mlt_err *err) {
  if (!o->token && user) {
    (void)curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    bool ok = curl_easy_setopt(h->curl, CURLOPT_USERNAME, user) == CURLE_OK &&
              curl_easy_setopt(h->curl, CURLOPT_PASSWORD, password ? password : "") == CURLE_OK;
    return ok ? MLT_OK : mlt_err_nomem(err);
  }
  if (o->token) {
    (void)curl_easy_setopt(h->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    if (curl_easy_setopt(h->curl, CURLOPT_XOAUTH2_BEARER, o->token) != CURLE_OK)
      return mlt_err_nomem(err);
  }
  return MLT_OK;
}

/* The address, without who asks; what stands in it goes before the environment. */
static enum mlt_rc set_base(struct mlt_http *h, const struct mlt_http_opts *o,
                            struct mlt_err *err) {
  enum mlt_rc rc = MLT_OK;
  char *user = NULL, *password = NULL, *base = NULL;
  CURLU *u = curl_url();
  if (!u)
    return mlt_err_nomem(err);
  if ((strncmp(o->base, "http://", 7) != 0 && strncmp(o->base, "https://", 8) != 0) ||
      curl_url_set(u, CURLUPART_URL, o->base, 0) != CURLUE_OK) {
    rc = mlt_err_set(err, MLT_USAGE, "the server's address is none of http:// or https://");
    goto out;
  }
  user = take_part(u, CURLUPART_USER);
  password = take_part(u, CURLUPART_PASSWORD);
  curl_free(take_part(u, CURLUPART_QUERY));
  curl_free(take_part(u, CURLUPART_FRAGMENT));
  if (curl_url_get(u, CURLUPART_URL, &base, 0) != CURLUE_OK) {
    rc = mlt_err_nomem(err);
    goto out;
  }
  rc = mlt_buf_adds(&h->url, base);
  while (rc == MLT_OK && h->url.len > 0 && h->url.p[h->url.len - 1] == '/')
    h->url.len--;
  h->base_len = h->url.len;
  h->shown = rc == MLT_OK ? mlt_calloc(1, h->base_len + 1) : NULL;
  if (!h->shown) {
    rc = mlt_err_nomem(err);
    goto out;
  }
  memcpy(h->shown, h->url.p, h->base_len);
  rc = user ? authenticate(h, &(struct mlt_http_opts){0}, user, password, err)
            : authenticate(h, o, o->user, o->password, err);
out:
  curl_free(base);
  curl_free(password);
  curl_free(user);
  curl_url_cleanup(u);
  return rc;
}

static enum mlt_rc set_tls(struct mlt_http *h, const struct mlt_http_opts *o, struct mlt_err *err) {
  CURLcode c = CURLE_OK;
  if (o->insecure_tls) {
    (void)curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(h->curl, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (o->ca_file)
    c = curl_easy_setopt(h->curl, CURLOPT_CAINFO, o->ca_file);
  if (c == CURLE_OK && o->client_cert)
    c = curl_easy_setopt(h->curl, CURLOPT_SSLCERT, o->client_cert);
  return c == CURLE_OK ? MLT_OK : mlt_err_nomem(err);
}

/* Nothing of a request that could lead elsewhere than to the server that was given. */
static void set_manner(struct mlt_http *h, const struct mlt_http_opts *o) {
  CURL *c = h->curl;
  (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
  (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                         o->timeout_seconds > 0 ? o->timeout_seconds : (long)TIMEOUT_SECONDS);
  (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "mltrack/" MLT_VERSION);
  (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->curl_error);
  (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
}

enum mlt_rc mlt_http_open(struct mlt_http **out, const struct mlt_http_opts *opts,
                          struct mlt_err *err) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, start_curl);
  struct mlt_http *h = mlt_calloc(1, sizeof *h);
  if (!h)
    return mlt_err_nomem(err);
  mlt_buf_init(&h->url, URL_MAX);
  h->cancelled = opts->cancelled;
  h->curl = started == CURLE_OK ? curl_easy_init() : NULL;
  h->headers = curl_slist_append(NULL, "Content-Type: application/json");
  enum mlt_rc rc = h->curl && h->headers ? set_base(h, opts, err) : mlt_err_nomem(err);
  if (rc == MLT_OK)
    rc = set_tls(h, opts, err);
  if (rc != MLT_OK) {
    mlt_http_close(h);
    return rc;
  }
  set_manner(h, opts);
  *out = h;
  return MLT_OK;
}

void mlt_http_close(struct mlt_http *h) {
  if (!h)
    return;
  curl_slist_free_all(h->headers);
  curl_easy_cleanup(h->curl);
  mlt_buf_free(&h->url);
  mlt_free(h->shown);
  mlt_free(h);
}

const char *mlt_http_shown(const struct mlt_http *h) {
  return h->shown;
}

/* ---- asking ---- */

static enum mlt_rc give(struct answer *a, const void *p, size_t n) {
  a->given = true;
  return a->fn(a->ctx, p, n);
}

static size_t on_body(char *p, size_t one, size_t n, void *ctx) {
  struct answer *a = ctx;
  long status = 0;
  (void)one; /* always 1 */
  (void)curl_easy_getinfo(a->h->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300)
    a->rc = give(a, p, n);
  else if (a->refusal.len + n <= ERROR_BODY_MAX)
    a->rc = mlt_buf_add(&a->refusal, p, n);
  return a->rc == MLT_OK ? n : 0;
}

static enum mlt_rc set_url(struct mlt_http *h, const char *path, const struct mlt_http_param *v,
                           size_t n, struct mlt_err *err) {
  h->url.len = h->base_len;
  enum mlt_rc rc = mlt_buf_printf(&h->url, "/%s", path);
  for (size_t i = 0; rc == MLT_OK && i < n; i++) {
    /* a length of 0 would be strlen's to find */
    char *value =
        v[i].value.len > 0 ? curl_easy_escape(h->curl, v[i].value.p, (int)v[i].value.len) : NULL;
    if (v[i].value.len > 0 && !value)
      return mlt_err_nomem(err);
    rc = mlt_buf_printf(&h->url, "%c%s=%s", i == 0 ? '?' : '&', v[i].name, value ? value : "");
    curl_free(value);
  }
  const char *url = rc == MLT_OK ? mlt_buf_cstr(&h->url) : NULL;
  if (!url || curl_easy_setopt(h->curl, CURLOPT_URL, url) != CURLE_OK)
    return rc == MLT_TOOBIG
               ? mlt_err_set(err, rc, "a request would be longer than %d bytes", URL_MAX)
               : mlt_err_nomem(err);
  return MLT_OK;
}

/* What went wrong in MLflow's own words: {"error_code": ..., "message": ...}. */
static enum mlt_rc refuse(struct mlt_http *h, const char *path, enum mlt_rc rc, long status,
                          struct mlt_buf *body, struct mlt_err *err) {
  struct mlt_json *j = mlt_json_parse(mlt_buf_str(body), NULL);
  struct mlt_str message = j ? mlt_json_text(mlt_json_get(j, "message")) : MLT_STR_NULL;
  rc = mlt_err_set(err, rc, "%s/%s: the server answers %ld%s%s%.*s", h->shown, path, status,
                   status >= 300 && status < 400 ? ", a redirect, which is not followed" : "",
                   message.p ? ": " : "", (int)(message.len < 300 ? message.len : 300),
                   message.p ? message.p : "");
  mlt_json_free(j);
  return rc;
}

static enum mlt_rc judge(struct mlt_http *h, const char *path, struct answer *a,
                         struct mlt_err *err) {
  long status = 0;
  (void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300)
    return MLT_OK;
  enum mlt_rc rc = status == 404                    ? MLT_NOINPUT
                   : status == 401 || status == 403 ? MLT_NOPERM
                   : status >= 500                  ? MLT_UNAVAILABLE
                                                    : MLT_PROTOCOL;
  rc = refuse(h, path, rc, status, &a->refusal, err);
  if (status == 401)
    mlt_err_hint(err, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
                      "MLFLOW_TRACKING_TOKEN");
  return rc;
}

static enum mlt_rc ask_once(struct mlt_http *h, const char *path, struct answer *a,
                            struct mlt_err *err) {
  h->curl_error[0] = '\0';
  mlt_buf_clear(&a->refusal);
  CURLcode c = curl_easy_perform(h->curl);
  if (a->rc != MLT_OK)
    return mlt_err_set(err, a->rc, "%s/%s: the answer cannot be taken", h->shown, path);
  if (c == CURLE_ABORTED_BY_CALLBACK)
    return mlt_err_set(err, MLT_CANCELLED, "interrupted");
  if (c != CURLE_OK)
    return mlt_err_set(err, MLT_UNAVAILABLE, "%s: %s", h->shown,
                       h->curl_error[0] ? h->curl_error : curl_easy_strerror(c));
  return judge(h, path, a, err);
}

/* A server that has answered before and now does not may be replacing a process of its own: it is
   asked again for some seconds, as MLflow's client does. */
static enum mlt_rc ask_patiently(struct mlt_http *h, const char *path, struct answer *a,
                                 struct mlt_err *err) {
  for (int i = 1;; i++) {
    struct mlt_err failure = MLT_ERR_INIT;
    enum mlt_rc rc = ask_once(h, path, a, &failure);
    bool again = rc == MLT_UNAVAILABLE && h->answered && !a->given && i < TRIES;
    h->answered = h->answered || rc == MLT_OK;
    if (!again) {
      if (rc != MLT_OK && err)
        *err = failure;
      return rc;
    }
    (void)usleep(250000U << i);
  }
}

static enum mlt_rc ask(struct mlt_http *h, const char *path, const struct mlt_http_param *v,
                       size_t n, mlt_http_body_fn fn, void *ctx, struct mlt_err *err) {
  struct answer a = {.h = h, .fn = fn, .ctx = ctx, .rc = MLT_OK};
  enum mlt_rc rc = set_url(h, path, v, n, err);
  if (rc != MLT_OK)
    return rc;
  mlt_buf_init(&a.refusal, ERROR_BODY_MAX);
  (void)curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &a);
  rc = ask_patiently(h, path, &a, err);
  mlt_buf_free(&a.refusal);
  return rc;
}

enum mlt_rc mlt_http_get(struct mlt_http *h, const char *path, const struct mlt_http_param *params,
                         size_t n, mlt_http_body_fn fn, void *ctx, struct mlt_err *err) {
  (void)curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
  (void)curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
  return ask(h, path, params, n, fn, ctx, err);
}

static enum mlt_rc into_buf(void *ctx, const void *p, size_t n) {
  return mlt_buf_add(ctx, p, n);
}

enum mlt_rc mlt_http_get_buf(struct mlt_http *h, const char *path,
                             const struct mlt_http_param *params, size_t n, struct mlt_buf *out,
                             struct mlt_err *err) {
  mlt_buf_clear(out);
  return mlt_http_get(h, path, params, n, into_buf, out, err);
}

enum mlt_rc mlt_http_post_buf(struct mlt_http *h, const char *path, struct mlt_str json,
                              struct mlt_buf *out, struct mlt_err *err) {
  mlt_buf_clear(out);
  (void)curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)json.len);
  if (curl_easy_setopt(h->curl, CURLOPT_COPYPOSTFIELDS, json.p) != CURLE_OK)
    return mlt_err_nomem(err);
  (void)curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
  return ask(h, path, NULL, 0, into_buf, out, err);
}
