// std::priority_queue: a binary heap out of which nothing can be taken but the first. A stopped
// timer stays in it until its deadline, or until more than half of it is stopped, and it is swept.
#include <algorithm>
#include <queue>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

struct Entry {
  nanoseconds deadline;
  std::uint32_t timer;
  std::uint32_t arming;  // of the timer: an entry of an earlier one is stopped
  bool operator>(const Entry& other) const { return deadline > other.deadline; }
};

class PriorityQueue : std::priority_queue<Entry, std::vector<Entry>, std::greater<>> {
 public:
  static constexpr const char* kName = "priority_queue";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  PriorityQueue(std::size_t room, nanoseconds) : armings_(room) {}

  void Arm(std::size_t timer, nanoseconds delay) {
    push({bench::VirtualNow() + delay, static_cast<std::uint32_t>(timer), ++armings_[timer]});
    ++live_;
  }
  void Stop(std::size_t timer) {
    // An odd number is an armed timer's.
    if (armings_[timer] % 2 == 0) return;
    ++armings_[timer];
    --live_;
    if (size() > 64 && live_ < size() / 2) Sweep();
  }
  void Poll() {
    while (!empty() && top().deadline <= bench::VirtualNow()) {
      if (Armed(top())) {
        ++armings_[top().timer];
        --live_;
        ++fired;
      }
      pop();
    }
  }

  std::int64_t fired = 0;

 private:
  bool Armed(const Entry& entry) const { return armings_[entry.timer] == entry.arming; }
  void Sweep() {
    std::erase_if(c, [this](const Entry& entry) { return !Armed(entry); });
    std::make_heap(c.begin(), c.end(), comp);
  }

  std::vector<std::uint32_t>
      armings_;  // of each timer: twice how often, less one while it is armed
  std::size_t live_ = 0;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<PriorityQueue>(argc, argv); }
