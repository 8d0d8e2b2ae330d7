#include "workshop/exercises.h"

namespace workshop {
namespace {

// The callback has what it needs, and asks a token whether there still is a session.
class Timed final : public Session {
 public:
  Timed(const std::string& name, Duration idle,
        const std::function<void(const std::string&)>& on_idle)
      : idle_(idle), timer_(time::AfterFunc(idle, [token = std::weak_ptr(token_), name, on_idle] {
          if (token.lock()) on_idle(name);
        })) {}
  ~Timed() override { timer_.Stop(); }

  void Touch() override { timer_.Reset(idle_); }

 private:
  const Duration idle_;
  const std::shared_ptr<int> token_ = std::make_shared<int>(0);
  const time::Timer timer_;
};

}  // namespace

std::shared_ptr<Session> OpenSession(std::string name, Duration idle,
                                     std::function<void(const std::string&)> on_idle) {
  return std::make_shared<Timed>(name, idle, on_idle);
}

}  // namespace workshop
