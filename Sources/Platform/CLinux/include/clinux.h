// The few Linux calls that Swift cannot make itself: setns and unshare in one thread, ioctl, packet rings, pidfd.
// Every function that can fail returns -errno, so that the caller never reads a stale errno.
#pragma once

#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The C library's words for an errno; NULL for an unknown one.
const char *clinux_reason(int number);

// ---- network namespaces ----

/// Settings of a network namespace that are made in the same visit.
enum {
  CLINUX_NO_IPV6 = 1,     // no link-local addresses, so no neighbour discovery and no MLD on the links
  CLINUX_IP_FORWARD = 2,  // a router
};

/// Makes a network namespace and returns a descriptor of it; the calling thread is back in its own afterwards.
/// `*route` gets a NETLINK_ROUTE socket that was opened inside.
int clinux_namespace_new(int settings, int *route);

/// Opens a socket inside a network namespace (-1: the caller's own); close-on-exec.
int clinux_socket_in(int netns, int domain, int type, int protocol);

/// Writes a text to a file under /proc/sys as seen from inside a network namespace.
int clinux_write_in(int netns, const char *path, const char *text);

/// Opens the network namespace of the calling thread.
int clinux_namespace_own(void);

// ---- interfaces ----

/// Turns transmit checksum offload off, so that frames carry whole checksums. `socket` decides the namespace.
int clinux_transmit_checksum_off(int socket, const char *interface);

/// Sends one Ethernet frame, header included, out of an interface; `socket` is an AF_PACKET SOCK_RAW socket.
ssize_t clinux_send_frame(int socket, int index, const void *octets, size_t count);

/// Binds an AF_PACKET socket to an interface and an EtherType (0x0003 for all).
int clinux_bind_packet(int socket, int index, uint16_t ethertype);

/// An AF_PACKET socket on one interface that receives what the interface receives, but not what it sends; it never
/// waits. `octets` is asked for as its receive buffer.
int clinux_packet_open(int netns, int index, int octets);
/// One frame; -EAGAIN when none waits.
ssize_t clinux_packet_receive(int socket, void *octets, size_t capacity);
/// Sends a frame out of the interface that the socket is bound to.
ssize_t clinux_packet_send(int socket, const void *octets, size_t count);
/// Waits until one of the descriptors can be read, `nanoseconds` at most (below 0: for ever); `ready` gets a 1 for each
/// that can.
int clinux_wait_any(const int *descriptors, uint8_t *ready, size_t count, int64_t nanoseconds);

// ---- netlink ----

/// One sendto to the kernel.
ssize_t clinux_netlink_send(int socket, const void *octets, size_t count);
/// Joins a multicast group of the socket's family, such as RTNLGRP_LINK.
int clinux_netlink_join(int socket, int group);
/// Makes errors carry the kernel's own words, and keeps requests out of error replies.
void clinux_netlink_explain(int socket);

// ---- packet ring ----

/// A TPACKET_V3 receive ring over all interfaces of a namespace whose index is at least `first_index`.
struct clinux_ring {
  int socket;
  uint8_t *map;
  size_t block_size;
  unsigned blocks;
  unsigned block;         // the block that is read now
  unsigned frames_left;   // in that block; 0: none is open
  uint8_t *next;          // the next frame in it
  uint64_t seen, dropped; // since the ring was opened
};

struct clinux_frame {
  const uint8_t *octets;  // valid until the next call
  uint32_t captured, original;
  int32_t interface;
  uint64_t nanoseconds;   // CLOCK_REALTIME
  int outgoing;           // 1: the interface sent it
};

int clinux_ring_open(int netns, size_t block_size, unsigned blocks, unsigned retire_milliseconds, int first_index,
                     struct clinux_ring *ring);
/// 1: `frame` is filled; 0: nothing is ready.
int clinux_ring_next(struct clinux_ring *ring, struct clinux_frame *frame);
/// 1: no frame is ready, nor in the block that the kernel fills now.
int clinux_ring_is_empty(struct clinux_ring *ring);
/// Adds what the kernel counted since the last call to `seen` and `dropped`.
int clinux_ring_count(struct clinux_ring *ring);
void clinux_ring_close(struct clinux_ring *ring);

// ---- processes ----

/// Names the calling thread; up to 15 octets.
void clinux_name_thread(const char *name);

/// posix_spawn with descriptors: stdin (-1: /dev/null), stdout, stderr, and `inherited` (or -1) as 3. All
/// signals get their default action and none is blocked.
int clinux_spawn(const char *path, char *const arguments[], char *const environment[], int input, int output,
                 int error, int inherited, pid_t *pid);
/// This process's environment, NULL-terminated.
char **clinux_environment(void);
/// A file in memory, close-on-exec.
int clinux_memory_file(void);
int clinux_pidfd_open(pid_t pid);
/// The signal that asks `homebed-launcher node` to end its program and all its descendants at once.
int clinux_crash_signal(void);

/// From now on SIGTERM and SIGINT end nothing, but make the returned descriptor readable: one octet each.
int clinux_stop_descriptor(void);

int clinux_epoll_new(void);
int clinux_epoll_add(int epoll, int descriptor, uint64_t tag);
int clinux_epoll_remove(int epoll, int descriptor);
/// Waits (milliseconds, -1: for ever) and fills `tags`; returns how many.
int clinux_epoll_wait(int epoll, uint64_t *tags, int capacity, int milliseconds);

/// An eventfd, non-blocking.
int clinux_eventfd(void);
void clinux_eventfd_signal(int descriptor);
void clinux_eventfd_clear(int descriptor);

/// Maps a file of at least 4 octets as a counter that processes share; -errno where that fails.
int clinux_counter_map(int fd, int writable, uint32_t **counter);
void clinux_counter_unmap(uint32_t *counter);
void clinux_counter_advance(uint32_t *counter);
uint32_t clinux_counter_read(const uint32_t *counter);

/// accept4 with close-on-exec.
int clinux_accept(int socket);

int clinux_pipe(int descriptors[2]);

/// The process that listens at the other end of a connected Unix socket, numbered as this process sees it.
int clinux_peer(int socket);

#include "clinux_router.h"
