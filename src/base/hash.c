#include "base/hash.h"

#include <openssl/evp.h>

bool mlt_sha256(unsigned char out[MLT_SHA256_BYTES], const struct mlt_str *parts, size_t n) {
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
  for (size_t i = 0; ok && i < n; i++)
    ok = EVP_DigestUpdate(ctx, parts[i].p ? parts[i].p : "", parts[i].len) == 1;
  ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
  EVP_MD_CTX_free(ctx);
  return ok;
}
