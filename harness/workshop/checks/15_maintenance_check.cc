#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>

#include "workshop/on_libevent.h"
#include "workshop/on_loop.h"

namespace workshop {
namespace {

constexpr int kSignal = SIGUSR1;

// What libevent has from malloc: events, and what a loop needs.
int blocks = 0;

class EventLoop final : public LoopInPlace {
 public:
  EventLoop() {
    event_add(wake_, nullptr);
    current_ = this;
  }
  // A loop that still has events of the code is left as it is, as its maker would.
  ~EventLoop() override {
    current_ = nullptr;
    event_free(wake_);
    if (event_base_get_num_events(loop_, EVENT_BASE_COUNT_ADDED) == 0) event_base_free(loop_);
    close(stop_);
  }

  void Run() override {
    stopped_ = false;
    event_base_dispatch(loop_);
    Require(stopped_, "loop.stopped", "The loop is the server's: it must run on.");
  }
  void Stop() override { eventfd_write(stop_, 1); }

  static event_base* Current() { return current_->loop_; }

 private:
  static event_base* NewBase() {
    event_set_mem_functions([](std::size_t size) { return ++blocks, std::malloc(size); },
                            std::realloc,
                            [](void* block) { blocks -= block != nullptr, std::free(block); });
    return event_base_new();
  }

  static inline EventLoop* current_ = nullptr;
  event_base* const loop_ = NewBase();
  const int stop_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  event* const wake_ = event_new(
      loop_, stop_, EV_READ | EV_PERSIST,
      [](int stop, Events, void* self) {
        eventfd_t count = 0;
        eventfd_read(stop, &count);
        static_cast<EventLoop*>(self)->stopped_ = true;
        event_base_loopbreak(static_cast<EventLoop*>(self)->loop_);
      },
      this);
  bool stopped_ = false;
};

bool Heard() {
  struct sigaction action{};
  sigaction(kSignal, nullptr, &action);
  return action.sa_handler != SIG_DFL;
}

// If nobody waits for it, it ends the process.
void Send() {
  Require(Heard(), "maintenance.deaf",
          "The signal comes while somebody waits for it, and nobody has it registered.");
  kill(getpid(), kSignal);
}

// A wait, and how it ended. Must live until it has.
class Waiting {
 public:
  explicit Waiting(Duration length, std::function<void()> then = {}) {
    WaitForSignal(EventLoop::Current(), kSignal, length,
                  [this, then = std::move(then), kept = kept_](std::optional<int> signal) {
                    ++calls_;
                    signal_ = signal;
                    at_ = TimeInPlace();
                    if (then) then();
                  });
  }

  bool EndedAt(Duration since_start) const { return calls_ == 1 && at_ == Time(since_start); }
  bool GotIt(Duration since_start) const { return EndedAt(since_start) && signal_ == kSignal; }
  bool Expired(Duration since_start) const { return EndedAt(since_start) && !signal_; }
  bool LetGo() const { return kept_.use_count() == 1; }

 private:
  const std::shared_ptr<int> kept_ = std::make_shared<int>();
  int calls_ = 0;
  std::optional<int> signal_;
  Time at_{};
};

void EndsWithTheSignal() {
  const Waiting waiting(1h);
  RunUntil(10s);
  Send();
  RunUntil(10s);
  Require(waiting.GotIt(10s), "maintenance.signal",
          "The signal came at 10s: `ended` must be called with its number then.");
  RunUntil(3h);
  Require(waiting.GotIt(10s), "maintenance.twice",
          "The signal had ended the wait, and `ended` was called once more.");
}

void EndsWhenTheTimeIsOver() {
  const Waiting waiting(30s + 7ms);
  RunUntil(2min);
  Require(waiting.Expired(30s + 7ms), "maintenance.length",
          "No signal came: `ended` must be called with nothing when 30s and 7ms are over, to the "
          "instant.");
  Require(
      !Heard(), "maintenance.registered",
      "Nobody waits for the signal any more, and it still does nothing: it was SIG_DFL before.");
}

void SeveralWaitForOneSignal() {
  const Waiting brief(5s);
  const Waiting first(1h);
  RunUntil(1s);
  const Waiting second(1h);
  RunUntil(20s);
  Send();
  RunUntil(30s);
  const Waiting late(10s);
  RunUntil(3h);
  Require(brief.Expired(5s) && first.GotIt(20s) && second.GotIt(20s) && late.Expired(40s),
          "maintenance.together",
          "Four wait for one signal: the first until 5s, two until it comes at 20s, and one from "
          "30s to 40s. Each must end then, and once.");
  Require(
      !Heard(), "maintenance.registered",
      "Nobody waits for the signal any more, and it still does nothing: it was SIG_DFL before.");
}

void AnotherWaitWhenItEnds() {
  std::optional<Waiting> another;
  const Waiting waiting(10s, [&another] { another.emplace(10s); });
  RunUntil(3h);
  Require(waiting.Expired(10s) && another && another->Expired(20s), "maintenance.another",
          "`ended` may begin another wait, which must be like any other.");
}

void ManyAreBrief(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Waiting waiting(4h);
    RunFor(100ms);
    Send();
    load.Returned();
  }
}

// Events that are in no loop any more show in no census.
void EventsAreFreed() {
  int before = 0;
  for (int i = 0; i < 2 * Load::kFew; ++i) {
    if (i == Load::kFew) before = blocks;
    const Waiting waiting(i % 2 == 0 ? 4h : 1s);
    RunFor(1s);
    if (i % 2 == 0) Send();
    RunFor(1s);
  }
  Require(blocks - before < Load::kFew / 2, "leak.events",
          "Events are left that are in no loop: event_del takes an event out, and event_free frees "
          "it, too.");
}

void RequireNothingOf(const Waiting& waiting, const char* id, const std::string& when) {
  RunFor(0s);
  RequireNothingLeft(id, when + ", and its timer is still there.");
  Require(!Heard(), id, when + ", and its signal is still registered.");
  Require(waiting.LetGo(), id, when + ", and something keeps `ended`.");
}

void NothingIsLeftOfOneWithASignal() {
  const Waiting waiting(1h);
  Send();
  RequireNothingOf(waiting, "path.signal", "The signal ended the wait");
}

void NothingIsLeftOfOneThatExpired() {
  const Waiting waiting(30s);
  RunUntil(30s);
  RequireNothingOf(waiting, "path.length", "The time was over");
}

// The signal is there when the loop finds that the time is over.
void TheSignalComesWhenTheTimeIsOver() {
  const Waiting waiting(30s);
  const Waiting another(1h);
  RunUntil(29s);
  At(30s, [] { kill(getpid(), kSignal); });
  RunUntil(3h);
  Require(waiting.EndedAt(30s) && another.GotIt(30s), "maintenance.instant",
          "The signal comes at the very instant at which the time is over: `ended` must be called "
          "once, with the one or the other.");
  RequireNothingOf(waiting, "path.instant", "The signal came when the time was over");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {EndsWithTheSignal, EndsWhenTheTimeIsOver, SeveralWaitForOneSignal,
                  AnotherWaitWhenItEnds},
    .load = ManyAreBrief,
    .paths = {NothingIsLeftOfOneWithASignal, NothingIsLeftOfOneThatExpired, EventsAreFreed},
    .instants = {TheSignalComesWhenTheTimeIsOver},
    .place = OnLoop<EventLoop>};

}  // namespace workshop
