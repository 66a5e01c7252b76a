// Enters a home that runs: the namespaces of its world, then one of its nodes.
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

// Opens a file below /proc/PID, so that another process that gets the same number later is never meant.
static int open_of(const char *pid, const char *what, int flags) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) complain("cannot enter the home of process %s: %s: %s", pid, path, strerror(errno));
  return fd;
}

static int is_own(int fd, const char *path) {
  struct stat theirs, own;
  return fstat(fd, &theirs) == 0 && stat(path, &own) == 0 && theirs.st_ino == own.st_ino;
}

static const char *working_folder, *resolv_file;

// In the child, which the world's /proc knows.
static int furnish(void) {
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
    complain("cannot make a mount namespace: %s", strerror(errno));
    return EXIT_NOT_PERMITTED;
  }
  int resolv = -1;
  if (resolv_file && (resolv = open(resolv_file, O_RDONLY | O_CLOEXEC)) < 0) {
    complain("cannot read %s: %s", resolv_file, strerror(errno));
    return EXIT_USAGE;
  }
  // The working folder may lie below /run.
  int code = private_run(working_folder);
  if (!code && resolv >= 0) code = private_resolv(resolv);
  if (code) return code;
  if (chdir(working_folder) < 0 && chdir("/") < 0) return EXIT_BROKEN;
  // Of this network namespace, for programs that look into /sys/class/net; where the kernel refuses, the old one stays.
  mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  return 0;
}

// As a program of the node is run: user, mount and process namespaces of the world, network namespace of the node, a
// /run of its own. The user namespace comes first: in it an ordinary user may enter the rest.
int run_enter(const struct enter_options *options, char *command[]) {
  char folder[PATH_MAX] = "/", node[64];
  if (!getcwd(folder, sizeof folder)) strcpy(folder, "/");
  snprintf(node, sizeof node, "fd/%s", options->descriptor);
  int user = open_of(options->pid, "ns/user", O_RDONLY);
  int mounts = open_of(options->pid, "ns/mnt", O_RDONLY);
  int processes = open_of(options->pid, "ns/pid", O_RDONLY);
  int network = open_of(options->pid, node, O_RDONLY);
  if (user < 0 || mounts < 0 || processes < 0 || network < 0) return EXIT_BROKEN;
  if ((!is_own(user, "/proc/self/ns/user") && setns(user, CLONE_NEWUSER) < 0) || setns(mounts, CLONE_NEWNS) < 0 ||
      setns(processes, CLONE_NEWPID) < 0 || setns(network, CLONE_NEWNET) < 0) {
    complain("cannot enter the home of process %s: %s", options->pid, strerror(errno));
    return EXIT_NOT_PERMITTED;
  }
  // A mount namespace is entered at its root.
  if (chdir(folder) < 0 && chdir("/") < 0) return EXIT_BROKEN;
  working_folder = folder;
  resolv_file = options->resolv;
  return run_child(command, furnish);
}
