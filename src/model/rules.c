/* MLflow's validators of names and keys (utils/validation.py) without a regex engine. Character
   classes are Python's, not the C library's: \w from word_table.def, blanks as str.isspace. */
#include "model/rules.h"

#include <string.h>

enum { MAX_KEY = 250, MAX_EXPERIMENT_NAME = 500, MAX_ALIAS = 255, MAX_RUN_ID = 256 };

struct range {
  uint32_t first, last;
};

static const struct range word_ranges[] = {
#define MLT_WORD(first, last) {first, last},
#include "model/word_table.def"
#undef MLT_WORD
};

static bool is_word(uint32_t cp) {
  if (cp < 0x80)
    return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z') || (cp >= '0' && cp <= '9') ||
           cp == '_';
  size_t lo = 0, hi = sizeof word_ranges / sizeof *word_ranges;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (cp > word_ranges[mid].last)
      lo = mid + 1;
    else
      hi = mid;
  }
  return lo < sizeof word_ranges / sizeof *word_ranges && cp >= word_ranges[lo].first;
}

/* str.isspace() of one character. */
static bool is_space(uint32_t cp) {
  return (cp >= 0x09 && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x20) || cp == 0x85 || cp == 0xA0 ||
         cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
         cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static bool is_blank(struct mlt_str s) {
  while (s.len) {
    uint32_t cp;
    size_t n = mlt_utf8_next(s, &cp);
    if (!is_space(cp))
      return false;
    s.p += n;
    s.len -= n;
  }
  return true;
}

/* Only \w and the ASCII characters in `also`. */
static bool only_words_and(struct mlt_str s, const char *also) {
  while (s.len) {
    uint32_t cp;
    size_t n = mlt_utf8_next(s, &cp);
    if (!is_word(cp) && (cp == 0 || cp > 0x7F || !strchr(also, (int)cp)))
      return false;
    s.p += n;
    s.len -= n;
  }
  return true;
}

/* re.match with a pattern that ends in $ also matches before one last newline. */
static struct mlt_str as_matched(struct mlt_str s, enum mlt_rules_version v) {
  if (v == MLT_RULES_3_17 && s.len && s.p[s.len - 1] == '\n')
    s.len--;
  return s;
}

static bool has_any(struct mlt_str s, const char *chars) {
  for (size_t i = 0; i < s.len; i++)
    if (s.p[i] && strchr(chars, s.p[i]))
      return true;
  return false;
}

/* A path that normpath leaves alone has no empty, "." or ".." parts; one that stays in its folder
 * starts with neither "/" nor "..". */
bool mlt_rule_path_unique(struct mlt_str s) {
  if (mlt_str_starts(s, ".."))
    return false;
  for (size_t start = 0; start <= s.len;) {
    const char *part = s.p + start;
    const char *slash = start < s.len ? memchr(part, '/', s.len - start) : NULL;
    size_t n = slash ? (size_t)(slash - part) : s.len - start;
    bool dots = (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.');
    if (n == 0 || dots)
      return false;
    start += n + 1;
  }
  return true;
}

const char *mlt_rule_key(struct mlt_str s, enum mlt_rules_version v) {
  if (!only_words_and(as_matched(s, v), "/.- :"))
    return "may only contain letters, digits, _ - . : / and spaces";
  if (!mlt_rule_path_unique(s))
    return "must not change or leave its folder when taken as a path";
  if (mlt_utf8_length(s) > MAX_KEY)
    return "is longer than 250 characters";
  return NULL;
}

const char *mlt_rule_experiment_name(struct mlt_str s, enum mlt_rules_version v) {
  if (v == MLT_RULES_3_17 ? s.len == 0 : is_blank(s))
    return "must not be blank";
  if (mlt_utf8_length(s) > MAX_EXPERIMENT_NAME)
    return "is longer than 500 characters";
  return NULL;
}

const char *mlt_rule_model_name(struct mlt_str s, enum mlt_rules_version v) {
  (void)v;
  if (is_blank(s))
    return "must not be blank";
  if (has_any(s, "/:"))
    return "must not contain / or :";
  if (!mlt_rule_path_unique(s))
    return "must not change or leave its folder when taken as a path";
  return NULL;
}

const char *mlt_rule_alias(struct mlt_str s, enum mlt_rules_version v) {
  if (s.len == 0)
    return "must not be empty";
  if (!only_words_and(as_matched(s, v), "-"))
    return "may only contain letters, digits, _ and -";
  if (mlt_utf8_length(s) > MAX_ALIAS)
    return "is longer than 255 characters";
  return NULL;
}

const char *mlt_rule_run_id(struct mlt_str s, enum mlt_rules_version v) {
  struct mlt_str m = as_matched(s, v);
  char c = m.len ? m.p[0] : '\0';
  bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  if (!alnum)
    return "must start with an ASCII letter or digit";
  if (!only_words_and(m, "-"))
    return "may only contain letters, digits, _ and -";
  if (mlt_utf8_length(m) > MAX_RUN_ID)
    return "is longer than 256 characters";
  return NULL;
}

const char *mlt_rule_logged_model_name(struct mlt_str s, enum mlt_rules_version v) {
  (void)v;
  if (s.len == 0)
    return "must not be empty";
  if (has_any(s, "/:.%\"'"))
    return "must not contain / : . % \" or '";
  return NULL;
}

const char *mlt_rule_text(struct mlt_str s) {
  if (s.len && memchr(s.p, '\0', s.len))
    return "contains a NUL byte";
  if (mlt_utf8_invalid(s) >= 0)
    return "is not valid UTF-8";
  return NULL;
}
