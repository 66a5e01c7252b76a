// Traffic through a gateway: round trips, floods and connections, beside each other for any gateway.
//   traffic serve PORT                 UDP echo on PORT, UDP sink on PORT + 1, TCP sink on PORT; until it is killed
//   traffic rtt HOST PORT COUNT        median microseconds of a datagram of 64 octets and its echo
//   traffic flood HOST PORT SIZE MS    datagrams a second that got through, and how many were sent a second
//   traffic bulk HOST PORT MS          octets a second of one TCP connection
//   traffic many HOST PORT COUNT       so many TCP connections at once: how many exchanged all, and in how many ms
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static struct sockaddr_in at(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (host) inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

static int fail(const char *what) {
  perror(what);
  exit(1);
}

static int connected(int type, const char *host, int port) {
  int fd = socket(AF_INET, type, 0);
  struct sockaddr_in peer = at(host, port);
  struct timeval limit = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) fail("connect");
  return fd;
}

static int bound(int type, int port) {
  int fd = socket(AF_INET, type, 0), on = 1, room = 4 << 20;
  struct sockaddr_in own = at(NULL, port);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  return fd;
}

static void echo(int fd) {
  char octets[2048];
  struct sockaddr_in peer;
  for (;;) {
    socklen_t size = sizeof peer;
    ssize_t count = recvfrom(fd, octets, sizeof octets, 0, (struct sockaddr *)&peer, &size);
    if (count > 0) sendto(fd, octets, count, 0, (struct sockaddr *)&peer, size);
  }
}

// A datagram of one octet asks for the count since the last one.
static void sink(int fd) {
  char octets[2048];
  struct sockaddr_in peer;
  uint64_t total = 0;
  for (;;) {
    socklen_t size = sizeof peer;
    ssize_t count = recvfrom(fd, octets, sizeof octets, 0, (struct sockaddr *)&peer, &size);
    if (count > 1) total++;
    if (count != 1) continue;
    sendto(fd, &total, sizeof total, 0, (struct sockaddr *)&peer, size);
    total = 0;
  }
}

static void drain(int listener) {
  static char octets[1 << 18];
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    if (fork() == 0) {
      uint64_t total = 0;
      ssize_t count;
      while ((count = read(fd, octets, sizeof octets)) > 0) total += count;
      if (write(fd, &total, sizeof total) < 0) _exit(1);
      _exit(0);
    }
    close(fd);
  }
}

static void serve(int port) {
  signal(SIGCHLD, SIG_IGN);
  int udp = bound(SOCK_DGRAM, port), counting = bound(SOCK_DGRAM, port + 1), tcp = bound(SOCK_STREAM, port);
  listen(tcp, 512);
  // A group of its own, so that all of it can be ended.
  setpgid(0, 0);
  if (fork() == 0) echo(udp);
  if (fork() == 0) sink(counting);
  puts("ready");
  fflush(stdout);
  drain(tcp);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void rtt(const char *host, int port, int count) {
  int fd = connected(SOCK_DGRAM, host, port);
  char octets[64] = {7};
  double *times = malloc(count * sizeof *times);
  for (int round = -100; round < count; round++) {
    double before = now();
    if (send(fd, octets, sizeof octets, 0) < 0 || recv(fd, octets, sizeof octets, 0) < 0) fail("exchange a datagram");
    if (round >= 0) times[round] = now() - before;
  }
  qsort(times, count, sizeof *times, ascending);
  printf("%.1f\n", times[count / 2]);
}

static void flood(const char *host, int port, int size, double milliseconds) {
  int fd = connected(SOCK_DGRAM, host, port + 1);
  char octets[2048] = {7};
  uint64_t sent = 0, got = 0;
  double start = now(), end = start + milliseconds * 1000, time;
  while ((time = now()) < end)
    for (int i = 0; i < 16; i++) sent += send(fd, octets, size, 0) == size;
  double spent = time - start;
  // What still waits on the way is let through first.
  usleep(200000);
  if (send(fd, octets, 1, 0) < 0 || recv(fd, &got, sizeof got, 0) < 0) fail("ask for the count");
  printf("%.0f %.0f\n", got / spent * 1e6, sent / spent * 1e6);
}

static void bulk(const char *host, int port, double milliseconds) {
  static char octets[1 << 17];
  int fd = connected(SOCK_STREAM, host, port);
  uint64_t total = 0;
  double start = now(), end = start + milliseconds * 1000;
  while (now() < end)
    if (send(fd, octets, sizeof octets, MSG_NOSIGNAL) < 0) fail("send");
  shutdown(fd, SHUT_WR);
  if (recv(fd, &total, sizeof total, MSG_WAITALL) < 0) fail("ask for the count");
  printf("%.0f\n", total / (now() - start) * 1e6);
}

static void many(const char *host, int port, int count) {
  struct pollfd *all = calloc(count, sizeof *all);
  char octets[1024] = {7};
  int whole = 0, left = count;
  double start = now();
  struct sockaddr_in peer = at(host, port);
  for (int i = 0; i < count; i++) {
    all[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLOUT};
    if (connect(all[i].fd, (struct sockaddr *)&peer, sizeof peer) < 0 && errno != EINPROGRESS) fail("connect");
  }
  // Each sends once it is connected, and all stay open until the last one is.
  int open = 0;
  while (left > 0 && poll(all, count, 10000) > 0) {
    for (int i = 0; i < count; i++) {
      if (all[i].revents & POLLOUT && all[i].events == POLLOUT) {
        if (send(all[i].fd, octets, sizeof octets, MSG_NOSIGNAL) != sizeof octets) fail("send");
        all[i].events = POLLIN;
        if (++open == count)
          for (int j = 0; j < count; j++) shutdown(all[j].fd, SHUT_WR);
      } else if (all[i].revents) {
        uint64_t total = 0;
        whole += recv(all[i].fd, &total, sizeof total, 0) == sizeof total && total == sizeof octets;
        close(all[i].fd);
        all[i].fd = -1;
        left--;
      }
    }
  }
  printf("%d %.1f\n", whole, (now() - start) / 1000);
}

int main(int count, char **words) {
  const char *mode = count > 2 ? words[1] : "";
  if (!strcmp(mode, "serve")) serve(atoi(words[2]));
  else if (!strcmp(mode, "rtt") && count == 5) rtt(words[2], atoi(words[3]), atoi(words[4]));
  else if (!strcmp(mode, "flood") && count == 6) flood(words[2], atoi(words[3]), atoi(words[4]), atof(words[5]));
  else if (!strcmp(mode, "bulk") && count == 5) bulk(words[2], atoi(words[3]), atof(words[4]));
  else if (!strcmp(mode, "many") && count == 5) many(words[2], atoi(words[3]), atoi(words[4]));
  else return fprintf(stderr, "usage: see the head of traffic.c\n"), 2;
  return 0;
}
