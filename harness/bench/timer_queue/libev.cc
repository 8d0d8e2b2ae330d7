// libev: a heap with four children per node, on watchers that the caller owns.
#include <ev.h>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

class Libev {
 public:
  static constexpr const char* kName = "libev";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  Libev(std::size_t room, nanoseconds) : timers_(room), loop_(ev_loop_new(EVFLAG_AUTO)) {
    for (ev_timer& timer : timers_) {
      ev_init(&timer,
              [](struct ev_loop*, ev_timer* due, int) { ++static_cast<Libev*>(due->data)->fired; });
      timer.data = this;
    }
  }
  ~Libev() { ev_loop_destroy(loop_); }

  // Delays count from the time that the loop last read.
  void Arm(std::size_t timer, nanoseconds delay) {
    const std::chrono::duration<double> after = delay + (bench::VirtualNow() - polled_);
    ev_timer_set(&timers_[timer], after.count(), 0);
    ev_timer_start(loop_, &timers_[timer]);
  }
  void Stop(std::size_t timer) { ev_timer_stop(loop_, &timers_[timer]); }
  void Poll() {
    polled_ = bench::VirtualNow();
    ev_run(loop_, EVRUN_NOWAIT);
  }

  std::int64_t fired = 0;

 private:
  std::vector<ev_timer> timers_;
  struct ev_loop* loop_;
  nanoseconds polled_ = bench::VirtualNow();
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Libev>(argc, argv); }
