// A subreaper: what it starts, and all descendants of that, end when it ends or when the runner does, without any
// namespace. The runner holds the writing end of a pipe whose reading end is this process's standard input.
#define _GNU_SOURCE
#include "launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int crash_signal(void) { return SIGRTMIN + 1; }

// The parent of a process, the fourth field of /proc/PID/stat; the second one may hold anything, so the last `)` counts.
static pid_t parent_of(const char *pid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t count = read(fd, text, sizeof text - 1);
  close(fd);
  if (count <= 0) return -1;
  text[count] = 0;
  char *end = strrchr(text, ')');
  int parent = -1;
  if (!end || sscanf(end + 1, " %*c %d", &parent) != 1) return -1;
  return parent;
}

static void kill_children(void) {
  DIR *folder = opendir("/proc");
  if (!folder) return;
  pid_t own = getpid();
  struct dirent *entry;
  while ((entry = readdir(folder))) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (parent_of(entry->d_name) == own) kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
  }
  closedir(folder);
}

// Kills children until there are none: those of a killed child become ours, for a subreaper inherits orphans.
static void end_descendants(void) {
  for (;;) {
    kill_children();
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && errno == ECHILD) return;
    while (waitpid(-1, &status, WNOHANG) > 0) {}
  }
}

static int status_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Reaps until `child` has ended; its status, or -1 while it runs.
static int reap(pid_t child) {
  int status, code = -1;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == child) code = status_code(status);
  return code;
}

static void execute(char *command[], const sigset_t *before, pid_t parent) {
  // If somebody kills the subreaper itself, its child goes too.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_BROKEN);
  int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, 0);
  if (null > 0) close(null);
  // The claim of the home's addresses, which this process keeps until all is over.
  close(3);
  sigprocmask(SIG_SETMASK, before, NULL);
  execvp(command[0], command);
  int missing = errno == ENOENT || errno == ENOTDIR;
  complain("cannot run %s: %s", command[0], strerror(errno));
  _exit(missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

int run_reaper(const char *state, char *command[]) {
  sigset_t signals, before;
  sigemptyset(&signals);
  int known[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, crash_signal()};
  for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) sigaddset(&signals, known[i]);
  sigprocmask(SIG_BLOCK, &signals, &before);
  signal(SIGCHLD, SIG_DFL);
  // No Ctrl-C for nodes: the runner decides when they stop.
  setsid();
  if (state && make_folders(state, 0700) < 0) {
    complain("cannot make the state folder %s: %s", state, strerror(errno));
    return EXIT_BROKEN;
  }
  int events = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (events < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
    complain("cannot look after descendants: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  pid_t own = getpid();
  pid_t child = fork();
  if (child < 0) {
    complain("cannot start a process: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  if (child == 0) execute(command, &before, own);

  struct pollfd sources[2] = {{.fd = events, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  int code = -1;
  while (code < 0) {
    if (poll(sources, 2, -1) < 0) continue;
    // The runner is gone, and with it its end of the pipe.
    if (sources[1].revents) code = 128 + SIGKILL;
    struct signalfd_siginfo info;
    while (code < 0 && read(events, &info, sizeof info) == sizeof info) {
      int number = (int)info.ssi_signo;
      if (number == SIGCHLD) code = reap(child);
      else if (number == crash_signal()) code = 128 + SIGKILL;
      else kill(child, number);
    }
  }
  end_descendants();
  return code;
}
