// What the clients of 18_client_test have in common. Each is a class that changes one thing.
#pragma once

#include <map>
#include <vector>

#include "workshop/on_libuv.h"
#include "workshop/tested.h"

namespace workshop::tested {

using Done = std::function<void(std::optional<std::string>)>;

class Calls;

// A handle, which outlives the client where a fault wants it to.
struct Limit {
  uv_timer_t handle{};
  std::weak_ptr<Calls> calls;
  int call = 0;  // the one that it was armed for
};

inline void Free(uv_handle_t* handle) { delete static_cast<Limit*>(handle->data); }

inline void Close(Limit* limit) {
  if (limit != nullptr) uv_close(reinterpret_cast<uv_handle_t*>(&limit->handle), Free);
}

inline void Stop(Limit* limit) {
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

// What NewClient makes from now on.
using MakeCalls = std::shared_ptr<Calls> (*)(uv_loop_t*, Backend, Duration);
void ChooseClient(MakeCalls make);

template <typename Kind>
void Choose() {
  ChooseClient([](uv_loop_t* loop, Backend backend, Duration limit) -> std::shared_ptr<Calls> {
    return std::make_shared<Kind>(loop, std::move(backend), limit);
  });
}

std::vector<Tested> SoundClients();  // they leave nothing behind
std::vector<Tested> LeakyClients();  // something stays

}  // namespace workshop::tested
