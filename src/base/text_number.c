/* Numbers as text. A double is written as printf's %.15g has it, or with one or two digits more if
   it takes those to read it back. Most are converted here, by arithmetic that is exact enough to
   know when it is not; the others by the C library. */
#include "base/text.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
  LEAST_DIGITS = 15, /* come back from any but a subnormal number */
  MOST_DIGITS = 17,  /* come back from any */
  POWERS = 28        /* of ten that 64 bits of mantissa hold exactly */
};

struct digits {
  uint64_t w; /* value = w * 10^(exponent + 1 - precision) */
  int precision, exponent;
};

/* ---- by the C library ---- */

static locale_t c_locale;

static void make_c_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* glibc has this one built in */
}

static size_t print_slowly(char *out, double d) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, make_c_locale);
  locale_t before = uselocale(c_locale);
  for (int n = fabs(d) < DBL_MIN ? 1 : LEAST_DIGITS; n <= MOST_DIGITS; n++) {
    (void)snprintf(out, MLT_DOUBLE_TEXT, "%.*g", n, d);
    if (strtod_l(out, NULL, c_locale) == d)
      break;
  }
  (void)uselocale(before);
  if (isnan(d))
    memcpy(out, "nan", sizeof "nan"); /* glibc writes -nan for some */
  else if (!strpbrk(out, ".en"))
    memcpy(out + strlen(out), ".0", sizeof ".0");
  return strlen(out);
}

/* ---- by arithmetic ---- */

#if LDBL_MANT_DIG >= 64
static const long double powers[POWERS] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                           1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                           1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                           1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

/* Valgrind computes long doubles in 53 bits, and a host program may have set the processor to. */
static bool is_precise(void) {
  static const volatile long double one = 1, small = 0x1p-63L;
  return one + small != one;
}

/* x * 10^k, rounded once. */
static long double scale(long double x, int k) {
  return k >= 0 ? x * powers[k] : x / powers[-k];
}

static bool in_range(int k) {
  return k > -POWERS && k < POWERS;
}

/* Of a > 0: the exponent of its first digit. false: out of range. */
static bool first_digit(double a, int *exponent) {
  int e2;
  (void)frexp(a, &e2);
  int e = (int)((e2 - 1) * 0.30102999566398120);
  if (!in_range(MOST_DIGITS - e) || !in_range(LEAST_DIGITS - 2 - e))
    return false;
  long double x = scale((long double)a, MOST_DIGITS - 1 - e);
  *exponent = e + (x >= powers[MOST_DIGITS]) - (x < powers[MOST_DIGITS - 1]);
  return true;
}

/* Does w * 10^-k read back as a? 1 yes, 0 no, -1 too close to tell. */
static int reads_back(uint64_t w, int k, double a) {
  long double q = scale((long double)w, -k), error = q * 0x1p-62L;
  int below = (double)(q - error) == a, above = (double)(q + error) == a;
  return below == above ? below : -1;
}

/* a rounded to that many digits, if they are enough; as above. */
static int round_to(int precision, double a, int exponent, struct digits *out) {
  int k = precision - 1 - exponent;
  long double x = scale((long double)a, k);
  uint64_t w = (uint64_t)x;
  long double rest = x - (long double)w;
  if (rest > 0.484375L && rest < 0.515625L)
    return -1; /* a tie, or what the rounding of x may have made of one */
  w += rest > 0.5L;
  *out = (struct digits){w, precision, exponent};
  if (w == (uint64_t)powers[precision]) {
    out->w = w / 10;
    out->exponent++;
  }
  return precision == MOST_DIGITS ? 1 : reads_back(w, k, a);
}

static bool convert(double a, struct digits *out) {
  int exponent, enough = 0;
  if (!is_precise() || !first_digit(a, &exponent))
    return false;
  for (int n = LEAST_DIGITS; n <= MOST_DIGITS && enough == 0; n++)
    enough = round_to(n, a, exponent, out);
  return enough > 0;
}
#else
static bool convert(double a, struct digits *out) {
  (void)a, (void)out;
  return false;
}
#endif

static size_t print_uint(char *out, uint64_t n) {
  char text[MLT_INT_TEXT];
  size_t at = sizeof text;
  do
    text[--at] = (char)('0' + n % 10);
  while (n /= 10);
  memcpy(out, text + at, sizeof text - at);
  return sizeof text - at;
}

static char *put(char *out, const char *p, size_t n) {
  memcpy(out, p, n);
  return out + n;
}

static char *put_zeros(char *out, int n) {
  memset(out, '0', (size_t)n);
  return out + n;
}

static char *put_exponent(char *out, const char *text, int n, int exponent) {
  *out++ = text[0];
  if (n > 1) {
    *out++ = '.';
    out = put(out, text + 1, (size_t)n - 1);
  }
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  if (abs(exponent) < 10)
    *out++ = '0';
  return out + print_uint(out, (uint64_t)abs(exponent));
}

/* As %g lays digits out. */
static char *put_digits(char *out, struct digits d) {
  char text[MLT_INT_TEXT];
  while (d.w % 10 == 0)
    d.w /= 10;
  int n = (int)print_uint(text, d.w);
  if (d.exponent < -4 || d.exponent >= d.precision)
    return put_exponent(out, text, n, d.exponent);
  if (d.exponent < 0) {
    out = put_zeros(put(out, "0.", 2), -d.exponent - 1);
    return put(out, text, (size_t)n);
  }
  int whole = d.exponent + 1;
  if (n <= whole)
    return put(put_zeros(put(out, text, (size_t)n), whole - n), ".0", 2);
  *(out = put(out, text, (size_t)whole)) = '.';
  return put(out + 1, text + whole, (size_t)(n - whole));
}

size_t mlt_text_double(char out[MLT_DOUBLE_TEXT], double d) {
  struct digits digits;
  char *end = out;
  double a = fabs(d);
  bool small_integer = a < 1e15 && a == (double)(uint64_t)a;
  if (!small_integer && (!isfinite(d) || !convert(a, &digits)))
    return print_slowly(out, d);
  if (signbit(d))
    *end++ = '-';
  end = small_integer ? put(end + print_uint(end, (uint64_t)a), ".0", 2) : put_digits(end, digits);
  *end = '\0';
  return (size_t)(end - out);
}

size_t mlt_text_int(char out[MLT_INT_TEXT], int64_t n) {
  size_t sign = n < 0;
  out[0] = '-';
  size_t len = sign + print_uint(out + sign, sign ? 0 - (uint64_t)n : (uint64_t)n);
  out[len] = '\0';
  return len;
}
