#include "pairs/loops/loop_stage.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/leak_check.h"
#include "afterleak/loops/loop_bubble.h"
#include "afterleak/loops/loops.h"
#include "pairs/loops/messages.h"
#include "stage/probe.h"

namespace pairs {
namespace {

using namespace afterleak;
using afterleak::loops::LoopBubble;

constexpr Duration kSessionLength = std::chrono::seconds(30);
constexpr Duration kQuiet = std::chrono::seconds(30);
constexpr std::size_t kNotes = 10'000;  // room from the start: notes must not look like a leak

// Thrown by what happens in the bubble.
class Interrupted : public std::exception {};

// The counters of what was armed since, and is live now.
CensusTotals Since(const CensusTotals& before) {
  CensusTotals now = loops::Totals();
  now.live -= before.live;
  now.rooted -= before.rooted;
  now.armed -= before.armed;
  now.fired -= before.fired;
  now.stopped -= before.stopped;
  now.ticks -= before.ticks;
  now.peak_live = now.live;
  return now;
}

// A side of a pair on its loop, and the load that it is under.
class OnStage {
 public:
  OnStage(std::string_view pattern, const RunOptions& options, const LoopTerms& terms)
      : options_(options),
        terms_(terms),
        load_ends_(Time(options.length) + Duration(1)),
        start_(StartOf(pattern)) {
    times_.poll /= options.tempo;
    times_.give_up /= options.tempo;
    const heap::Scope::Suspend ours;
    now_.returned.reserve(kNotes);
    now_.polled.reserve(kNotes);
  }

  // The loop runs in a thread, from now on. What it allocates is charged to the current heap scope.
  void Start(std::string_view on, LoopBubble& bubble) {
    bubble_ = &bubble;
    host_ = MakeHost(on);
    host_->OnReadable(calls_.receiver(), [this] {
      if (Receive(calls_.receiver()))
        CallEarlyReturn();
      else
        host_->Stop();
    });
    bubble.Go(
        [this, scope = heap::CurrentScope()] {
          const heap::Adopt adopt(scope);
          (this->*start_)();
          host_->Run();
        },
        [this] { calls_.Close(); });
    ScheduleEvent(1);
    bubble.At(load_ends_, [this] {
      did_ = now_;
      messages_.Close();
      if (listening_) kill(getpid(), SIGTERM);
    });
  }

  Time load_ends() const { return load_ends_; }
  // When the last timer of a run is over, whatever leaks.
  Time all_fired() const {
    return load_ends_ + std::max({times_.give_up, SessionLength(), Quiet()});
  }
  const Did& did() const { return did_; }
  // Whether there was one call, and it is over.
  bool only_call_is_over() const {
    return options_.workload.kind == Workload::Kind::kOnce && !now_.returned.empty();
  }
  void ThrowIfInterrupted() const {
    if (terms_.interrupted != nullptr && *terms_.interrupted) throw Interrupted();
  }

 private:
  using Starter = void (OnStage::*)();

  static Starter StartOf(std::string_view pattern) {
    if (pattern == "looping_select") return &OnStage::StartLoopingSelect;
    if (pattern == "early_return") return &OnStage::StartEarlyReturn;
    if (pattern == "idle_timeout") return &OnStage::StartIdleTimeout;
    if (pattern == "signal_before_expiry") return &OnStage::StartSession;
    throw std::invalid_argument(fmt::format("{} is not written for event loops", pattern));
  }

  Duration SessionLength() const { return kSessionLength / options_.tempo; }
  Duration Quiet() const { return kQuiet / options_.tempo; }
  bool busy() const { return options_.workload.kind == Workload::Kind::kBusy; }

  // These are in the loop's thread.
  void StartLoopingSelect() {
    event_ = [this] { messages_.Send("hello"); };
    host_->LoopingSelect(options_.variant, messages_.receiver(), times_, Loop(),
                         [this] { Returned(); });
  }

  void StartIdleTimeout() {
    event_ = [this] { messages_.Send("hello"); };
    host_->IdleTimeout(options_.variant, messages_.receiver(), Quiet(), Loop(),
                       [this] { Returned(); });
  }

  Work Loop() {
    return {.handle = [this](const std::string&) { ++now_.heard; },
            .poll = [this] { now_.polled.push_back(bubble_->Now().time_since_epoch()); }};
  }

  // One call or, under load, one for each message.
  void StartEarlyReturn() {
    event_ = [this] {
      messages_.Send("hello");
      if (busy()) calls_.Send("call");
    };
    if (!busy()) CallEarlyReturn();
  }

  void CallEarlyReturn() {
    host_->EarlyReturn(options_.variant, messages_.receiver(), times_,
                       [this](const std::optional<std::string>& message) {
                         if (message) ++now_.heard;
                         Returned();
                       });
  }

  // One session after another; only one if the workload is a single signal.
  void StartSession() {
    event_ = [this] {
      if (listening_) kill(getpid(), SIGTERM);
    };
    listening_ = true;
    host_->SignalBeforeExpiry(
        options_.variant, SIGTERM, SessionLength(), [this](std::optional<int> signal) {
          listening_ = false;
          if (signal) ++now_.heard;
          Returned();
          if (bubble_->Now() < load_ends_ && options_.workload.kind != Workload::Kind::kOnce)
            StartSession();
        });
  }

  void Returned() { now_.returned.push_back(bubble_->Now().time_since_epoch()); }

  void ScheduleEvent(std::int64_t k) {
    const Workload& workload = options_.workload;
    Time due = Time::max();
    if (busy()) due = InstantOf(k, workload.rate);
    if (workload.kind == Workload::Kind::kOnce && k == 1) due = Time(workload.at);
    if (due >= load_ends_) return;
    bubble_->At(due, [this, k] {
      ThrowIfInterrupted();
      event_();
      ScheduleEvent(k + 1);
    });
  }

  const RunOptions options_;
  const LoopTerms terms_;
  const Time load_ends_;  // what is due at the end of the run still happens
  const Starter start_;
  LoopTimes times_;
  Messages messages_;
  Messages calls_;  // of EarlyReturn; the loop ends with it
  LoopBubble* bubble_ = nullptr;
  std::unique_ptr<LoopHost> host_;
  std::function<void()> event_;
  std::atomic<bool> listening_ = false;  // to signals: if nobody does, they end the process
  Did now_;
  Did did_;
};

}  // namespace

LoopRun RunOnLoop(std::string_view on, std::string_view pattern, const RunOptions& options,
                  const LoopTerms& terms) {
  LoopRun run{
      .timeline = {.pattern = std::string(pattern), .on = std::string(on), .options = options}};
  Timeline& timeline = run.timeline;
  const CensusTotals before = loops::Totals();
  const Inventory nothing = terms.judged ? loops::Alive() : Inventory{};
  const heap::Scope scope;
  auto stage =
      std::make_unique<OnStage>(pattern, options, terms);  // the bubble waits for its threads
  LoopBubble bubble;
  stage->Start(on, bubble);

  const heap::Scope::Suspend ours;  // from here on it is our work, not the pair's
  for (Duration at{}; at <= options.length; at += options.sample) {
    bubble.SampleAt(at, [&timeline, &before, &scope, &stage, at] {
      stage->ThrowIfInterrupted();
      timeline.samples.push_back({.at = at, .census = Since(before), .heap = scope.usage()});
    });
  }
  for (const Duration at : options.checkpoints)
    bubble.SampleAt(at, [at] { probe::Checkpoint(at); });
  const auto left = [&] {
    return loops::CheckLeftSince(nothing, {.allowed = options.allowed, .may_be_idle = true})
        .findings;
  };
  std::vector<Finding> left_by_only_call;
  if (terms.judged && options.workload.kind == Workload::Kind::kOnce) {
    bubble.SampleAt(options.workload.at, [&] {
      if (stage->only_call_is_over()) left_by_only_call = left();
    });
  }
  std::vector<CensusReport> windows;
  try {
    for (int i = 1; i <= kWindows; ++i) {
      loops::NextWindow();
      bubble.AdvanceTo(i == kWindows ? options.length : options.length / kWindows * i);
      if (terms.judged && i > kWarmUp) windows.push_back(loops::Report());
    }
  } catch (const Interrupted&) {
    timeline.interrupted = true;
    if (terms.judged) windows.push_back(loops::Report());
  }
  if (terms.judged) timeline.report = windows.back();
  timeline.report.at = timeline.interrupted ? bubble.Now() : Time(options.length);
  timeline.report.totals = Since(before);
  for (const Sample& sample : timeline.samples) {
    std::int64_t& peak = timeline.report.totals.peak_live;
    peak = std::max(peak, sample.census.live);
  }
  if (!timeline.interrupted) {
    bubble.AdvanceTo(stage->load_ends());
    if (terms.judged) {
      timeline.findings = left();
      if (timeline.findings.empty()) timeline.findings = std::move(left_by_only_call);
      std::ranges::move(JudgeGrowing(windows, options.allowed),
                        std::back_inserter(timeline.findings));
    }
    if (terms.end == LoopEnd::kTornDown) bubble.AdvanceTo(stage->all_fired());
  }
  bubble.Finish();
  run.did = stage->did();
  if (timeline.interrupted || terms.end == LoopEnd::kPending) run.pending = stage.release();
  return run;
}

}  // namespace pairs
