// A node: one network namespace that exists already, and for the program its own pids, /run, /proc and resolv.conf.
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int make_folders(const char *path, mode_t mode) {
  char text[PATH_MAX];
  if (snprintf(text, sizeof text, "%s", path) >= (int)sizeof text) {
    errno = ENAMETOOLONG;
    return -1;
  }
  for (char *slash = text + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = 0;
    if (mkdir(text, 0755) < 0 && errno != EEXIST) return -1;
    *slash = '/';
  }
  return mkdir(text, mode) < 0 && errno != EEXIST ? -1 : 0;
}

static int bind_descriptor(int fd, const char *path) {
  char source[64];
  snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
  return mount(source, path, NULL, MS_BIND, NULL);
}

// An empty /run, so that daemons of two nodes do not meet in a pid file or a control socket. A state folder that lies
// under /run (a user's runtime folder does) is put back.
int private_run(const char *state) {
  int kept = -1;
  char whole[PATH_MAX];
  if (state && realpath(state, whole) && !strncmp(whole, "/run/", 5)) kept = open(whole, O_PATH | O_CLOEXEC);
  if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16m") < 0) {
    if (errno == ENOENT) return 0;  // no /run, nothing to hide
    complain("cannot make a private /run: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  if (kept >= 0) {
    if (make_folders(whole, 0700) < 0 || bind_descriptor(kept, whole) < 0) {
      complain("cannot keep %s in a private /run: %s", whole, strerror(errno));
      return EXIT_BROKEN;
    }
    close(kept);
  }
  return 0;
}

// The file was opened before /run was hidden. /etc/resolv.conf is often a link into /run (systemd-resolved): its target
// is then made anew there.
int private_resolv(int fd) {
  if (bind_descriptor(fd, "/etc/resolv.conf") == 0) return 0;
  char target[PATH_MAX] = {0};
  ssize_t length = readlink("/etc/resolv.conf", target, sizeof target - 1);
  if (length < 0 && errno == ENOENT) return 0;  // none is inherited either
  const char *in_run = length > 0 ? strstr(target, "run/") : NULL;
  if (in_run) {
    char path[PATH_MAX + 1], folder[PATH_MAX + 1];
    snprintf(path, sizeof path, "/%s", in_run);
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    if (make_folders(folder, 0755) == 0) {
      int made = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      if (made >= 0) close(made);
      if (bind_descriptor(fd, "/etc/resolv.conf") == 0) return 0;
    }
  }
  complain("cannot give the node its own /etc/resolv.conf: %s", strerror(errno));
  return EXIT_BROKEN;
}

// NAME=VALUE a line; what is set already in the environment wins nothing: the file is the later word.
static int read_environment(const char *path) {
  FILE *file = fopen(path, "re");
  if (!file) {
    complain("cannot read %s: %s", path, strerror(errno));
    return EXIT_USAGE;
  }
  char *line = NULL;
  size_t size = 0;
  ssize_t count;
  while ((count = getline(&line, &size, file)) > 0) {
    if (line[count - 1] == '\n') line[count - 1] = 0;
    char *equals = strchr(line, '=');
    if (!equals || equals == line) continue;
    *equals = 0;
    setenv(line, equals + 1, 1);
  }
  free(line);
  fclose(file);
  return 0;
}

static int prepare_node(void) {
  // A sysfs of this network namespace, for programs that look into /sys/class/net. Where the old one is not wholly
  // visible the kernel refuses, and such programs see the world's interfaces there.
  mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  return mount_proc();
}

int run_node(const struct node_options *options, char *command[]) {
  // No Ctrl-C for nodes: the runner decides when they stop. There is no PR_SET_PDEATHSIG here on purpose: it follows
  // the thread that spawned, and a runner's threads come and go; the world's init ends everything.
  setsid();
  if (options->env_file) {
    int code = read_environment(options->env_file);
    if (code) return code;
  }
  if (options->state && make_folders(options->state, 0700) < 0) {
    complain("cannot make the state folder %s: %s", options->state, strerror(errno));
    return EXIT_BROKEN;
  }
  int netns = open(options->netns, O_RDONLY | O_CLOEXEC);
  if (netns < 0 || setns(netns, CLONE_NEWNET) < 0) {
    complain("cannot enter the network namespace %s: %s", options->netns, strerror(errno));
    return EXIT_BROKEN;
  }
  close(netns);
  // Where the descriptor itself was inherited, the program has no business with it.
  int inherited = -1;
  if (sscanf(options->netns, "/proc/self/fd/%d", &inherited) == 1 && inherited > 2) close(inherited);
  if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
    return refused("cannot make namespaces for a node", errno);
  }
  // Opened in the new mount namespace, else it could not be bound there.
  int resolv = -1;
  if (options->resolv && (resolv = open(options->resolv, O_RDONLY | O_CLOEXEC)) < 0) {
    complain("cannot read %s: %s", options->resolv, strerror(errno));
    return EXIT_USAGE;
  }
  int code = private_run(options->state);
  if (!code && resolv >= 0) code = private_resolv(resolv);
  if (code) return code;
  if (resolv >= 0) close(resolv);
  return run_tree(command, prepare_node);
}
