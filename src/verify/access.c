#include "verify/access.h"

#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"

enum { FEW_GROUPS = 64, GROUPS_MAX = 65536 };

struct mlt_access {
  uid_t uid;
  gid_t *groups;
  int n_groups;
  char name[64];
};

/* "1000" or "1000:1000" */
static bool is_number(const char *text, char end, unsigned long *out, const char **rest) {
  char *stop;
  errno = 0;
  *out = strtoul(text, &stop, 10);
  *rest = stop;
  return *text >= '0' && *text <= '9' && *stop == end && !errno && *out < UINT32_MAX;
}

static enum mlt_rc no_user(const char *who, struct mlt_err *err) {
  enum mlt_rc rc = mlt_err_set(err, MLT_USAGE, "--as-user: this system knows no user '%s'", who);
  mlt_err_hint(err, "UID:GID names one that only another system, or a container, knows");
  return rc;
}

static enum mlt_rc add_groups(struct mlt_access *a, gid_t gid, struct mlt_err *err) {
  for (int room = FEW_GROUPS; room <= GROUPS_MAX; room *= 4) {
    gid_t *groups = mlt_reallocarray(a->groups, (size_t)room, sizeof *groups);
    if (!groups)
      return mlt_err_nomem(err);
    a->groups = groups;
    a->n_groups = room;
    if (getgrouplist(a->name, gid, a->groups, &a->n_groups) >= 0)
      return MLT_OK;
  }
  return mlt_err_set(err, MLT_USAGE, "--as-user: '%s' is in too many groups", a->name);
}

static enum mlt_rc one_group(struct mlt_access *a, const char *who, gid_t gid,
                             struct mlt_err *err) {
  (void)snprintf(a->name, sizeof a->name, "%s", who);
  a->groups = mlt_calloc(1, sizeof *a->groups);
  if (!a->groups)
    return mlt_err_nomem(err);
  a->groups[0] = gid;
  a->n_groups = 1;
  return MLT_OK;
}

static enum mlt_rc fill(struct mlt_access *a, const char *who, struct mlt_err *err) {
  unsigned long uid, gid;
  const char *rest;
  if (is_number(who, ':', &uid, &rest) && is_number(rest + 1, '\0', &gid, &rest)) {
    a->uid = (uid_t)uid;
    return one_group(a, who, (gid_t)gid, err);
  }
  const struct passwd *user = getpwnam(who);
  if (!user && is_number(who, '\0', &uid, &rest))
    user = getpwuid((uid_t)uid);
  if (!user)
    return no_user(who, err);
  a->uid = user->pw_uid;
  (void)snprintf(a->name, sizeof a->name, "%s", user->pw_name);
  return add_groups(a, user->pw_gid, err);
}

static enum mlt_rc fill_self(struct mlt_access *a, struct mlt_err *err) {
  int n = getgroups(0, NULL);
  a->uid = geteuid();
  a->groups = mlt_calloc((size_t)(n < 0 ? 0 : n) + 1, sizeof *a->groups);
  if (!a->groups)
    return mlt_err_nomem(err);
  a->n_groups = n > 0 ? getgroups(n, a->groups) : 0;
  a->n_groups = a->n_groups < 0 ? 0 : a->n_groups;
  a->groups[a->n_groups++] = getegid();
  (void)snprintf(a->name, sizeof a->name, "this user");
  return MLT_OK;
}

/* who: NULL is this process. */
static enum mlt_rc open_access(struct mlt_access **out, const char *who, struct mlt_err *err) {
  struct mlt_access *a = mlt_calloc(1, sizeof *a);
  *out = NULL;
  if (!a)
    return mlt_err_nomem(err);
  enum mlt_rc rc = who ? fill(a, who, err) : fill_self(a, err);
  if (rc == MLT_OK)
    *out = a;
  else
    mlt_access_close(a);
  return rc;
}

enum mlt_rc mlt_access_open(struct mlt_access **out, const char *who, struct mlt_err *err) {
  return open_access(out, who, err);
}

enum mlt_rc mlt_access_self(struct mlt_access **out, struct mlt_err *err) {
  return open_access(out, NULL, err);
}

void mlt_access_close(struct mlt_access *a) {
  if (a)
    mlt_free(a->groups);
  mlt_free(a);
}

const char *mlt_access_name(const struct mlt_access *a) {
  return a->name;
}

static bool in_group(const struct mlt_access *a, gid_t gid) {
  for (int i = 0; i < a->n_groups; i++)
    if (a->groups[i] == gid)
      return true;
  return false;
}

/* As the kernel does: the first class that fits decides, also when a later one would give more. */
bool mlt_access_may(const struct mlt_access *a, const struct stat *st, unsigned rights) {
  unsigned shift = st->st_uid == a->uid ? 6 : in_group(a, st->st_gid) ? 3 : 0;
  return a->uid == 0 || ((st->st_mode >> shift) & rights) == rights;
}

/* ---- ACLs: acl(5), and as the kernel's fs/posix_acl.c goes through them ---- */

struct acl {
  const unsigned char *entries;
  size_t n;
};

enum {
  ACL_MAX = 8192,
  HEADER = sizeof(struct posix_acl_xattr_header),
  ENTRY = sizeof(struct posix_acl_xattr_entry)
};

static struct posix_acl_xattr_entry entry(const struct acl *acl, size_t i) {
  struct posix_acl_xattr_entry e;
  memcpy(&e, acl->entries + i * ENTRY, sizeof e);
  return (struct posix_acl_xattr_entry){
      .e_tag = le16toh(e.e_tag), .e_perm = le16toh(e.e_perm), .e_id = le32toh(e.e_id)};
}

static bool is_acl(struct acl *out, const void *acl, size_t n) {
  struct posix_acl_xattr_header h;
  if (n < HEADER || (n - HEADER) % ENTRY)
    return false;
  memcpy(&h, acl, sizeof h);
  *out = (struct acl){(const unsigned char *)acl + HEADER, (n - HEADER) / ENTRY};
  return le32toh(h.a_version) == POSIX_ACL_XATTR_VERSION;
}

/* What the mask leaves of named users and groups; all where there is none. */
static unsigned mask_of(const struct acl *acl) {
  for (size_t i = 0; i < acl->n; i++)
    if (entry(acl, i).e_tag == ACL_MASK)
      return entry(acl, i).e_perm;
  return ACL_READ | ACL_WRITE | ACL_EXECUTE;
}

static bool is_meant(const struct mlt_access *a, const struct stat *st,
                     const struct posix_acl_xattr_entry *e) {
  switch (e->e_tag) {
  case ACL_USER_OBJ:
    return st->st_uid == a->uid;
  case ACL_USER:
    return e->e_id == a->uid;
  case ACL_GROUP_OBJ:
    return in_group(a, st->st_gid);
  case ACL_GROUP:
    return in_group(a, e->e_id);
  default:
    return e->e_tag == ACL_OTHER;
  }
}

/* The user's entry decides; of the entries of groups any that gives it all; else the others'. */
bool mlt_access_may_by_acl(const struct mlt_access *a, const struct stat *st, const void *value,
                           size_t n, unsigned rights) {
  struct acl acl;
  bool of_a_group = false;
  if (a->uid == 0 || !is_acl(&acl, value, n))
    return mlt_access_may(a, st, rights);
  unsigned mask = mask_of(&acl);
  for (size_t i = 0; i < acl.n; i++) {
    struct posix_acl_xattr_entry e = entry(&acl, i);
    bool group = e.e_tag == ACL_GROUP_OBJ || e.e_tag == ACL_GROUP;
    bool gives = (e.e_perm & rights) == rights;
    if (!is_meant(a, st, &e) || (group && !gives)) {
      of_a_group |= group && is_meant(a, st, &e);
      continue;
    }
    if (e.e_tag == ACL_USER_OBJ)
      return gives;
    if (e.e_tag == ACL_OTHER)
      return gives && !of_a_group;
    return (e.e_perm & mask & rights) == rights;
  }
  return false;
}

bool mlt_access_may_path(const struct mlt_access *a, const char *path, const struct stat *st,
                         unsigned rights) {
  char value[ACL_MAX];
  ssize_t n = a->uid == 0 ? -1 : getxattr(path, "system.posix_acl_access", value, sizeof value);
  return n < 0 ? mlt_access_may(a, st, rights)
               : mlt_access_may_by_acl(a, st, value, (size_t)n, rights);
}

bool mlt_access_may_at(const struct mlt_access *a, int dir, const char *name, const struct stat *st,
                       unsigned rights) {
  char path[PATH_MAX];
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, name);
  return mlt_access_may_path(a, path, st, rights);
}

bool mlt_access_reach(const struct mlt_access *a, const char *path, char where[PATH_MAX]) {
  struct stat st;
  for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
    (void)snprintf(where, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (stat(where, &st) == 0 && S_ISDIR(st.st_mode) &&
        !mlt_access_may_path(a, where, &st, MLT_MAY_SEARCH))
      return false;
  }
  return true;
}
