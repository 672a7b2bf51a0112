/* History and system metrics of a run as points; and what its summary says beyond the history. */
#include "source/wandb.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ITEMS = 1, STATS_ITEMS = 3 };

/* How MLflow's own system metrics are called where wandb's mean the same (mlflow/system_metrics).
   "#" stands for the number of a device; values are multiplied. */
static const struct {
  const char *wandb, *mlflow;
  double factor;
} system_names[] = {
    {"cpu", "cpu_utilization_percentage", 1},
    {"memory_percent", "system_memory_usage_percentage", 1},
    {"memory", "system_memory_usage_percentage", 1},
    {"disk./.usagePercent", "disk_usage_percentage", 1},
    {"disk.\\.usagePercent", "disk_usage_percentage", 1},
    {"disk", "disk_usage_percentage", 1},
    {"network.sent", "network_transmit_megabytes", 1e-6},
    {"network.recv", "network_receive_megabytes", 1e-6},
    {"gpu.#.gpu", "gpu_#_utilization_percentage", 1},
    {"gpu.#.memoryAllocated", "gpu_#_memory_usage_percentage", 1},
    {"gpu.#.memoryAllocatedBytes", "gpu_#_memory_usage_megabytes", 1e-6},
    {"gpu.#.powerWatts", "gpu_#_power_usage_watts", 1},
    {"gpu.#.powerPercent", "gpu_#_power_usage_percentage", 1},
};

/* Does name fit the pattern? *device: what stands where "#" is. */
static bool fits(const char *pattern, struct mlt_str name, struct mlt_str *device) {
  size_t at = 0;
  for (; *pattern; pattern++) {
    size_t begin = at;
    if (*pattern != '#') {
      if (at == name.len || name.p[at++] != *pattern)
        return false;
      continue;
    }
    while (at < name.len && name.p[at] >= '0' && name.p[at] <= '9')
      at++;
    if (at == begin)
      return false;
    *device = (struct mlt_str){name.p + begin, at - begin};
  }
  return at == name.len;
}

static enum mlt_rc system_name(struct mlt_buf *out, struct mlt_str name, double *value) {
  struct mlt_str device = MLT_STR_NULL;
  mlt_buf_clear(out);
  for (size_t i = 0; i < sizeof system_names / sizeof *system_names; i++) {
    if (!fits(system_names[i].wandb, name, &device))
      continue;
    *value *= system_names[i].factor;
    const char *to = system_names[i].mlflow, *mark = strchr(to, '#');
    int n = mark ? (int)(mark - to) : (int)strlen(to);
    return mlt_buf_printf(out, "system/%.*s%.*s%s", n, to, MLT_STR_ARG(device),
                          mark ? mark + 1 : "");
  }
  return mlt_buf_printf(out, "system/%.*s", MLT_STR_ARG(name));
}

static bool is_row_field(struct mlt_str name) {
  return mlt_str_is(name, "_step") || mlt_str_is(name, "_timestamp") ||
         mlt_str_is(name, "_runtime") || mlt_str_is(name, "_wandb") ||
         mlt_str_starts(name, "_wandb.");
}

/* MLT_AGAIN: there is no room; the record is to be gone through again. */
static enum mlt_rc add(struct mlt_wb *s, struct mlt_str name, double value, struct mlt_err *err) {
  size_t key;
  bool added;
  if (mlt_gather_full(&s->gather))
    return MLT_AGAIN;
  enum mlt_rc rc = mlt_gather_key(&s->gather, name, &key, &added, err);
  s->lost_points += rc == MLT_TOOBIG;
  if (rc != MLT_OK)
    return rc == MLT_TOOBIG ? MLT_OK : rc;
  enum mlt_key_fit fit = s->gather.keys.v[key].fit;
  s->renamed += added && fit == MLT_KEY_RENAMED;
  if (fit == MLT_KEY_FITS || fit == MLT_KEY_RENAMED)
    mlt_gather_add(&s->gather, key, s->row_time, s->row_step, value);
  else
    s->lost_points++;
  return MLT_OK;
}

struct row {
  struct mlt_wb *s;
  struct mlt_err *err;
  bool system;
};

/* A number of JSON is a double here: beyond 2^53 it may be another one. */
static bool whole(double number, int64_t *step) {
  if (!(fabs(number) <= 0x1p53 && number == trunc(number)))
    return false;
  *step = (int64_t)number;
  return true;
}

static enum mlt_rc take_row(void *ctx, const struct mlt_wb_leaf *leaf) {
  struct mlt_wb *s = ctx;
  bool number = leaf->kind == MLT_WB_NUMBER;
  if (mlt_str_is(leaf->name, "_timestamp"))
    s->has_time = number && mlt_wb_seconds(leaf->number, &s->row_time);
  else if (mlt_str_is(leaf->name, "_step"))
    s->bad_step = !(number && whole(leaf->number, &s->row_step));
  return MLT_OK;
}

static enum mlt_rc take_value(void *ctx, const struct mlt_wb_leaf *leaf) {
  struct row *r = ctx;
  struct mlt_wb *s = r->s;
  struct mlt_str name = leaf->name;
  double value = leaf->number;
  if (s->leaf++ < s->skip)
    return MLT_OK;
  if (leaf->kind == MLT_WB_NULL || (!r->system && is_row_field(name)))
    return MLT_OK;
  if (leaf->kind != MLT_WB_NUMBER)
    return mlt_wb_set(&s->texts, &(struct mlt_wb_leaf){.name = name, .kind = leaf->kind});
  if (!r->system && s->bad_step) {
    s->stepless++;
    return MLT_OK;
  }
  if (r->system) {
    enum mlt_rc rc = system_name(&s->key, name, &value);
    if (rc != MLT_OK)
      return rc;
    name = mlt_buf_str(&s->key);
  }
  return add(s, name, value, r->err);
}

/* Step and time of the row at hand. */
static enum mlt_rc begin_row(struct mlt_wb *s) {
  enum { STEP = 2, NUM = 1, TIMESTAMP = 2 };
  s->row_time = s->start;
  if (s->kind == MLT_WB_STATS) {
    (void)mlt_wb_time(s->body, TIMESTAMP, &s->row_time);
    s->row_step = s->samples++;
    return MLT_OK;
  }
  s->row_step = mlt_wb_int(mlt_wb_bytes(s->body, STEP), NUM);
  s->has_time = s->bad_step = false;
  enum mlt_rc rc = mlt_wb_leaves(&s->names, s->body, ITEMS, take_row, s, &s->reason);
  s->timeless += rc == MLT_OK && !s->has_time;
  if (!s->has_time)
    s->row_time = s->start;
  if (s->bad_step)
    return rc;
  s->last_step = s->row_step > s->last_step ? s->row_step : s->last_step;
  return rc;
}

/* The record at hand into the gatherer; MLT_AGAIN when that is full. */
static enum mlt_rc take_record(struct mlt_wb *s, struct mlt_err *err) {
  if (s->kind != MLT_WB_HISTORY && s->kind != MLT_WB_STATS)
    return MLT_OK;
  struct row row = {s, err, s->kind == MLT_WB_STATS};
  enum mlt_rc rc = MLT_OK;
  if (!s->waiting) {
    s->skip = 0;
    rc = begin_row(s);
  }
  s->leaf = 0;
  if (rc == MLT_OK)
    rc = mlt_wb_leaves(&s->names, s->body, row.system ? STATS_ITEMS : ITEMS, take_value, &row,
                       &s->reason);
  s->waiting = rc == MLT_AGAIN;
  if (s->waiting)
    s->skip = s->leaf - 1;
  return rc;
}

static enum mlt_rc open_next(struct mlt_wb *s, struct mlt_err *err) {
  size_t next = s->logs[s->log].next;
  return next == SIZE_MAX ? MLT_END : mlt_wb_open_log(s, next, err);
}

/* Records until the gatherer is full or the logs are over. What is damaged has been told. */
static enum mlt_rc fill(struct mlt_wb *s, struct mlt_err *err) {
  enum mlt_rc rc;
  for (;;) {
    rc = s->waiting ? MLT_OK : s->fd < 0 ? MLT_END : mlt_wb_next(s, err);
    if (rc == MLT_OK)
      rc = take_record(s, err);
    if (rc == MLT_END)
      rc = open_next(s, err);
    if (rc != MLT_OK && rc != MLT_DATA)
      return rc;
  }
}

enum mlt_rc mlt_wb_points(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  enum { BEGIN, FILL, GIVE, GIVE_LAST };
  struct mlt_points points;
  if (s->item == BEGIN) {
    enum mlt_rc rc = mlt_wb_open_log(s, s->at, err);
    if (rc != MLT_OK && rc != MLT_DATA)
      return rc;
    s->item = FILL;
  }
  for (;;) {
    if (s->item != FILL && mlt_gather_next(&s->gather, &points)) {
      mlt_flat_points(&s->flat, rec, points);
      return MLT_OK;
    }
    if (s->item == GIVE_LAST)
      return MLT_END;
    enum mlt_rc rc = fill(s, err);
    if (rc != MLT_AGAIN && rc != MLT_END)
      return rc == MLT_NOMEM ? mlt_err_nomem(err) : rc;
    s->item = rc == MLT_AGAIN ? GIVE : GIVE_LAST;
  }
}

/* Values of the summary that the history has not: a number as one point at the end, text as a tag.
   Where the history has them the summary repeats its last, or what the user wanted of it. */
enum mlt_rc mlt_wb_summary(struct mlt_wb *s, struct mlt_record *rec, struct mlt_err *err) {
  static const char prefix[] = "wandb.summary.";
  uint64_t known;
  for (; s->item < s->summary.list.n; s->item++) {
    const struct mlt_wb_slot *slot = &s->summary.list.v[s->item];
    if (slot->removed || slot->kind == MLT_WB_MEDIA ||
        mlt_map_get(s->gather.raw, slot->name, &known) ||
        mlt_map_get(s->texts.index, slot->name, &known))
      continue;
    mlt_buf_clear(&s->key);
    enum mlt_key_fit fit = MLT_KEY_FITS;
    bool is_tag = slot->kind == MLT_WB_TEXT;
    enum mlt_rc rc = is_tag ? mlt_buf_adds(&s->key, prefix) : MLT_OK;
    if (rc == MLT_OK)
      rc = mlt_key_fit(&s->key, slot->name, &fit);
    if (rc != MLT_OK)
      return mlt_err_nomem(err);
    if (fit == MLT_KEY_UNUSABLE) {
      s->lost_points++;
      continue;
    }
    s->item++;
    *rec = (struct mlt_record){.kind = is_tag ? MLT_REC_TAG : MLT_REC_POINTS,
                               .place.path = s->flat.path};
    s->row_step = s->last_step;
    s->row_time = s->flat.end_time;
    if (is_tag)
      rec->kv = (struct mlt_kv){mlt_buf_str(&s->key), {slot->text ? slot->text : "", slot->len}};
    else
      rec->points =
          (struct mlt_points){mlt_buf_str(&s->key), 1, &s->row_time, &s->row_step, &slot->number};
    return MLT_OK;
  }
  return MLT_END;
}
