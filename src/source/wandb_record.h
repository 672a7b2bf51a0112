/* What is in the records of a wandb log: the few messages of wandb_internal.proto that make a run,
   taken apart by hand. Releases differ in how they write an item: as JSON or typed, a nested name
   as a list of parts or as an object. No I/O. */
#ifndef MLT_SOURCE_WANDB_RECORD_H
#define MLT_SOURCE_WANDB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "source/protobuf.h"

/* Field numbers of Record: what a record is. */
enum mlt_wb_kind {
  MLT_WB_OTHER = 0,
  MLT_WB_HISTORY = 2,
  MLT_WB_SUMMARY = 3,
  MLT_WB_CONFIG = 5,
  MLT_WB_STATS = 7,
  MLT_WB_ARTIFACT = 8,
  MLT_WB_ALERT = 10,
  MLT_WB_RUN = 17,
  MLT_WB_EXIT = 18,
  MLT_WB_ENVIRONMENT = 26
};

enum mlt_wb_value {
  MLT_WB_NUMBER,
  MLT_WB_TEXT, /* also a list, as JSON */
  MLT_WB_NULL,
  MLT_WB_MEDIA /* an object of a kind of wandb's own: a histogram, an image, a table */
};

/* A value that is no object. name: its keys joined by "."; both valid during the call. */
struct mlt_wb_leaf {
  struct mlt_str name;
  enum mlt_wb_value kind;
  double number;
  struct mlt_str text;
};
/* Anything but MLT_OK ends the walk with that code. */
typedef enum mlt_rc (*mlt_wb_leaf_fn)(void *ctx, const struct mlt_wb_leaf *leaf);

struct mlt_wb_names { /* memory for names; init with zeros but the limits of the buffers */
  struct mlt_buf name, media;
};
void mlt_wb_names_init(struct mlt_wb_names *n);
void mlt_wb_names_free(struct mlt_wb_names *n);

/* All of these: MLT_DATA with *why when the bytes are not what they should be. */
enum mlt_rc mlt_wb_record(struct mlt_str record, enum mlt_wb_kind *kind, struct mlt_str *body,
                          const char **why) MLT_NODISCARD;
/* Every value of the items that are fields `number` of the message: HISTORY 1, SUMMARY 1, CONFIG 1,
   STATS 3. */
enum mlt_rc mlt_wb_leaves(struct mlt_wb_names *n, struct mlt_str message, uint32_t number,
                          mlt_wb_leaf_fn fn, void *ctx, const char **why) MLT_NODISCARD;
/* The last field of that number; absent, or 0, when there is none. */
struct mlt_str mlt_wb_bytes(struct mlt_str message, uint32_t number);
int64_t mlt_wb_int(struct mlt_str message, uint32_t number);
/* A google.protobuf.Timestamp in milliseconds. False when there is none, or out of reason. */
bool mlt_wb_time(struct mlt_str message, uint32_t number, int64_t *ms);
/* Seconds as wandb writes them (_timestamp) in milliseconds. */
bool mlt_wb_seconds(double seconds, int64_t *ms);

#endif
