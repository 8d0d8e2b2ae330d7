// What ends a bubble that cannot go on: too many turns at one instant, or none for too long.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "afterleak/bubble/runtime.h"
#include "afterleak/census/duration.h"

namespace afterleak::internal {

// How many more calls a goroutine has before it is unwound, once its bubble must end. It may be in
// a destructor that sends or closes, out of which no exception could come.
constexpr int kOvertime = 10'000;

// In how many parts a wait is watched. A debugger or a suspended machine spoils only one of them.
constexpr int kLooks = 3;

// No wait is longer, so that the sum of now and a wait does not overflow.
constexpr Duration kLongestLook = std::chrono::hours(24);

// The slow way of a call: there have been too many turns, or the bubble must end.
void Runtime::Overrun(Goroutine* caller) {
  if (!interrupted_ && !closing_) TooManyTurns();
  if (caller == nullptr) {  // an event: what it throws ends the drive
    if (stuck_) std::rethrow_exception(stuck_);
    return;
  }
  const bool ends = is_virtual() || closing_ || caller == root_;
  if (!ends || ++caller->overtime <= kOvertime || std::uncaught_exceptions() > 0) return;
  if (closing_ && caller->overtime == kOvertime + 1) {  // once, should the program catch it
    const std::string line = fmt::format(
        "afterleak: a bubble ends, and goroutine {} has not blocked in {} calls: it is "
        "unwound at {}:{}\n",
        caller->id, kOvertime, caller->where.file_name(), caller->where.line());
    std::fputs(line.c_str(), stderr);
  }
  throw Unwind();
}

void Runtime::TooManyTurns() {
  BeStuck(fmt::format("{} turns, and no end (Options::turns_at_one_instant)",
                      options_.turns_at_one_instant));
}

void Runtime::NobodyCalls() {
  BeStuck(fmt::format("{} for {} (Options::stuck_after)",
                      in_event_ ? "an event (At or SampleAt) has not returned"
                                : "what is running has not called the run-time, because it spins "
                                  "or waits for something else, such as a std::mutex,",
                      FormatDuration(options_.stuck_after)));
}

void Runtime::BeStuck(const std::string& reason) {
  if (stuck_) return;
  const heap::Scope::Suspend suspend;
  try {
    throw Stuck("time stands still at " + FormatDuration(Now().time_since_epoch()) + ": " + reason +
                "\n" + ToString(Goroutines()) + ToString(census_.Report(Now())));
  } catch (...) {
    stuck_ = std::current_exception();
  }
  Stop();
}

// Waits until `self` has the baton, or must unwind.
void Runtime::AwaitTurn(Goroutine& self, Lock& lock) {
  const auto resumed = [&] { return self.state == Goroutine::State::kRunning; };
  if (!is_virtual()) return self.wake.wait(lock, resumed);
  if (&self == root_) {
    caller_waits_ = true;
    const bool moves = Watch(self.wake, lock, resumed);
    caller_waits_ = false;
    if (moves) return;
    NobodyCalls();
    if (self.state == Goroutine::State::kRunnable) run_queue_.Remove(self);
    self.state = Goroutine::State::kRunning;
    self.unwinds = true;
    ++running_;
    return;
  }
  while (!Watch(self.wake, lock, resumed)) {
    if (!driving_ || caller_waits_ || stuck_ || closing_) continue;
    CallerIsGone();
  }
}

// The thread that would have to be told is the one that does not come back.
void Runtime::CallerIsGone() {
  NobodyCalls();
  [this]() noexcept { std::rethrow_exception(stuck_); }();
}

// For the thread that called, which may have to run main or an event: an idle worker looks after
// it, if no goroutine is blocked that could. Where the system has no thread, nobody does.
void Runtime::StartWatching() {
  if (!idle_.empty() || !busy_.empty()) return;
  try {
    StartWorker(nullptr);
  } catch (const std::exception&) {
  }
}

// An idle worker has waited for as long as `look` says.
void Runtime::LookAfterCaller(Stillness& still, Duration look) {
  const auto place = std::pair(now_, turns_);
  const bool runs = is_virtual() && driving_ && !caller_waits_ && !stuck_ && !closing_;
  if (!runs || still.place != place) {
    still = {.place = place};
    return;
  }
  still.lasts += look;
  if (still.lasts >= options_.stuck_after) CallerIsGone();
}

Duration Runtime::LookLength() const {
  return std::min(options_.stuck_after / kLooks, kLongestLook);
}

// Waits for `done`. False if for as long as Options::stuck_after says nothing has moved meanwhile.
// Once the bubble must stop, calls do not count.
bool Runtime::Watch(std::condition_variable& wake, Lock& lock, const std::function<bool()>& done) {
  const Duration look = LookLength();
  const auto place = [this] { return std::pair(now_, turns_); };
  auto seen = place();
  for (int still = 0; still < kLooks; ++still) {
    if (wake.wait_for(lock, look, done)) return true;
    if (place() != seen) still = -1;
    seen = place();
  }
  return false;
}

}  // namespace afterleak::internal
