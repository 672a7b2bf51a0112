/* Opening beneath a root: links are followed inside, never out, also when they change meanwhile. */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/file.h"
#include "source/beneath.h"

static int root;

static int open_root(void **state) {
  if (new_store(state) != 0)
    return -1;
  put("root/a/b/file", "inside");
  put("root/top", "inside");
  put("secret", "outside");
  root = open(in_store("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return root < 0 ? -1 : 0;
}

static int close_root(void **state) {
  (void)close(root);
  return drop_store(state);
}

static void link_to(const char *name, const char *target) {
  assert_int_equal(symlinkat(target, root, name), 0);
}

/* What is in the file of this name, or the error's name. */
static const char *contents(const char *name) {
  static char text[MLT_BENEATH_PAGE + 1];
  int fd = mlt_beneath_file(root, root, name, name, false);
  if (fd < 0)
    return strerrorname_np(-fd);
  ssize_t n = mlt_file_read(fd, text, sizeof text - 1);
  (void)close(fd);
  assert_true(n >= 0 && mlt_beneath_was_rest(n));
  text[n] = '\0';
  return text;
}

static void links_are_followed_as_the_kernel_would(void **state) {
  (void)state;
  link_to("plain", "top");
  link_to("down", "a/b/file");
  link_to("dots", "./a/.././a//b/../b/file");
  link_to("folder", "a/b");
  link_to("through", "folder/file");
  link_to("physical", "folder/../../top"); /* the parent of a/b, not of folder */
  link_to("chain", "through");
  assert_string_equal(contents("top"), "inside");
  assert_string_equal(contents("plain"), "inside");
  assert_string_equal(contents("down"), "inside");
  assert_string_equal(contents("dots"), "inside");
  assert_string_equal(contents("through"), "inside");
  assert_string_equal(contents("physical"), "inside");
  assert_string_equal(contents("chain"), "inside");
  assert_int_equal(symlinkat("../../top", root, "a/b/up"), 0);
  int dir = mlt_beneath_dir(root, root, "folder", "folder");
  assert_true(dir >= 0);
  int fd = mlt_beneath_file(root, dir, "up", "folder/up", false);
  assert_true(fd >= 0);
  (void)close(fd);
  (void)close(dir);
}

static void links_out_are_refused_whatever_their_form(void **state) {
  (void)state;
  link_to("up", "../secret");
  link_to("deep", "a/../../secret");
  link_to("abs", "/etc/passwd");
  link_to("proc", "/proc/self/cwd");
  link_to("parent", "..");
  link_to("via", "parent/secret");
  assert_string_equal(contents("up"), "EXDEV");
  assert_string_equal(contents("deep"), "EXDEV");
  assert_string_equal(contents("abs"), "EXDEV");
  assert_string_equal(contents("proc"), "EXDEV");
  assert_string_equal(contents("via"), "EXDEV");
  assert_int_equal(mlt_beneath_dir(root, root, "parent", "parent"), -EXDEV);
}

static void links_that_lead_nowhere_have_their_own_errors(void **state) {
  (void)state;
  char name[16], target[16];
  link_to("self", "self");
  link_to("gone", "a/none");
  for (int i = 0; i < 50; i++) {
    (void)snprintf(name, sizeof name, "l%d", i);
    (void)snprintf(target, sizeof target, i ? "l%d" : "top", i - 1);
    link_to(name, target);
  }
  assert_string_equal(contents("self"), "ELOOP");
  assert_string_equal(contents("gone"), "ENOLINK");
  assert_string_equal(contents("l39"), "inside");
  assert_string_equal(contents("l40"), "ELOOP");
  assert_string_equal(contents("none"), "ENOENT");
  assert_string_equal(contents("a"), "EISDIR");
  assert_int_equal(mlt_beneath_dir(root, root, "top", "top"), -ENOTDIR);
}

static void a_long_chain_of_names_is_an_error_not_an_overflow(void **state) {
  (void)state;
  char target[PATH_MAX];
  memset(target, 'x', sizeof target);
  for (size_t i = 100; i < sizeof target; i += 100)
    target[i] = '/';
  target[4000] = '\0';
  link_to("long", target);
  assert_int_equal(symlinkat("long", root, "longer"), 0);
  assert_string_equal(contents("longer"), "ENOLINK");
  memcpy(target, "a/../", 5);
  for (size_t i = 5; i + 5 < 4000; i += 5)
    memcpy(target + i, "a/../", 5);
  target[3995] = '\0';
  link_to("hop", target);
  memcpy(target, "hop/.", 5);
  link_to("hops", target);
  assert_string_equal(contents("hops"), "ENAMETOOLONG");
}

static atomic_bool stop;

static void what_is_no_file_has_its_own_error(void **state) {
  (void)state;
  assert_int_equal(mkfifoat(root, "fifo", 0600), 0);
  assert_string_equal(contents("fifo"), "ENODEV");
  link_to("to-fifo", "fifo");
  assert_int_equal(mlt_beneath_file(root, root, "to-fifo", "to-fifo", true), -ENODEV);
}

static void every_error_has_a_word_and_a_sentence(void **state) {
  (void)state;
  const char *code = NULL;
  assert_string_equal(mlt_beneath_reason(ENOENT, &code), "it is not there");
  assert_string_equal(code, "missing");
  assert_string_equal(mlt_beneath_reason(EIO, &code), "Input/output error");
  assert_string_equal(code, "unreadable");
}

/* Puts a sound link and a link out at root/x in turn. */
static void *swap(void *unused) {
  (void)unused;
  for (unsigned i = 0; !stop; i++) {
    if (symlinkat(i % 2 ? "../secret" : "top", root, "next") == 0)
      (void)renameat(root, "next", root, "x");
  }
  return NULL;
}

static void a_link_that_changes_meanwhile_never_leads_out(void **state) {
  (void)state;
  pthread_t thread;
  size_t inside = 0;
  stop = false;
  link_to("x", "top");
  assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
  for (int i = 0; i < 20000 || (inside == 0 && i < 1000000); i++) {
    const char *text = contents("x");
    assert_string_not_equal(text, "outside");
    inside += strcmp(text, "inside") == 0;
  }
  stop = true;
  (void)pthread_join(thread, NULL);
  assert_true(inside > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_root, close_root)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(links_are_followed_as_the_kernel_would),
      TEST(links_out_are_refused_whatever_their_form),
      TEST(links_that_lead_nowhere_have_their_own_errors),
      TEST(a_long_chain_of_names_is_an_error_not_an_overflow),
      TEST(a_link_that_changes_meanwhile_never_leads_out),
      TEST(what_is_no_file_has_its_own_error),
      cmocka_unit_test(every_error_has_a_word_and_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
