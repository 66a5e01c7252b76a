#define _GNU_SOURCE
#include "clinux_router.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- packets in ----

// A page holds a packet of 1500 octets with the kernel's header before it.
enum { FRAME_SIZE = 4096 };

static int configure_inlet(int socket, unsigned frames) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 6),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 4),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),  // the protocol: with SOCK_DGRAM, offsets count from the IP header
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xFFFFFFFF),
    BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};
  int version = TPACKET_V2, on = 1;
  struct tpacket_req ring = {
    .tp_block_size = FRAME_SIZE, .tp_block_nr = frames, .tp_frame_size = FRAME_SIZE, .tp_frame_nr = frames};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0) return -errno;
  if (setsockopt(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) return -errno;
  if (setsockopt(socket, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0) return -errno;
  if (setsockopt(socket, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring) < 0) return -errno;
  return 0;
}

int clinux_inlet_open(unsigned frames, struct clinux_inlet *inlet) {
  memset(inlet, 0, sizeof *inlet);
  // Protocol 0 receives nothing until the filter is there and the socket is bound.
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  int error = configure_inlet(fd, frames);
  void *map = MAP_FAILED;
  if (!error) {
    map = mmap(NULL, (size_t)FRAME_SIZE * frames, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) error = -errno;
  }
  struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
  if (!error && bind(fd, (struct sockaddr *)&all, sizeof all) < 0) error = -errno;
  if (error) {
    if (map != MAP_FAILED) munmap(map, (size_t)FRAME_SIZE * frames);
    close(fd);
    return error;
  }
  *inlet = (struct clinux_inlet){.socket = fd, .map = map, .frame_size = FRAME_SIZE, .frames = frames};
  return 0;
}

static struct tpacket2_hdr *next_frame(struct clinux_inlet *inlet) {
  return (struct tpacket2_hdr *)(inlet->map + (size_t)inlet->next * inlet->frame_size);
}

int clinux_inlet_next(struct clinux_inlet *inlet, struct clinux_packet *packet) {
  struct tpacket2_hdr *header = next_frame(inlet);
  uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
  if (!(status & TP_STATUS_USER)) return 0;
  struct sockaddr_ll *address = (struct sockaddr_ll *)((uint8_t *)header + TPACKET_ALIGN(sizeof *header));
  packet->octets = (uint8_t *)header + header->tp_net;
  packet->captured = header->tp_snaplen;
  packet->original = header->tp_len;
  packet->interface = address->sll_ifindex;
  packet->checksum_left = (status & TP_STATUS_CSUMNOTREADY) != 0;
  return 1;
}

void clinux_inlet_release(struct clinux_inlet *inlet) {
  __atomic_store_n(&next_frame(inlet)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  inlet->next = (inlet->next + 1) % inlet->frames;
}

void clinux_inlet_close(struct clinux_inlet *inlet) {
  if (inlet->map == NULL) return;
  munmap(inlet->map, (size_t)inlet->frame_size * inlet->frames);
  close(inlet->socket);
  inlet->map = NULL;
}

// ---- packets out ----

int clinux_outlet_open(void) {
  int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
  return fd < 0 ? -errno : fd;
}

int clinux_outlet_send(int socket, const void *octets, size_t count, uint32_t destination) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {.s_addr = destination}};
  ssize_t sent = sendto(socket, octets, count, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to);
  return sent < 0 ? -errno : 0;
}

int clinux_interface_mtu(const char *name) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  struct ifreq request = {0};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  int result = ioctl(fd, SIOCGIFMTU, &request) < 0 ? -errno : request.ifr_mtu;
  close(fd);
  return result;
}

// ---- nftables ----

struct nft {
  void *context;
  int (*run)(void *, const char *);
  const char *(*words)(void *);
};

void *clinux_nft_open(void) {
  void *library = dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return NULL;
  void *(*new)(uint32_t) = (void *(*)(uint32_t))dlsym(library, "nft_ctx_new");
  int (*buffer)(void *) = (int (*)(void *))dlsym(library, "nft_ctx_buffer_error");
  int (*run)(void *, const char *) = (int (*)(void *, const char *))dlsym(library, "nft_run_cmd_from_buffer");
  const char *(*words)(void *) = (const char *(*)(void *))dlsym(library, "nft_ctx_get_error_buffer");
  if (new == NULL || buffer == NULL || run == NULL || words == NULL) return NULL;
  struct nft *nft = malloc(sizeof *nft);
  if (nft == NULL) return NULL;
  *nft = (struct nft){.context = new (0), .run = run, .words = words};
  if (nft->context != NULL && buffer(nft->context) == 0) return nft;
  free(nft);
  return NULL;
}

int clinux_nft_run(void *handle, const char *commands, char *words, size_t capacity) {
  struct nft *nft = handle;
  int result = nft->run(nft->context, commands);
  const char *text = nft->words(nft->context);
  snprintf(words, capacity, "%s", text == NULL ? "" : text);
  return result == 0 ? 0 : -1;
}
