/*
 * The benchmark's client: keeps a number of connections busy with one GET after the other and counts what comes.
 *
 *   client ADDRESS:PORT CONNECTIONS SECONDS REQUESTS MARK PATH [HEADER...]
 *
 * It ends after SECONDS (0: never) or after REQUESTS (0: never), whichever comes first. A connection that has begun a
 * response when the seconds are over is closed. Bodies are discarded in the kernel (MSG_TRUNC), so that the client costs
 * less than any server. It prints one JSON object: times are milliseconds since the request was sent, `early` is the
 * number of bytes that had come MARK milliseconds after the start.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD 16384
#define PIECE (1 << 20)

struct connection {
  int fd, sent, got, in_body, closing;
  long long left;
  double began, first;
  char head[HEAD + 1];
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static int epoll, open_connections;
static long long limit, begun, finished, errors, bytes, early = -1;
static double started, deadline, mark;
static char request[65536];
static float *firsts, *dones;
static long long room;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void dial(struct connection *c) {
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) { perror("socket"); exit(1); }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) { perror("connect"); exit(1); }
  c->sent = c->got = c->in_body = c->closing = 0;
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void ask(struct connection *c) {
  c->began = now();
  c->first = 0;
  c->got = c->in_body = 0;
  size_t length = strlen(request);
  if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) errors++;
  if (!c->sent) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
    c->sent = 1;
  }
}

/* 1 where another request may begin. */
static int more(void) {
  if ((limit > 0 && begun >= limit) || (deadline > 0 && now() >= deadline)) return 0;
  begun++;
  return 1;
}

static void leave(struct connection *c) {
  close(c->fd);
  if (errors < 1000 && more()) dial(c);
  else open_connections--;
}

static void count(long long n) {
  bytes += n;
  if (early < 0 && mark > 0 && now() - started >= mark) early = bytes - n;
}

static void complete(struct connection *c) {
  if (finished == room) {
    room = room ? room * 2 : 65536;
    firsts = realloc(firsts, room * sizeof *firsts);
    dones = realloc(dones, room * sizeof *dones);
  }
  firsts[finished] = c->first - c->began;
  dones[finished] = now() - c->began;
  finished++;
  if (c->closing) leave(c);
  else if (more()) ask(c);
  else {
    close(c->fd);
    open_connections--;
  }
}

static void take_head(struct connection *c) {
  ssize_t n = recv(c->fd, c->head + c->got, HEAD - c->got, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) { errors++; leave(c); return; }
  c->got += n;
  c->head[c->got] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return;
  char *length = strcasestr(c->head, "\r\ncontent-length:");
  int status = atoi(c->head + 9);
  char *closing = strcasestr(c->head, "\r\nconnection: close");
  c->closing = closing && closing < end;
  if (!length || length > end || (status != 200 && status != 206)) { errors++; c->closing = 1; leave(c); return; }
  long long in_head = c->head + c->got - (end + 4);
  c->left = atoll(length + 17) - in_head;
  c->in_body = 1;
  if (in_head > 0 || c->left == 0) c->first = now();
  count(in_head);
  if (c->left == 0) complete(c);
}

static void take_body(struct connection *c) {
  for (int turn = 0; turn < 4; turn++) {
    ssize_t n = recv(c->fd, NULL, c->left < PIECE ? c->left : PIECE, MSG_TRUNC);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { errors++; leave(c); return; }
    if (c->first == 0) c->first = now();
    count(n);
    c->left -= n;
    if (c->left == 0) { complete(c); return; }
    if (n < PIECE) return;
  }
}

static int compare(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static double at(float *sorted, double share) { return finished ? sorted[(long long)((finished - 1) * share)] : -1; }

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  char *colon = strchr(argv[1], ':');
  if (!colon) return 2;
  *colon = 0;
  server.sin_addr.s_addr = inet_addr(argv[1]);
  server.sin_port = htons(atoi(colon + 1));
  int connections = atoi(argv[2]);
  double seconds = atof(argv[3]);
  limit = atoll(argv[4]);
  mark = atof(argv[5]);
  int used = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n", argv[6], argv[1],
                      colon + 1);
  for (int i = 7; i < argc; i++) used += snprintf(request + used, sizeof request - used, "%s\r\n", argv[i]);
  snprintf(request + used, sizeof request - used, "\r\n");

  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  epoll = epoll_create1(0);
  struct connection *all = calloc(connections, sizeof *all);
  started = now();
  deadline = seconds > 0 ? started + seconds * 1e3 : 0;
  for (int i = 0; i < connections && more(); i++, open_connections++) dial(&all[i]);

  struct epoll_event events[256];
  while (open_connections > 0) {
    int n = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c->sent) {
        if (events[i].events & (EPOLLERR | EPOLLHUP)) { errors++; leave(c); }
        else ask(c);
      } else if (c->in_body) take_body(c);
      else take_head(c);
    }
    if (deadline > 0 && now() >= deadline) break;
  }
  double elapsed = now() - started;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  if (finished) {
    qsort(firsts, finished, sizeof *firsts, compare);
    qsort(dones, finished, sizeof *dones, compare);
  }
  printf("{\"requests\":%lld,\"bytes\":%lld,\"errors\":%lld,\"seconds\":%.6f,\"cpu\":%.6f,\"early\":%lld,"
         "\"first\":{\"median\":%.3f,\"max\":%.3f},\"done\":{\"median\":%.3f,\"p99\":%.3f,\"max\":%.3f}}\n",
         finished, bytes, errors, elapsed / 1e3, cpu, early < 0 ? bytes : early, at(firsts, 0.5), at(firsts, 1),
         at(dones, 0.5), at(dones, 0.99), at(dones, 1));
  return 0;
}
