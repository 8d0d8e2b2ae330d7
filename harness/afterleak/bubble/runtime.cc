#include "afterleak/bubble/runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "afterleak/census/duration.h"
#include "afterleak/census/site.h"

namespace afterleak::internal {
namespace {

// Where the calling thread is: in a goroutine, in an event of a runtime (no goroutine), or
// in no bubble.
struct Here {
  Runtime* runtime = nullptr;
  Goroutine* goroutine = nullptr;
};
thread_local Here here;

constexpr TimerKind kGoroutine{
    .name = "goroutine",
    .resource = Resource::kGoroutine,
    .cure = "make it return: close its channel, cancel its context, or give its wait a limit"};

// How long an idle thread is kept, in case there is more work.
constexpr std::chrono::seconds kIdle(1);

// How many goroutines of a real bubble run before a new one has to wait: Go's GOMAXPROCS. With
// fewer than four, two goroutines that block outside the run-time would hold up the others on
// a small machine.
int MostRunning() {
  static const int most = std::max(4, static_cast<int>(std::thread::hardware_concurrency()));
  return most;
}

}  // namespace

EnterRuntime::EnterRuntime(Runtime* runtime, Goroutine* goroutine)
    : runtime_(std::exchange(here.runtime, runtime)),
      goroutine_(std::exchange(here.goroutine, goroutine)) {}

EnterRuntime::~EnterRuntime() { here = {runtime_, goroutine_}; }

Runtime::Runtime(const Bubble::Options& options, Bubble& bubble)
    : options_(options),
      bubble_(&bubble),
      random_(options.seed),
      turn_limit_(is_virtual() ? options.turns_at_one_instant : ~std::uint64_t{0}) {
  if (options.call_stacks) census_.KeepCallStacks(options.wrappers);
  if (options.journal) census_.KeepJournal([this] { return Now(); });
}

Runtime* Runtime::Here() { return here.runtime; }

void Runtime::Turn(std::source_location site, std::uint64_t turns) {
  if (here.runtime != this) return;
  if (here.goroutine != nullptr) here.goroutine->where = site;
  if (turns_ + turns > turn_limit_) return Overrun(here.goroutine);
  turns_ += turns;
}

bool Runtime::Elsewhere() const {
  if (here.runtime == this || closed_) return false;
  return is_virtual() || (here.runtime != nullptr && here.runtime->is_virtual());
}

// ---- goroutines

void Runtime::Go(std::function<void()>&& body, std::source_location site) {
  if (closing_) return;
  const heap::ScopeRef heap_scope = heap::CurrentScope();
  const heap::Scope::Suspend suspend;
  auto owned = std::make_unique<Goroutine>(site);
  Goroutine& goroutine = *owned;
  goroutine.runtime = this;
  goroutine.id = last_id_ + 1;
  goroutine.heap_scope = heap_scope;
  goroutine.ticket = census_.Arm(kGoroutine, site, sizeof(Goroutine), Now(), Time::max());
  bool waits = is_virtual() || !waiting_.empty() || running_ >= MostRunning();
  if (!waits) {
    try {
      Wake(goroutine);
    } catch (...) {
      if (busy_.empty()) {  // nothing would ever take it
        census_.Stop(goroutine.ticket);
        throw;
      }
      waits = true;
    }
  }
  goroutine.body = std::move(body);
  Enlist(*owned.release());  // deleted by the worker that runs it
  ++last_id_;
  if (!waits) return;
  if (is_virtual()) return Enqueue(goroutine);
  waiting_.Append(goroutine);
  WatchWaiting();
}

bool Goroutine::Resume(Runtime& rt, Lock& lock) {
  try {
    rt.Wake(*this);
    return true;
  } catch (...) {  // only one that has never run may lack what it needs
    std::exception_ptr failure = rt.Caught();
    rt.Discard(*this, lock);  // before anyone hears of it: then nothing of it is left
    rt.Fail(std::move(failure));
    return false;
  }
}

// A goroutine that has never run needs a thread. Throws if there is none, having changed nothing.
void Runtime::Wake(Goroutine& goroutine) {
  if (goroutine.state == Goroutine::State::kNew) {
    Assign(goroutine);
  } else if (&goroutine != here.goroutine) {
    goroutine.wake.notify_one();  // the one that drives the clock often wakes itself, and is awake
  }
  goroutine.state = Goroutine::State::kRunning;
  ++running_;
}

void Runtime::Assign(Goroutine& goroutine) {
  if (!idle_.empty()) {
    const auto worker = std::prev(idle_.end());
    busy_.splice(busy_.end(), idle_, worker);
    worker->assigned = &goroutine;
    return worker->wake.notify_one();
  }
  try {
    StartWorker(&goroutine);
  } catch (const std::system_error& error) {
    throw std::system_error(
        error.code(),
        fmt::format("no thread for a goroutine ({}:{}): the system gives no more than the {} that "
                    "the goroutines of its bubble have ({} have not ended)",
                    goroutine.where.file_name(), goroutine.where.line(), busy_.size(),
                    goroutines_.size()));
  }
}

// Without a goroutine it is idle.
void Runtime::StartWorker(Goroutine* goroutine) {
  const heap::Scope::Suspend suspend;
  Workers fresh(1);
  const auto worker = fresh.begin();
  worker->assigned = goroutine;
  worker->thread = std::thread([this, worker] { WorkerLoop(worker); });
  Workers& others = goroutine != nullptr ? busy_ : idle_;
  others.splice(others.end(), fresh);
}

// In a real bubble: a running goroutine has blocked or ended.
void Runtime::StartWaiting() {
  if (!waiting_.empty()) starved_since_ = Now();
  while (!waiting_.empty() && running_ < MostRunning() && StartFirstWaiting()) {
  }
}

// False if no thread is available; the clock will try again.
bool Runtime::StartFirstWaiting() {
  try {
    Wake(static_cast<Goroutine&>(waiting_.first()));
  } catch (...) {
    return false;
  }
  waiting_.Take();
  waiting_moved_ = Now();
  return true;
}

// A worker that ends a goroutine looks for more work before it sleeps, so a thousand callbacks in a
// row run on one thread.
void Runtime::WorkerLoop(Workers::iterator worker) {
  Lock lock(mutex_);
  const auto called = [&] { return worker->assigned != nullptr || unwound_; };
  for (;;) {
    Stillness still;
    while (!called()) {
      const Duration look = is_virtual() ? std::min<Duration>(kIdle, LookLength()) : kIdle;
      const bool idled = worker->wake.wait_for(lock, look) == std::cv_status::timeout;
      // While virtual time moves, what is allocated must not depend on the machine's clock.
      const bool stays = closing_ || (is_virtual() && driving_);
      if (!idled || called()) continue;
      if (!stays) return RetireWorker(worker, lock);
      LookAfterCaller(still, look);
    }
    if (worker->assigned == nullptr) return;
    Goroutine& goroutine = *std::exchange(worker->assigned, nullptr);
    RunBody(goroutine, goroutine.body, lock);
    Discard(goroutine, lock);
    if (unwound_) return;  // it was left behind, and nobody joins this thread
    idle_.splice(idle_.end(), busy_, worker);
    --running_;
    if (closing_) {
      outside_.notify_all();
    } else if (is_virtual()) {
      Dispatch(lock);
    } else {
      StartWaiting();
      if (running_ == 0) quiet_.notify_all();
    }
  }
}

// Each departing worker joins the one that left before it, and Close joins the last.
void Runtime::RetireWorker(Workers::iterator worker, Lock& lock) {
  Workers before;
  before.swap(left_);
  left_.splice(left_.end(), idle_, worker);
  lock.unlock();
  for (Worker& other : before) other.thread.join();
}

// Deletes a goroutine that has ended or will never run.
void Runtime::Discard(Goroutine& goroutine, Lock& lock) {
  lock.unlock();
  {
    const EnterRuntime nowhere(nullptr, nullptr);
    goroutine.body = nullptr;  // may run the user's destructors
  }
  lock.lock();
  census_.Stop(goroutine.ticket);
  Delist(goroutine);
  delete &goroutine;
}

void Runtime::RunBody(Goroutine& goroutine, const std::function<void()>& body, Lock& lock) {
  if (closing_ || goroutine.unwinds) return;
  lock.unlock();
  std::exception_ptr failure;
  {
    const EnterRuntime enter(this, &goroutine);
    const heap::Adopt adopt(goroutine.heap_scope);
    try {
      body();
    } catch (const Unwind&) {
    } catch (...) {
      failure = Caught();
    }
  }
  lock.lock();
  if (failure) Fail(std::move(failure));
}

Goroutine& Runtime::Self() {
  if (here.runtime == this) {
    if (here.goroutine == nullptr) throw Panic("an event or a sample of a bubble must not block");
    return *here.goroutine;
  }
  if (closed_) throw Panic("blocked in a bubble that has ended");
  const heap::Scope::Suspend suspend;  // kept as long as the thread
  thread_local Goroutine foreign{std::source_location::current()};
  foreign.runtime = this;
  foreign.foreign = true;
  return foreign;
}

void Runtime::Block(Goroutine& self, const char* waits_for, std::source_location site, Lock& lock) {
  if (closing_ && self.foreign) throw Panic("the bubble has ended");
  if (closing_) throw Unwind();
  // With the virtual clock, the driver sees this once everything is blocked.
  if (&self == root_ && !is_virtual() && (interrupted_ || failure_)) throw Unwind();
  self.state = Goroutine::State::kBlocked;
  self.waits_for = waits_for;
  self.where = site;
  if (self.foreign) {
    Enlist(self);
  } else {
    --running_;
  }
  if (is_virtual()) {
    Dispatch(lock);
  } else {
    StartWaiting();
    if (running_ == 0) quiet_.notify_all();
  }
  AwaitTurn(self, lock);
  if (self.foreign) {
    --running_;  // Resume counted it
    Delist(self);
    if (closing_) {
      outside_.notify_all();
    } else {
      StartWaiting();
    }
  }
  if (std::exchange(self.unwinds, false)) {
    if (self.foreign) throw Panic("the bubble has ended");
    throw Unwind();
  }
}

void Runtime::Ready(Goroutine& goroutine) {
  if (goroutine.unwinds) {  // about to unwind, but has something to deliver first
    goroutine.unwinds = false;
  } else if (is_virtual()) {
    goroutine.state = Goroutine::State::kRunnable;
    if (!closing_) Enqueue(goroutine);
  } else {
    Wake(goroutine);
  }
}

void Runtime::Yield(std::source_location site, Lock& lock) {
  if (here.runtime == this && here.goroutine != nullptr && closing_) throw Unwind();
  Turn(site);
  if (is_virtual()) {
    Goroutine& self = Self();
    FireDue(now_, lock);  // what was armed for this instant since it began
    --running_;
    Ready(self);
    Dispatch(lock);
    AwaitTurn(self, lock);
    if (std::exchange(self.unwinds, false)) throw Unwind();
  } else {
    lock.unlock();
    std::this_thread::yield();
  }
}

std::vector<GoroutineReport> Runtime::Goroutines() const {
  std::vector<GoroutineReport> reports;
  for (const Goroutine* g : goroutines_) {
    reports.push_back({.name = g->foreign ? "foreign thread" : fmt::format("goroutine {}", g->id),
                       .waits_for = g->state == Goroutine::State::kBlocked   ? g->waits_for
                                    : g->state == Goroutine::State::kNew     ? "not yet started"
                                    : g->state == Goroutine::State::kRunning ? "running"
                                                                             : "runnable",
                       .file = g->where.file_name(),
                       .line = g->where.line(),
                       .function = ShortFunction(g->where.function_name()),
                       .start_file = g->ticket != 0 ? g->started.file_name() : "",
                       .start_line = g->started.line(),
                       .start_column = g->started.column(),
                       .start_function = ShortFunction(g->started.function_name())});
  }
  return reports;
}

// By the line that started them and the one where they wait. Run's main goroutine and foreign
// threads are not counted: the caller of Run waits for the one, and the others are no goroutines.
void Runtime::TakeGoroutines(Inventory& inventory) const {
  std::map<std::pair<std::string, std::string>, Holding> rows;
  for (const GoroutineReport& g : Goroutines()) {
    if (g.start_file.empty()) continue;
    const std::string started =
        fmt::format("{}:{}:{} {}", g.start_file, g.start_line, g.start_column, g.start_function);
    const std::string waits =
        fmt::format("{} at {}:{} {}", g.waits_for, g.file, g.line, g.function);
    Holding& row = rows[{started, waits}];
    row.kind = kGoroutine.name;
    row.file = g.start_file;
    row.line = g.start_line;
    row.column = g.start_column;
    row.function = g.start_function;
    row.waits = waits;
    row.cure = kGoroutine.cure;
    ++row.count;
  }
  for (auto& [key, row] : rows) inventory.holdings.push_back(std::move(row));
}

int Runtime::NumGoroutine() const {
  return static_cast<int>(
      std::ranges::count_if(goroutines_, [](const Goroutine* g) { return !g->foreign; }));
}

std::uint32_t Runtime::Random(std::uint32_t bound) {
  // SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
  std::uint64_t z = (random_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<std::uint32_t>(((z >> 32) * bound) >> 32);
}

// ---- the life of a bubble

void Runtime::Run(const std::function<void()>& main, std::source_location site) {
  RefuseInside();
  Goroutine root(site);
  Lock lock(mutex_);
  if (stuck_) std::rethrow_exception(stuck_);
  deadlock_.clear();
  root.runtime = this;
  root.id = ++last_id_;
  root.heap_scope = heap::CurrentScope();
  Enlist(root);
  root_ = &root;
  limit_ = Time::max();
  driving_ = true;
  if (is_virtual()) {
    root.state = Goroutine::State::kRunnable;
    Enqueue(root);
    turns_ = 0;
    StartWatching();
    Dispatch(lock);
    AwaitTurn(root, lock);
    if (!stuck_) root.unwinds = false;  // after an Interrupt it begins, and ends at its first wait
  } else {
    root.state = Goroutine::State::kRunning;
    ++running_;
  }
  RunBody(root, main, lock);
  --running_;
  root_ = nullptr;
  Delist(root);
  if (!is_virtual()) {
    StartWaiting();
  } else if (running_ == 0) {  // otherwise main ended because another one is stuck
    Drive(now_, lock);
  }
  RethrowFailure(lock);
  if (!deadlock_.empty()) throw Deadlock(std::exchange(deadlock_, {}));
}

void Runtime::RefuseInside() const {
  if (here.runtime == this) throw Panic("Run and Advance are for threads outside of the bubble");
}

std::exception_ptr Runtime::Caught() const {
  if (failures_end_process_) std::terminate();
  return std::current_exception();
}

void Runtime::Fail(std::exception_ptr failure) {
  if (!failure_) failure_ = std::move(failure);
  if (!is_virtual()) EndRoot();
  outside_.notify_all();
}

// Ends a Run whose main goroutine nothing else will wake. With the virtual clock, no goroutine runs
// when this is called.
void Runtime::EndRoot() {
  if (root_ == nullptr || root_->state == Goroutine::State::kRunning) return;
  if (root_->state == Goroutine::State::kRunnable) run_queue_.Remove(*root_);
  root_->unwinds = true;
  Wake(*root_);
}

void Runtime::RethrowFailure(Lock& lock) {
  if (!failure_ && !stuck_) return;
  std::exception_ptr failure = failure_ ? std::exchange(failure_, nullptr) : stuck_;
  lock.unlock();
  std::rethrow_exception(std::move(failure));
}

void Runtime::Interrupt() {
  const Lock lock(mutex_);
  Stop();
}

void Runtime::Stop() {
  interrupted_ = true;
  turn_limit_ = 0;
  if (!is_virtual()) EndRoot();
  outside_.notify_all();
}

// Goroutines of a virtual bubble are unwound one after the other, so that their destructors run in
// a fixed order. Needs no memory and no thread. One that is running already may need another one to
// end first, such as one that holds a std::mutex.
void Runtime::UnwindGoroutines(Lock& lock) {
  const auto running = [](const Goroutine* g) { return g->state == Goroutine::State::kRunning; };
  while (!goroutines_.empty() || in_event_) {
    const std::size_t count = goroutines_.size();
    for (Goroutine* goroutine : goroutines_) {
      if (running(goroutine)) continue;
      if (goroutine->state == Goroutine::State::kNew) {
        Discard(*goroutine, lock);
        break;  // the list may have changed in the meantime
      }
      if (goroutine->state == Goroutine::State::kBlocked) goroutine->unwinds = true;
      Wake(*goroutine);
      if (is_virtual()) break;
    }
    const bool moves =
        Watch(outside_, lock, [&] { return count == 0 ? !in_event_ : goroutines_.size() < count; });
    if (!moves && std::ranges::all_of(goroutines_, running)) return LeaveBehind();
  }
}

void Runtime::LeaveBehind() {
  const heap::Scope::Suspend suspend;
  left_behind_ = true;
  static std::atomic<Runtime*> all;  // so that leak checkers find what is kept on purpose
  next_left_behind_ = all.exchange(this);
  bubble_ = new Bubble(*this);
  for (Worker& worker : busy_) worker.thread.detach();
  if (in_event_ && clock_thread_.joinable()) clock_thread_.detach();
  std::fputs(
      "afterleak: a bubble ends, but not what still runs in it, and does not block or call:\n",
      stderr);
  if (in_event_) std::fputs("an event (At or SampleAt)\n", stderr);
  std::fputs(ToString(Goroutines()).c_str(), stderr);
}

void Runtime::Close(Runtime* runtime) {
  Runtime& rt = *runtime;
  Lock lock(rt.mutex_);
  while (!rt.run_queue_.empty()) {  // context tasks still count; goroutines are unwound below
    Runnable& next = rt.run_queue_.Take();
    if (dynamic_cast<Goroutine*>(&next) == nullptr) next.Resume(rt, lock);
  }
  rt.closing_ = true;
  rt.turn_limit_ = 0;
  rt.UnwindGoroutines(lock);
  rt.unwound_ = true;
  for (Worker& worker : rt.idle_) worker.wake.notify_one();
  rt.clock_wake_.notify_one();
  lock.unlock();
  for (Workers* workers : {&rt.left_, &rt.idle_}) {
    for (Worker& worker : *workers) worker.thread.join();
  }
  if (rt.clock_thread_.joinable()) rt.clock_thread_.join();
  if (rt.failure_) {
    std::fputs("afterleak: a goroutine failed and nobody was told; the bubble ends\n", stderr);
    std::terminate();
  }
  rt.events_.clear();
  rt.signals_.reset();
  lock.lock();
  rt.closed_ = true;
  ++rt.objects_;                                  // the bubble itself
  if (!rt.left_behind_) rt.EmptyKeepsakes(lock);  // else one may be running
  while (TimerLink* pending = rt.queue_.PopAny()) static_cast<Alarm*>(pending)->Drop(lock);
  if (!rt.left_behind_) rt.RemoveObject(lock);
}

void Runtime::RemoveObject(Lock& lock) {
  const bool last = --objects_ == 0 && closed_;
  lock.unlock();
  if (last) delete this;
}

}  // namespace afterleak::internal
