#include <glib-unix.h>
#include <glib.h>

#include <deque>
#include <utility>

#include "pairs/loops/glib.h"
#include "pairs/loops/loop_host.h"

namespace pairs {
namespace {

using afterleak::Variant;

class OnGlib final : public LoopHost {
 public:
  OnGlib() : loop_(g_main_loop_new(nullptr, FALSE)) {}
  ~OnGlib() override {
    for (const guint watcher : watchers_) g_source_remove(watcher);
    g_main_loop_unref(loop_);
  }

  void Run() override { g_main_loop_run(loop_); }
  void Stop() override { g_main_loop_quit(loop_); }

  void OnReadable(int descriptor, std::function<void()> ready) override {
    const auto call = +[](gint, GIOCondition, gpointer data) {
      (*static_cast<std::function<void()>*>(data))();
      return gboolean{G_SOURCE_CONTINUE};
    };
    watchers_.push_back(
        g_unix_fd_add(descriptor, G_IO_IN, call, &calls_.emplace_back(std::move(ready))));
  }

  void LoopingSelect(Variant side, int messages, LoopTimes times, Work work,
                     std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::LoopingSelect(messages, times, std::move(work), std::move(returned));
    else
      fixed::LoopingSelect(messages, times, std::move(work), std::move(returned));
  }
  void EarlyReturn(Variant side, int messages, LoopTimes times,
                   std::function<void(std::optional<std::string>)> returned) override {
    if (side == Variant::kLeaky)
      leaky::EarlyReturn(messages, times, std::move(returned));
    else
      fixed::EarlyReturn(messages, times, std::move(returned));
  }
  void IdleTimeout(Variant side, int messages, afterleak::Duration quiet, Work work,
                   std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::IdleTimeout(messages, quiet, std::move(work), std::move(returned));
    else
      fixed::IdleTimeout(messages, quiet, std::move(work), std::move(returned));
  }
  void SignalBeforeExpiry(Variant side, int signal, afterleak::Duration length,
                          std::function<void(std::optional<int>)> ended) override {
    if (side == Variant::kLeaky)
      leaky::SignalBeforeExpiry(signal, length, std::move(ended));
    else
      fixed::SignalBeforeExpiry(signal, length, std::move(ended));
  }

 private:
  GMainLoop* const loop_;  // of the default context, which g_timeout_add uses
  std::deque<std::function<void()>> calls_;
  std::deque<guint> watchers_;
};

}  // namespace

const std::string_view kLoopLibrary = "glib";

std::unique_ptr<LoopHost> MakeHost(std::string_view) { return std::make_unique<OnGlib>(); }

}  // namespace pairs
