#include "watch/virtual_time.h"

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <fstream>

#include "afterleak/loops/virtual_world.h"
#include "watch/watching.h"

namespace afterleak::watch {
namespace {

using namespace std::chrono_literals;

constexpr timespec kLongestWait{0, 10'000'000};
constexpr Duration kBetweenLooks = 100ms;
constexpr Duration kBeginsWithin = 10s;  // in real time, as the first program or after exec

bool HasLoadedUs(pid_t process) {
  std::ifstream maps(fmt::format("/proc/{}/maps", process));
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:afterleak-record") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Time VirtualStart() { return Time(loops::internal::kMonotonicStart); }

Time NowIn(const SharedTime& shared) {
  return VirtualStart() + Duration(shared.now.load(std::memory_order_acquire));
}

VirtualTime::VirtualTime(SharedTime& shared, pid_t process)
    : shared_(shared), process_(process), seen_(watch::Now()), next_look_(seen_ + kBetweenLooks) {}

void VirtualTime::LetPass(Time until, bool when_idle) {
  if (!HasPassed()) return;
  shared_.until.store((until - VirtualStart()).count(), std::memory_order_relaxed);
  shared_.when_idle.store(when_idle, std::memory_order_relaxed);
  shared_.stretches.fetch_add(1, std::memory_order_release);
  syscall(SYS_futex, &shared_.stretches, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool VirtualTime::HasPassed() const {
  return shared_.passed.load(std::memory_order_acquire) ==
         shared_.stretches.load(std::memory_order_relaxed);
}

void VirtualTime::AwaitPassed() const {
  const std::uint32_t before = shared_.stretches.load(std::memory_order_relaxed) - 1;
  syscall(SYS_futex, &shared_.passed, FUTEX_WAIT, before, &kLongestWait, nullptr, 0);
}

std::string VirtualTime::WhyRefused() {
  if (shared_.is_refused.load(std::memory_order_acquire)) return shared_.why;
  const Time now = watch::Now();
  if (now < next_look_) return {};
  next_look_ = now + kBetweenLooks;
  if (HasLoadedUs(process_)) seen_ = now;
  if (now - seen_ < kBeginsWithin) return {};
  return "the program has not loaded what was preloaded, or has replaced itself by one that has "
         "not; it can be watched without virtual time";
}

}  // namespace afterleak::watch
