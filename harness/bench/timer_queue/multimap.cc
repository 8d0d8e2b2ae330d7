// std::multimap: the balanced tree that comes to mind first.
#include <functional>
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

  Multimap(std::size_t room, nanoseconds)
      : timers_(room, {.place = pending_.end(), .callback = [this] { ++fired; }}) {}

  void Arm(std::size_t timer, nanoseconds delay) {
    timers_[timer].place = pending_.emplace(bench::VirtualNow() + delay, &timers_[timer]);
  }
  void Stop(std::size_t timer) { Erase(timers_[timer]); }
  void Poll() {
    while (!pending_.empty() && pending_.begin()->first <= bench::VirtualNow()) {
      Timer& due = *pending_.begin()->second;
      Erase(due);
      due.callback();
    }
  }

  std::int64_t fired = 0;

 private:
  struct Timer;
  using Pending = std::multimap<nanoseconds, Timer*>;
  struct Timer {
    Pending::iterator place;
    std::function<void()> callback;
  };

  void Erase(Timer& timer) {
    if (timer.place == pending_.end()) return;
    pending_.erase(timer.place);
    timer.place = pending_.end();
  }

  Pending pending_;
  std::vector<Timer> timers_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Multimap>(argc, argv); }
