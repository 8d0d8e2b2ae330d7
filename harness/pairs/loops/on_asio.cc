#include <asio.hpp>
#include <deque>
#include <utility>

#include "pairs/loops/asio.h"
#include "pairs/loops/loop_host.h"

namespace pairs {
namespace {

using afterleak::Variant;
using asio::posix::stream_descriptor;

class OnAsio : public LoopHost {
 public:
  ~OnAsio() override {
    for (stream_descriptor& stream : streams_) stream.release();  // it is its maker's
  }

  void Run() override { loop_.run(); }
  void Stop() override { loop_.stop(); }

  void OnReadable(int descriptor, std::function<void()> ready) override {
    Wait(Stream(descriptor), std::move(ready));
  }

  void LoopingSelect(Variant side, int messages, LoopTimes times, Work work,
                     std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::LoopingSelect(Stream(messages), times, std::move(work), std::move(returned));
    else
      fixed::LoopingSelect(Stream(messages), times, std::move(work), std::move(returned));
  }
  void EarlyReturn(Variant side, int messages, LoopTimes times,
                   std::function<void(std::optional<std::string>)> returned) override {
    if (side == Variant::kLeaky)
      leaky::EarlyReturn(Stream(messages), times, std::move(returned));
    else
      fixed::EarlyReturn(Stream(messages), times, std::move(returned));
  }
  void IdleTimeout(Variant side, int messages, afterleak::Duration quiet, Work work,
                   std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      leaky::IdleTimeout(Stream(messages), quiet, std::move(work), std::move(returned));
    else
      fixed::IdleTimeout(Stream(messages), quiet, std::move(work), std::move(returned));
  }
  void SignalBeforeExpiry(Variant side, int signal, afterleak::Duration length,
                          std::function<void(std::optional<int>)> ended) override {
    if (side == Variant::kLeaky)
      leaky::SignalBeforeExpiry(loop_, signal, length, std::move(ended));
    else
      fixed::SignalBeforeExpiry(loop_, signal, length, std::move(ended));
  }

 protected:
  // Asio watches each descriptor in one place.
  stream_descriptor& Stream(int descriptor) {
    for (stream_descriptor& stream : streams_) {
      if (stream.native_handle() == descriptor) return stream;
    }
    return streams_.emplace_back(loop_, descriptor);
  }

 private:
  static void Wait(stream_descriptor& stream, std::function<void()> ready) {
    stream.async_wait(stream_descriptor::wait_read,
                      [&stream, ready = std::move(ready)](asio::error_code error) {
                        if (error) return;
                        ready();
                        Wait(stream, ready);
                      });
  }

  asio::io_context loop_;
  std::deque<stream_descriptor> streams_;
};

class OnAsioWithCoroutines final : public OnAsio {
 public:
  void LoopingSelect(Variant side, int messages, LoopTimes times, Work work,
                     std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      return OnAsio::LoopingSelect(side, messages, times, std::move(work), std::move(returned));
    fixed::LoopingSelectOfCoroutines(Stream(messages), times, std::move(work), std::move(returned));
  }
  void IdleTimeout(Variant side, int messages, afterleak::Duration quiet, Work work,
                   std::function<void()> returned) override {
    if (side == Variant::kLeaky)
      return OnAsio::IdleTimeout(side, messages, quiet, std::move(work), std::move(returned));
    fixed::IdleTimeoutOfCoroutines(Stream(messages), quiet, std::move(work), std::move(returned));
  }
};

}  // namespace

const std::string_view kLoopLibrary = "asio";

std::unique_ptr<LoopHost> MakeHost(std::string_view on) {
  if (on == "coroutines") return std::make_unique<OnAsioWithCoroutines>();
  return std::make_unique<OnAsio>();
}

}  // namespace pairs
