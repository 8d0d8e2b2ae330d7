#include "workshop/exercises.h"

namespace workshop {
namespace {

struct Core {
  std::string name;
  Duration idle;
  std::function<void(const std::string&)> on_idle;
  time::Timer timer;
  bool dropped = false;
};

class Handle final : public Session {
 public:
  explicit Handle(std::shared_ptr<Core> core) : core_{std::move(core)} { Arm(); }
  ~Handle() override {
    core_->dropped = true;
    core_->timer.Stop();
    core_->timer = {};
  }
  void Touch() override {
    core_->timer.Stop();
    Arm();
  }

 private:
  void Arm() {
    core_->timer = time::AfterFunc(core_->idle, [core = core_]() -> void {
      if (core->dropped) return;
      const auto speak = core->on_idle;
      speak(core->name);
    });
  }
  std::shared_ptr<Core> core_;
};

}  // namespace

std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle) {
  return std::make_shared<Handle>(
      std::make_shared<Core>(Core{std::move(name), idle, std::move(on_idle), {}}));
}

}  // namespace workshop
