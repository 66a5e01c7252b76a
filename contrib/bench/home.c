// The floor: a home of four hosts (or as many as said) at one switch, made with rtnetlink, one ping, and down again. Rootless through a
// user namespace, as homebed does it, with the same settings, and nothing else: no capture, no programs.
//   cc -O2 -o home home.c && ./home [HOSTS]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 200, BRIDGE = 2, TAP = 10000 };

static int hosts = 4;

static void check(int failed, const char *what) {
  if (!failed) return;
  perror(what);
  exit(1);
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd < 0 || write(fd, text, strlen(text)) < 0, path);
  close(fd);
}

// ---- netlink: a buffer of messages, one send, one acknowledgement ----

static _Alignas(8) char buffer[16384];
static size_t used;
static struct nlmsghdr *message;

static void begin(int type, int flags, const void *fixed, size_t size) {
  message = (struct nlmsghdr *)(buffer + used);
  memset(message, 0, NLMSG_SPACE(size));
  message->nlmsg_len = NLMSG_LENGTH(size);
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  memcpy(NLMSG_DATA(message), fixed, size);
}

static struct rtattr *attribute(int type, const void *value, size_t size) {
  struct rtattr *result = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  result->rta_type = type;
  result->rta_len = RTA_LENGTH(size);
  if (size) memcpy(RTA_DATA(result), value, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(result->rta_len);
  return result;
}

static void close_nest(struct rtattr *nest) {
  nest->rta_len = (char *)message + message->nlmsg_len - (char *)nest;
}

static void end(void) { used += NLMSG_ALIGN(message->nlmsg_len); }

static void perform(int socket) {
  message->nlmsg_flags |= NLM_F_ACK;
  check(send(socket, buffer, used, 0) < 0, "send");
  char reply[8192];
  check(recv(socket, reply, sizeof reply, 0) < 0, "recv");
  struct nlmsgerr *error = NLMSG_DATA((struct nlmsghdr *)reply);
  errno = -error->error;
  check(error->error != 0, "netlink");
  used = 0;
}

static struct ifinfomsg link_up(int index) {
  return (struct ifinfomsg){.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
}

// Asking for one interface makes the kernel tell it of its carrier, without which the first frames are lost.
static void settle(int socket, int index) {
  for (;;) {
    struct ifinfomsg fixed = {.ifi_index = index};
    begin(RTM_GETLINK, 0, &fixed, sizeof fixed);
    end();
    check(send(socket, buffer, used, 0) < 0, "send");
    used = 0;
    _Alignas(8) char reply[8192];
    ssize_t count = recv(socket, reply, sizeof reply, 0);
    check(count < 0, "recv");
    struct nlmsghdr *header = (struct nlmsghdr *)reply;
    int rest = IFLA_PAYLOAD(header);
    for (struct rtattr *a = IFLA_RTA(NLMSG_DATA(header)); RTA_OK(a, rest); a = RTA_NEXT(a, rest))
      if (a->rta_type == IFLA_OPERSTATE && *(char *)RTA_DATA(a) == 6) return;
    usleep(100);
  }
}

static int netlink(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  check(fd < 0, "netlink socket");
  return fd;
}

static int own_namespace(void) {
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  check(fd < 0, "namespace");
  return fd;
}

// ---- the home ----

static void bridge(void) {
  struct ifinfomsg fixed = link_up(BRIDGE);
  begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
  attribute(IFLA_IFNAME, "b2", 3);
  struct rtattr *info = attribute(IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
  attribute(IFLA_INFO_KIND, "bridge", 7);
  struct rtattr *data = attribute(IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
  unsigned char off = 0;
  attribute(IFLA_BR_MCAST_SNOOPING, &off, 1);
  close_nest(data);
  close_nest(info);
  end();
}

static void cable(int number, int netns) {
  struct ifinfomsg near = link_up(TAP + number), far = {.ifi_index = 2};
  unsigned master = BRIDGE, fd = netns;
  char name[16];
  int length = snprintf(name, sizeof name, "t%d", number) + 1;
  begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &near, sizeof near);
  attribute(IFLA_IFNAME, name, length);
  attribute(IFLA_MASTER, &master, 4);
  struct rtattr *info = attribute(IFLA_LINKINFO | NLA_F_NESTED, NULL, 0);
  attribute(IFLA_INFO_KIND, "veth", 5);
  struct rtattr *data = attribute(IFLA_INFO_DATA | NLA_F_NESTED, NULL, 0);
  struct rtattr *peer = attribute(VETH_INFO_PEER | NLA_F_NESTED, &far, sizeof far);
  attribute(IFLA_IFNAME, "eth0", 5);
  unsigned char mac[6] = {2, 0, 0, 0, 0, number + 1};
  attribute(IFLA_ADDRESS, mac, 6);
  attribute(IFLA_NET_NS_FD, &fd, 4);
  close_nest(peer);
  close_nest(data);
  close_nest(info);
  end();
}

static void configure(int route, int number) {
  struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM};
  struct ifreq request = {.ifr_name = "eth0", .ifr_data = (char *)&value};
  check(ioctl(route, SIOCETHTOOL, &request) < 0, "ethtool");
  struct ifinfomsg lo = link_up(1), eth = link_up(2);
  begin(RTM_SETLINK, 0, &lo, sizeof lo);
  end();
  begin(RTM_SETLINK, 0, &eth, sizeof eth);
  end();
  struct ifaddrmsg fixed = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 2};
  unsigned char address[4] = {192, 168, 10, 1 + number}, broadcast[4] = {192, 168, 10, 255};
  begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
  attribute(IFA_LOCAL, address, 4);
  attribute(IFA_ADDRESS, address, 4);
  attribute(IFA_BROADCAST, broadcast, 4);
  end();
  perform(route);
}

static void ping(void) {
  int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
  check(fd < 0, "icmp socket");
  struct icmphdr request = {.type = ICMP_ECHO, .un.echo = {.sequence = htons(1)}};
  request.checksum = (unsigned short)~(0x0008 + htons(1));
  struct sockaddr_in to = {.sin_family = AF_INET};
  inet_pton(AF_INET, "192.168.10.2", &to.sin_addr);
  struct timeval limit = {.tv_sec = 2};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  check(sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&to, sizeof to) < 0, "ping");
  char reply[256];
  check(recv(fd, reply, sizeof reply, 0) < 0, "no reply");
  close(fd);
}

static int run(void) {
  check(mount("proc", "/proc", "proc", 0, NULL) < 0, "proc");
  write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
  int world = own_namespace(), route = netlink(), netns[MOST], routes[MOST];
  for (int i = 0; i < hosts; i++) {
    check(unshare(CLONE_NEWNET) < 0, "unshare net");
    netns[i] = own_namespace();
    routes[i] = netlink();
    write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    check(setns(world, CLONE_NEWNET) < 0, "setns");
  }
  bridge();
  for (int i = 0; i < hosts; i++) {
    cable(i, netns[i]);
    // The kernel takes each message for itself; the buffer holds some hundred of them.
    if (used > sizeof buffer - 1024) perform(route);
  }
  if (used) perform(route);
  for (int i = 0; i < hosts; i++) configure(routes[i], i);
  for (int i = 0; i < hosts; i++) {
    settle(route, TAP + i);
    settle(routes[i], 2);
  }
  check(setns(netns[0], CLONE_NEWNET) < 0, "setns");
  ping();
  puts("pinged");
  return 0;
}

int main(int count, char *arguments[]) {
  if (count > 1) hosts = atoi(arguments[1]);
  if (hosts < 2 || hosts > MOST) return 2;
  unsigned user = geteuid(), group = getegid();
  int others = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (user != 0) {
    char map[32];
    check(unshare(CLONE_NEWUSER | others) < 0, "unshare");
    snprintf(map, sizeof map, "0 %u 1", user);
    write_file("/proc/self/uid_map", map);
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", group);
    write_file("/proc/self/gid_map", map);
  } else {
    check(unshare(others) < 0, "unshare");
  }
  check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0, "mount");
  pid_t init = fork();
  check(init < 0, "fork");
  if (init == 0) exit(run());
  int status;
  waitpid(init, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
