#include <event2/event.h>

#include <vector>

#include "bench/loops/turns.h"

namespace {

class Loop {
 public:
  static constexpr const char* kName = "libevent";

  explicit Loop(std::int64_t live) : base_(event_base_new()), timer_(New()) {
    const timeval much_later{.tv_sec = 1000, .tv_usec = 0};
    for (std::int64_t i = 0; i < live; ++i) {
      pending_.push_back(New());
      event_add(pending_.back(), &much_later);
    }
  }
  ~Loop() {
    for (event* timer : pending_) event_free(timer);
    event_free(timer_);
    event_base_free(base_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void StartStop() {
    constexpr timeval kSecond{.tv_sec = 1, .tv_usec = 0};
    event_add(timer_, &kSecond);
    event_del(timer_);
  }

 private:
  event* New() {
    return evtimer_new(base_, [](evutil_socket_t, short, void*) {}, nullptr);
  }

  event_base* base_;
  event* timer_;
  std::vector<event*> pending_;
};

}  // namespace

int main(int argc, char** argv) { return bench::MeasureLoop<Loop>(argc, argv); }
