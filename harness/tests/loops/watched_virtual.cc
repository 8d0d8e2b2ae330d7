// What `afterleak watch --virtual` runs in its tests: each mode is a way to wait, for an hour if it
// is not told to end before. It prints what it has done.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <string_view>

#ifdef HAS_LIBUV
#include <uv.h>
#endif
#ifdef HAS_LIBEVENT
#include <event2/event.h>
#endif
#ifdef HAS_GLIB
#include <glib.h>
#endif

namespace {

int ticks = 0;

long Seconds(void) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

int Arm(int seconds, int every = 0) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec limit = {{every, 0}, {seconds, 0}};
  timerfd_settime(fd, 0, &limit, nullptr);
  return fd;
}

void Sleep(int seconds) {
  const timespec span = {seconds, 0};
  nanosleep(&span, nullptr);
}

// ---- an hour of a ticker of 3 s

#ifdef HAS_LIBUV
void Libuv() {
  static uv_timer_t ticker, end;
  uv_loop_t* const loop = uv_default_loop();
  uv_timer_init(loop, &ticker);
  uv_timer_init(loop, &end);
  uv_timer_start(&end, [](uv_timer_t*) { uv_timer_stop(&ticker); }, 3'600'500, 0);
  uv_timer_start(&ticker, [](uv_timer_t*) { ++ticks; }, 3000, 3000);
  uv_run(loop, UV_RUN_DEFAULT);
}
#endif

#ifdef HAS_LIBEVENT
void Libevent() {
  event_base* const base = event_base_new();
  event* const ticker =
      event_new(base, -1, EV_PERSIST, [](evutil_socket_t, short, void*) { ++ticks; }, nullptr);
  const timeval every = {3, 0}, hour = {3600, 500'000};
  event_add(ticker, &every);
  event_base_loopexit(base, &hour);
  event_base_dispatch(base);
}
#endif

#ifdef HAS_GLIB
void Glib() {
  GMainLoop* const loop = g_main_loop_new(nullptr, 0);
  g_timeout_add(3000, [](void*) -> int { return ++ticks > 0; }, nullptr);
  const auto quit = [](void* data) -> int {
    g_main_loop_quit(static_cast<GMainLoop*>(data));
    return 0;
  };
  g_timeout_add(3'600'500, quit, loop);
  g_main_loop_run(loop);
}
#endif

void Timerfd() {
  const int loop = epoll_create1(0), ticker = Arm(3, 3);
  epoll_event event = {.events = EPOLLIN, .data = {}};
  epoll_ctl(loop, EPOLL_CTL_ADD, ticker, &event);
  while (ticks < 1200) {
    uint64_t times = 0;
    epoll_wait(loop, &event, 1, -1);
    if (read(ticker, &times, sizeof times) == sizeof times) ticks += static_cast<int>(times);
  }
}

void Sleeps() {
  while (ticks < 1200) {
    const int limit = Arm(30);
    Sleep(3);
    close(limit);
    ++ticks;
  }
}

// ---- threads that wait for each other, in each of the ways

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
int jobs = 0, timeouts = 0;
bool over = false;

// Jobs come every 3 s, and for the last half of an hour none: it looks around every 10 s.
void* Consume(void*) {
  pthread_mutex_lock(&mutex);
  while (!over) {
    timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    int error = 0;
    while (jobs == 0 && !over && error == 0)
      error = pthread_cond_timedwait(&condition, &mutex, &until);
    if (error == ETIMEDOUT) ++timeouts;
    if (jobs > 0) {
      --jobs;
      const int limit = Arm(60);
      close(limit);
      ++ticks;
    }
  }
  pthread_mutex_unlock(&mutex);
  return nullptr;
}

void* Produce(void* pipe_end) {
  for (int i = 0; i < 600; ++i) {
    Sleep(3);
    pthread_mutex_lock(&mutex);
    ++jobs;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
  }
  poll(nullptr, 0, 1'800'500);
  pthread_mutex_lock(&mutex);
  over = true;
  pthread_cond_signal(&condition);
  pthread_mutex_unlock(&mutex);
  close(*static_cast<int*>(pipe_end));
  return nullptr;
}

void Threads() {
  int ends[2];
  if (pipe(ends) != 0) return;
  pthread_t threads[2];
  pthread_create(&threads[0], nullptr, &Consume, nullptr);
  pthread_create(&threads[1], nullptr, &Produce, &ends[1]);
  char byte;
  while (read(ends[0], &byte, 1) > 0) continue;
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  printf("%d timeouts\n", timeouts);
}

// ---- daemons, which do not end

// A request a second, with a limit of 1000 s, of which each fiftieth is not stopped.
[[noreturn]] void Serve(bool leaky) {
  for (;; ++ticks) {
    const int limit = Arm(1000);
    if (!leaky || ticks % 50 != 0) close(limit);
    Sleep(1);
  }
}

[[noreturn]] void Told() {
  static int seconds;
  seconds = static_cast<int>(Seconds());
  signal(SIGTERM, [](int) {
    Sleep(2);  // it says goodbye
    printf("ended after %ld s\n", Seconds() - seconds);
    fflush(stdout);
    _exit(5);
  });
  for (;;) Sleep(7);
}

[[noreturn]] void Wait() {
  close(Arm(1000));
  puts("ready");
  fflush(stdout);
  for (char byte; read(0, &byte, 1) > 0;) continue;
  _exit(6);
}

// ---- what virtual time has to bear

void ClosesAll() {
  closefrom(3);
  for (int fd = 3; fd < 1024; ++fd) close(fd);
  const int first = Arm(3);
  Sleeps();
  printf("first descriptor %d\n", first);
}

void Forks() {
  const pid_t child = fork();
  if (child == 0) {
    usleep(200'000);
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Sleeps();
  printf("its child ended with %d\n", WEXITSTATUS(status));
}

// ---- and what it cannot

void* SemaphoreWaits(void* semaphore) {
  timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  sem_timedwait(static_cast<sem_t*>(semaphore), &until);
  return nullptr;
}

void Semaphore() {
  Sleep(60);
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  pthread_t thread;
  pthread_create(&thread, nullptr, &SemaphoreWaits, &semaphore);
  pthread_join(thread, nullptr);
}

void SystemCall() {
  Sleep(60);
  const timespec span = {1000, 0};
  syscall(SYS_nanosleep, &span, nullptr);
}

void SocketTimeout() {
  const timeval limit = {5, 0};
  setsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

[[noreturn]] void Spins() {
  while (Seconds() > 0) continue;
  _exit(1);
}

// A timer that is due at once, in every turn of a loop.
[[noreturn]] void AtOnce() {
  const int loop = epoll_create1(0);
  for (epoll_event event; Seconds() > 0;) epoll_wait(loop, &event, 1, 0);
  _exit(1);
}

struct Mode {
  std::string_view name;
  void (*run)();
};
constexpr Mode kModes[] = {
#ifdef HAS_LIBUV
    {"libuv", &Libuv},
#endif
#ifdef HAS_LIBEVENT
    {"libevent", &Libevent},
#endif
#ifdef HAS_GLIB
    {"glib", &Glib},
#endif
    {"timerfd", &Timerfd},
    {"sleeps", &Sleeps},
    {"threads", &Threads},
    {"leaky", [] { Serve(true); }},
    {"clean", [] { Serve(false); }},
    {"told", &Told},
    {"wait", &Wait},
    {"closes all", &ClosesAll},
    {"forks", &Forks},
    {"semaphore", &Semaphore},
    {"system call", &SystemCall},
    {"alarm", [] { alarm(10); }},
    {"socket", &SocketTimeout},
    {"spins", &Spins},
    {"at once", &AtOnce},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const long began = Seconds();
  if (strcmp(argv[1], "exec") == 0) {
    Sleep(1000);
    execl(argv[0], argv[0], "sleeps", static_cast<char*>(nullptr));
  }
  for (const Mode& mode : kModes) {
    if (mode.name != argv[1]) continue;
    mode.run();
    printf("%d ticks in %ld s\n", ticks, Seconds() - began);
    return 0;
  }
  return 77;
}
