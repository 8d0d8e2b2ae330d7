#include "workshop/on_libuv.h"
#include "workshop/on_loop.h"

namespace workshop {
namespace {

class UvLoop final : public LoopInPlace {
 public:
  UvLoop() {
    uv_loop_init(loop_);
    uv_async_init(loop_, &stop_, [](uv_async_t* stop) { uv_stop(stop->loop); });
    current_ = this;
  }
  // A loop that still has a handle is left as it is, as its maker would.
  ~UvLoop() override {
    current_ = nullptr;
    if (Handles() > 0) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&stop_), nullptr);
    uv_run(loop_, UV_RUN_DEFAULT);
    uv_loop_close(loop_);
    delete loop_;
  }

  void Run() override {
    stopped_ = false;
    uv_run(loop_, UV_RUN_DEFAULT);
    Require(stopped_, "loop.stopped", "The loop is the server's: it must run on.");
  }
  void Stop() override {
    stopped_ = true;
    uv_async_send(&stop_);
  }

  // Those in the loop that are not ours.
  int Handles() const {
    int handles = -1;
    uv_walk(loop_, [](uv_handle_t*, void* count) { ++*static_cast<int*>(count); }, &handles);
    return handles;
  }

  static uv_loop_t* Current() { return current_->loop_; }
  static int HandlesLeft() { return current_->Handles(); }

 private:
  static inline UvLoop* current_ = nullptr;
  uv_loop_t* const loop_ = new uv_loop_t;
  uv_async_t stop_{};
  bool stopped_ = false;
};

// A heartbeat, and when it beat.
class Beating {
 public:
  explicit Beating(Duration period, std::size_t drop_after = 0)
      : heartbeat_(StartHeartbeat(UvLoop::Current(), period, [this, drop_after, kept = kept_] {
          nested_ = nested_ || dropping_;
          at_.push_back(TimeInPlace());
          if (at_.size() == drop_after) Drop();
          users_ = kept.use_count();  // it is still there: it runs
        })) {}

  void Drop() {
    dropping_ = true;
    heartbeat_.reset();
    dropping_ = false;
  }

  bool BeatAt(const std::vector<Duration>& instants) const {
    return std::equal(at_.begin(), at_.end(), instants.begin(), instants.end(),
                      [](Time at, Duration instant) { return at == Time(instant); });
  }
  bool LetGo() const { return kept_.use_count() == 1; }
  static bool Nested() { return nested_; }

 private:
  static inline bool dropping_ = false;
  static inline bool nested_ = false;
  static inline long users_ = 0;  // NOLINT(google-runtime-int): as use_count
  const std::shared_ptr<int> kept_ = std::make_shared<int>();
  std::vector<Time> at_;
  std::unique_ptr<Heartbeat> heartbeat_;
};

void RequireNoHandle(const char* id, const std::string& when) {
  RunFor(0s);
  RequireNothingLeft(id, when + ", and the handle of its timer is still in the loop.");
  Require(UvLoop::HandlesLeft() == 0, id, when + ", and a handle is still in the loop.");
}

void BeatsUntilItIsDropped() {
  Beating beating(5s);
  RunUntil(17s);
  Require(beating.BeatAt({5s, 10s, 15s}), "heartbeat.period",
          "A heartbeat of 5s must beat at 5s, 10s and 15s.");
  beating.Drop();
  RunUntil(1min);
  Require(beating.BeatAt({5s, 10s, 15s}), "heartbeat.dropped",
          "A heartbeat was dropped, and still beats.");
  Require(beating.LetGo(), "heartbeat.kept",
          "A heartbeat was dropped, and something keeps its function.");
}

void HeartbeatsDoNotDisturbEachOther() {
  Beating slow(4s);
  Beating quick(2s);
  Beating brief(2s);
  RunUntil(3s);
  brief.Drop();
  Beating later(2s);
  RunUntil(8s);
  quick.Drop();
  RunUntil(12s);
  Require(
      slow.BeatAt({4s, 8s, 12s}) && quick.BeatAt({2s, 4s, 6s, 8s}) && brief.BeatAt({2s}) &&
          later.BeatAt({5s, 7s, 9s, 11s}),
      "heartbeat.together",
      "Four heartbeats go on at one time, and two of them are dropped, at 3s and 8s: the others "
      "must beat on.");
  slow.Drop();
  later.Drop();
}

void DroppedInItsBeat() {
  const Beating beating(1s, 3);
  Beating another(1s);
  RunUntil(5s);
  another.Drop();
  RunUntil(10s);
  Require(!Beating::Nested(), "heartbeat.nested",
          "A beat came in the midst of the drop of another: the loop must not run in there.");
  Require(beating.BeatAt({1s, 2s, 3s}) && another.BeatAt({1s, 2s, 3s, 4s, 5s}) && beating.LetGo(),
          "heartbeat.in_beat",
          "A heartbeat that is dropped in its third beat must have been the last of it, and of no "
          "other.");
}

// Both are due at one instant, and the first to beat drops both.
void DroppedWhenItIsDue() {
  int beats = 0;
  std::unique_ptr<Heartbeat> both[2];
  for (auto& one : both) {
    one = StartHeartbeat(UvLoop::Current(), 1s, [&] {
      ++beats;
      for (auto& each : both) each.reset();
    });
  }
  RunUntil(5s);
  Require(beats == 1, "heartbeat.dropped",
          "A heartbeat was dropped at the very instant at which it was due, and beat.");
  RequireNoHandle("path.instant", "Two heartbeats were dropped when both were due");
}

void TheLoopMayEnd() {
  Beating beating(1s);
  RunUntil(3s);
  beating.Drop();
  RequireNoHandle("path.dropped", "A heartbeat was dropped");
}

void NothingIsLeftOfOneDroppedInItsBeat() {
  const Beating beating(1s, 1);
  RunUntil(1s);
  RequireNoHandle("path.in_beat", "A heartbeat was dropped in its beat");
}

void NothingIsLeftOfOneDroppedAtOnce() {
  Beating beating(1s);
  beating.Drop();
  RequireNoHandle("path.at_once", "A heartbeat was dropped before it had ever beaten");
}

// The server's timer, which rests.
void AnotherTimerIsLeftAlone() {
  auto* const resting = new uv_timer_t;
  uv_timer_init(UvLoop::Current(), resting);
  Beating beating(1s);
  RunUntil(3s);
  beating.Drop();
  const bool closed = uv_is_closing(reinterpret_cast<uv_handle_t*>(resting)) != 0;
  if (!closed) {
    uv_close(reinterpret_cast<uv_handle_t*>(resting),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
  }
  RunFor(0s);
  Require(!closed, "heartbeat.others",
          "A heartbeat was dropped, and a timer that the server had stopped is closed: it is the "
          "server's.");
}

void ClientsComeAndGo(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    Beating beating(40ms);
    RunFor(100ms);
    beating.Drop();
    RunFor(0s);
    load.Returned();
  }
}

}  // namespace

const Exercise kExercise = {
    .things = "handles",
    .state = "idle",
    .plotted = Resource::kIdle,
    .behaviour = {BeatsUntilItIsDropped, HeartbeatsDoNotDisturbEachOther, DroppedInItsBeat,
                  AnotherTimerIsLeftAlone},
    .load = ClientsComeAndGo,
    .paths = {TheLoopMayEnd, NothingIsLeftOfOneDroppedInItsBeat, NothingIsLeftOfOneDroppedAtOnce},
    .instants = {DroppedWhenItIsDue},
    .place = OnLoop<UvLoop>};

}  // namespace workshop
