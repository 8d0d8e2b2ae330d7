// What `afterleak watch` runs in its tests: each mode is a way to behave. Its timers are timerfds.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace {

int Arm(int seconds) {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec limit = {{0, 0}, {seconds, 0}};
  timerfd_settime(fd, 0, &limit, nullptr);
  return fd;
}

void Say(const char* text) {
  puts(text);
  fflush(stdout);
}

// Pieces of work of which each hundredth forgets to close its timer.
void Leak(int pieces) {
  for (int i = 0; i < pieces; ++i) {
    const int fd = Arm(1000);
    if (i % 100 != 0) close(fd);
    usleep(500);
  }
}

// Pieces of work that keep their timer, or close it.
void Pieces(int pieces, bool keep) {
  for (int i = 0; i < pieces; ++i) {
    const int fd = Arm(1000);
    if (!keep) close(fd);
  }
}

// A function for each number: each is a site.
template <int kSite>
[[gnu::noinline]] void ArmSome() {
  for (int i = 0; i <= kSite; ++i) Arm(1000);
}
template <int... kSites>
void ArmAtSites(std::integer_sequence<int, kSites...>) {
  (ArmSome<kSites>(), ...);
}

void Fork() {
  Arm(1000);
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 7; ++i) close(Arm(1000));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (system("test -z \"$LD_PRELOAD$AFTERLEAK_RECORD\"") == 0) Say("no child is preloaded");
  close(Arm(1000));
  Arm(1000);
}

// Servers that work for one port: the third has the leak, and the last is killed.
void Prefork(int count) {
  for (int i = 0; i < 3; ++i) Arm(1000);
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      if (i == 2) Leak(600);
      for (int k = 0; i != 2 && k < 100; ++k) close(Arm(1000));
      if (i == count - 1) raise(SIGKILL);
      _exit(0);
    }
    if (i == 2) {
      printf("%d\n", child);
      fflush(stdout);
    }
  }
  while (wait(nullptr) > 0) continue;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "leak") Leak(600);
  if (mode == "keep" || mode == "close") Pieces(atoi(argv[2]), mode == "keep");
  if (mode == "fork") Fork();
  if (mode == "prefork") Prefork(4);
  if (mode == "prefork many") Prefork(70);
  if (mode == "environment") {
    for (char** entry = environ; *entry != nullptr; ++entry) Say(*entry);
  }
  if (mode == "exec") {
    for (int i = 0; i < 5; ++i) Arm(1000);
    execlp(argv[0], argv[0], "three", static_cast<char*>(nullptr));
  }
  if (mode == "three") {
    for (int i = 0; i < 3; ++i) Arm(1000);
  }
  if (mode == "closes all") {
    for (int fd = 3; fd < 1024; ++fd) close(fd);
    Arm(1000);
    Arm(1000);
    raise(SIGKILL);
  }
  if (mode == "limits") {
    const rlimit limit = {std::size_t{64} << 20, std::size_t{64} << 20};
    setrlimit(RLIMIT_AS, &limit);
    void* const memory = malloc(std::size_t{16} << 20);
    for (int i = 0; memory != nullptr && i < 500; ++i) Arm(1000);
  }
  if (mode == "sites") {
    Leak(600);
    ArmAtSites(std::make_integer_sequence<int, 30>());
    Say("a line of the program");
    char typed;
    if (read(0, &typed, 1) == 0) Say("it reads nothing");
    while (true) pause();
  }
  if (mode == "wait" || mode == "handles") {
    if (mode == "handles") signal(SIGINT, [](int) { _exit(5); });
    for (int i = 0; i < 4; ++i) Arm(1000);
    Say("ready");
    while (true) pause();
  }
}
