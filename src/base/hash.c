#include "base/hash.h"

#include <openssl/evp.h>

#include "base/mem.h"

/* The algorithm is looked up once: doing so for each small file would cost as much as its hash. */
struct mlt_hasher {
  EVP_MD *md;
  EVP_MD_CTX *ctx;
};

struct mlt_hasher *mlt_hasher_new(void) {
  struct mlt_hasher *h = mlt_calloc(1, sizeof *h);
  if (!h)
    return NULL;
  h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
  h->ctx = EVP_MD_CTX_new();
  if (h->md && h->ctx)
    return h;
  mlt_hasher_free(h);
  return NULL;
}

void mlt_hasher_free(struct mlt_hasher *h) {
  if (!h)
    return;
  EVP_MD_CTX_free(h->ctx);
  EVP_MD_free(h->md);
  mlt_free(h);
}

bool mlt_hasher_start(struct mlt_hasher *h) {
  return EVP_DigestInit_ex(h->ctx, h->md, NULL) == 1;
}

bool mlt_hasher_add(struct mlt_hasher *h, const void *p, size_t n) {
  return EVP_DigestUpdate(h->ctx, p, n) == 1;
}

bool mlt_hasher_finish(struct mlt_hasher *h, unsigned char out[MLT_SHA256_BYTES]) {
  return EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
}

bool mlt_sha256(unsigned char out[MLT_SHA256_BYTES], const struct mlt_str *parts, size_t n) {
  struct mlt_hasher *h = mlt_hasher_new();
  bool ok = h && mlt_hasher_start(h);
  for (size_t i = 0; ok && i < n; i++)
    ok = mlt_hasher_add(h, parts[i].p ? parts[i].p : "", parts[i].len);
  ok = ok && mlt_hasher_finish(h, out);
  mlt_hasher_free(h);
  return ok;
}
