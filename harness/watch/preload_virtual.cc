// Virtual time for a program that `afterleak watch --virtual` runs: its watcher lets time pass.
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <climits>
#include <cstring>

#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_world.h"
#include "watch/preload_record.h"

namespace afterleak::watch {
namespace {

using loops::internal::Steering;
using loops::internal::SystemCall;

// The C library's syscall is stood in front of.
void WaitWhile(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  SystemCall(SYS_futex, {reinterpret_cast<long>(&word), FUTEX_WAIT, value, 0, 0, 0});
}

void Wake(std::atomic<std::uint32_t>& word) {
  SystemCall(SYS_futex, {reinterpret_cast<long>(&word), FUTEX_WAKE, INT_MAX, 0, 0, 0});
}

// After exec, the one that was begun goes on.
Steering::Stretch Next() {
  SharedTime& time = record->time;
  const std::uint32_t passed = time.passed.load(std::memory_order_relaxed);
  while (time.stretches.load(std::memory_order_acquire) == passed)
    WaitWhile(time.stretches, passed);
  return {.until = Time(Duration(time.until.load(std::memory_order_relaxed))),
          .when_idle = time.when_idle.load(std::memory_order_relaxed)};
}

void Passed() {
  SharedTime& time = record->time;
  time.passed.fetch_add(1, std::memory_order_release);
  Wake(time.passed);
}

// The watcher ends the program.
void Refused(const char* line) {
  SharedTime& time = record->time;
  std::strncpy(time.why, line, sizeof(time.why) - 1);
  time.is_refused.store(true, std::memory_order_release);
  Wake(time.passed);
  for (;;) loops::internal::Real().ppoll(nullptr, 0, nullptr, nullptr);
}

}  // namespace

void EnterVirtualTime() {
  static const Steering steering = {
      .next = &Next, .passed = &Passed, .refused = &Refused, .now = &record->time.now};
  pthread_atfork(
      nullptr, [] { record->time.forks.fetch_add(1, std::memory_order_relaxed); }, nullptr);
  loops::internal::World::Get().Steer(steering);
}

}  // namespace afterleak::watch
