#include "afterleak/bubble/bubble.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "afterleak/bubble/runtime.h"

namespace afterleak {

using internal::Lock;
using internal::Runtime;

std::string_view ToString(TimerMode mode) { return mode == TimerMode::kGo122 ? "go122" : "go123"; }

Bubble::Bubble() : Bubble(Options{}) {}
Bubble::Bubble(const Options& options) : runtime_(new Runtime(options, *this), &Runtime::Close) {}
Bubble::Bubble(Runtime& left_behind) : runtime_(&left_behind, [](Runtime*) {}) {}
Bubble::~Bubble() = default;

void Bubble::Run(const std::function<void()>& main, std::source_location site) {
  runtime_->Run(main, site);
}

void Bubble::Go(std::function<void()> body, std::source_location site) {
  const Lock lock(runtime_->mutex());
  runtime_->Turn(site);
  runtime_->Go(std::move(body), site);
}

void Bubble::AdvanceTo(Time instant) { runtime_->AdvanceTo(instant); }
void Bubble::Advance(Duration span) { runtime_->AdvanceTo(SaturatingAdd(Now(), span)); }
void Bubble::At(Time instant, std::function<void()> event) {
  runtime_->At(instant, false, std::move(event));
}
void Bubble::SampleAt(Time instant, std::function<void()> sample) {
  runtime_->At(instant, true, std::move(sample));
}
void Bubble::Interrupt() { runtime_->Interrupt(); }
const Bubble::Options& Bubble::options() const { return runtime_->options(); }

Time Bubble::Now() const {
  const Lock lock(runtime_->mutex());
  return runtime_->Now();
}

CensusTotals Bubble::Totals() const {
  const Lock lock(runtime_->mutex());
  return runtime_->census().totals();
}

CensusReport Bubble::Report() const {
  const Lock lock(runtime_->mutex());
  const heap::Scope::Suspend suspend;
  return runtime_->census().Report(runtime_->Now());
}

std::vector<TimerLife> Bubble::Lives() const {
  const Lock lock(runtime_->mutex());
  const heap::Scope::Suspend suspend;
  const Journal* journal = runtime_->census().journal();
  return journal != nullptr ? journal->lives() : std::vector<TimerLife>();
}

std::vector<GoroutineReport> Bubble::Goroutines() const {
  const Lock lock(runtime_->mutex());
  const heap::Scope::Suspend suspend;
  return runtime_->Goroutines();
}

std::string ToString(const std::vector<GoroutineReport>& goroutines) {
  std::string out;
  for (const GoroutineReport& g : goroutines)
    out += fmt::format("{} [{}]: {}:{} {}\n", g.name, g.waits_for, g.file, g.line, g.function);
  return out;
}

Bubble& Bubble::Current() {
  Runtime* runtime = Runtime::Here();
  return runtime != nullptr ? runtime->bubble() : Default();
}

Bubble& Bubble::Default() {
  struct Process : Bubble {
    Process() : Bubble(Options{.clock = ClockKind::kReal}) { runtime_->FailuresEndTheProcess(); }
  };
  static Process process = [] {
    const heap::Scope::Suspend suspend;  // kept for the whole process: charge no scope for it
    return Process();
  }();
  return process;
}

// Not by way of the bubble: a goroutine that was left behind outlives it.
Runtime& internal::Runtime::Current() {
  Runtime* runtime = Here();
  return runtime != nullptr ? *runtime : *Bubble::Default().runtime_;
}

void Go(std::function<void()> body, std::source_location site) {
  Bubble::Current().Go(std::move(body), site);
}

int NumGoroutine() {
  Runtime& runtime = Runtime::Current();
  const Lock lock(runtime.mutex());
  return runtime.NumGoroutine();
}

void Gosched(std::source_location site) {
  Runtime& runtime = Runtime::Current();
  Lock lock(runtime.mutex());
  runtime.Yield(site, lock);
}

void Wait(std::source_location site) {
  Runtime& runtime = Runtime::Current();
  if (runtime.options().clock != ClockKind::kVirtual) throw Panic("Wait needs a virtual bubble");
  const heap::Scope::Suspend suspend;
  Lock lock(runtime.mutex());
  internal::Goroutine& self = runtime.Self();
  if (!runtime.BeginWait()) throw Panic("wait already in progress");
  struct End {
    Runtime& runtime;
    Lock& lock;
    ~End() {
      if (!lock.owns_lock()) lock.lock();
      runtime.EndWait();
    }
  } const end{runtime, lock};
  const Time now = runtime.Now();
  lock.unlock();
  // By the time of the sample, this goroutine may have been unwound. Then there is nothing to wake.
  const auto waiting = std::make_shared<internal::Goroutine*>(&self);
  runtime.At(now, true, [&runtime, weak = std::weak_ptr(waiting)] {
    const Lock event_lock(runtime.mutex());
    if (const auto waits = weak.lock()) runtime.Ready(**waits);
  });
  lock.lock();
  runtime.Block(self, "synctest.Wait", site, lock);
}

}  // namespace afterleak
