// What a router in user space needs: packets as they come in at every interface, raw IP packets out, nftables.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A TPACKET_V2 receive ring for the IPv4 UDP and ICMP packets that come in for this host, on any interface of the
/// caller's namespace. Unlike V3 it hands out each packet at once.
struct clinux_inlet {
  int socket;
  uint8_t *map;
  unsigned frame_size, frames, next;
};

struct clinux_packet {
  const uint8_t *octets;  // from the IP header on; valid until the packet is released
  uint32_t captured, original;
  int32_t interface;
  int checksum_left;  // 1: the sender left the transport checksum to hardware that never saw the packet
};

int clinux_inlet_open(unsigned frames, struct clinux_inlet *inlet);
/// 1: `packet` is filled; 0: none is ready.
int clinux_inlet_next(struct clinux_inlet *inlet, struct clinux_packet *packet);
/// Gives the place of the packet of the last call back to the kernel.
void clinux_inlet_release(struct clinux_inlet *inlet);
void clinux_inlet_close(struct clinux_inlet *inlet);

/// A raw socket to which whole IP packets are given.
int clinux_outlet_open(void);
/// Sends an IP packet to where its destination (network byte order) is routed; 0 or -errno. Never waits.
int clinux_outlet_send(int socket, const void *octets, size_t count, uint32_t destination);

/// The largest IP packet of an interface, or -errno.
int clinux_interface_mtu(const char *name);

/// libnftables, loaded on demand. NULL where it is not installed.
void *clinux_nft_open(void);
/// Runs commands as `nft -f` does, all or none; 0, or -1 with the first `capacity - 1` octets of its words in `words`.
int clinux_nft_run(void *nft, const char *commands, char *words, size_t capacity);
