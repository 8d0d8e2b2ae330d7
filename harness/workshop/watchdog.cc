#include "workshop/watchdog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

#include "afterleak/census/duration.h"

namespace workshop {
namespace {

const Watchdog::Report* on_terminate = nullptr;

[[noreturn]] void Terminate() {
  std::string what = "std::terminate";
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = fmt::format("an exception that nobody catches: {}", e.what());
    } catch (...) {
      what = "an exception that nobody catches";
    }
  }
  (*on_terminate)("crash",
                  fmt::format("The code ends the whole program by {}. {}", what, kFreshRunTimes));
  _exit(1);
}

}  // namespace

Watchdog::Watchdog(int seconds, Report report)
    : report_(std::move(report)), thread_([this, seconds] { Loop(seconds); }) {
  on_terminate = &report_;
  std::set_terminate(&Terminate);
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Watchdog::Watch::Watch(Watchdog& watchdog, afterleak::Bubble& bubble) : watchdog_(watchdog) {
  const std::lock_guard lock(watchdog_.mutex_);
  watchdog_.bubble_ = &bubble;
}

Watchdog::Watch::~Watch() {
  const std::lock_guard lock(watchdog_.mutex_);
  watchdog_.bubble_ = nullptr;
}

void Watchdog::Loop(int seconds) {
  std::unique_lock lock(mutex_);
  if (wake_.wait_for(lock, std::chrono::seconds(seconds), [this] { return over_; })) return;
  if (bubble_ == nullptr) {
    report_("hang",
            "The code does not let go when its bubble ends: does it catch (...) and go on?");
  } else {
    const afterleak::Time now = bubble_->Now();
    const std::string at = afterleak::FormatDuration(now.time_since_epoch());
    wake_.wait_for(lock, std::chrono::milliseconds(500), [this] { return over_; });
    if (over_) return;
    if (bubble_ == nullptr || bubble_->Now() != now) {
      report_("hang", fmt::format("The code keeps the clock busy: after {} s it was still at work, "
                                  "at {} of virtual time.",
                                  seconds, at));
    } else {
      report_("hang", fmt::format("Virtual time stands still at {}: the code runs on without ever "
                                  "blocking, or waits for something outside of its bubble.",
                                  at));
    }
  }
  _exit(1);
}

}  // namespace workshop
