/* A process by what tells it from every other: the machine's boot, the namespace its number is of,
   the number and when it was started. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A worker that cannot be looked at from here is taken for alive for so long after its last batch.
   Should it be: two imports of one source beside each other do no harm, either finds what the other
   wrote. */
static const double SILENCE_SECONDS = 60;

/* The first line of a file of /proc; "" if it cannot be read. */
static void read_line(const char *path, char *out, size_t cap) {
  FILE *f = fopen(path, "re");
  if (!f || !fgets(out, (int)cap, f))
    out[0] = '\0';
  if (f)
    (void)fclose(f);
  out[strcspn(out, "\n")] = '\0';
}

/* Clock ticks after the boot (proc(5), field 22, counted behind the name, which may hold anything);
   "" if there is no such process, or pid, which may be anything, is no number. */
static void start_time(const char *pid, char out[32]) {
  enum { FIELDS_BEFORE = 20 };
  char path[64], line[1024];
  bool number = *pid && strspn(pid, "0123456789") == strlen(pid);
  (void)snprintf(path, sizeof path, "/proc/%.20s/stat", number ? pid : "none");
  read_line(path, line, sizeof line);
  char *at = strrchr(line, ')');
  for (int i = 0; at && i < FIELDS_BEFORE; i++)
    at = strchr(at + 1, ' ');
  (void)snprintf(out, 32, "%.*s", at ? (int)strcspn(at + 1, " ") : 0, at ? at + 1 : "");
}

/* The machine and the namespace: what a process number must be looked up in. */
static void place(char *out, size_t cap) {
  char boot[64], space[64];
  read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
  space[n > 0 ? n : 0] = '\0';
  (void)snprintf(out, cap, "%s %s", boot, space);
}

void mlt_worker_name(char out[MLT_WORKER_MAX]) {
  char here[140], pid[24], started[32];
  (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
  place(here, sizeof here);
  start_time(pid, started);
  (void)snprintf(out, MLT_WORKER_MAX, "%s %s %s", here, pid, started);
}

bool mlt_worker_at_work(struct mlt_str name, double idle) {
  char here[140], text[MLT_WORKER_MAX], started[32];
  (void)snprintf(text, sizeof text, "%.*s", MLT_STR_ARG(name));
  place(here, sizeof here);
  size_t n = strlen(here);
  if (strncmp(text, here, n) != 0 || text[n] != ' ')
    return idle < SILENCE_SECONDS;
  char *pid = text + n + 1, *was = strchr(pid, ' ');
  if (!was)
    return false;
  *was++ = '\0';
  start_time(pid, started);
  return started[0] && strcmp(started, was) == 0 && strtol(pid, NULL, 10) != getpid();
}
