// Asio. It has no select: in the leaky loop three operations share a flag, and the first to
// complete does the work. The others stay pending and keep themselves alive. In the fixed loop the
// two timers wait all the time, and each turn only receives.
#include <sys/epoll.h>

#include <asio/experimental/channel.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "bench/timer_queue/virtual_clock.h"
#include "bench/turn/turns.h"

// There are no sockets. The call is answered here, so that Asio's turns ask nothing of the
// kernel, like ours.
extern "C" int epoll_wait(int, epoll_event*, int, int) { return 0; }

namespace {

using asio::error_code;

class Loop {
 public:
  static constexpr const char* kName = "asio";
  static constexpr std::int64_t kMost = 10'000'000;
  static constexpr bool kManyThreads = false;  // they share the virtual clock

  template <class Work>
  static void Inside(std::int64_t live, const Work& work) {
    Loop loop;
    for (std::int64_t i = 0; i < live; ++i) {
      loop.After(bench::kMuchLater + i * std::chrono::milliseconds(1),
                 std::make_shared<bool>(false));
    }
    work(loop);
  }

  void LeakyTurns(std::int64_t turns) {
    for (std::int64_t i = 0; i < turns; ++i) {
      const auto decided = std::make_shared<bool>(false);
      messages_.try_send(error_code(), std::string("hello"));
      messages_.async_receive([this, decided](error_code error, const std::string&) {
        if (!error && !std::exchange(*decided, true)) ++received;
      });
      After(bench::kPoll, decided);
      After(bench::kGiveUp, decided);
      while (!*decided) loop_.poll_one();
    }
  }

  void FixedTurns(std::int64_t turns) {
    asio::steady_timer ticker(loop_, bench::kPoll);
    asio::steady_timer deadline(loop_, bench::kGiveUp);
    ticker.async_wait([](error_code) {});
    deadline.async_wait([](error_code) {});
    for (std::int64_t i = 0; i < turns; ++i) {
      const std::int64_t before = received;
      messages_.try_send(error_code(), std::string("hello"));
      messages_.async_receive([this](error_code error, const std::string&) {
        if (!error) ++received;
      });
      while (received == before) loop_.poll_one();
    }
    ticker.cancel();
    deadline.cancel();
    loop_.poll();
  }

  // Timers fire in the order of their deadlines, so this one fires after all those of the turns.
  void Expire() {
    const auto last = std::make_shared<bool>(false);
    After(bench::kGiveUp, last);
    bench::AdvanceVirtual(bench::kGiveUp);
    while (!*last) loop_.poll_one();
    loop_.poll();
  }

  std::int64_t received = 0;

 private:
  using Decided = std::shared_ptr<bool>;

  // time.After: a timer that nothing can stop.
  void After(std::chrono::nanoseconds delay, Decided decided) {
    auto timer = std::make_unique<asio::steady_timer>(loop_, delay);
    asio::steady_timer& armed = *timer;
    armed.async_wait([timer = std::move(timer), decided = std::move(decided)](error_code error) {
      if (!error) *decided = true;
    });
  }

  asio::io_context loop_{ASIO_CONCURRENCY_HINT_UNSAFE};  // without locks
  const asio::executor_work_guard<asio::io_context::executor_type> stays_{loop_.get_executor()};
  asio::experimental::channel<void(error_code, std::string)> messages_{loop_, 1};
};

}  // namespace

int main(int argc, char** argv) { return bench::TurnMain<Loop>(argc, argv); }
