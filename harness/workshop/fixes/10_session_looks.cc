#include "workshop/exercises.h"

namespace workshop {
namespace {

struct State {
  std::mutex mutex;
  Time touched = time::Now();
  bool spoken = false;
};

class Timed final : public Session {
 public:
  Timed(std::string name, Duration idle, std::function<void(const std::string&)> on_idle) {
    Go([=, state = state_, gone = gone_] {
      const time::ScopedTicker look(1s);
      while (Select({Recv(look.C()), Recv(gone)}) == 0) {
        {
          const std::lock_guard lock(state->mutex);
          if (state->spoken || time::Now() - state->touched < idle) continue;
          state->spoken = true;
        }
        on_idle(name);
      }
    });
  }
  ~Timed() override { gone_.Close(); }

  void Touch() override {
    const std::lock_guard lock(state_->mutex);
    state_->touched = time::Now();
    state_->spoken = false;
  }

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  const Chan<Unit> gone_ = MakeChan<Unit>();
};

}  // namespace

std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle) {
  return std::make_shared<Timed>(std::move(name), idle, std::move(on_idle));
}

}  // namespace workshop
