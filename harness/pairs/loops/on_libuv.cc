#include <uv.h>

#include <deque>
#include <utility>

#include "pairs/loops/libuv.h"
#include "pairs/loops/loop_host.h"

namespace pairs {
namespace {

using afterleak::Variant;

class OnLibuv final : public LoopHost {
 public:
  OnLibuv() { uv_loop_init(&loop_); }
  ~OnLibuv() override {
    for (Watcher& watcher : watchers_) uv_close(Handle(&watcher.poll), nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }

  void Run() override { uv_run(&loop_, UV_RUN_DEFAULT); }
  void Stop() override { uv_stop(&loop_); }

  void OnReadable(int descriptor, std::function<void()> ready) override {
    Watcher& watcher = watchers_.emplace_back(std::move(ready));
    uv_poll_init(&loop_, &watcher.poll, descriptor);
    watcher.poll.data = &watcher;
    uv_poll_start(&watcher.poll, UV_READABLE,
                  [](uv_poll_t* poll, int, int) { static_cast<Watcher*>(poll->data)->ready(); });
  }

  void LoopingSelect(Variant side, int messages, LoopTimes times, Work work,
                     std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::LoopingSelect(&loop_, messages, times, std::move(work), std::move(returned));
    else
      fixed::LoopingSelect(&loop_, messages, times, std::move(work), std::move(returned));
  }
  void EarlyReturn(Variant side, int messages, LoopTimes times,
                   std::function<void(std::optional<std::string>)> returned) override {
    if (side == Variant::kLeaky)
      leaky::EarlyReturn(&loop_, messages, times, std::move(returned));
    else
      fixed::EarlyReturn(&loop_, messages, times, std::move(returned));
  }
  void IdleTimeout(Variant side, int messages, afterleak::Duration quiet, Work work,
                   std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::IdleTimeout(&loop_, messages, quiet, std::move(work), std::move(returned));
    else
      fixed::IdleTimeout(&loop_, messages, quiet, std::move(work), std::move(returned));
  }
  void SignalBeforeExpiry(Variant side, int signal, afterleak::Duration length,
                          std::function<void(std::optional<int>)> ended) override {
    if (side == Variant::kLeaky)
      leaky::SignalBeforeExpiry(&loop_, signal, length, std::move(ended));
    else
      fixed::SignalBeforeExpiry(&loop_, signal, length, std::move(ended));
  }

 private:
  struct Watcher {
    std::function<void()> ready;
    uv_poll_t poll{};
  };
  uv_loop_t loop_;
  std::deque<Watcher> watchers_;
};

}  // namespace

const std::string_view kLoopLibrary = "libuv";

std::unique_ptr<LoopHost> MakeHost(std::string_view) { return std::make_unique<OnLibuv>(); }

}  // namespace pairs
