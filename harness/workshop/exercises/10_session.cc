// The guest who cannot leave
//
// A session belongs to the code that opened it. When it has not been touched for a while, it says
// that it is idle. When its owner drops it, it should be gone.
//
// The callback might run while the owner drops the session. So the author gave the callback a
// shared_ptr to it: safe. Now the callback owns the session, and the session owns its timer.
//
// Owners drop their sessions, and the destructor is never called. Leak checkers see nothing: when
// its bubble ends, the run-time drops the callbacks that are left, as an event loop does.
//
// The promise:
//   A session calls on_idle(name) when it has not been touched for `idle`; a touch starts the
//   count again, after that too. A session that its owner has dropped is gone at once, and says
//   nothing.
#include "workshop/exercises.h"

namespace workshop {
namespace {

class Timed final : public Session, public std::enable_shared_from_this<Timed> {
 public:
  Timed(std::string name, Duration idle, std::function<void(const std::string&)> on_idle)
      : name_(std::move(name)), idle_(idle), on_idle_(std::move(on_idle)) {}

  void Touch() override {
    timer_.Stop();
    Arm();
  }

  void Arm() {
    timer_ = time::AfterFunc(idle_, [self = shared_from_this()] { self->on_idle_(self->name_); });
  }

 private:
  const std::string name_;
  const Duration idle_;
  const std::function<void(const std::string&)> on_idle_;
  time::Timer timer_;
};

}  // namespace

std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle) {
  auto session = std::make_shared<Timed>(std::move(name), idle, std::move(on_idle));
  session->Arm();
  return session;
}

}  // namespace workshop
