// GLib: a list of sources, all of which are looked at in every turn of the loop. As g_timeout_add
// does it, a timer is made when it is armed and destroyed when it is stopped or has fired.
#include <glib.h>

#include "bench/timer_queue/operations.h"

namespace {

using bench::nanoseconds;

class Glib {
 public:
  static constexpr const char* kName = "glib";
  static constexpr std::int64_t kMost = 1'000;
  static constexpr bool kAnyDelay = true;
  static constexpr bool kMovesInBulk = false;

  Glib(std::size_t room, nanoseconds) : timers_(room), loop_(g_main_context_new()) {}
  ~Glib() {
    for (std::size_t i = 0; i < timers_.size(); ++i) Stop(i);
    g_main_context_unref(loop_);
  }

  void Arm(std::size_t timer, nanoseconds delay) {
    GSource* source =
        g_timeout_source_new(static_cast<guint>(delay / std::chrono::milliseconds(1)));
    timers_[timer] = {.source = source, .owner = this};
    g_source_set_callback(source, Due, &timers_[timer], nullptr);
    g_source_attach(source, loop_);
    g_source_unref(source);  // the loop keeps it
  }
  void Stop(std::size_t timer) {
    if (timers_[timer].source != nullptr) g_source_destroy(timers_[timer].source);
    timers_[timer].source = nullptr;
  }
  void Poll() { g_main_context_iteration(loop_, FALSE); }

  std::int64_t fired = 0;

 private:
  struct Timer {
    GSource* source = nullptr;
    Glib* owner = nullptr;
  };

  static gboolean Due(void* due) {
    auto* timer = static_cast<Timer*>(due);
    timer->source = nullptr;
    ++timer->owner->fired;
    return G_SOURCE_REMOVE;
  }

  std::vector<Timer> timers_;
  GMainContext* loop_;
};

}  // namespace

int main(int argc, char** argv) { return bench::Main<Glib>(argc, argv); }
