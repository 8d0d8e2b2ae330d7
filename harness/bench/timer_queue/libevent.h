// libevent: a binary heap of pointers to events that the caller owns. For a duration announced
// beforehand it can use a list instead ("common timeout").
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bench/timer_queue/operations.h"

namespace bench {

inline timeval ToTimeval(nanoseconds time) {
  return {.tv_sec = time / 1s, .tv_usec = time % 1s / 1us};
}

template <bool kCommon>
class Libevent {
 public:
  static constexpr const char* kName = kCommon ? "libevent_common" : "libevent";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kAnyDelay = !kCommon;
  static constexpr bool kMovesInBulk = false;

  Libevent(std::size_t room, nanoseconds usual) : timers_(room), base_(event_base_new()) {
    for (event& timer : timers_)
      evtimer_assign(
          &timer, base_,
          [](evutil_socket_t, short, void* self) { ++static_cast<Libevent*>(self)->fired; }, this);
    const timeval duration = ToTimeval(usual);
    if (kCommon) common_ = event_base_init_common_timeout(base_, &duration);
  }
  ~Libevent() {
    for (auto timer = timers_.rbegin(); timer != timers_.rend(); ++timer) event_del(&*timer);
    event_base_free(base_);
  }

  void Arm(std::size_t timer, nanoseconds delay) {
    const timeval after = ToTimeval(delay);
    event_add(&timers_[timer], kCommon ? common_ : &after);
  }
  void Stop(std::size_t timer) { event_del(&timers_[timer]); }
  void Poll() { event_base_loop(base_, EVLOOP_NONBLOCK); }

  std::int64_t fired = 0;

 private:
  std::vector<event> timers_;
  event_base* base_;
  const timeval* common_ = nullptr;
};

}  // namespace bench
