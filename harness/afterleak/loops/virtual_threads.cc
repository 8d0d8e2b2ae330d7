// Threads in virtual time: their start, what they wait for from each other, and their signals.
#include <linux/futex.h>
#include <sys/syscall.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <new>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_time.h"
#include "afterleak/loops/virtual_world.h"

namespace {

using namespace afterleak::loops::internal;
using afterleak::Time;

void WakeCondition(const void* word) {
  Real().pthread_cond_broadcast(static_cast<pthread_cond_t*>(const_cast<void*>(word)));
}

// It may be shared between processes, and may not be: only the waiter knows.
void WakeFutex(const void* word) {
  for (const long operation : {FUTEX_WAKE, FUTEX_WAKE | FUTEX_PRIVATE_FLAG})
    SystemCall(SYS_futex, {reinterpret_cast<long>(word), operation, INT_MAX, 0, 0, 0});
}

class Registered {
 public:
  explicit Registered(Waiter& waiter) : waiter_(waiter), entered_(World::Get().Enter(waiter)) {}
  ~Registered() {  // also where the thread is cancelled
    if (entered_) World::Get().Leave(waiter_);
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

  bool entered() const { return entered_; }
  bool Leave() {
    entered_ = false;
    return World::Get().Leave(waiter_);
  }

 private:
  Waiter& waiter_;
  bool entered_;
};

int WaitFor(pthread_cond_t* condition, pthread_mutex_t* mutex, Time deadline, const char* call) {
  Waiter waiter{.kind = Waiter::Kind::kWord,
                .call = call,
                .deadline = deadline,
                .word = condition,
                .word_size = sizeof *condition,
                .wake = &WakeCondition};
  Registered registered(waiter);
  if (!registered.entered()) return ETIMEDOUT;
  const int error = Real().pthread_cond_wait(condition, mutex);
  const bool due = registered.Leave();
  return error == 0 && due ? ETIMEDOUT : error;
}

bool IsWait(long command) { return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET; }

long WaitFutex(const long (&argument)[6]) {
  const auto* const timeout = reinterpret_cast<const timespec*>(argument[3]);
  Time deadline = Time::max();
  if (timeout != nullptr) {
    deadline = (argument[1] & FUTEX_CMD_MASK) == FUTEX_WAIT
                   ? SaturatingAdd(World::Get().now(), ToDuration(*timeout))
                   : ToTime(*timeout);
  }
  Waiter waiter{.kind = Waiter::Kind::kWord,
                .call = "futex",
                .deadline = deadline,
                .word = reinterpret_cast<const void*>(argument[0]),
                .word_size = sizeof(int),
                .wake = &WakeFutex};
  Registered registered(waiter);
  if (!registered.entered()) {
    errno = ETIMEDOUT;
    return -1;
  }
  const long result = SystemCall(SYS_futex, {argument[0], argument[1] & ~FUTEX_CLOCK_REALTIME,
                                             argument[2], 0, 0, argument[5]});
  const int error = errno;
  const bool due = registered.Leave();
  errno = error;
  if (result != 0 || !due) return result;
  errno = ETIMEDOUT;
  return -1;
}

struct Start {
  void* (*body)(void*);
  void* argument;
  Member* member;
};

void* Run(void* data) {
  const Start start = *static_cast<Start*>(data);
  {
    const afterleak::heap::Scope::Suspend suspend;
    delete static_cast<Start*>(data);
    World::Get().Runs(*start.member);
  }
  return start.body(start.argument);
}

}  // namespace

extern "C" {

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (!World::Here()) return Real().pthread_cond_wait(condition, mutex);
  return WaitFor(condition, mutex, Time::max(), "pthread_cond_wait");
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  if (!World::Here() || !IsValid(*until))
    return Real().pthread_cond_timedwait(condition, mutex, until);
  return WaitFor(condition, mutex, ToTime(*until), "pthread_cond_timedwait");
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (!World::Here() || !IsValid(*until))
    return Real().pthread_cond_clockwait(condition, mutex, clock, until);
  return WaitFor(condition, mutex, ToTime(*until), "pthread_cond_clockwait");
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  if (World::Anywhere()) World::Get().Touch(condition);
  return Real().pthread_cond_signal(condition);
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  if (World::Anywhere()) World::Get().Touch(condition);
  return Real().pthread_cond_broadcast(condition);
}

// GLib and the C++ library wait in futexes by it.
long syscall(long number, ...) noexcept {
  long argument[6];
  va_list list;
  va_start(list, number);
  for (long& each : argument) each = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex && World::Anywhere()) {
    if (!IsWait(argument[1] & FUTEX_CMD_MASK))
      World::Get().Touch(reinterpret_cast<const void*>(argument[0]));
    else if (World::Here())
      return WaitFutex(argument);
  }
  return SystemCall(number, argument);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) noexcept {
  Start* start = nullptr;
  {
    const afterleak::heap::Scope::Suspend suspend;
    World::Self();
    start = new (std::nothrow) Start{body, argument, new (std::nothrow) Member};
    if (start == nullptr || start->member == nullptr) {
      delete start;
      return EAGAIN;
    }
    World::Get().Started(*start->member);
  }
  const int error = Real().pthread_create(thread, attributes, &Run, start);
  if (error != 0) {
    const afterleak::heap::Scope::Suspend suspend;
    World::Get().Ended(*start->member);
    delete start;
  }
  return error;
}

// Only so that time moves while the thread that made the bubble waits.
int pthread_join(pthread_t thread, void** result) {
  if (!World::Here()) return Real().pthread_join(thread, result);
  Waiter waiter{.kind = Waiter::Kind::kWord, .call = "pthread_join"};
  const Registered registered(waiter);
  return Real().pthread_join(thread, result);
}

int kill(pid_t process, int signal) noexcept {
  if (World::Anywhere()) World::Get().Look();
  return Real().kill(process, signal);
}

int raise(int signal) noexcept {
  if (World::Anywhere()) World::Get().Look();
  return Real().raise(signal);
}

int pthread_kill(pthread_t thread, int signal) noexcept {
  if (World::Anywhere()) World::Get().Look();
  return Real().pthread_kill(thread, signal);
}

int sigqueue(pid_t process, int signal, const sigval value) noexcept {
  if (World::Anywhere()) World::Get().Look();
  return Real().sigqueue(process, signal, value);
}

}  // extern "C"
