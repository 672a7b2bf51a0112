/* Manifests: what was placed in one folder of artifacts (of a run, of a logged model), so that
   mltrack-verify can tell later whether it is all still there. They are kept outside of the folder:

       ROOT/.mltrack/manifests/<first two characters of the id>/<id>.jsonl

   JSON lines, in UTF-8: a head, the files sorted by the bytes of their paths, an end.

       {"mltrack_manifest":1,"id":"41f7..."}
       {"path":"model/MLmodel","size":512,"mtime_ns":1700000000123456789,"sha256":"<64 hex>"}
       {"files":1,"bytes":512}

   path: relative to the folder, names apart by "/". A path that is not UTF-8 is "path_hex" instead,
   its bytes as lower-case hex; a line end in a name is \n as everywhere in JSON. Folders have no
   line. mtime_ns: of the file in its place, nanoseconds since 1970. Without its end a manifest is
   not whole and counts for nothing. Unknown fields are passed over; another number in the head is a
   newer form, which is refused. */
#ifndef MLT_ARTIFACT_MANIFEST_H
#define MLT_ARTIFACT_MANIFEST_H

#include <limits.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

/* The longest line: a path of which every byte is escaped as six. */
enum { MLT_MANIFEST_ID_MAX = 100, MLT_MANIFEST_LINE_MAX = 6 * PATH_MAX + 512 };

struct mlt_manifest_entry {
  struct mlt_str path; /* its bytes */
  uint64_t size;
  int64_t mtime_ns;
  unsigned char sha256[MLT_SHA256_BYTES];
};

/* 2 to MLT_MANIFEST_ID_MAX letters and digits of ASCII, "-" and "_". */
bool mlt_manifest_id_valid(const char *id);
/* ".mltrack/manifests/41/41f7....jsonl", relative to the root. id must be valid. */
#define MLT_MANIFEST_FOLDER ".mltrack/manifests"
enum { MLT_MANIFEST_PATH = sizeof MLT_MANIFEST_FOLDER + 3 + MLT_MANIFEST_ID_MAX + 6 + 1 };
void mlt_manifest_path(char out[MLT_MANIFEST_PATH], const char *id);

/* Reading, one entry after another, in little memory. One thread uses an instance. */
struct mlt_manifest_reader;

/* Reads fd (from its beginning; owned by the reader, also after an error). name: what errors call
   it. The head is read at once: MLT_DATA if it is none, MLT_SCHEMA if it is of a newer form. */
enum mlt_rc mlt_manifest_reader_open(struct mlt_manifest_reader **out, int fd, const char *name,
                                     struct mlt_err *err) MLT_NODISCARD;
/* The id in the head. */
const char *mlt_manifest_reader_id(const struct mlt_manifest_reader *r);
/* The next entry, valid until the next call; MLT_END after the last, if the end was right. MLT_DATA
   names the line and what is wrong with it: the JSON, a field, the order, the numbers at the end.
 */
enum mlt_rc mlt_manifest_next(struct mlt_manifest_reader *r, struct mlt_manifest_entry *e,
                              struct mlt_err *err) MLT_NODISCARD;
void mlt_manifest_reader_close(struct mlt_manifest_reader *r); /* NULL is fine */

/* Writing: entries in ascending order of their paths' bytes, no path twice. */
struct mlt_manifest_writer {
  struct mlt_buf buf;
  int fd; /* borrowed */
  uint64_t files, bytes;
};
/* MLT_IO and the like describe the failed write(2), without a name. finish writes the end; it does
   not sync. After an error, or instead of finish, mlt_manifest_writer_free. */
enum mlt_rc mlt_manifest_begin(struct mlt_manifest_writer *w, int fd, const char *id,
                               struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_manifest_add(struct mlt_manifest_writer *w, const struct mlt_manifest_entry *e,
                             struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_manifest_finish(struct mlt_manifest_writer *w, struct mlt_err *err) MLT_NODISCARD;
void mlt_manifest_writer_free(struct mlt_manifest_writer *w);

/* One line, as the reader reads it; for those who have lines already. The kind of line is *kind.
   The entry's path is in `path`, which the caller keeps. MLT_DATA says what is wrong. */
enum mlt_manifest_line { MLT_MANIFEST_HEAD, MLT_MANIFEST_FILE, MLT_MANIFEST_TAIL };
struct mlt_manifest_parsed {
  enum mlt_manifest_line kind;
  char id[MLT_MANIFEST_ID_MAX + 1]; /* HEAD */
  struct mlt_manifest_entry entry;  /* FILE */
  uint64_t files, bytes;            /* TAIL */
};
enum mlt_rc mlt_manifest_parse(struct mlt_str line, struct mlt_buf *path,
                               struct mlt_manifest_parsed *out, struct mlt_err *err) MLT_NODISCARD;

#endif
