#include "workshop/exercises.h"

namespace workshop {
namespace {

// A goroutine for each session, which ends with it.
class Looped final : public Session {
 public:
  Looped(std::string name, Duration idle, std::function<void(const std::string&)> on_idle) {
    Go([touched = touched_, alive = std::weak_ptr(alive_), name = std::move(name), idle,
        on_idle = std::move(on_idle)] {
      for (bool waiting = true;;) {
        const time::ScopedTimer timer(idle);
        bool open = false;
        if (Select({Recv(touched, nullptr, &open), Recv(waiting ? timer.C() : Chan<Time>())}) ==
            0) {
          if (!open) return;
          waiting = true;
        } else {
          waiting = false;
          if (alive.expired()) return;
          on_idle(name);
        }
      }
    });
  }
  ~Looped() override { touched_.Close(); }

  void Touch() override { touched_.TrySend({}); }

 private:
  const Chan<Unit> touched_ = MakeChan<Unit>(1);
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle) {
  return std::make_shared<Looped>(std::move(name), idle, std::move(on_idle));
}

}  // namespace workshop
