// What `afterleak watch` has to bear in its tests: each mode is a program that does something hard
// to watch. It prints how many timers it has armed.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

namespace {

std::atomic<int> armed = 0;

int Arm() {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec limit = {{0, 0}, {1000, 0}};
  if (timerfd_settime(fd, 0, &limit, nullptr) == 0) ++armed;
  return fd;
}

// More than the record has room for at first.
void ArmMany(int count) {
  sigevent none = {};
  none.sigev_notify = SIGEV_NONE;
  const itimerspec limit = {{0, 0}, {1000, 0}};
  for (int i = 0; i < count; ++i) {
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &none, &timer) != 0) break;
    if (timer_settime(timer, 0, &limit, nullptr) == 0) ++armed;
  }
}

void Refuse(const char* what) {
  printf("SKIPPED: %s: errno %d\n", what, errno);
  fflush(stdout);
  _exit(77);
}

void* ArmAndWait(void* all_there) {
  close(Arm());
  pthread_barrier_wait(static_cast<pthread_barrier_t*>(all_there));
  return nullptr;
}

void Threads(unsigned count) {
  static pthread_barrier_t all_there;
  pthread_barrier_init(&all_there, nullptr, count + 1);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  for (unsigned i = 0; i < count; ++i) {
    pthread_t thread;
    errno = pthread_create(&thread, &small, &ArmAndWait, &all_there);
    if (errno != 0) Refuse("pthread_create");
    pthread_detach(thread);
  }
  pthread_barrier_wait(&all_there);
}

// mremap is refused, in that way.
void FilterCalls(unsigned way) {
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, way),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    Refuse("seccomp");
}

// A handler that arms and closes, in the middle of a program that does so.
void Signals() {
  signal(SIGALRM, [](int) { close(Arm()); });
  const itimerval often = {{0, 200}, {0, 200}};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 100'000; ++i) close(Arm());
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const char* const folder = argc > 2 ? argv[2] : "/";
  if (mode == "threads") Threads(10'000);
  if (mode == "signals") Signals();
  if (mode == "chdir" && (chdir(folder) != 0 || rmdir(folder) != 0)) Refuse("chdir");
  if (mode == "chroot" && (chroot(folder) != 0 || chdir("/") != 0)) Refuse("chroot");
  if (mode == "drops" && (setgid(65534) != 0 || setuid(65534) != 0)) Refuse("setuid");
  if (mode == "seccomp") FilterCalls(SECCOMP_RET_ERRNO | EPERM);
  if (mode == "seccomp kills") FilterCalls(SECCOMP_RET_KILL_PROCESS);
  if (mode == "memory") {
    for (int i = 0; i < 100'000; ++i) free(malloc(static_cast<size_t>(i)));
  }
  Arm();
  if (mode == "seccomp" || mode == "seccomp kills" || mode == "drops" || mode == "many")
    ArmMany(90'000);
  printf("%d\n", armed.load());
  fflush(stdout);
  _exit(0);
}
