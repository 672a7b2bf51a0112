/* Inside the source of tables ("csv"): what its files share. tabular.c finds the files, opens the
   source and drives; tabular_rows.c reads rows of whichever format; tabular_survey.c looks through
   a file for what must be known before its first run is given; tabular_points.c makes points of
   rows.

   A file is read twice where it has times or several runs: RUN needs the first and last time, and
   rows of runs may come mixed. The survey keeps where the rows of each run are (extents), so that
   runs one after another cost one more pass and nothing else. Held are: the paths, the columns, one
   row, a fixed number of points, the runs' names and extents. */
#ifndef MLT_SOURCE_TABULAR_H
#define MLT_SOURCE_TABULAR_H

#include "base/json.h"
#include "source/csv.h"
#include "source/flat.h"
#include "source/gather.h"
#include "source/json_rows.h"
#include "source/source.h"
#include "source/sheet.h"
#include "source/tree.h"

enum {
  MLT_TAB_RUNS = 1000000,    /* of one file */
  MLT_TAB_EXTENTS = 1000000, /* likewise; beyond, extents grow over what lies between */
  MLT_TAB_GAP = 64 * 1024    /* bytes between two extents that are read over */
};

enum mlt_tab_format { MLT_TAB_CSV, MLT_TAB_LINES, MLT_TAB_HISTORY };

/* Rows of one run that stand (nearly) together. */
struct mlt_tab_extent {
  uint64_t offset, end, line;
  size_t next; /* SIZE_MAX: the last */
};

struct mlt_tab_run {
  struct mlt_str name;
  bool timed;
  int64_t first, last; /* times */
  size_t extent, last_extent;
};

struct mlt_tab;

/* MLT_OK: *rec is a record, call again. MLT_END: the step is over. Else an error. */
typedef enum mlt_rc (*mlt_tab_step)(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err);

struct mlt_tab {
  struct mlt_tree tree;
  const char *given_run; /* NULL: named by where its file is */
  char experiment[NAME_MAX + 1], run_name[PATH_MAX], source_name[PATH_MAX];
  struct mlt_sheet_opts opts;
  struct mlt_flat flat;
  struct mlt_gather gather;
  struct mlt_params params;
  struct mlt_source_progress progress;

  size_t at;                /* the file at hand */
  const mlt_tab_step *step; /* of it; NULL between files */
  size_t note;              /* how many records the step at hand has given; 0 when it begins */
  size_t top;               /* the step at hand of the whole source */
  uint64_t left_out[5];     /* files, by enum of tabular.c; told at the end */
  size_t first_left_out[5]; /* of them */
  char bad_header[256];     /* what is wrong with the first of its kind */
  bool rejected;            /* has any file been? */

  enum mlt_tab_format format;
  int fd;
  int given;             /* the only file, open; -1: the tree's are opened */
  bool lines;            /* it holds lines of JSON, whatever it is called */
  int64_t born, changed; /* the file's times */
  struct mlt_csv csv;
  struct mlt_json_rows json;
  struct mlt_sheet sheet;
  bool has_header; /* the table's columns are known */

  /* the row at hand */
  struct mlt_json *doc; /* JSON: whose strings the cells are */
  MLT_VEC(struct mlt_cell) cells;
  uint64_t line, offset, end; /* offset, end: CSV only */
  size_t cell;                /* the next to be looked at; 0: none has been */
  bool in_row;
  int64_t row_step, row_time;
  uint64_t rows; /* read so far, header not counted: the step where there is no column of it */

  /* what the survey found */
  struct mlt_arena *arena; /* names of runs */
  struct mlt_map *run_index;
  size_t last_run; /* of the row before: mostly the next one's, too */
  MLT_VEC(struct mlt_tab_run) runs;
  MLT_VEC(struct mlt_tab_extent) extents;
  uint64_t gap;
  size_t run, run_step, extent; /* at hand */
  uint64_t until;               /* where the extent being read ends; UINT64_MAX: no extent */
};

extern const struct mlt_source_ops mlt_source_csv;

/* The source of one file that holds lines of JSON, for mlt_source_csv's other functions. fd, which
   it owns, also after a failure, is at the beginning and can be read twice. name: what notes call
   it; stem: what run and experiment are called that have no name. */
enum mlt_rc mlt_tab_open_lines(struct mlt_source **out, int fd, const char *name, const char *stem,
                               const struct mlt_source_opts *opts,
                               struct mlt_err *err) MLT_NODISCARD;

/* tabular_rows.c. A row, MLT_END, or a row that cannot be used: MLT_DATA or MLT_TOOBIG, with
   s->line where it is and the reason left for mlt_tab_row_fault. Headers are taken, not given. */
enum mlt_rc mlt_tab_row(struct mlt_tab *s, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_tab_row_fault(struct mlt_tab *s, struct mlt_record *rec);
/* Goes back to the first row, or to a row that the survey knows. */
enum mlt_rc mlt_tab_rewind(struct mlt_tab *s, struct mlt_err *err) MLT_NODISCARD;
enum mlt_rc mlt_tab_go_to(struct mlt_tab *s, const struct mlt_tab_extent *e,
                          struct mlt_err *err) MLT_NODISCARD;
/* The cell of a column in the row at hand; NULL when the row has none. */
const struct mlt_cell *mlt_tab_cell(const struct mlt_tab *s, size_t column);
bool mlt_tab_by_run(const struct mlt_tab *s); /* has the table a column of runs? */
void mlt_tab_close_file(struct mlt_tab *s);

/* tabular_survey.c and tabular_points.c: steps of a file. */
enum mlt_rc mlt_tab_survey(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err);
enum mlt_rc mlt_tab_runs(struct mlt_tab *s, struct mlt_record *rec, struct mlt_err *err);

#endif
