#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *clinux_reason(int number) { return strerrordesc_np(number); }

// ---- network namespaces ----

int clinux_namespace_own(void) {
  int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t written = write(fd, text, strlen(text));
  int error = written < 0 ? -errno : 0;
  close(fd);
  return error;
}

// A thread that cannot go back would do other people's work in the wrong namespace; setns to a namespace that the
// thread has just left, with the same credentials, fails for no documented reason.
static int go_back(int own, int result) {
  if (setns(own, CLONE_NEWNET) < 0) result = -ENOTRECOVERABLE;
  close(own);
  return result;
}

int clinux_namespace_new(int settings, int *route) {
  *route = -1;
  int own = clinux_namespace_own();
  if (own < 0) return own;
  if (unshare(CLONE_NEWNET) < 0) {
    int error = -errno;
    close(own);
    return error;
  }
  int netns = clinux_namespace_own();
  int error = netns < 0 ? netns : 0;
  if (!error) {
    *route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (*route < 0) error = -errno;
  }
  // A kernel without IPv6 has nothing to turn off.
  if (!error && (settings & CLINUX_NO_IPV6)) {
    error = write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    if (error == -ENOENT) error = 0;
  }
  if (!error && (settings & CLINUX_IP_FORWARD)) error = write_file("/proc/sys/net/ipv4/ip_forward", "1");
  error = go_back(own, error);
  if (!error) return netns;
  if (netns >= 0) close(netns);
  if (*route >= 0) close(*route);
  *route = -1;
  return error;
}

// Runs `body` with the thread in `netns`; every such visit is a few system calls long and never waits.
#define VISIT(netns, body)                       \
  do {                                           \
    if ((netns) < 0) {                           \
      body;                                      \
      break;                                     \
    }                                            \
    int own = clinux_namespace_own();            \
    if (own < 0) {                               \
      result = own;                              \
      break;                                     \
    }                                            \
    if (setns((netns), CLONE_NEWNET) < 0) {      \
      result = -errno;                           \
      close(own);                                \
      break;                                     \
    }                                            \
    body;                                        \
    int before = result;                         \
    result = go_back(own, result);               \
    if (result < 0 && before >= 0 && before > 2) \
      close(before);                             \
  } while (0)

static int open_socket(int domain, int type, int protocol) {
  int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
  return fd < 0 ? -errno : fd;
}

int clinux_socket_in(int netns, int domain, int type, int protocol) {
  int result = 0;
  VISIT(netns, result = open_socket(domain, type, protocol));
  return result;
}

int clinux_write_in(int netns, const char *path, const char *text) {
  int result = 0;
  VISIT(netns, result = write_file(path, text));
  return result;
}

// ---- interfaces ----

int clinux_transmit_checksum_off(int socket, const char *interface) {
  struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = 0};
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  request.ifr_data = (char *)&value;
  return ioctl(socket, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

static struct sockaddr_ll link_address(int index, uint16_t ethertype) {
  struct sockaddr_ll address;
  memset(&address, 0, sizeof address);
  address.sll_family = AF_PACKET;
  address.sll_ifindex = index;
  address.sll_protocol = __builtin_bswap16(ethertype);
  return address;
}

ssize_t clinux_send_frame(int socket, int index, const void *octets, size_t count) {
  struct sockaddr_ll address = link_address(index, 0);
  ssize_t sent = sendto(socket, octets, count, 0, (struct sockaddr *)&address, sizeof address);
  return sent < 0 ? -errno : sent;
}

int clinux_bind_packet(int socket, int index, uint16_t ethertype) {
  struct sockaddr_ll address = link_address(index, ethertype);
  return bind(socket, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

int clinux_packet_open(int netns, int index, int octets) {
  // Protocol 0 receives nothing until the socket is bound to its interface.
  int fd = clinux_socket_in(netns, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  int on = 1;
  int error = setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ? -errno : 0;
  // The system's limit may be passed by who is root over the namespace, on newer kernels.
  if (!error && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  if (!error) error = clinux_bind_packet(fd, index, ETH_P_ALL);
  if (!error) return fd;
  close(fd);
  return error;
}

ssize_t clinux_packet_receive(int socket, void *octets, size_t capacity) {
  ssize_t count = recv(socket, octets, capacity, MSG_DONTWAIT);
  return count < 0 ? -errno : count;
}

ssize_t clinux_packet_send(int socket, const void *octets, size_t count) {
  ssize_t sent = send(socket, octets, count, MSG_DONTWAIT);
  return sent < 0 ? -errno : sent;
}

int clinux_wait_any(const int *descriptors, uint8_t *ready, size_t count, int64_t nanoseconds) {
  struct pollfd waiting[count];
  for (size_t i = 0; i < count; i++) waiting[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int result = ppoll(waiting, count, nanoseconds < 0 ? NULL : &limit, NULL);
  for (size_t i = 0; i < count; i++) ready[i] = result > 0 && waiting[i].revents != 0;
  return result < 0 ? -errno : result;
}

// ---- netlink ----

ssize_t clinux_netlink_send(int socket, const void *octets, size_t count) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  ssize_t sent;
  do sent = sendto(socket, octets, count, 0, (struct sockaddr *)&kernel, sizeof kernel);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

int clinux_netlink_join(int socket, int group) {
  // A socket without a port of its own is taken for the kernel, and is told nothing; binding gives it one.
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  socklen_t length = sizeof own;
  if (getsockname(socket, (struct sockaddr *)&own, &length) < 0) return -errno;
  if (own.nl_pid == 0 && bind(socket, (struct sockaddr *)&own, sizeof own) < 0) return -errno;
  return setsockopt(socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0 ? -errno : 0;
}

void clinux_netlink_explain(int socket) {
  int on = 1;
  setsockopt(socket, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(socket, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

// ---- packet ring ----

static int configure_ring(int socket, size_t block_size, unsigned blocks, unsigned retire, int first_index) {
  int version = TPACKET_V3;
  if (setsockopt(socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0) return -errno;
  // Bridges have lower indices than link ends: a frame that a bridge shows once more never enters the ring.
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)first_index, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0x40000),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0) return -errno;
  struct tpacket_req3 request;
  memset(&request, 0, sizeof request);
  request.tp_block_size = (unsigned)block_size;
  request.tp_block_nr = blocks;
  request.tp_frame_size = 2048;
  request.tp_frame_nr = (unsigned)(block_size / 2048 * blocks);
  request.tp_retire_blk_tov = retire;
  return setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0 ? -errno : 0;
}

int clinux_ring_open(int netns, size_t block_size, unsigned blocks, unsigned retire_milliseconds, int first_index,
                     struct clinux_ring *ring) {
  memset(ring, 0, sizeof *ring);
  // Protocol 0 receives nothing until the ring and the filter are there and the socket is bound.
  int socket = clinux_socket_in(netns, AF_PACKET, SOCK_RAW, 0);
  if (socket < 0) return socket;
  int error = configure_ring(socket, block_size, blocks, retire_milliseconds, first_index);
  if (error) {
    close(socket);
    return error;
  }
  void *map = mmap(NULL, block_size * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, socket, 0);
  if (map == MAP_FAILED) {
    error = -errno;
    close(socket);
    return error;
  }
  ring->socket = socket;
  ring->map = map;
  ring->block_size = block_size;
  ring->blocks = blocks;
  error = clinux_bind_packet(socket, 0, ETH_P_ALL);
  if (error) clinux_ring_close(ring);
  return error;
}

static struct tpacket_hdr_v1 *block_header(struct clinux_ring *ring) {
  return &((struct tpacket_block_desc *)(ring->map + ring->block * ring->block_size))->hdr.bh1;
}

int clinux_ring_next(struct clinux_ring *ring, struct clinux_frame *frame) {
  struct tpacket_hdr_v1 *header = block_header(ring);
  while (ring->frames_left == 0) {
    if (ring->next != NULL) {  // every frame of this block has been read: back to the kernel
      __atomic_store_n(&header->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
      ring->next = NULL;
      ring->block = (ring->block + 1) % ring->blocks;
      header = block_header(ring);
    }
    if (!(__atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) return 0;
    ring->frames_left = header->num_pkts;
    ring->next = (uint8_t *)header - offsetof(struct tpacket_block_desc, hdr) + header->offset_to_first_pkt;
  }
  struct tpacket3_hdr *packet = (struct tpacket3_hdr *)ring->next;
  struct sockaddr_ll *address = (struct sockaddr_ll *)(ring->next + TPACKET_ALIGN(sizeof *packet));
  frame->octets = ring->next + packet->tp_mac;
  frame->captured = packet->tp_snaplen;
  frame->original = packet->tp_len;
  frame->interface = address->sll_ifindex;
  frame->nanoseconds = (uint64_t)packet->tp_sec * 1000000000u + packet->tp_nsec;
  frame->outgoing = address->sll_pkttype == PACKET_OUTGOING;
  ring->frames_left--;
  ring->next += packet->tp_next_offset;
  return 1;
}

int clinux_ring_is_empty(struct clinux_ring *ring) {
  if (ring->frames_left > 0 || ring->next != NULL) return 0;
  // The kernel opens a block, and sets its count to 0, in the moment in which it hands out the one before.
  struct tpacket_hdr_v1 *header = block_header(ring);
  if (__atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) return 0;
  return __atomic_load_n(&header->num_pkts, __ATOMIC_ACQUIRE) == 0;
}

int clinux_ring_count(struct clinux_ring *ring) {
  struct tpacket_stats_v3 counts;
  socklen_t size = sizeof counts;
  if (getsockopt(ring->socket, SOL_PACKET, PACKET_STATISTICS, &counts, &size) < 0) return -errno;
  ring->seen += counts.tp_packets;
  ring->dropped += counts.tp_drops;
  return 0;
}

void clinux_ring_close(struct clinux_ring *ring) {
  if (ring->map != NULL) munmap(ring->map, ring->block_size * ring->blocks);
  if (ring->map != NULL) close(ring->socket);
  ring->map = NULL;
}

// ---- processes ----

void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int clinux_spawn(const char *path, char *const arguments[], char *const environment[], int input, int output,
                 int error, int inherited, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  int result = posix_spawn_file_actions_init(&actions);
  if (result) return -result;
  result = posix_spawnattr_init(&attributes);
  if (result) {
    posix_spawn_file_actions_destroy(&actions);
    return -result;
  }
  sigemptyset(&none);
  sigfillset(&all);
  if (input >= 0) result = posix_spawn_file_actions_adddup2(&actions, input, 0);
  else result = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (!result) result = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (!result) result = posix_spawn_file_actions_adddup2(&actions, error, 2);
  if (!result && inherited >= 0) result = posix_spawn_file_actions_adddup2(&actions, inherited, 3);
  if (!result) result = posix_spawnattr_setsigmask(&attributes, &none);
  if (!result) result = posix_spawnattr_setsigdefault(&attributes, &all);
  if (!result) result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (!result) result = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return -result;
}

char **clinux_environment(void) { return environ; }

int clinux_memory_file(void) {
  int fd = memfd_create("text", MFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_pidfd_open(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

int clinux_crash_signal(void) { return SIGRTMIN + 1; }

static int stop_pipe = -1;

static void on_stop(int number) {
  int before = errno;
  char octet = (char)number;
  ssize_t ignored = write(stop_pipe, &octet, 1);
  (void)ignored;
  errno = before;
}

int clinux_stop_descriptor(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  stop_pipe = ends[1];
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  return ends[0];
}

int clinux_epoll_new(void) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_epoll_add(int epoll, int descriptor, uint64_t tag) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) < 0 ? -errno : 0;
}

int clinux_epoll_remove(int epoll, int descriptor) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL) < 0 ? -errno : 0;
}

int clinux_epoll_wait(int epoll, uint64_t *tags, int capacity, int milliseconds) {
  struct epoll_event events[32];
  int count = epoll_wait(epoll, events, capacity < 32 ? capacity : 32, milliseconds);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; i++) tags[i] = events[i].data.u64;
  return count;
}

int clinux_eventfd(void) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

void clinux_eventfd_signal(int descriptor) {
  uint64_t one = 1;
  ssize_t ignored = write(descriptor, &one, sizeof one);
  (void)ignored;
}

void clinux_eventfd_clear(int descriptor) {
  uint64_t count;
  ssize_t ignored = read(descriptor, &count, sizeof count);
  (void)ignored;
}

int clinux_counter_map(int fd, int writable, uint32_t **counter) {
  void *map = mmap(NULL, sizeof(uint32_t), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
  if (map == MAP_FAILED) return -errno;
  *counter = map;
  return 0;
}

void clinux_counter_unmap(uint32_t *counter) { munmap(counter, sizeof(uint32_t)); }
void clinux_counter_advance(uint32_t *counter) { __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST); }
uint32_t clinux_counter_read(const uint32_t *counter) { return __atomic_load_n(counter, __ATOMIC_SEQ_CST); }

int clinux_accept(int socket) {
  int fd = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int clinux_pipe(int descriptors[2]) { return pipe2(descriptors, O_CLOEXEC) < 0 ? -errno : 0; }

int clinux_peer(int socket) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? -errno : peer.pid;
}
