// A list in the order of arming and nothing more: the least that any queue of linked timers must
// pay. It works only for timers of one duration, which are due in that order.
#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

// The same size and alignment as ours.
struct alignas(32) Timer {
  virtual ~Timer() = default;
  virtual void Fire(std::int64_t& fired) { ++fired; }

  Timer* prev = nullptr;
  Timer* next = nullptr;
  nanoseconds deadline{};
};

class List {
 public:
  static constexpr const char* kName = "list";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = false;
  static constexpr bool kMovesInBulk = false;

  List(std::size_t room, nanoseconds) : timers_(room) { all_.prev = all_.next = &all_; }

  void Arm(std::size_t timer, nanoseconds delay) {
    Timer& armed = timers_[timer];
    armed.deadline = bench::VirtualNow() + delay;
    armed.prev = all_.prev;
    armed.next = &all_;
    armed.prev->next = all_.prev = &armed;
  }
  void Stop(std::size_t timer) {
    if (timers_[timer].next != nullptr) Remove(timers_[timer]);
  }
  void Poll() {
    while (all_.next != &all_ && all_.next->deadline <= bench::VirtualNow()) {
      Timer& due = *all_.next;
      Remove(due);
      due.Fire(fired);
    }
  }

  std::int64_t fired = 0;

 private:
  void Remove(Timer& timer) {
    timer.prev->next = timer.next;
    timer.next->prev = timer.prev;
    timer.prev = timer.next = nullptr;
  }

  std::vector<Timer> timers_;
  Timer all_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<List>(argc, argv); }
