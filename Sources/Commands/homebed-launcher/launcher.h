// homebed-launcher: puts programs into namespaces, and sees to it that they end with it.
#pragma once

#include <signal.h>
#include <sys/types.h>

enum {
  EXIT_USAGE = 2,
  EXIT_NOT_PERMITTED = 77,  // the kernel or its configuration does not allow namespaces here
  EXIT_BROKEN = 78,         // something that always works did not
  EXIT_CANNOT_RUN = 126,    // the command exists and cannot be executed
  EXIT_NOT_FOUND = 127,     // there is no such command
};

/// Prints "homebed-launcher: ..." with a line feed to standard error.
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

// world.c
/// Enters fresh namespaces: user where needed, mount, pid (for children), net, ipc, uts. Returns 0, or complains and
/// returns an exit code.
int enter_world(void);
int run_world(char *command[]);
/// Says in one sentence why the kernel refused namespaces, and what helps. Returns the exit code.
int refused(const char *what, int error);
int run_probe(void);

// node.c
struct node_options {
  const char *netns, *state, *resolv, *env_file;
};
int run_node(const struct node_options *options, char *command[]);
/// Hides /run below an empty one; the folder `kept` (or NULL) stays visible where it lies under /run. 0, or complains.
int private_run(const char *kept);
/// Puts the open file in the place of /etc/resolv.conf. 0, or complains.
int private_resolv(int fd);
/// Makes a folder and those above it; 0, or -1 with errno.
int make_folders(const char *path, mode_t mode);

// enter.c
struct enter_options {
  const char *pid, *descriptor, *resolv;
};
int run_enter(const struct enter_options *options, char *command[]);

// reaper.c
/// Runs `command` under a subreaper, without namespaces. Standard input is a pipe that closes when the runner ends, and
/// descriptor 3 is kept open until the last descendant is gone.
int run_reaper(const char *state, char *command[]);

// tree.c
/// Runs `command` under an init in a new pid namespace (the caller has unshared it already) and returns its status.
/// `prepare` runs in the init first; a result other than 0 ends it with that code.
int run_tree(char *command[], int (*prepare)(void));
/// True if this process has passed a signal on, or the terminal has sent one.
int was_asked_to_stop(void);

/// Runs `command` as a child in the pid namespace that children go to now, and returns its status; `prepare` as above,
/// in the child.
int run_child(char *command[], int (*prepare)(void));

/// Mounts a /proc of this pid namespace; where the kernel hides parts of the old one it must stay.
int mount_proc(void);
