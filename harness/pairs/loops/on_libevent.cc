#include <event2/event.h>

#include <deque>
#include <utility>

#include "pairs/loops/libevent.h"
#include "pairs/loops/loop_host.h"

namespace pairs {
namespace {

using afterleak::Variant;

class OnLibevent final : public LoopHost {
 public:
  OnLibevent() : loop_(event_base_new()) {}
  ~OnLibevent() override {
    for (event* watcher : watchers_) event_free(watcher);
    event_base_free(loop_);
  }

  void Run() override { event_base_dispatch(loop_); }
  void Stop() override { event_base_loopbreak(loop_); }

  void OnReadable(int descriptor, std::function<void()> ready) override {
    event* const watcher = event_new(
        loop_, descriptor, EV_READ | EV_PERSIST,
        [](int, Events, void* call) { (*static_cast<std::function<void()>*>(call))(); },
        &calls_.emplace_back(std::move(ready)));
    event_add(watcher, nullptr);
    watchers_.push_back(watcher);
  }

  void LoopingSelect(Variant side, int messages, LoopTimes times, Work work,
                     std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::LoopingSelect(loop_, messages, times, std::move(work), std::move(returned));
    else
      fixed::LoopingSelect(loop_, messages, times, std::move(work), std::move(returned));
  }
  void EarlyReturn(Variant side, int messages, LoopTimes times,
                   std::function<void(std::optional<std::string>)> returned) override {
    if (side == Variant::kLeaky)
      leaky::EarlyReturn(loop_, messages, times, std::move(returned));
    else
      fixed::EarlyReturn(loop_, messages, times, std::move(returned));
  }
  void IdleTimeout(Variant side, int messages, afterleak::Duration quiet, Work work,
                   std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::IdleTimeout(loop_, messages, quiet, std::move(work), std::move(returned));
    else
      fixed::IdleTimeout(loop_, messages, quiet, std::move(work), std::move(returned));
  }
  void SignalBeforeExpiry(Variant side, int signal, afterleak::Duration length,
                          std::function<void(std::optional<int>)> ended) override {
    if (side == Variant::kLeaky)
      leaky::SignalBeforeExpiry(loop_, signal, length, std::move(ended));
    else
      fixed::SignalBeforeExpiry(loop_, signal, length, std::move(ended));
  }

 private:
  event_base* const loop_;
  std::deque<std::function<void()>> calls_;
  std::deque<event*> watchers_;
};

}  // namespace

const std::string_view kLoopLibrary = "libevent";

std::unique_ptr<LoopHost> MakeHost(std::string_view) { return std::make_unique<OnLibevent>(); }

}  // namespace pairs
