// std::priority_queue: a binary heap that only gives up its first element. A stopped timer stays in
// it until its deadline, or until more than half of the heap is stopped and is swept.
#include <algorithm>
#include <functional>
#include <queue>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

struct Timer {
  std::function<void()> callback;
  std::uint64_t arming = 0;  // twice the number of armings, minus one while it is armed
};

struct Entry {
  nanoseconds deadline;
  Timer* timer;
  std::uint64_t arming;  // an entry from an earlier arming than the timer's is stopped
  bool operator>(const Entry& other) const { return deadline > other.deadline; }
};

class PriorityQueue : std::priority_queue<Entry, std::vector<Entry>, std::greater<>> {
 public:
  static constexpr const char* kName = "priority_queue";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  PriorityQueue(std::size_t room, nanoseconds) : timers_(room, {.callback = [this] { ++fired; }}) {}

  void Arm(std::size_t timer, nanoseconds delay) {
    Timer& armed = timers_[timer];
    push({bench::VirtualNow() + delay, &armed, ++armed.arming});
    ++live_;
  }
  void Stop(std::size_t timer) {
    if (timers_[timer].arming % 2 == 0) return;
    ++timers_[timer].arming;
    --live_;
    if (size() > 64 && live_ < size() / 2) Sweep();
  }
  void Poll() {
    while (!empty() && top().deadline <= bench::VirtualNow()) {
      const Entry first = top();
      pop();
      if (!Armed(first)) continue;
      ++first.timer->arming;
      --live_;
      first.timer->callback();
    }
  }

  std::int64_t fired = 0;

 private:
  static bool Armed(const Entry& entry) { return entry.timer->arming == entry.arming; }
  void Sweep() {
    std::erase_if(c, [](const Entry& entry) { return !Armed(entry); });
    std::make_heap(c.begin(), c.end(), comp);
  }

  std::vector<Timer> timers_;
  std::size_t live_ = 0;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<PriorityQueue>(argc, argv); }
