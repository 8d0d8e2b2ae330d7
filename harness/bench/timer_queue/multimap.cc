// std::multimap: the balanced tree that comes to mind first.
#include <map>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

class Multimap {
 public:
  static constexpr const char* kName = "multimap";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  Multimap(std::size_t room, nanoseconds) : timers_(room, pending_.end()) {}

  void Arm(std::size_t timer, nanoseconds delay) {
    timers_[timer] = pending_.emplace(bench::VirtualNow() + delay, timer);
  }
  void Stop(std::size_t timer) {
    if (timers_[timer] == pending_.end()) return;
    pending_.erase(timers_[timer]);
    timers_[timer] = pending_.end();
  }
  void Poll() {
    while (!pending_.empty() && pending_.begin()->first <= bench::VirtualNow()) {
      Stop(pending_.begin()->second);
      ++fired;
    }
  }

  std::int64_t fired = 0;

 private:
  std::multimap<nanoseconds, std::size_t> pending_;
  std::vector<std::multimap<nanoseconds, std::size_t>::iterator> timers_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Multimap>(argc, argv); }
