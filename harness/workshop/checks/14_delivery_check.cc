#include "workshop/on_glib.h"
#include "workshop/on_loop.h"

namespace workshop {
namespace {

int complaints = 0;  // of GLib's, in the part in progress

// GLib has one default context for the process; what a part has left in it goes with the part.
class GlibLoop final : public LoopInPlace {
 public:
  GlibLoop() : first_(NextSource()) {
    complaints = 0;
    g_log_set_default_handler(
        [](const gchar*, GLogLevelFlags, const gchar* text, gpointer) {
          ++complaints;
          g_printerr("GLib: %s\n", text);
        },
        nullptr);
  }
  ~GlibLoop() override {
    const guint end = NextSource();
    for (guint source = first_; source < end; ++source) {
      if (GSource* const left = g_main_context_find_source_by_id(nullptr, source))
        g_source_destroy(left);
    }
    g_main_loop_unref(loop_);
  }

  void Run() override { g_main_loop_run(loop_); }
  void Stop() override { g_main_loop_quit(loop_); }

 private:
  // A number that no source has had.
  static guint NextSource() {
    GSource* const source = g_idle_source_new();
    const guint number = g_source_attach(source, nullptr);
    g_source_destroy(source);
    g_source_unref(source);
    return number;
  }

  GMainLoop* const loop_ = g_main_loop_new(nullptr, FALSE);
  const guint first_;
};

// A message that arrives at the try of that number, and what became of it. Must live until it has.
class Message {
 public:
  Message(int arrives_at, Duration pause, Duration limit, std::function<void()> done = {}) {
    Deliver(
        [this, arrives_at, kept = kept_] {
          tries_.push_back(TimeInPlace());
          return static_cast<int>(tries_.size()) == arrives_at;
        },
        pause, limit,
        [this, done = std::move(done), kept = kept_](bool arrived) {
          ++calls_;
          arrived_ = arrived;
          at_ = TimeInPlace();
          if (done) done();
        });
  }

  bool TriedAt(const std::vector<Duration>& instants) const {
    return std::equal(tries_.begin(), tries_.end(), instants.begin(), instants.end(),
                      [](Time at, Duration instant) { return at == Time(instant); });
  }
  bool EndedAt(Duration since_start) const { return calls_ == 1 && at_ == Time(since_start); }
  bool ArrivedAt(Duration since_start) const { return EndedAt(since_start) && arrived_; }
  bool FailedAt(Duration since_start) const { return EndedAt(since_start) && !arrived_; }
  bool LetGo() const { return kept_.use_count() == 1; }

 private:
  const std::shared_ptr<int> kept_ = std::make_shared<int>();
  std::vector<Time> tries_;
  int calls_ = 0;
  bool arrived_ = false;
  Time at_{};
};

constexpr int kNever = 0;

void RequireNoComplaint() {
  Require(complaints == 0, "delivery.complaint",
          "GLib complains: a source was removed that is not there any more.");
}

void TriesAgainLaterAndLater() {
  const Message message(4, 1s, 1min);
  RunUntil(10s);
  Require(message.TriedAt({0s, 1s, 3s, 7s}), "delivery.pause",
          "With a pause of 1s, tries must come at 0s, 1s, 3s and 7s: each pause is twice the one "
          "before.");
  Require(message.ArrivedAt(7s), "delivery.arrived",
          "The message arrived at 7s: `done` must be called with true then.");
  RunUntil(5min);
  Require(message.TriedAt({0s, 1s, 3s, 7s}) && message.ArrivedAt(7s), "delivery.twice",
          "The message had arrived, and something came after that: a try, or `done` once more.");
  RequireNoComplaint();
}

void ArrivesAtOnce() {
  const Message message(1, 1s, 1min);
  RunUntil(5min);
  Require(message.TriedAt({0s}) && message.ArrivedAt(0s), "delivery.at_once",
          "The message arrived at the first try: `done` must be called with true, once, and no try "
          "come after it.");
  RequireNoComplaint();
}

void GivesUpAtTheLimit() {
  const Message message(kNever, 1s, 20s + 7ms);
  RunUntil(5min);
  Require(message.FailedAt(20s + 7ms), "delivery.limit",
          "A message that does not arrive must be given up when the limit of 20s and 7ms is over, "
          "to the instant: `done` is called with false.");
  Require(
      message.TriedAt({0s, 1s, 3s, 7s, 15s}), "delivery.after",
      "The tries of a message with a pause of 1s and a limit of 20s must come at 0s, 1s, 3s, 7s "
      "and 15s.");
  RequireNoComplaint();
}

void MessagesDoNotDisturbEachOther() {
  const Message first(3, 1s, 1min);
  const Message second(kNever, 2s, 10s);
  RunUntil(1s);
  const Message third(4, 2s, 1min);
  const Message fourth(2, 500ms, 1min);
  RunUntil(5min);
  Require(first.ArrivedAt(3s) && second.FailedAt(10s) && third.ArrivedAt(15s) &&
              fourth.ArrivedAt(1500ms),
          "delivery.together",
          "Four messages are on their way at one time, and end at 1.5s, 3s, 10s and 15s: each has "
          "its pauses and its limit, whatever becomes of the others.");
  RequireNoComplaint();
}

void DoneMayDeliverAnother() {
  std::optional<Message> another;
  const Message message(2, 1s, 30s, [&another] { another.emplace(2, 1s, 30s); });
  RunUntil(5min);
  Require(message.ArrivedAt(1s) && another && another->ArrivedAt(2s), "delivery.another",
          "`done` may begin another delivery, which must be like any other.");
  RequireNoComplaint();
}

void ManyMessages(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Message message(2, 10ms, 1min);
    RunFor(100ms);
    load.Returned();
  }
}

void RequireNothingOf(const Message& message, const char* id, const std::string& when) {
  RunFor(0s);
  RequireNothingLeft(id, when + ", and a source of it is still in the main context.");
  Require(message.LetGo(), id, when + ", and something keeps one of its functions.");
  RequireNoComplaint();
}

void NothingIsLeftOfOneThatArrivedAtOnce() {
  const Message message(1, 1s, 1min);
  RequireNothingOf(message, "path.at_once", "The message arrived at the first try");
}

void NothingIsLeftOfOneThatArrived() {
  const Message message(3, 1s, 1min);
  RunUntil(3s);
  RequireNothingOf(message, "path.arrived", "The message arrived at the third try");
}

void NothingIsLeftOfOneThatFailed() {
  const Message message(kNever, 1s, 20s);
  RunUntil(20s);
  RequireNothingOf(message, "path.limit", "The message was given up");
}

void ATryIsDueWhenTheLimitIsOver(int arrives_at) {
  const Message message(arrives_at, 1s, 7s);
  RunUntil(5min);
  Require(
      message.EndedAt(7s), "delivery.instant",
      "A try is due at the very instant at which the limit is over: `done` must be called once.");
  RequireNothingOf(message, "path.instant", "A try was due when the limit was over");
}

}  // namespace

const Exercise kExercise = {.things = "sources",
                            .behaviour = {TriesAgainLaterAndLater, ArrivesAtOnce, GivesUpAtTheLimit,
                                          MessagesDoNotDisturbEachOther, DoneMayDeliverAnother},
                            .load = ManyMessages,
                            .paths = {NothingIsLeftOfOneThatArrivedAtOnce,
                                      NothingIsLeftOfOneThatArrived, NothingIsLeftOfOneThatFailed},
                            .instants = {[] { ATryIsDueWhenTheLimitIsOver(kNever); },
                                         [] { ATryIsDueWhenTheLimitIsOver(4); }},
                            .place = OnLoop<GlibLoop>};

}  // namespace workshop
