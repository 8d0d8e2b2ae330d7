// The clients that the learner's tests are run on, and what each does wrong.

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "workshop/on_libuv.h"
#include "workshop/tested.h"

namespace workshop {
namespace {

using Done = std::function<void(std::optional<std::string>)>;

class Calls;

// A handle, which outlives the client where a fault wants it to.
struct Limit {
  uv_timer_t handle{};
  std::weak_ptr<Calls> calls;
  int call = 0;  // the one that it was armed for
};

void Free(uv_handle_t* handle) { delete static_cast<Limit*>(handle->data); }

void Close(Limit* limit) {
  if (limit != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(&limit->handle), Free);
}

void Stop(Limit* limit) {
  if (limit != nullptr) uv_timer_stop(&limit->handle);
}

// The calls of a client. As it is, each has a handle, which is closed when the call ends.
class Calls : public std::enable_shared_from_this<Calls> {
 public:
  Calls(uv_loop_t* loop, Backend backend, Duration limit)
      : loop_(loop), limit_(limit), backend_(std::move(backend)) {}
  virtual ~Calls() = default;

  virtual void Begin(const std::string& text, Done done) {
    const int number = ++last_;
    open_[number] = {text, std::move(done), Arm(number)};
    Ask(number, text);
  }

  // The client is dropped.
  virtual void Drop() {
    for (const auto& [number, call] : std::exchange(open_, {})) LetGo(call, How::kDropped);
  }

 protected:
  enum class How { kAnswered, kLate, kDropped };
  struct Call {
    std::string text;
    Done done;
    Limit* limit = nullptr;
  };

  virtual Limit* Arm(int number) { return ArmIt(NewLimit(), number, Milliseconds(limit_)); }
  virtual void LetGo(const Call& call, How) { Close(call.limit); }
  // A handle that is due.
  virtual void Due(Limit* due) {
    if (open_.contains(due->call)) {
      End(due->call, {}, How::kLate);
    } else {
      Close(due);
    }
  }

  Limit* NewLimit() {
    auto* const made = new Limit;
    uv_timer_init(loop_, &made->handle);
    made->handle.data = made;
    made->calls = weak_from_this();
    return made;
  }

  static Limit* ArmIt(Limit* armed, int number, std::uint64_t span) {
    armed->call = number;
    const auto due = [](uv_timer_t* handle) {
      auto* const it = static_cast<Limit*>(handle->data);
      if (const auto calls = it->calls.lock()) {
        calls->Due(it);
      } else {
        Close(it);
      }
    };
    uv_timer_start(&armed->handle, due, span, 0);
    return armed;
  }

  void Ask(int number, const std::string& text) {
    backend_(text, [weak = weak_from_this(), number](std::string answer) {
      if (const auto calls = weak.lock()) calls->End(number, std::move(answer), How::kAnswered);
    });
  }

  void End(int number, std::optional<std::string> answer, How how) {
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    const Call call = std::move(found->second);
    open_.erase(found);
    LetGo(call, how);
    call.done(std::move(answer));
  }

  uv_loop_t* const loop_;
  const Duration limit_;
  const Backend backend_;
  std::map<int, Call> open_;
  int last_ = 0;
};

// ---- They leave nothing behind

// One handle, armed for the call that is open for longest.
class OneHandle : public Calls {
 public:
  using Calls::Calls;
  void Drop() override {
    Calls::Drop();
    Close(std::exchange(one_, nullptr));
  }

 protected:
  Limit* Arm(int number) override {
    if (one_ == nullptr) one_ = NewLimit();
    due_[number] = uv_now(loop_) + Milliseconds(limit_);
    if (due_.size() == 1) ArmIt(one_, number, Milliseconds(limit_));
    return nullptr;
  }
  void LetGo(const Call&, How) override {
    std::erase_if(due_, [this](const auto& each) { return !open_.contains(each.first); });
    if (due_.empty()) Stop(one_);
  }
  void Due(Limit* due) override {
    while (!due_.empty() && due_.begin()->second <= uv_now(loop_))
      End(due_.begin()->first, {}, How::kLate);
    if (due_.empty() || one_ == nullptr) return;
    ArmIt(due, due_.begin()->first, due_.begin()->second - uv_now(loop_));
  }

 private:
  Limit* one_ = nullptr;
  std::map<int, std::uint64_t> due_;
};

class FourInAPool : public Calls {
 public:
  using Calls::Calls;
  void Drop() override {
    Calls::Drop();
    for (Limit* const each : std::exchange(pool_, {})) Close(each);
  }

 protected:
  Limit* Arm(int number) override {
    if (pool_.empty()) return Calls::Arm(number);
    Limit* const again = pool_.back();
    pool_.pop_back();
    return ArmIt(again, number, Milliseconds(limit_));
  }
  void LetGo(const Call& call, How how) override {
    if (how == How::kDropped || pool_.size() == 4) return Close(call.limit);
    Stop(call.limit);
    pool_.push_back(call.limit);
  }

 private:
  std::vector<Limit*> pool_;
};

class Housekeeping : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    if (tick_ == nullptr) {
      tick_ = NewLimit();
      uv_timer_start(&tick_->handle, [](uv_timer_t*) {}, 10'000, 10'000);
    }
    Calls::Begin(text, std::move(done));
  }
  void Drop() override {
    Calls::Drop();
    LetTheTickGo(std::exchange(tick_, nullptr));
  }

 protected:
  virtual void LetTheTickGo(Limit* tick) { Close(tick); }

 private:
  Limit* tick_ = nullptr;
};

class RemembersEight : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    texts_[static_cast<std::size_t>(last_) % texts_.size()] = text;
    Calls::Begin(text, std::move(done));
  }

 private:
  std::array<std::string, 8> texts_;
};

// ---- Something stays

class GoesOnAfterTheAnswer : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kAnswered) Close(call.limit);
  }
};

class StopsAndDoesNotClose : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    how == How::kAnswered ? Stop(call.limit) : Close(call.limit);
  }
};

class ClosesAndDoesNotFree : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How) override {
    uv_close(reinterpret_cast<uv_handle_t*>(&call.limit->handle), nullptr);
  }
};

class ForgetsWhatIsLate : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kLate) Close(call.limit);
  }
};

class ForgetsWhatIsOpen : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How how) override {
    if (how != How::kDropped) Close(call.limit);
  }
};

class ArmsWhenItHasAsked : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    const int number = ++last_;
    open_[number] = {text, std::move(done), nullptr};
    Ask(number, text);
    Limit* const armed = Arm(number);
    if (open_.contains(number)) open_[number].limit = armed;
  }
};

class ByText : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    text_ = text;
    Calls::Begin(text, std::move(done));
  }
  Limit* Arm(int number) override { return limits_[text_] = Calls::Arm(number); }
  void LetGo(const Call& call, How) override {
    if (const auto found = limits_.extract(call.text)) Close(found.mapped());
  }

 private:
  std::string text_;
  std::map<std::string, Limit*> limits_;
};

class StopsHousekeeping : public Housekeeping {
 public:
  using Housekeeping::Housekeeping;
  void LetTheTickGo(Limit* tick) override { Stop(tick); }
};

class RemembersEveryCall : public Calls {
 public:
  using Calls::Calls;
  void Begin(const std::string& text, Done done) override {
    texts_.push_back(std::make_unique<std::string>(text));
    Calls::Begin(text, std::move(done));
  }

 private:
  std::vector<std::unique_ptr<std::string>> texts_;
};

class ClosesWhenItIsDropped : public Calls {
 public:
  using Calls::Calls;
  void LetGo(const Call& call, How) override {
    Stop(call.limit);
    over_.push_back(call.limit);
  }
  void Drop() override {
    Calls::Drop();
    for (Limit* const each : std::exchange(over_, {})) Close(each);
  }

 private:
  std::vector<Limit*> over_;
};

class Front final : public Client {
 public:
  explicit Front(std::shared_ptr<Calls> calls) : calls_(std::move(calls)) {}
  ~Front() override { calls_->Drop(); }
  void Call(const std::string& text, Done done) override {
    const std::shared_ptr<Calls> kept = calls_;  // `done` may drop this
    kept->Begin(text, std::move(done));
  }

 private:
  const std::shared_ptr<Calls> calls_;
};

std::shared_ptr<Calls> (*make)(uv_loop_t*, Backend, Duration) = nullptr;

template <typename Kind>
void Choose() {
  make = [](uv_loop_t* loop, Backend backend, Duration limit) -> std::shared_ptr<Calls> {
    return std::make_shared<Kind>(loop, std::move(backend), limit);
  };
}

}  // namespace

const AllTested& TestedByTheLearner() {
  static const AllTested tested = {
      "clients",
      {
          {true, "has a handle for each call", Choose<Calls>},
          {true, "has one handle for all calls", Choose<OneHandle>},
          {true, "keeps up to four handles for the next calls", Choose<FourInAPool>},
          {true, "has a timer for its housekeeping as long as it lives", Choose<Housekeeping>},
          {true, "remembers the last eight texts", Choose<RemembersEight>},
          {false, "leaves a timer for each call that is answered", Choose<GoesOnAfterTheAnswer>},
          {false, "stops the timer of a call that is answered, and does not close it",
           Choose<StopsAndDoesNotClose>},
          {false, "closes each handle, and does not free it", Choose<ClosesAndDoesNotFree>},
          {false, "does not close the handle of a call that is late", Choose<ForgetsWhatIsLate>},
          {false, "leaves a timer for each call that is open when it is dropped",
           Choose<ForgetsWhatIsOpen>},
          {false, "leaves a timer for each call that is answered at once",
           Choose<ArmsWhenItHasAsked>},
          {false, "leaves a timer where two calls of the same text are open at once",
           Choose<ByText>},
          {false, "stops the timer for its housekeeping, and does not close it",
           Choose<StopsHousekeeping>},
          {false, "remembers every call until it is dropped", Choose<RemembersEveryCall>},
          {false, "closes the handles of all calls when it is dropped",
           Choose<ClosesWhenItIsDropped>},
      }};
  return tested;
}

std::unique_ptr<Client> NewClient(uv_loop_t* loop, Backend backend, Duration limit) {
  return std::make_unique<Front>(make(loop, std::move(backend), limit));
}

const Exercise kExercise = {.instead = RunTheTests};

}  // namespace workshop
