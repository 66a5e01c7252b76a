// A world: namespaces in which an ordinary user is root, and of which nothing is left when its init ends.
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t written = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return written < 0 ? -1 : 0;
}

// The number in a file under /proc/sys; -1 if there is none.
static long kernel_setting(const char *path) {
  char text[32] = {0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t count = read(fd, text, sizeof text - 1);
  close(fd);
  return count > 0 ? strtol(text, NULL, 10) : -1;
}

int refused(const char *what, int error) {
  if (kernel_setting("/proc/sys/kernel/unprivileged_userns_clone") == 0 && geteuid() != 0)
    complain("%s: the kernel forbids user namespaces to ordinary users; as root: "
             "sysctl kernel.unprivileged_userns_clone=1", what);
  else if (kernel_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1 && geteuid() != 0)
    complain("%s: AppArmor restricts user namespaces; as root: "
             "sysctl kernel.apparmor_restrict_unprivileged_userns=0", what);
  else if (kernel_setting("/proc/sys/user/max_user_namespaces") == 0 ||
           kernel_setting("/proc/sys/user/max_net_namespaces") == 0)
    complain("%s: the kernel's limit of namespaces is 0; as root: "
             "sysctl user.max_user_namespaces=10000 user.max_net_namespaces=10000", what);
  else if (error == ENOSPC)
    complain("%s: the kernel's limit of namespaces is reached; as root: raise those of user.max_user_namespaces, "
             "user.max_net_namespaces, user.max_mnt_namespaces and user.max_pid_namespaces that are low", what);
  else if (error == EPERM && geteuid() == 0)
    complain("%s: not permitted, although this is root; in a container, start it with --privileged, or with "
             "--cap-add SYS_ADMIN,NET_ADMIN and --security-opt seccomp=unconfined", what);
  else
    complain("%s: %s", what, strerror(error));
  return EXIT_NOT_PERMITTED;
}

// Root with all it needs goes without a user namespace, so that files keep their owners; everybody else becomes root
// in a user namespace that knows one user and one group (user_namespaces(7); setgroups must be denied first).
static int become_root(int others) {
  uid_t user = geteuid();
  gid_t group = getegid();
  if (user == 0 && unshare(others) == 0) return 0;
  if (user == 0 && errno != EPERM) return refused("cannot make namespaces", errno);
  if (unshare(CLONE_NEWUSER | others) < 0) return refused("cannot make namespaces", errno);
  char map[64];
  snprintf(map, sizeof map, "0 %u 1", user);
  if (write_text("/proc/self/uid_map", map) < 0) return refused("cannot map the user", errno);
  if (write_text("/proc/self/setgroups", "deny") < 0 && errno != ENOENT) return refused("cannot deny setgroups", errno);
  snprintf(map, sizeof map, "0 %u 1", group);
  if (write_text("/proc/self/gid_map", map) < 0) return refused("cannot map the group", errno);
  return 0;
}

int enter_world(void) {
  int code = become_root(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
  if (code) return code;
  // Mounts made inside must not show outside.
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return refused("cannot make mounts private", errno);
  return 0;
}

int run_world(char *command[]) {
  int code = enter_world();
  if (code) return code;
  code = run_tree(command, mount_proc);
  // What ends a command that nobody asked to stop is mostly the want of memory, which it could not tell itself.
  if (code > 128 && !was_asked_to_stop())
    complain("%s was ended by signal %d (%s), and its home with it; memory may have run out", command[0], code - 128,
             strsignal(code - 128));
  return code;
}

// ---- probe ----

static void *add(struct nlmsghdr *message, unsigned short type, const void *value, size_t size) {
  struct rtattr *attribute = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size) memcpy(RTA_DATA(attribute), value, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
  return attribute;
}

// Namespaces without a veth driver are of no use, and only making one tells.
static int make_veth(void) {
  _Alignas(struct nlmsghdr) char buffer[512] = {0};
  struct nlmsghdr *message = (struct nlmsghdr *)buffer;
  message->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
  message->nlmsg_type = RTM_NEWLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  add(message, IFLA_IFNAME, "probe", 6);
  struct rtattr *info = add(message, IFLA_LINKINFO, NULL, 0);
  add(message, IFLA_INFO_KIND, "veth", 4);
  info->rta_len = (unsigned short)(buffer + message->nlmsg_len - (char *)info);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return refused("cannot speak to the kernel's network", errno);
  ssize_t count = send(fd, message, message->nlmsg_len, 0);
  if (count >= 0) count = recv(fd, buffer, sizeof buffer, 0);
  int error = count < 0 ? errno : -((struct nlmsgerr *)NLMSG_DATA(message))->error;
  close(fd);
  if (error == EOPNOTSUPP || error == ENODEV) {
    complain("cannot make a veth link: the kernel has no veth driver; as root: modprobe veth bridge");
    return EXIT_NOT_PERMITTED;
  }
  return error ? refused("cannot make a veth link", error) : 0;
}

int run_probe(void) {
  int code = enter_world();
  return code ? code : make_veth();
}
