// Ours: the queue alone. A timer that expires gets a virtual call, as in the run-time.
#include "afterleak/bubble/timer_queue.h"
#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

// Aligned, so that none straddles two cache lines.
struct alignas(32) Timer : afterleak::TimerLink {
  virtual void Fire(std::int64_t& fired) { ++fired; }
};

class Afterleak {
 public:
  static constexpr const char* kName = "afterleak";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = true;

  Afterleak(std::size_t room, nanoseconds) : timers_(room) {}

  void Arm(std::size_t timer, nanoseconds delay) { queue_.Arm(timers_[timer], Now() + delay); }
  void Stop(std::size_t timer) {
    if (timers_[timer].pending()) queue_.Stop(timers_[timer]);
  }
  void Poll() {
    while (afterleak::TimerLink* due = queue_.PopDue(Now())) static_cast<Timer*>(due)->Fire(fired);
  }

  std::int64_t fired = 0;

 private:
  static afterleak::Time Now() { return afterleak::Time(bench::VirtualNow()); }

  std::vector<Timer> timers_;
  afterleak::TimerQueue queue_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Afterleak>(argc, argv); }
