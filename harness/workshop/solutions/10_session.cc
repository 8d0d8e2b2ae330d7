// The callback looks whether there still is a session, and keeps it only while it runs. So the
// owner's pointer is the last one, the destructor runs, and it stops the timer.
#include "workshop/exercises.h"

namespace workshop {
namespace {

class Timed final : public Session, public std::enable_shared_from_this<Timed> {
 public:
  Timed(std::string name, Duration idle, std::function<void(const std::string&)> on_idle)
      : name_(std::move(name)), idle_(idle), on_idle_(std::move(on_idle)) {}

  ~Timed() override { timer_.Stop(); }

  void Touch() override {
    timer_.Stop();
    Arm();
  }

  void Arm() {
    timer_ = time::AfterFunc(idle_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_idle_(self->name_);
    });
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
